#!/usr/bin/env python3
"""Makes the plain net that the tests quantize, and what NumPy makes of it.

    pip install numpy      (and libzstd on the system)
    python3 tools/fixtures_plain.py [--root DIR]

Below DIR, which is the repository unless given, in Tests/AssuranceTests/Fixtures/:

    plain-cases.safetensors    the arrays of tools/plain_cases.py
    plain-cases.json           of each that becomes int8: the dimension of its scales, SHA-256 of its elements and scales, its
                               SQNR, worst row and rows that are lost, by NumPy, as schemas/FORMAT.md says
"""

import argparse
import hashlib
import json
import pathlib

import fixtures
import numpy as np
import plain_cases
from numpy_checks import requantized

ROOT = pathlib.Path(__file__).resolve().parent.parent
AXES = {"dense/kernel": 1, "conv/kernel": 3, "conv/transpose/kernel": 2, "conv/depthwise_kernel": 2}
LEFT = {"broken.weight", "large.weight", "short.weight", "bias", "counts", "empty.weight", "dense.weight.scales"}


def safetensors_file(arrays):
    return fixtures.safetensors_file(
        [fixtures.entry(name, array.dtype.name, array.shape, array.tobytes()) for name, array in arrays.items()], {})


def expected(array, axis):
    rows = np.moveaxis(array, axis, 0)
    shape = rows.shape
    rows = rows.reshape(len(rows), -1).astype("f4")
    elements, scales = requantized(rows)
    wide, exact = rows.astype("f8"), elements.astype("f8") * scales.astype("f8")[:, None]
    signal, noise = (wide**2).sum(axis=1), ((wide - exact)**2).sum(axis=1)
    known = (noise > 0) & (scales > 0)
    ratios = np.where(known, 10 * np.log10(np.where(known, signal, 1) / np.where(known, noise, 1)), np.inf)
    stored = np.ascontiguousarray(np.moveaxis(elements.reshape(shape), 0, axis))
    return {
        "axis": axis, "elements": hashlib.sha256(stored.tobytes()).hexdigest(),
        "scales": hashlib.sha256(scales.tobytes()).hexdigest(),
        "sqnr": 10 * np.log10(signal.sum() / noise.sum()), "worstRow": int(ratios.argmin()),
        "worstSQNR": ratios.min(), "lostRows": int(np.count_nonzero((scales == 0) & (signal > 0)))}


def main():
    parser = argparse.ArgumentParser(description="Makes the plain net that the tests quantize.")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder")
    folder = parser.parse_args().root / "Tests" / "AssuranceTests" / "Fixtures"
    arrays = plain_cases.arrays()
    (folder / "plain-cases.safetensors").write_bytes(safetensors_file(arrays))
    found = {name: expected(array, AXES.get(name, 0)) for name, array in arrays.items() if name not in LEFT}
    (folder / "plain-cases.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
