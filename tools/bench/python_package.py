#!/usr/bin/env python3
"""Times the Python package beside the program that it runs, and opening net files.

    pip install ./python          (or PYTHONPATH=python/src, with NumPy)
    python3 tools/bench/python_package.py .build/release/ingot --shelf SHELF --set Release=NAME IMAGE…
        [--questions 1000] [--runs 7] [--work FOLDER]

asking     The same questions in the same order, each about another picture than the one before: `ingot ask <jsonl` from
           its start to its end, and `ingot.VQA` from opening to closing in a process that has imported the package, by
           `ask_many` and asked one by one. Answers must be the same. Both take turns, each going first as often; a run's
           ratio is to its neighbour, and the median of these is shown.
opening    `ingot.open` of a net file of 1.5 GB, and all that arrays are made of; of the same file in the page cache, in a
           process that has opened another one before.

Prints Markdown tables, and the machine's load. Times of single processes on a machine that does other things are worth
little; ratios of neighbours are worth more.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import ingot

QUESTIONS = ["what is in the picture?", "what color is it?", "is there a circle?", "how many are there?"]


def cpu():
    """Seconds of processors that this process and those that it has waited for took."""
    return sum(
        used.ru_utime + used.ru_stime for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def timed(action):
    """Seconds, seconds of processors, and what `action` returns."""
    before, start = cpu(), time.perf_counter()
    result = action()
    return time.perf_counter() - start, cpu() - before, result


def asking(options, work):
    items = [(str(image), QUESTIONS[number % len(QUESTIONS)]) for number in range(options.questions)
             for image in [options.images[number % len(options.images)]]]
    lines = f"{work}/lines.jsonl"
    pathlib.Path(lines).write_text(
        "".join(json.dumps({"image": image, "question": question}) + "\n" for image, question in items))
    settings = [word for setting in options.set for word in ("--set", setting)]
    parameters = dict(setting.split("=", 1) for setting in options.set)
    threads = ["--threads", str(options.threads)] if options.threads else []

    def program():
        with open(lines) as file:
            done = subprocess.run(
                [options.ingot, "ask", *settings, "--shelf", options.shelf, *threads], stdin=file, capture_output=True,
                text=True, check=True)
        return [json.loads(line)["answer"] for line in done.stdout.splitlines()]

    def package(ask):
        with ingot.VQA(
            parameters, shelf=options.shelf, program=options.ingot, threads=options.threads or None
        ) as vqa:
            return [answer.answer for answer in ask(vqa)]

    ways = {
        "`ask_many`": lambda: package(lambda vqa: vqa.ask_many(items)),
        "`ask`, one by one": lambda: package(lambda vqa: (vqa.ask(*item) for item in items))}
    print(f"\n{len(items)} questions\n")
    print("| | median s | of processors | times the program's | least – most |\n|---|---:|---:|---:|---|")
    times, ratios, processors = {"`ingot ask <jsonl`": []}, {}, {}
    for name, way in ways.items():
        for turn in range(options.runs + 1):
            order = [("`ingot ask <jsonl`", program), (name, way)]
            found = {what: timed(action) for what, action in (order if turn % 2 else order[::-1])}
            if len({tuple(answers) for _, _, answers in found.values()}) != 1:
                sys.exit("the answers differ")
            if turn == 0:
                continue
            for what, (seconds, used, _) in found.items():
                times.setdefault(what, []).append(seconds)
                processors.setdefault(what, []).append(used)
            ratios.setdefault(name, []).append(found[name][0] / found["`ingot ask <jsonl`"][0])
    for what, seconds in times.items():
        quotient = f"{statistics.median(ratios[what]):.3f}" if what in ratios else ""
        spread = f"{min(ratios[what]):.3f} – {max(ratios[what]):.3f}" if what in ratios else ""
        print(f"| {what} | {statistics.median(seconds):.3f} | {statistics.median(processors[what]):.3f} | "
              f"{quotient} | {spread} |", flush=True)  # fmt: skip


def write_checkpoint(path, count, size):
    """A safetensors file of so many arrays of so many bytes, which takes no room on the disk."""
    header = json.dumps({
        f"layers.{number}.weight": {
            "dtype": "F32", "shape": [size // 4096, 1024], "data_offsets": [number * size, (number + 1) * size]}
        for number in range(count)}).encode()  # fmt: skip
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + count * size)


def opening(options, work):
    checkpoint = f"{work}/model.safetensors"
    # As many arrays as BLIP's parts have together.
    write_checkpoint(checkpoint, 480, 3_207_168 // 4096 * 4096)
    ingot.convert(checkpoint, shelf=f"{work}/shelf", program=options.ingot)
    os.remove(checkpoint)
    (large,) = pathlib.Path(work, "shelf").rglob("*.ingot")
    small = next(pathlib.Path(options.shelf).rglob("*.ingot"))
    times = {"`ingot.open`": [], "every array's `numpy()`": []}
    for turn in range(5 * options.runs + 1):
        with ingot.open(small) as net:
            next(iter(net.arrays.values())).numpy()
        start = time.perf_counter()
        net = ingot.open(large)
        opened = time.perf_counter()
        for array in net.arrays.values():
            array.numpy()
        made = time.perf_counter()
        net.close()
        if turn:
            times["`ingot.open`"].append(opened - start)
            times["every array's `numpy()`"].append(made - opened)
    print(f"\nA net file of {large.stat().st_size / 1e9:.2f} GB, {len(net.arrays)} arrays\n")
    print("| | median ms | least – most |\n|---|---:|---|")
    for what, seconds in times.items():
        print(f"| {what} | {statistics.median(seconds) * 1e3:.2f} | {min(seconds) * 1e3:.2f} – {max(seconds) * 1e3:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ingot", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="two at least")
    parser.add_argument("--shelf", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--work", metavar="FOLDER", help="of temporary files, 2 GB")
    parser.add_argument("--only", choices=["asking", "opening"])
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        if options.only != "opening":
            asking(options, work)
        if options.only != "asking":
            opening(options, work)
    print(f"\nload {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
