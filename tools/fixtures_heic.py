#!/usr/bin/env python3
"""Write small HEIC pictures and what pillow-heif reads from them, for Tests/MediaTests/Fixtures/heic.

    pip install pillow pillow-heif numpy
    python tools/fixtures_heic.py

Made with pillow-heif 1.8.1, whose own libheif 1.23.6 encodes (x265) and decodes. `turned.heic` is shown turned, as its
container says (irot).
"""
import json
import pathlib

import numpy
import pillow_heif
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "MediaTests" / "Fixtures" / "heic"


def main():
    pillow_heif.register_heif_opener()
    OUT.mkdir(parents=True, exist_ok=True)
    y, x = numpy.mgrid[:66, :86]
    picture = Image.fromarray(numpy.stack((x * 2, y * 3, (x + y)), -1).astype("uint8"))
    exif = Image.Exif()
    exif[274] = 6
    expected = {}
    for name, options in {
        "full.heic": {"chroma": 444, "quality": 95}, "half.heic": {"chroma": 420, "quality": 80},
        "turned.heic": {"chroma": 444, "quality": 95, "exif": exif.tobytes()},
    }.items():
        picture.save(OUT / name, **options)
        pixels = numpy.asarray(Image.open(OUT / name).convert("RGB"))
        expected[name] = {"height": pixels.shape[0], "width": pixels.shape[1], "rgb": pixels.reshape(-1).tolist()}
    (OUT / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


main()
