#!/usr/bin/env python3
"""Checks that scores are the same to the bit by every level of kernels, any number of threads, alone and in company, on
emulated processors too; and says how many differ in PyTorch and ONNX Runtime (docs/ARITHMETIC.md).

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_arithmetic.py INGOT [--first N] [--emulated N] [--arm64 COMMAND] [--peers N]

Questions are those of easy-VQA's test set, 9,673 on 1,000 pictures, of the demo nets in float32, bfloat16 and int8. What is
compared are receipts: `ingot ask --receipt` writes a SHA-256 of each answer's scores. COMMAND runs a program for arm64 under
qemu, as `tools/machines/arm64 run .build/aarch64-unknown-linux-gnu/release/ingot` does.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import check_answers  # noqa: E402
from checks import Checks  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEVELS = ["avx512", "avx2", "neon", "portable"]


class Nets:
    """The demo nets of one precision, asked in several ways."""

    def __init__(self, shelf, precision):
        self.shelf, self.precision = shelf, precision

    def _run(self, command, arguments, lines=None, **more):
        """Of every question, by picture and text, the SHA-256 of its scores."""
        with tempfile.TemporaryDirectory() as folder:
            receipt = os.path.join(folder, "receipt.json")
            done = subprocess.run(
                [*command, "ask", *arguments, "--shelf", self.shelf, "--set", "Release=demo", "--set",
                 f"Precision={self.precision}", "--receipt", receipt],
                input=lines, capture_output=True, text=True, cwd=ROOT, **more)
            if done.returncode != 0:
                raise SystemExit(f"{shlex.join(command)} ended with {done.returncode}: {done.stderr[-600:]}")
            items = json.loads(pathlib.Path(receipt).read_text())["items"]
        return [(item["image"], item["text"], item["scoresSHA256"]) for item in items]

    def lines(self, command, questions, *arguments, **more):
        """One after the other, as JSON Lines."""
        text = "".join(json.dumps({"image": str(q.image), "question": q.text}) + "\n" for q in questions)
        return set(self._run(command, arguments, text, **more))

    def batches(self, command, questions, size):
        """So many at once about a picture."""
        of_picture = collections.defaultdict(list)
        for question in questions:
            of_picture[question.image].append(question.text)
        found = set()
        for image, texts in of_picture.items():
            for start in range(0, len(texts), size):
                found.update(self._run(command, [str(image), *texts[start:start + size]]))
        return found


def ours(checks, nets, ingot, questions, emulated, arm64):
    command = [ingot]
    here = [level for level in LEVELS
            if subprocess.run([ingot, "ask", str(questions[0].image), questions[0].text, "--shelf", nets.shelf, "--set",
                               "Release=demo", "--set", f"Precision={nets.precision}", "--kernels", level],
                              cwd=ROOT, capture_output=True).returncode == 0]
    first = nets.lines(command, questions, "--kernels", here[0], "--threads", "1")
    digest = hashlib.sha256("".join(scores for _, _, scores in sorted(first)).encode()).hexdigest()
    print(f"{nets.precision}: {len(first)} answers, SHA-256 of all scores {digest}", flush=True)

    def same(found, expected, how):
        different = len(expected - found)
        checks.check(different == 0, f"{nets.precision}, {how}: {different} of {len(expected)} differ")
        print(f"  {how}: {'the same' if different == 0 else f'{different} DIFFER'}", flush=True)

    for threads in (2, 3, 7):
        same(nets.lines(command, questions, "--kernels", here[0], "--threads", str(threads)), first,
             f"{here[0]}, {threads} threads")
    for level in here[1:]:
        same(nets.lines(command, questions, "--kernels", level), first, level)
    for size in (5, 16):
        same(nets.batches(command, questions, size), first, f"{size} at once")

    some = questions[:emulated]
    expected = {(str(q.image), q.text) for q in some}
    expected = {item for item in first if item[:2] in expected}
    old = shutil.which("qemu-x86_64-static")
    if old and os.uname().machine == "x86_64":
        same(nets.lines([old, "-cpu", "Nehalem", ingot], some, "--kernels", "portable"), expected,
             f"portable on an emulated Nehalem, {len(some)} questions")
    for processor in ("cortex-a53", "cortex-a76", "max") if arm64 else ():
        same(nets.lines(shlex.split(arm64), some, env={**os.environ, "QEMU_CPU": processor}), expected,
             f"neon on an emulated {processor}, {len(some)} questions")


# ----------------------------------------------------------------------------------------------------------- the others

TORCH = """
import collections, hashlib, json, sys
import torch
sys.path[:0] = sys.argv[1:3]
import check_answers, outputs
threads, batch, count = map(int, sys.argv[3:6])
torch.set_num_threads(threads)
net = outputs.load(check_answers.DEMO)
questions = check_answers.test_set(count)
images = check_answers.image_features(net, sorted({question.image for question in questions}))
ids = [outputs.encoded(net, question.text) for question in questions]
of_length = collections.defaultdict(list)
for number, question in enumerate(ids):
    of_length[question.shape[1]].append(number)
scores = [None] * len(ids)
with torch.no_grad():
    for numbers in of_length.values():
        for first in range(0, len(numbers), batch):
            some = numbers[first:first + batch]
            asked = outputs.run_question(net, torch.cat([ids[number] for number in some]),
                                         torch.stack([images[questions[number].image] for number in some])).last_hidden_state
            for number, row in zip(some, outputs.first_logits(net, asked)):
                scores[number] = hashlib.sha256(row.contiguous().numpy().tobytes()).hexdigest()
print(json.dumps(scores))
"""


def torch_scores(threads, batch, count, capability):
    done = subprocess.run(
        [sys.executable, "-c", TORCH, str(ROOT / "tools" / "checks"), str(ROOT / "tools" / "reference"), str(threads),
         str(batch), str(count)],
        capture_output=True, text=True, env={**os.environ, "ATEN_CPU_CAPABILITY": capability, "TRANSFORMERS_VERBOSITY": "error"})
    if done.returncode != 0:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def peers(count):
    """How many first scores differ from those of one thread, one question at a time, with the best instructions."""
    first = torch_scores(1, 1, count, "avx2")
    for how, (threads, batch, capability) in {
        "again": (1, 1, "avx2"), "2 threads": (2, 1, "avx2"), "5 at once": (1, 5, "avx2"),
        "16 at once": (1, 16, "avx2"), "without AVX2": (1, 1, "default"),
    }.items():
        other = torch_scores(threads, batch, count, capability)
        different = sum(a != b for a, b in zip(first, other))
        print(f"PyTorch, {how}: {different} of {count} differ", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ingot")
    parser.add_argument("--first", type=int, help="so many questions only")
    parser.add_argument("--emulated", type=int, default=200, help="questions on emulated processors")
    parser.add_argument("--arm64", help="a command that runs the program for arm64")
    parser.add_argument("--peers", type=int, default=0, help="questions that PyTorch is asked, too")
    arguments = parser.parse_args()
    ingot = os.path.realpath(arguments.ingot)
    questions = check_answers.test_set(arguments.first)
    checks = Checks()
    with tempfile.TemporaryDirectory() as shelf:
        run = {"cwd": ROOT, "check": True, "stdout": subprocess.DEVNULL}
        subprocess.run([ingot, "convert", "weights/demo", "--shelf", shelf], **run)
        for precision in ("float32", "bfloat16", "int8"):
            if precision != "float32":
                subprocess.run([ingot, "quantize", "--shelf", shelf, "--set", "Release=demo", "--precision", precision], **run)
            ours(checks, Nets(shelf, precision), ingot, questions, arguments.emulated, arguments.arm64)
            checks.end_group(precision)
    if arguments.peers:
        peers(arguments.peers)
    checks.exit()


if __name__ == "__main__":
    main()
