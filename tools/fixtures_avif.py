#!/usr/bin/env python3
"""Write small AVIF pictures and what Pillow reads from them, for Tests/MediaTests/Fixtures/avif.

    python tools/fixtures_avif.py

Made with Pillow 13.0.0, whose own libavif encodes and decodes.
"""
import json
import pathlib

import numpy
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "MediaTests" / "Fixtures" / "avif"


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    y, x = numpy.mgrid[:18, :21]
    picture = Image.fromarray(numpy.stack((x * 12, y * 14, (x + y) * 6), -1).astype("uint8"))
    expected = {}
    for name, options in {
        "full.avif": {"subsampling": "4:4:4", "quality": 95}, "half.avif": {"subsampling": "4:2:0", "quality": 80},
        "limited.avif": {"subsampling": "4:2:0", "quality": 80, "range": "limited"},
    }.items():
        picture.save(OUT / name, **options)
        pixels = numpy.asarray(Image.open(OUT / name).convert("RGB"))
        expected[name] = {"height": pixels.shape[0], "width": pixels.shape[1], "rgb": pixels.reshape(-1).tolist()}
    (OUT / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


main()
