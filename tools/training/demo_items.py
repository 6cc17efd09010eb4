#!/usr/bin/env python3
"""Writes what the captioning and the classifying demo net are tested on, and texts to match, from packages of PyPI.

    .venv-reference/bin/python tools/training/demo_items.py FOLDER [--split train] [--first N]
    .venv-reference/bin/python tools/training/demo_items.py --demo

    FOLDER/captions.jsonl   easy-VQA's pictures (1,000 in the test split) with three captions each: {"image", "caption"}
    FOLDER/pairs.jsonl      each picture with a text that is true of it, and one in which one thing is changed:
                            {"image", "text", "match"}
    FOLDER/retrieval.jsonl  the first picture (478 in the test split) with each usual caption, and that caption
    FOLDER/digits/LABEL/    scikit-learn's digits (599 in the test split) as pictures, in a folder for each class

`ingot evaluate` and `quantize` take captions.jsonl and retrieval.jsonl by --captions, digits by --labelled. Pictures
are where the package easy-vqa has them. A second run writes the same. --demo writes the few that come with the nets:
captions and texts of the test pictures in weights/demo, and the first two test digits of each kind.
"""

import argparse
import json
import pathlib

import easy_vqa
import torch
from demo_digits import write_split
from demo_pairs import TextDrawer
from demo_scenes import ScenePictures, captions

SIDE = 64
WEIGHTS = pathlib.Path(__file__).resolve().parents[2] / "weights"


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def scene_lines(split, count):
    """The lines of captions.jsonl and of pairs.jsonl."""
    generator = torch.Generator().manual_seed(1)
    drawer = TextDrawer(generator)
    paths = {"train": easy_vqa.get_train_image_paths, "test": easy_vqa.get_test_image_paths}[split]()
    told, pairs = [], []
    for number, scene in enumerate(ScenePictures(split, SIDE, generator).scenes[:count]):
        told.append({"image": paths[number], "caption": captions(scene)})
        pairs.append({"image": paths[number], "text": drawer.text(scene), "match": True})
        pairs.append({"image": paths[number], "text": drawer.text(drawer.changed(scene, scene)), "match": False})
    return told, pairs


def write_demo_items():
    names = sorted((WEIGHTS / "demo" / "pictures").glob("*.png"))
    here = {int(path.stem[-4:]): f"../demo/pictures/{path.name}" for path in names}
    told, pairs = scene_lines("test", None)
    few = {path: here[number] for number, path in easy_vqa.get_test_image_paths().items() if number in here}

    def of_few(lines):
        return [line | {"image": few[line["image"]]} for line in lines if line["image"] in few]

    write_lines(WEIGHTS / "demo-caption" / "captions.jsonl", of_few(told))
    write_lines(WEIGHTS / "demo-match" / "pairs.jsonl", of_few(pairs))
    write_split("test", WEIGHTS / "demo-digits" / "pictures", each=2)


def main():
    parser = argparse.ArgumentParser(description="Writes the items that the demo nets are tested on.")
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("--split", choices=["train", "test"], default="test")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N pictures of each kind")
    parser.add_argument("--demo", action="store_true", help="those that come with the nets in weights")
    options = parser.parse_args()
    if options.demo:
        return write_demo_items()
    if options.folder is None:
        parser.error("a folder is needed, or --demo")
    options.folder.mkdir(parents=True, exist_ok=True)
    told, pairs = scene_lines(options.split, options.first)
    write_lines(options.folder / "captions.jsonl", told)
    write_lines(options.folder / "pairs.jsonl", pairs)
    first = {line["caption"][0]: line["image"] for line in reversed(told)}
    write_lines(
        options.folder / "retrieval.jsonl", [{"image": image, "caption": text} for text, image in first.items()])
    digits = write_split(options.split, options.folder / "digits", options.first)
    print(f"{len(told)} pictures with captions, {len(pairs)} pairs, {digits} digits")


if __name__ == "__main__":
    main()
