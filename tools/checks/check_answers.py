#!/usr/bin/env python3
"""Checks that the demo net answers the whole easy-VQA test set, token for token, as in the publisher's own library.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_answers.py .build/release/ingot [--first N]

weights/demo is converted onto a temporary shelf. The 9,673 questions on 1,000 pictures, which come with the Python
package easy-vqa, go to `ingot ask` as JSON Lines, and to transformers' BlipForQuestionAnswering in batches of questions
of equal length. Both decode greedily. Prints the accuracy of both by kind of question, every answer that differs, and
exits with status 1 if one does.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "reference"))

import easy_vqa  # noqa: E402
import outputs  # noqa: E402
import PIL.Image  # noqa: E402
import torch  # noqa: E402

DEMO = ROOT / "weights" / "demo"
BATCH = 128
SHAPES = {"circle", "rectangle", "triangle"}

Question = collections.namedtuple("Question", "image text truth")
Answer = collections.namedtuple("Answer", "text tokens")


def test_set(count):
    """The first questions, by picture: `ingot ask` keeps the features of the last one."""
    paths = easy_vqa.get_test_image_paths()
    texts, truths, images = easy_vqa.get_test_questions()
    questions = [Question(paths[image], text, truth) for text, truth, image in zip(texts, truths, images)]
    return sorted(questions, key=lambda question: question.image)[:count]


def kind(question):
    if question.truth not in ("yes", "no"):
        return "what shape" if question.truth in SHAPES else "what colour"
    return "yes or no, about a " + ("shape" if any(shape in question.text for shape in SHAPES) else "colour")


# --------------------------------------------------------------------------------------------------------- the library


@torch.no_grad()
def library_answers(questions):
    torch.set_num_threads(2)
    net = outputs.load(DEMO)
    how = outputs.decoding(net)
    embeds = image_features(net, sorted({question.image for question in questions}))
    ids = [outputs.encoded(net, question.text) for question in questions]
    lengths = collections.defaultdict(list)
    for number, question in enumerate(ids):
        lengths[question.shape[1]].append(number)
    answers = [None] * len(questions)
    for numbers in lengths.values():
        for first in range(0, len(numbers), BATCH):
            some = numbers[first:first + BATCH]
            asked = outputs.run_question(
                net, torch.cat([ids[number] for number in some]),
                torch.stack([embeds[questions[number].image] for number in some])).last_hidden_state
            for number, answer in zip(some, outputs.generate(net, asked, how)):
                answers[number] = Answer(outputs.text(net, answer), answer[1:])
    return answers


def image_features(net, paths):
    out = {}
    for first in range(0, len(paths), BATCH):
        some = paths[first:first + BATCH]
        pictures = [PIL.Image.open(path).convert("RGB") for path in some]
        out |= dict(zip(some, outputs.run_image(net, pictures)[1]))
    return out


# --------------------------------------------------------------------------------------------------------------- Ingot


def ingot_answers(program, questions):
    lines = "".join(json.dumps({"image": question.image, "question": question.text}) + "\n" for question in questions)
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as shelf:
        run(program, "convert", DEMO, "--shelf", shelf)
        printed = run(program, "ask", "--set", "Release=demo", "--shelf", shelf, input=lines).splitlines()
    if len(printed) != len(questions):
        sys.exit(f"ingot ask printed {len(printed)} lines for {len(questions)} questions")
    answers = []
    for question, line in zip(questions, map(json.loads, printed)):
        if "error" in line or (line["image"], line["question"]) != (question.image, question.text):
            sys.exit(f"ingot ask: {line} for {question}")
        answers.append(Answer(line["answer"], line["tokens"]))
    return answers


def run(program, *arguments, **options):
    done = subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, text=True, timeout=3600, **options)
    if done.returncode:
        sys.exit(f"ingot {' '.join(map(str, arguments))}: exit status {done.returncode}\n{done.stdout[-1000:]}")
    return done.stdout


# ---------------------------------------------------------------------------------------------------------- the report


def accuracy_table(questions, answers):
    right, total = {name: collections.Counter() for name in answers}, collections.Counter()
    for number, question in enumerate(questions):
        kinds = (kind(question), "all")
        total.update(kinds)
        for name, given in answers.items():
            right[name].update(kinds if given[number].text == question.truth else ())
    print(f"{'kind of question':26}" + "".join(f"{name:>16}" for name in answers) + f"{'of':>8}")
    for name in sorted(total, key=lambda name: (name == "all", name)):
        shares = "".join(f"{count[name]:>8,} {count[name] / total[name]:>7.2%}" for count in right.values())
        print(f"{name:26}{shares}{total[name]:>8,}")


def main():
    parser = argparse.ArgumentParser(description="Compares all answers to easy-VQA with the publisher's own library.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N questions")
    options = parser.parse_args()
    questions = test_set(options.first)
    answers = {}
    for name, ask in (("ingot", lambda: ingot_answers(options.program.resolve(), questions)),
                      ("transformers", lambda: library_answers(questions))):
        start = time.monotonic()
        answers[name] = ask()
        print(f"{name}: {len(questions):,} answers in {time.monotonic() - start:.1f} s", flush=True)
    accuracy_table(questions, answers)
    differing = [number for number, pair in enumerate(zip(*answers.values())) if pair[0] != pair[1]]
    for number in differing:
        one, other = (given[number] for given in answers.values())
        print(f"differs: {questions[number].image}: {questions[number].text} ingot {one}, transformers {other}")
    print(f"{len(differing)} of {len(questions):,} answers differ")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
