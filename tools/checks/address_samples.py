"""What the check_hub.py checks serve: the hub's sample repositories, and a few more."""

import json
import os
import pathlib
import shutil

import numpy
import repositories
import torch

LARGE, MEDIUM = 200_000_000, 24_000_000
HDF5 = pathlib.Path(__file__).resolve().parents[2] / "Tests/CheckpointsTests/Fixtures/hdf5/good/chunked.h5"
# Of names that try to leave their folder, those that Unicode has; the others are refused with the whole list.
HOSTILE = [name for name in repositories.HOSTILE if not any(0xD800 <= ord(letter) < 0xE000 for letter in name)]


class Escape:
    """A pickle that runs a command, where it is loaded by what runs pickles."""

    def __reduce__(self):
        return os.system, ("true",)


def make(folder):
    """All sample repositories, and some more: samples/more (NumPy, HDF5, a pickle that runs something), medium (six
    pieces), two (files as large), other (as both, with another last byte), names (hostile ones that a text can hold)."""
    repositories.make(folder, large_size=LARGE)
    top = pathlib.Path(folder, "samples")
    for name in ("more", "medium", "names", "two"):
        (top / name).mkdir()
    draw = numpy.random.default_rng(1)
    arrays = {"a": draw.random((300, 70), numpy.float32), "b": draw.integers(0, 9, 5)}
    numpy.savez(top / "more/arrays.npz", **arrays)
    shutil.copy(HDF5, top / "more/arrays.h5")
    torch.save({"a": torch.zeros(3), "b": Escape()}, top / "more/harmful.bin")
    with open(top / "large/model.bin", "rb") as source:
        (top / "medium/model.bin").write_bytes(source.read(MEDIUM))
        for name in ("a.bin", "b.bin"):
            (top / "two" / name).write_bytes(source.read(MEDIUM))
    for file in (top / "both").glob("*.*"):
        shutil.copy(file, top / "names")
    (top / "names/pytorch_model.bin").unlink()
    shutil.copytree(top / "both", top / "other")
    weights = bytearray((top / "both/model.safetensors").read_bytes())
    weights[-1] ^= 1
    (top / "other/model.safetensors").write_bytes(weights)
    settings = json.loads(pathlib.Path(folder, "hub.json").read_text())
    settings["more"]["samples/names"] = {name: "out of its folder" for name in HOSTILE}
    pathlib.Path(folder, "hub.json").write_text(json.dumps(settings))
    return pathlib.Path(folder)
