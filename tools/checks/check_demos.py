#!/usr/bin/env python3
"""Checks that the captioning, matching and classifying demo nets compute, on all their test items, what they compute in
the publisher's own library.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_demos.py .build/release/ingot [--first N]

tools/training/demo_items.py writes the items: 1,000 pictures of easy-VQA, two texts for each, and 599 digits. Captions
have to be the same, token for token; of matches the logits and the cosine, and of classes the probabilities, differ by
1e-4 at most, and the likeliest are the same. Weights of float16 are widened on both sides. Prints how many are right.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "training"))

import demo_items  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from checks import Checks  # noqa: E402
from demo_digits import NAMES  # noqa: E402
from PIL import Image  # noqa: E402

BATCH = 100
NEAR = 1e-4


class Ingot:
    def __init__(self, program, shelf):
        self.program, self.shelf = program, shelf

    def __call__(self, command, *arguments, **options):
        words = [self.program, command, *map(str, arguments), "--shelf", self.shelf]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=3600, **options)
        if done.returncode:
            sys.exit(f"ingot {command}: exit status {done.returncode}\n{done.stdout[-1000:]}")
        return done.stdout

    def lines(self, command, asked, *arguments):
        """What a command writes for JSON Lines."""
        text = "".join(json.dumps(line) + "\n" for line in asked)
        answers = [json.loads(line) for line in self(command, *arguments, input=text).splitlines()]
        if len(answers) != len(asked) or any("error" in answer for answer in answers):
            sys.exit(f"ingot {command}: {len(answers)} lines for {len(asked)}")
        return answers


class Library:
    """A demo net in transformers."""

    def __init__(self, name, kind):
        folder = ROOT / "weights" / name
        self.net = getattr(transformers, kind).from_pretrained(folder, dtype=torch.float32).eval()
        side = getattr(self.net.config, "vision_config", self.net.config).image_size
        processor = transformers.ViTImageProcessorPil if "ViT" in kind else transformers.BlipImageProcessorPil
        self.processor = processor.from_pretrained(folder, size={"height": side, "width": side})
        if "ViT" not in kind:
            self.tokenizer = transformers.BertTokenizerFast.from_pretrained(folder)

    def pixels(self, paths):
        pictures = [Image.open(path).convert("RGB") for path in paths]
        return self.processor(pictures, return_tensors="pt").pixel_values


def parts(items):
    return (items[at:at + BATCH] for at in range(0, len(items), BATCH))


def near(one, other):
    return all(math.isclose(a, b, rel_tol=0, abs_tol=NEAR) for a, b in zip(one, other, strict=True))


@torch.no_grad()
def check_captions(ingot, items, checks):
    ingot("convert", ROOT / "weights" / "demo-caption")
    given = ingot.lines("caption", [{"image": item["image"]} for item in items], "--set", "Release=demo-caption")
    library = Library("demo-caption", "BlipForConditionalGeneration")
    end = library.net.config.text_config.sep_token_id
    told = []
    for part in parts(items):
        for ids in library.net.generate(
                pixel_values=library.pixels([item["image"] for item in part]), max_new_tokens=20).tolist():
            ids = ids[1:]
            told.append(ids[:ids.index(end) + 1] if end in ids else ids)
    right = 0
    for item, one, ids in zip(items, given, told, strict=True):
        text = library.tokenizer.decode(ids, skip_special_tokens=True)
        checks.check((one["caption"], one["tokens"]) == (text, ids), f"{item['image']}: {one['caption']}, not {text}")
        right += text == item["caption"][0]
    print(f"captions: {right} of {len(items)} are the usual ones, word for word")
    checks.end_group("captions, the same in transformers")


@torch.no_grad()
def check_matches(ingot, items, checks):
    ingot("convert", ROOT / "weights" / "demo-match")
    given = ingot.lines("match", [{"image": item["image"], "text": item["text"]} for item in items],
                        "--set", "Release=demo-match")
    library = Library("demo-match", "BlipForImageTextRetrieval")
    right = nearer = at = 0
    for part in parts(items):
        coded = library.tokenizer([item["text"] for item in part], padding=True, return_tensors="pt")
        inputs = {"input_ids": coded.input_ids, "attention_mask": coded.attention_mask,
                  "pixel_values": library.pixels([item["image"] for item in part])}
        logits = library.net(**inputs).itm_score
        cosines = library.net(**inputs, use_itm_head=False).itm_score.diagonal()
        for number, item in enumerate(part):
            one = given[at + number]
            wanted = [*logits[number].tolist(), cosines[number].item()]
            checks.check(near([*one["logits"], one["cosine"]], wanted),
                         f"{item['image']}: {item['text']}: {one['logits']}, {one['cosine']}, not {wanted}")
            right += bool(logits[number].argmax()) == item["match"]
        nearer += int((cosines[0::2] > cosines[1::2]).sum())
        at += len(part)
    print(f"matches: {right} of {len(items)} pairs are told rightly; of {len(items) // 2} pictures "
          f"{nearer} have a vector nearer to the true text's")
    checks.end_group("matches, the same in transformers")


@torch.no_grad()
def check_digits(ingot, folder, checks):
    ingot("convert", ROOT / "weights" / "demo-digits", "--set", "Release=demo-digits")
    paths = sorted(folder.glob("*/*.png"))
    printed = ingot("classify", "--json", "--top", len(NAMES), "--set", "Release=demo-digits", *paths)
    library = Library("demo-digits", "ViTForImageClassification")
    wanted = torch.cat([library.net(library.pixels(part)).logits.softmax(1) for part in parts(paths)])
    right = 0
    for path, one, probabilities in zip(paths, json.loads(printed)["images"], wanted, strict=True):
        found = [value["probability"] for value in sorted(one["classes"], key=lambda value: value["class"])]
        likeliest = one["classes"][0]
        checks.check(one["image"] == str(path) and near(found, probabilities.tolist())
                     and likeliest["label"] == NAMES[int(probabilities.argmax())],
                     f"{path}: {found}, not {probabilities.tolist()}")
        right += likeliest["label"] == path.parent.name
    print(f"digits: {right} of {len(paths)} are read rightly")
    checks.end_group("digits, the same in transformers")


def main():
    parser = argparse.ArgumentParser(description="Compares the demo nets with the publisher's own library.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N pictures of each kind")
    options = parser.parse_args()
    torch.set_num_threads(2)
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as temporary:
        folder = pathlib.Path(temporary)
        ingot = Ingot(options.program.resolve(), folder / "shelf")
        told, pairs = demo_items.scene_lines("test", options.first)
        demo_items.write_split("test", folder / "digits", options.first)
        check_captions(ingot, told, checks)
        check_matches(ingot, pairs, checks)
        check_digits(ingot, folder / "digits", checks)
    checks.exit()


if __name__ == "__main__":
    main()
