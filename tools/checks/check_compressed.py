#!/usr/bin/env python3
"""Checks that compressed-tensors and transformers take what `ingot export --to compressed-tensors` writes, with the same numbers.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_compressed.py .build/release/ingot

Small nets with random weights are saved by transformers, converted as plain nets, quantized and exported. Of each export

1. config.json is one that compressed-tensors accepts, and its targets are the layers that are int8;
2. its decompression of each of these gives the numbers that schemas/FORMAT.md says the net file's integers stand for, as
   tools/read_ingot.py, which shares no code with the program, reads them: bit for bit; all other arrays are the net file's;
3. AutoModel.from_pretrained loads it, and computes the same bits as from a folder with those numbers in float32;
4. `ingot inspect` says what it is, and `ingot convert` takes the same integers and scales out of it.

What the form hasn't got is refused by name, or float32 with --dequantize. Prints a line per net and the sum; exits with
status 1 if anything failed.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error"}

import numpy as np  # noqa: E402
import torch  # noqa: E402
from checks import Checks  # noqa: E402
from compressed_tensors.compressors import BaseCompressor  # noqa: E402
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import (  # noqa: E402
    AutoModel, BertConfig, BertForMaskedLM, BertModel, CompressedTensorsConfig, GPT2Config, GPT2Model, ViTConfig, ViTModel)

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import read_ingot  # noqa: E402

NOT_WEIGHT = "is not named LAYER.weight"


class Program:
    def __init__(self, path, shelf, checks):
        self.path, self.shelf, self.checks = path, shelf, checks

    def run(self, *arguments):
        return subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True, timeout=600)

    def json(self, *arguments):
        done = self.run(*arguments, "--json")
        self.checks.check(done.returncode == 0, f"ingot {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)

    def int8(self, source, name, *options):
        """Converts and quantizes; the net file."""
        self.json("convert", source, "--shelf", self.shelf, "--family", "plain", "--set", f"Name={name}")
        self.json("quantize", "--shelf", self.shelf, "--set", f"Name={name}", *options)
        return next(self.shelf.rglob(f"Name={name},Precision=int8.ingot"))


def numbers(net):
    """What the arrays of a net file stand for; names of those that are int8 with scales; the integers and scales."""
    header, arrays = read_ingot.read(net)
    entries = {entry["name"]: entry for entry in header["arrays"]}
    scales = {entry["scales"] for entry in entries.values() if "scales" in entry}
    values, parts = {}, {}
    for name, entry in entries.items():
        if name in scales:
            continue
        is_int8 = "scales" in entry
        array = read_ingot.dequantized(header, arrays, name) if is_int8 else arrays[name]
        values[name] = (array, entry["elementType"] if not is_int8 else "float32")
        if is_int8:
            parts[name] = arrays[name], arrays[entry["scales"]]
    return values, parts


def same(tensor, wanted):
    """Whether a tensor has the bits of an array of a net file."""
    array, kind = wanted
    if kind == "bfloat16" and tensor.dtype == torch.bfloat16:  # which NumPy hasn't got: read_ingot makes float32 of it
        return tensor.shape == array.shape and torch.equal(tensor.float(), torch.from_numpy(array.copy()))
    bits = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    shape = tuple(tensor.shape) == tuple(array.shape)
    return shape and str(tensor.dtype).removeprefix("torch.") == kind and bits == np.ascontiguousarray(array).tobytes()


def decompressed(folder, checks, what):
    """All arrays, and the layers that config.json says are compressed, by compressed-tensors."""
    said = json.loads((folder / "config.json").read_text())["quantization_config"]
    config = QuantizationConfig.model_validate(said)
    tensors = load_file(folder / "model.safetensors")
    layers = []
    for scheme in config.config_groups.values():
        compressor = BaseCompressor.get_value_from_registry(scheme.format)
        for target in scheme.targets:
            # A pattern stands for a name here.
            layer = re.sub(r"\\(.)", r"\1", target[3:-1]) if target.startswith("re:") else target
            parts = compressor.compression_param_names(scheme)
            found = compressor.decompress({part: tensors.pop(f"{layer}.{part}") for part in parts}, scheme)
            tensors[f"{layer}.weight"] = found["weight"]
            layers.append(f"{layer}.weight")
    checks.check(len(set(layers)) == len(layers), f"{what}: a layer twice")
    return tensors, set(layers), config


def check_arrays(checks, what, folder, net, stay):
    """Of an export: points 1 and 2. stay: names of int8 arrays that are float32 in it."""
    values, parts = numbers(net)
    tensors, layers, config = decompressed(folder, checks, what)
    checks.check(layers == parts.keys() - stay, f"{what}: int8 are {sorted(layers ^ (parts.keys() - stay))}")
    checks.check(tensors.keys() == values.keys(), f"{what}: arrays {sorted(tensors.keys() ^ values.keys())}")
    for name in values:
        checks.check(same(tensors[name], values[name]), f"{what}: {name}")
    return values, parts, config


def check_again(checks, program, what, folder, parts, stay):
    """Point 4."""
    told = program.json("inspect", folder)["quantization"]
    schemes = [(scheme["name"], scheme["bits"], scheme["arrays"]) for scheme in told["schemes"]]
    checks.check(schemes == [("compressed-tensors int8", 8, len(parts) - len(stay))], f"{what}: inspect says {schemes}")
    net = program.json("convert", folder, "--family", "plain", "--set", f"Name={what}-again", "--shelf", program.shelf)["nets"][0]["file"]
    _, arrays = read_ingot.read(net)
    for name, (integers, scales) in parts.items():
        if name not in stay:
            again = arrays[name], arrays[f"{name}_scale"]
            is_same = np.array_equal(again[0], integers) and again[1].tobytes() == scales.tobytes()
            checks.check(is_same and again[1].shape == (len(scales), 1), f"{what}: {name} converted again")


def check_model(checks, program, what, model, inputs, folder, stay=(), options=()):
    """Of a net of transformers: all four points."""
    source, out, plain = folder / what, folder / f"{what}-int8", folder / f"{what}-float"
    model.eval().save_pretrained(source)
    net = program.int8(source, what)
    export = ["export", net, "--to", "compressed-tensors", "--config", source / "config.json", out]
    if stay:
        done = program.run(*export)
        checks.check(done.returncode == 65 and "--dequantize" in done.stderr and not out.exists(), f"{what}: {done.stderr}")
    report = program.json(*export, *options)
    _, parts = numbers(net)
    stay = {name for name in parts if any(part in name for part in stay)}
    checks.check({entry["name"] for entry in report["dequantized"]} == stay, f"{what}: {report['dequantized']}")
    values, parts, _ = check_arrays(checks, what, out, net, stay)
    check_again(checks, program, what, out, parts, stay)
    plain.mkdir()
    floats = {name: torch.from_numpy(array.copy()) for name, (array, _) in values.items()}
    save_file(floats, plain / "model.safetensors", {"format": "pt"})
    config = json.loads((source / "config.json").read_text()) | {"dtype": "float32"}
    (plain / "config.json").write_text(json.dumps(config))
    found = [AutoModel.from_pretrained(out).eval()]
    wanted, loading = AutoModel.from_pretrained(plain, output_loading_info=True)
    wanted.eval()
    if what.startswith("bert"):
        # Whose layers have their own names in memory: they may stay int8 until the net first runs.
        found.append(AutoModel.from_pretrained(out, quantization_config=CompressedTensorsConfig(dequantize=False)).eval())
        checks.check(found[1].pooler.dense.weight.dtype == torch.int8, f"{what}: isn't int8 in memory")
    for net in found:
        with torch.no_grad():
            outputs, right = net(**inputs)[0], wanted(**inputs)[0]
        checks.check(outputs.dtype == torch.float32 and torch.equal(outputs, right), f"{what}: outputs differ")
    for name, tensor in wanted.state_dict().items():
        is_random = name in loading["missing_keys"]
        checks.check(is_random or torch.equal(found[0].state_dict()[name], tensor), f"{what}: {name} in transformers")
    kept = json.loads((out / "config.json").read_text())
    lost = [key for key, value in config.items() if key != "dtype" and kept.get(key) != value]
    checks.check(not lost, f"{what}: config.json lacks {lost}")
    checks.end_group(f"{what}: {len(parts)} int8, {len(stay)} of them as float32")


class Named(torch.nn.Module):
    """Layers with names that mean something else as targets."""

    def __init__(self):
        super().__init__()
        self.Linear = torch.nn.Linear(16, 8)
        self.other = torch.nn.Linear(16, 8)
        self.sub = torch.nn.ModuleDict({"Embedding": torch.nn.Embedding(9, 16), "deep": torch.nn.Linear(16, 4, bias=False)})


def check_names(checks, program, folder):
    """Names of layers that are classes' names don't mean all layers of the class."""
    model = Named()
    save_file(model.state_dict(), folder / "named.safetensors")
    net = program.int8(folder / "named.safetensors", "named", "--keep", "other.weight")
    out = folder / "named-int8"
    report = program.json("export", net, "--to", "compressed-tensors", out)
    checks.check(report["dequantized"] == [] and report["quantized"] == 3 and "--config" in report["notes"][0], f"{report}")
    *_, config = check_arrays(checks, "named", out, net, set())
    apply_quantization_config(model, config)
    layers = {name for name, module in model.named_modules() if hasattr(module, "quantization_scheme")}
    checks.check(layers == {"Linear", "sub.Embedding", "sub.deep"}, f"named: targets mean {layers}")
    checks.end_group("names")


def check_other_arrays(checks, program, folder):
    """Arrays that the form hasn't got."""
    torch.manual_seed(3)
    lstm = {f"lstm.{name}": tensor for name, tensor in torch.nn.LSTM(16, 16).state_dict().items()}
    dense = {"layer.kernel": torch.randn(24, 16), "layer.weight": torch.randn(16, 24), "weight": torch.randn(8, 16)}
    save_file(lstm | dense | {"conv.weight": torch.randn(8, 3, 3, 3)}, folder / "mixed.safetensors")
    net, out = program.int8(folder / "mixed.safetensors", "mixed"), folder / "mixed-int8"
    done = program.run("export", net, "--to", "compressed-tensors", out)
    checks.check(done.returncode == 65 and "is int8 that compressed-tensors has no form for" in done.stderr, done.stderr)
    checks.check(not out.exists(), "a refused export leaves no folder")
    report = program.json("export", net, "--to", "compressed-tensors", "--dequantize", out)
    reasons = {entry["name"]: entry["reason"] for entry in report["dequantized"]}
    wanted = dict.fromkeys(["lstm.weight_ih_l0", "lstm.weight_hh_l0", "weight", "layer.kernel"], NOT_WEIGHT)
    checks.same(reasons, wanted | {"conv.weight": "has 4 dimensions"}, "mixed")
    _, parts, _ = check_arrays(checks, "mixed", out, net, set(reasons))
    check_again(checks, program, "mixed", out, parts, set(reasons))
    done = program.run("export", net, "--to", "compressed-tensors", "--dequantize", out)
    checks.check(done.returncode == 73 and "is there already" in done.stderr, done.stderr)
    # Nothing to say, another's words, and names that are taken.
    save_file({"conv.weight": torch.randn(8, 3, 3, 3)}, folder / "conv.safetensors")
    save_file({"a.b.weight": torch.randn(8, 16), "a.b.weight_scale": torch.randn(8)}, folder / "taken.safetensors")
    quantized = json.loads((out / "config.json").read_text())
    (folder / "quantized.json").write_text(json.dumps(quantized))
    (folder / "broken.json").write_text('{"a": ')
    float_net = next(program.shelf.rglob("Name=mixed.ingot"))
    for case, status, words in (
        ([program.int8(folder / "conv.safetensors", "conv"), "--dequantize"], 65, "no int8 weights that compressed-tensors has"),
        ([program.int8(folder / "taken.safetensors", "taken")], 65, "gives the scales of another"),
        ([float_net], 65, "holds no int8 weights"),
        ([net, "--dequantize", "--config", folder / "quantized.json"], 65, "quantized.json: \"quantization_config\""),
        ([net, "--dequantize", "--config", folder / "broken.json"], 65, "broken.json"),
        ([net, "--dequantize", "--config", folder / "none.json"], 66, "none.json"),
    ):
        done = program.run("export", *case, "--to", "compressed-tensors", folder / "none")
        said = done.returncode == status and words in done.stderr and "\nhint: " in done.stderr
        checks.check(said and not (folder / "none").exists(), f"{words}: {done.returncode} {done.stderr}")
    done = program.run("export", net, "--config", folder / "quantized.json", folder / "x.safetensors")
    checks.check(done.returncode == 64 and "--config goes with" in done.stderr, done.stderr)
    checks.end_group("what the form hasn't got")


def main():
    parser = argparse.ArgumentParser(description="Checks exports for compressed-tensors against that package.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    options = parser.parse_args()
    checks = Checks()
    torch.manual_seed(2)
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as place:
        folder = pathlib.Path(place)
        program = Program(options.program.resolve(), folder / "shelf", checks)
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        words = {"input_ids": torch.randint(0, 99, (2, 7))}
        bert = BertModel(BertConfig(vocab_size=99, **sizes))
        check_model(checks, program, "bert", bert, words, folder)
        check_model(checks, program, "bert-bfloat16", bert.to(torch.bfloat16), words, folder)
        vit = ViTModel(ViTConfig(image_size=32, patch_size=8, **sizes))
        patches = ("cls_token", "position_embeddings", "patch_embeddings")
        check_model(checks, program, "vit", vit, {"pixel_values": torch.randn(1, 3, 32, 32)}, folder, patches, ["--dequantize"])
        gpt = GPT2Model(GPT2Config(vocab_size=99, n_positions=16, n_embd=32, n_layer=1, n_head=2))
        check_model(checks, program, "gpt2", gpt, words, folder)
        # Names with a prefix that AutoModel leaves off, and a layer that shares the embeddings.
        check_model(checks, program, "masked", BertForMaskedLM(bert.config), words, folder)
        check_names(checks, program, folder)
        check_other_arrays(checks, program, folder)
    checks.exit()


if __name__ == "__main__":
    main()
