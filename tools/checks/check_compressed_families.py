#!/usr/bin/env python3
"""Checks that transformers takes int8 nets of known families that `ingot export --to compressed-tensors` writes, with the same numbers.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_compressed_families.py .build/release/ingot

The demo net, and small nets of every family that can be exported, are converted, quantized and exported, as floats and as int8. Of
each int8 export

1. arrays have the names and shapes that the float export has; those that are no int8 are those of the float export, bit for bit;
2. what compressed-tensors makes of the int8 ones has the rows, bit for bit, that schemas/FORMAT.md says the net files' integers stand
   for, as tools/read_ingot.py reads them, and is near the float export's array of that name;
3. transformers loads it, and computes the same bits as from a folder with those numbers in float32.

Prints a line per net and the sum; exits with status 1 if anything failed.
"""

import argparse
import collections
import json
import pathlib
import shutil
import tempfile

import numpy as np
import torch
import transformers
from check_compressed import Program, decompressed, numbers
from check_export import prepared, run
from checks import Checks
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests" / "FamiliesTests" / "Fixtures"
# Class, folder, family, and whether it answers questions.
NETS = [
    ("BlipForQuestionAnswering", ROOT / "weights" / "demo", "blip-vqa"),
    ("BlipForQuestionAnswering", FIXTURES / "layouts" / "untied", "blip-vqa"),
    ("ViTForImageClassification", FIXTURES / "tiny-vit", "vit-imagenet"),
    ("BertModel", FIXTURES / "embedders" / "mean", "text-embedding"),
]


def rows(arrays):
    """How often each row is there, whatever arrays it is in."""
    return collections.Counter(row.tobytes() for array in arrays for row in array)


def outputs(model, kind, folder):
    with torch.no_grad():
        if kind == "BlipForQuestionAnswering":
            return run(model, *prepared(folder))
        torch.manual_seed(5)
        if kind == "BertModel":
            return {"states": model(input_ids=torch.randint(1, model.config.vocab_size, (3, 7))).last_hidden_state}
        side = model.config.image_size
        return {"logits": model(torch.randn(2, 3, side, side)).logits}


def loaded(kind, folder):
    model, info = getattr(transformers, kind).from_pretrained(folder, dtype="auto", output_loading_info=True)
    # Where parameters stand decides which kernels add them up, in which order.
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()
    return model.eval(), sorted(str(name) for names in info.values() for name in names)


def check_net(checks, program, kind, source, family, folder):
    shelf, out, floats, plain = folder / "shelf", folder / "int8", folder / "float", folder / "plain"
    name = f"Release={source.name}"
    program.json("convert", source, "--set", name, "--shelf", shelf)
    program.json("quantize", "--family", family, "--set", name, "--shelf", shelf)
    nets = sorted(shelf.rglob("*Precision=int8*.ingot"))
    report = program.json("export", *nets, "--to", "compressed-tensors", out)
    program.json("export", *sorted(set(shelf.rglob("*.ingot")) - set(nets)), "--to", "safetensors", floats)
    what = f"{family}, {source.name}"
    tensors, layers, _ = decompressed(out, checks, what)
    wanted = load_file(floats / "model.safetensors")
    checks.check(tensors.keys() == wanted.keys(), f"{what}: {sorted(tensors.keys() ^ wanted.keys())[:4]}")
    checks.check(report["quantized"] == len(layers) and report["dequantized"] == [], f"{what}: {report}")
    for key, tensor in wanted.items():
        found = tensors[key]
        if key in layers:
            noise = (found - tensor).double().square().sum() / tensor.double().square().sum()
            checks.check(found.shape == tensor.shape and noise < 0.005, f"{what}: {key} is far from the float net's: {noise}")
        else:
            checks.check(found.dtype == tensor.dtype and torch.equal(found, tensor), f"{what}: {key}")
    read = [numbers(net) for net in nets]
    right = rows(values[name][0] for values, parts in read for name in parts)
    # What is tied stands in the folder twice.
    mine = rows(tensors[key].numpy() for key in layers)
    checks.check(right.keys() == mine.keys() and right <= mine, f"{what}: rows are others")
    shutil.copytree(out, plain)
    save_file(tensors, plain / "model.safetensors", {"format": "pt"})
    config = json.loads((plain / "config.json").read_text())
    del config["quantization_config"]
    (plain / "config.json").write_text(json.dumps(config))
    (first, said), (second, said_too) = loaded(kind, out), loaded(kind, plain)
    checks.check(said == said_too, f"{what}: loading says {said}, of floats {said_too}")
    for key, tensor in second.state_dict().items():
        other = first.state_dict()[key]
        checks.check(other.dtype == tensor.dtype and torch.equal(other, tensor), f"{what}: {key} in transformers")
    one, two = outputs(first, kind, out), outputs(second, kind, plain)
    for key in two:
        checks.check(torch.equal(one[key], two[key]) and bool(np.isfinite(two[key].numpy()).all()), f"{what}: {key}")
    checks.end_group(f"{what}: {len(layers)} of {len(tensors)} int8")


def main():
    parser = argparse.ArgumentParser(description="Checks int8 exports of known families against transformers.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    options = parser.parse_args()
    checks = Checks()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for kind, source, family in NETS:
        with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
            program = Program(options.program.resolve(), pathlib.Path(folder) / "shelf", checks)
            check_net(checks, program, kind, source, family, pathlib.Path(folder))
    checks.exit()


if __name__ == "__main__":
    main()
