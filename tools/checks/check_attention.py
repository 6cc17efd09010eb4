#!/usr/bin/env python3
"""Checks that the demo net's words look at what they mean: that heat lies on the object of a picture.

    pip install numpy
    python3 tools/checks/check_attention.py .build/release/ingot [--all]

Each of the demo's pictures shows one object, and is asked "what is the color of the …?". Of the heat of "color", in the
usual block with the mean of its heads, the share inside the object's box is put against the box's share of the picture:
above 1 the word looks there more than anywhere else. The box is found in the picture itself, by what differs from its
background. At least 10 of the 12 must be above 1; --all also tells all blocks, and the word that names the shape.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "weights/demo"
LEAST = 10
TYPES = {"F32": "<f4", "I64": "<i8"}


def read(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            arrays[name] = np.frombuffer(data[start:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def covered(pixels, grid):
    """The share of each patch that the object's box covers, (grid, grid), of pixels (3, side, side)."""
    side = pixels.shape[1]
    background = np.median(pixels.reshape(3, -1), axis=1)
    rows, columns = np.where(np.abs(pixels - background[:, None, None]).max(axis=0) > 0.25)

    def part(first, last):
        edges = np.arange(grid + 1) * side / grid
        return np.clip(np.minimum(edges[1:], last + 1) - np.maximum(edges[:-1], first), 0, None) * grid / side

    return np.outer(part(rows.min(), rows.max()), part(columns.min(), columns.max()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ingot", type=pathlib.Path)
    parser.add_argument("--all", action="store_true", help="tell all blocks and the shape's word too")
    options = parser.parse_args()
    ingot = str(options.ingot.resolve())
    vocabulary = (DEMO / "vocab.txt").read_text().split("\n")
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        net = ["--set", "Release=demo", "--shelf", str(folder / "shelf")]
        subprocess.run([ingot, "convert", str(DEMO), "--shelf", str(folder / "shelf")], check=True, capture_output=True)
        for picture in sorted((DEMO / "pictures").glob("*.png")):
            shape = picture.stem.split("-")[1]
            asked = [str(picture), f"what is the color of the {shape}?", *net]
            subprocess.run([ingot, "attention", *asked, "--output", str(folder / f"{picture.stem}.safetensors")],
                           check=True, capture_output=True)
            subprocess.run([ingot, "ask", *asked, "--trace", str(folder / f"{picture.stem}-trace.safetensors")],
                           check=True, capture_output=True)
            found = read(folder / f"{picture.stem}.safetensors")
            weights = found["question_cross_attention"].astype(np.float64)
            grid = round((weights.shape[-1] - 1) ** 0.5)
            box = covered(read(folder / f"{picture.stem}-trace.safetensors")["pixel_values"], grid)
            words = [vocabulary[token] for token in found["input_ids"]]
            for block in range(len(weights)):
                mean = weights[block].mean(axis=0)[:, 1:]
                heat = (mean - mean.min(axis=0)).reshape(len(words), grid, grid)
                for word, name in (("color", "color"), (shape, "the shape's word")):
                    one = heat[words.index(word)]
                    share = (one * box).sum() / one.sum()
                    ratios.setdefault((name, block), {})[picture.stem] = (share, box.mean(), share / box.mean())
    usual = ("color", max(block for _, block in ratios))
    for key in sorted(ratios) if options.all else [usual]:
        print(f"heat of {key[0]}, block {key[1]}")
        for name, (share, area, ratio) in ratios[key].items():
            print(f"  {name:26} {share:7.1%} of the heat on {area:6.1%} of the picture: {ratio:6.2f} times")
        on = sum(ratio > 1 for *_, ratio in ratios[key].values())
        print(f"  on the object in {on} of {len(ratios[key])}, median {np.median([r for *_, r in ratios[key].values()]):.2f}")
    sys.exit(int(sum(ratio > 1 for *_, ratio in ratios[usual].values()) < LEAST))


if __name__ == "__main__":
    main()
