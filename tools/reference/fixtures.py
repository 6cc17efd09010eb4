#!/usr/bin/env python3
"""Writes the reference files of the tests and of the demo net: what the publisher's library computes with small nets.

    tools/setup --reference
    .venv-reference/bin/python tools/reference/fixtures.py [--root DIR]

Below DIR, which is the repository unless given:

    Tests/ReferenceFixtures/NAME.safetensors   see NETS below
    weights/demo/reference.safetensors         four of the demo net's pictures, three questions each

NETS says of each file which checkpoint it is made from, and which others hold the same net and so must give the same:
that is checked here as far as transformers can load them. The nets come from tools/fixtures/fixtures_layouts.py and
tools/reference/small_nets.py; keras, which transformers 5 can't load, holds the net of huggingface too.

Tokens are only worth comparing where rounding can't change them. So a question is taken when the net's answer stays the
same in float64 and with weights moved by 1e-4 of their size, and when at each step of greedy decoding the best logit
leads by 1e-3 of the largest. Pictures are drawn here, smaller and larger than the nets' sides.
"""

import argparse
import copy
import pathlib
import sys
import tempfile

import numpy as np
import outputs
import PIL.Image
import PIL.ImageDraw
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LAYOUTS = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "layouts"
ODD = ROOT / "Tests" / "ReferenceFixtures" / "nets"
DEMO = ROOT / "weights" / "demo"

# name: folder, profile, number of pictures, least and largest number of new tokens, answers scored of ANSWERS, others
NETS = {
    "huggingface": (LAYOUTS / "huggingface", "hf-384", 3, 3, 7, 10, [
        ("bin", "hf-384"), ("bin-sharded", "hf-384"), ("sharded", "hf-384"), ("no-buffers", "hf-384"),
        ("salesforce", "hf-384"), ("salesforce-legacy", "hf-384")]),
    "salesforce": (LAYOUTS / "salesforce", "original-480", 3, 3, 7, None, [("salesforce-legacy", "original-480")]),
    "float16": (LAYOUTS / "float16", "hf-384", 2, 3, 7, None, []),
    "bfloat16": (LAYOUTS / "bfloat16", "hf-384", 2, 3, 7, None, []),
    "untied": (LAYOUTS / "untied", "hf-384", 2, 0, 7, None, []),
    "odd-huggingface": (ODD / "odd-huggingface", "hf-384", 2, 0, None, None, [("odd-salesforce", "hf-384")]),
    "odd-salesforce": (ODD / "odd-salesforce", "original-480", 2, 0, None, 4, []),
}
TINY_QUESTIONS = [
    "what is the color?", "Is a blue circle", "what's yes?", "the color of the circle?", "is the circle red", "Red?",
    "what is a circle?", "is the red circle blue", "circle colors?", "no circle", "what color", "is blue a color?"]
QUESTIONS = [
    "How many red (squares) are there in it!", "is  it:  a  naïve  \"Blue\"  circle ?", "what color is the circle?",
    "Is the yes-thing no's?", "日5 is what?", "are there circles, squares or shapes in the green shapes?",
    "which shape, are not blue one two?", "How many SQUARES are there?", "what is the color of the square in it",
    "which is one of the three red shapes?", "no", "what shape is the green thing? Is it a circle?"]
TINY_ANSWERS = [
    "red", "blue", "yes", "no", "circle", "a red circle", "the color", "red", "circles", "no no no yes", "blue ?"]
ANSWERS = ["yes", "no", "red", "green", "blue", "circle", "two circles", "a red square", "one", "two", "three", "in it",
           "the color of it", "which one ?", "yes", "shapes"]
PER_PICTURE = 3


def pictures(folder):
    """Three small pictures: wide, tall, and smaller than any patch grid; shapes on a gradient with noise over it."""
    paths = []
    for number, (name, width, height) in enumerate((("wide", 53, 31), ("tall", 27, 44), ("tiny", 11, 9))):
        rows, columns, channels = np.ogrid[:height, :width, :3]
        base = (rows * (3 + channels) + columns * (5 - channels)) % 256
        picture = PIL.Image.fromarray(base.astype(np.uint8))
        draw = PIL.ImageDraw.Draw(picture)
        draw.ellipse((width // 5, height // 6, width // 2, height * 2 // 3), fill=(220, 40 * number, 30))
        draw.rectangle((width // 2, height // 2, width * 4 // 5, height - 2), fill=(20, 60, 200 - 80 * number))
        raw = np.random.Philox(key=number).random_raw(height * width * 3)
        noise = (raw >> np.uint64(59)).astype(np.uint8).reshape(height, width, 3)
        picture = PIL.Image.fromarray(np.minimum(np.asarray(picture).astype(np.int64) + noise, 255).astype(np.uint8))
        paths.append(folder / f"{name}.png")
        picture.save(paths[-1])
    return paths


def variants(net):
    """The same net in float64, and with every weight moved a little."""
    yield net._replace(model=copy.deepcopy(net.model).double())
    for seed in range(3):
        moved = copy.deepcopy(net.model)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in moved.parameters():
                weight *= 1 + 1e-4 * (2 * torch.rand(weight.shape, generator=generator) - 1)
        yield net._replace(model=moved)


@torch.no_grad()
def margin(net, case, answer, how):
    """The least lead of the best logit over the second in greedy decoding, relative to the largest."""
    picture = PIL.Image.open(case.image).convert("RGB")
    ids = outputs.encoded(net, case.question)
    asked = outputs.run_question(net, ids, outputs.run_image(net, picture)[1]).last_hidden_state
    steps = net.model.text_decoder(answer[None, :-1], encoder_hidden_states=asked).logits[0]
    steps[:how["minimumTokens"], net.model.config.text_config.sep_token_id] = -torch.inf
    best = steps.topk(2).values
    assert torch.equal(steps.argmax(dim=1), answer[1:])
    return ((best[:, 0] - best[:, 1]) / steps[steps.isfinite()].abs().max()).min().item()


def stable_cases(net, others, images, questions, how, answers, k_test):
    """For every picture the first questions whose outcome rounding can't change."""
    chosen = []
    for number, image in enumerate(images):
        found, first = [], 4 * number  # so that pictures are asked different questions
        for question in questions[first:] + questions[:first]:
            case = outputs.Case(image, question)
            arrays, _ = outputs.reference(net, [case], how, False, answers, k_test)
            results = [outputs.reference(other, [case], how, False, answers, k_test)[0] for other in others]
            key = "questions.0.answer_ids"
            holds = all(torch.equal(arrays[key], result[key]) for result in results)
            if how["beams"] == 1:
                holds = holds and margin(net, case, arrays[key], how) > 1e-3
            if answers:
                ranks = [result["questions.0.ranking"] for result in [arrays, *results]]
                best, left = ranks[0].argmin(), ranks[0].isinf()
                holds = holds and all(rank.argmin() == best and torch.equal(rank.isinf(), left) for rank in ranks)
            seen = [answer for _, answer in found]
            if holds and not any(torch.equal(arrays[key], answer) for answer in seen):
                found.append((case, arrays[key]))
            if len(found) == PER_PICTURE:
                break
        assert len(found) == PER_PICTURE, f"{net.name}, {image.name}: only {len(found)} stable questions"
        chosen += [case for case, _ in found]
    return chosen


def make(name, folder, images):
    source, profile, count, least, most, k_test, same = NETS[name]
    net = outputs.load(source, profile)
    how = outputs.decoding(net, most, least)
    tiny = source.parent == LAYOUTS
    answers = (TINY_ANSWERS if tiny else ANSWERS) if k_test else None
    questions = TINY_QUESTIONS if tiny else QUESTIONS
    cases = stable_cases(net, list(variants(net)), images[:count], questions, how, answers, k_test)
    arrays, metadata = outputs.reference(net, cases, how, True, answers, k_test)
    for other, its_profile in same:
        its_net = outputs.load(source.parent / other, its_profile)
        found, _ = outputs.reference(its_net, cases, how, True, answers, k_test)
        worst = 0
        for key, array in arrays.items():
            difference = (found[key].double() - array.double()).abs()
            worst = max(worst, difference[found[key] != array].max().item() if (found[key] != array).any() else 0)
        resized = profile == "hf-384" and "salesforce" in other
        assert worst <= (2e-5 if resized else 0), f"{other} differs from {name} by {worst}"
        print(f"{name}: {other} differs by {worst:.1g}")
    write(folder / f"{name}.safetensors", arrays, metadata)


def make_demo(path):
    net = outputs.load(DEMO)
    how = outputs.decoding(net)
    cases = outputs.read_cases(DEMO / "questions.jsonl")
    named = ["red-circle-0004", "teal-rectangle-0048", "black-rectangle-0011", "green-triangle-0044"]
    cases = [case for name in named for case in [case for case in cases if case.image.stem == name][-PER_PICTURE:]]
    arrays, metadata = outputs.reference(net, cases, how, attention=False)
    least = min(margin(net, case, arrays[f"questions.{j}.answer_ids"], how) for j, case in enumerate(cases))
    print(f"demo: least margin {least:.2g}")
    assert least > 1e-3
    write(path, arrays, metadata)


def write(path, arrays, metadata):
    outputs.save(path, arrays, metadata)
    count = sum(name.endswith(".answer_ids") for name in arrays)
    print(f"{path.stat().st_size:>9,} bytes  {path.name}, {count} questions:")
    for j in range(count):
        ids = arrays[f"questions.{j}.answer_ids"].tolist()[1:]
        name = metadata[f"images.{metadata[f'questions.{j}.image']}.name"]
        print(f"    {name:8} {metadata[f'questions.{j}.text']!r}: {metadata[f'questions.{j}.answer']!r} {ids}")


def main():
    parser = argparse.ArgumentParser(description="Writes the reference files of the tests and of the demo net.")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder")
    parser.add_argument("--only", action="append", choices=[*NETS, "demo"], help="repeatable")
    given = parser.parse_args()
    torch.set_num_threads(1)  # so that two runs add in the same order
    with tempfile.TemporaryDirectory(prefix="ingot-pictures-") as folder:
        images = pictures(pathlib.Path(folder))
        for name in given.only or [*NETS, "demo"]:
            if name == "demo":
                make_demo(given.root / "weights" / "demo" / "reference.safetensors")
            else:
                make(name, given.root / "Tests" / "ReferenceFixtures", images)


if __name__ == "__main__":
    sys.exit(main())
