#!/usr/bin/env python3
"""Writes the value of each byte of the five kinds of 8-bit floats, as torch has them, for Tests/ArraysTests/Fixtures.

    tools/setup --reference
    .venv-reference/bin/python tools/fixtures_float8.py
"""

import json
import math
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests/ArraysTests/Fixtures/float8.json"
KINDS = {"float8E4M3": torch.float8_e4m3fn, "float8E5M2": torch.float8_e5m2, "float8E4M3FNUZ": torch.float8_e4m3fnuz,
         "float8E5M2FNUZ": torch.float8_e5m2fnuz, "float8E8M0": torch.float8_e8m0fnu}


def main():
    codes = torch.arange(256, dtype=torch.uint8)
    values = {ours: [value if math.isfinite(value) else str(value) for value in codes.view(kind).float().tolist()]
              for ours, kind in KINDS.items()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"torch": torch.__version__, "values": values}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
