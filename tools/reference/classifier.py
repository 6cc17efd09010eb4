#!/usr/bin/env python3
"""Writes what the publisher's own library computes with the tiny image classifier of the tests, for some pictures.

    tools/setup --reference
    .venv-reference/bin/python tools/reference/classifier.py

The net is Tests/FamiliesTests/Fixtures/tiny-vit, run by transformers' ViTForImageClassification on pictures that
ViTImageProcessorPil prepared; the scores (logits) go to Tests/ReferenceFixtures/tiny-vit.json.
"""

import json
import pathlib

import PIL
import torch
import transformers
from PIL import Image
from transformers import ViTForImageClassification, ViTImageProcessorPil

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NET = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "tiny-vit"
PICTURES = ["Tests/MediaTests/Fixtures/images/" + name for name in ("cmyk.jpg", "animated.png")]
PICTURES += ["weights/demo/pictures/red-circle-0004.png", "weights/demo/pictures/yellow-triangle-0118.png"]


def main():
    net = ViTForImageClassification.from_pretrained(NET).eval()
    side = net.config.image_size
    processor = ViTImageProcessorPil(size={"height": side, "width": side})
    cases = []
    for name in PICTURES:
        with torch.no_grad():
            pixels = processor(Image.open(ROOT / name).convert("RGB"), return_tensors="pt").pixel_values
            cases.append({"image": name, "logits": net(pixels).logits[0].tolist()})
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "pillow": PIL.__version__}
    text = json.dumps({"net": NET.name, **versions, "cases": cases}, indent=1)
    (ROOT / "Tests" / "ReferenceFixtures" / "tiny-vit.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
