#!/usr/bin/env python3
"""Writes which layers nets have by the libraries that made them, for the test of what `inspect` infers from names and shapes.

    python3 -m venv reference && reference/bin/pip install torch torchvision transformers keras h5py
    reference/bin/python tools/fixtures_layers.py [--root DIR]
    (another environment with flax: the same, which adds Flax' nets)

Below DIR, which is the repository unless given, in Tests/FamiliesTests/Fixtures/layers/: torch.json, keras.json and
flax.json, each

    {net: {"arrays": [[name, shape], …], "types": {type: {"layers", "parameters"}}}}

with a net per line. Arrays are those of the state dict or of the saved file; types are counted by the class of each module,
and parameters belong to the nearest counted module around them. No weights are made: PyTorch's nets are on its meta device.
"""

import argparse
import importlib.util
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def write(path, nets):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(name)}: {json.dumps(net, separators=(',', ':'))}" for name, net in nets.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {len(nets)} nets, {path.stat().st_size:,} bytes")


def main():
    parser = argparse.ArgumentParser(description="Writes which layers nets have, for the tests.")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    folder = parser.parse_args().root / "Tests/FamiliesTests/Fixtures/layers"
    for library, module in [("torch", "layers_torch"), ("keras", "layers_keras"), ("flax", "layers_flax")]:
        if importlib.util.find_spec(library):
            write(folder / f"{library}.json", importlib.import_module(module).nets())


if __name__ == "__main__":
    main()
