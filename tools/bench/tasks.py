#!/usr/bin/env python3
"""Times `ingot caption`, `match`, `embed` and `classify` beside other engines that run the same nets, in turn.

    .venv-bench/bin/python tools/bench/task_nets.py --vocabulary vocab.txt --out NETS
    .venv-bench/bin/python tools/bench/tasks.py --nets NETS --binary .build/release/ingot [--runs 9] [--int8]
        [--only caption,match,embed-small,embed-base,clip,vit] [--engines ingot,torch,…] [--json OUT]

README.md beside this file says what is measured and how. Files for the engines are made once, in the folder --work
(.build/bench-tasks). Prints a Markdown table, and one more of the int8 engines where --int8 adds them.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

import bench

HERE, ROOT = bench.HERE, bench.ROOT
TASKS = {  # what a row is
    "caption": "caption of 10 tokens", "match": "an image and 10 texts", "embed-small": "64 texts, MiniLM-L6",
    "embed-base": "64 texts, BERT base", "clip": "CLIP B/32, an image and 80 labels", "vit": "ViT-B/16, 224 pixels"}
FLOAT = ["ingot", "torch", "onnxruntime", "openvino"]
INT8 = ["ingot-int8", "torch-int8", "onnxruntime-int8", "openvino-int8", "openvino-w8"]
MADE = {
    "onnxruntime": ["exported", "onnxruntime"], "openvino": ["exported", "openvino"],
    "onnxruntime-int8": ["exported", "onnxruntime-int8"], "openvino-int8": ["exported", "openvino-int8"],
    "openvino-w8": ["exported", "openvino-w8"]}


def words(vocabulary):
    """Whole words that are one token each."""
    lines = vocabulary.read_text().splitlines()
    return [word for word in lines if word.isascii() and word.isalpha() and word.islower() and len(word) > 2]


def request(name, number, folder, chance, known):
    """What a turn asks; two turns after each other differ, so that nothing is had from the last one."""
    image = str(folder / ("one.png", "other.png")[number % 2])

    def text(least, most):
        return " ".join(chance.choice(known) for _ in range(chance.randint(least, most)))

    match name:
        case "caption":
            return {"image": image, "tokens": 10}
        case "match":
            return {"image": image, "texts": [text(6, 12) for _ in range(10)]}
        case "clip":
            labels = {}
            while len(labels) < 80:
                labels[text(1, 2)] = None
            return {"image": image, "labels": list(labels)}
        case "vit":
            return {"image": image}
    return {"texts": [text(14, 62) for _ in range(64)]}  # with [CLS] and [SEP], 16 to 64 tokens


class Ingot:
    """`ingot`, kept alive, told in its own lines."""

    def __init__(self, name, engine, options, work):
        self.name = name
        command = {"caption": "caption", "match": "match", "clip": "classify", "vit": "classify"}.get(name, "embed")
        family = {"caption": "blip-caption", "match": "blip-match", "clip": "clip", "vit": "vit-imagenet"}
        line = [options.binary, command, "--shelf", work / "shelf", "--set", "Release=bench", "--threads", bench.THREADS,
                "--family", family.get(name, "text-embedding")]
        line += ["--min-tokens", "10", "--max-tokens", "10"] if name == "caption" else []
        line += ["--top", "1000"] if command == "classify" else []
        line += ["--set", "Precision=" + ("int8" if engine == "ingot-int8" else "float32")]
        self.process = start(line)

    def __call__(self, asked):
        lines = [{"text": text} for text in asked["texts"]] if self.name.startswith("embed") else [asked]
        written = "".join(json.dumps(line) + "\n" for line in lines)
        before = time.perf_counter()
        self.process.stdin.write(written)
        self.process.stdin.flush()
        out = [self.process.stdout.readline() for _ in lines]
        taken = time.perf_counter() - before
        out = [json.loads(line or '{"error": "ended"}') for line in out]
        if problem := next((line["error"] for line in out if "error" in line), None):
            sys.exit(f"{' '.join(self.process.args)}: {problem}")
        return self.result(out[0]), taken

    def result(self, out):
        match self.name:
            case "caption":
                return out["tokens"]
            case "match":
                matches = out["matches"]
                return [x for one in matches for x in one["logits"]] + [one["cosine"] for one in matches]
            case "clip" | "vit":
                return [one["probability"] for one in sorted(out["classes"], key=lambda one: one["class"])]
        return out["embedding"]


class Peer:
    def __init__(self, name, engine, options, work):
        self.process = start([
            sys.executable, HERE / "task_peer.py", name, engine, "--checkpoint", options.nets / name, "--graphs", work])

    def __call__(self, asked):
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        printed = self.process.stdout.readline()
        if not printed:
            sys.exit(f"ended: {' '.join(self.process.args)}")
        out = json.loads(printed)
        # Not its JSON, which its language is slow to write.
        return out["result"], out["seconds"]


def start(words):
    return subprocess.Popen(
        [str(word) for word in words], env=bench.ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL)


def prepare(name, options, engines):
    work = options.work / name
    work.mkdir(parents=True, exist_ok=True)
    for image in ("one.png", "other.png"):
        if not (work / image).exists():
            bench.draw(work / image)

    def make(made, *command):
        if not (work / f"{made}.made").exists():
            bench.run(command)
            (work / f"{made}.made").touch()

    checkpoint = options.nets / name
    for made in dict.fromkeys(made for engine in engines for made in MADE.get(engine, [])):
        graphs = [sys.executable, HERE / "task_graphs.py", name, "--checkpoint", checkpoint, "--out", work]
        make(made, *graphs, "--make", made)
    shelf = ["--set", "Release=bench", "--shelf", work / "shelf"]
    make("ingot", options.binary, "convert", checkpoint, *shelf)
    if "ingot-int8" in engines:
        make("ingot-int8", options.binary, "quantize", *shelf)
    return work


def run(name, options, engines):
    """Milliseconds by engine, and how far its results are from ingot's."""
    work = prepare(name, options, engines)
    servers = {
        engine: (Ingot if engine.startswith("ingot") else Peer)(name, engine, options, work) for engine in engines}
    chance, known = random.Random(1), words(options.vocabulary)
    records, apart = {engine: [] for engine in engines}, {engine: 0.0 for engine in engines}
    for number in range(options.runs + 2):
        asked = request(name, number, work, chance, known)
        results = {}
        for engine, server in servers.items():
            results[engine], seconds = server(asked)
            if number >= 2:
                records[engine].append(seconds * 1e3)
        for engine, result in results.items():
            apart[engine] = max(apart[engine], distance(result, results[engines[0]]))
    for server in servers.values():
        server.process.stdin.close()
        server.process.wait()
    return records, apart


def distance(a, b):
    largest = max(map(abs, b)) or 1
    return max(abs(x - y) for x, y in zip(a, b, strict=True)) / largest


def table(records, engines):
    lines = ["| | " + " | ".join(engines) + " | fastest other |", "|---|" + "---:|" * (len(engines) + 1)]
    for name, found in records.items():
        medians = {engine: statistics.median(found[engine]) for engine in engines}
        ours = medians[engines[0]]
        others = [medians[engine] for engine in engines[1:]]
        cells = [bench.number(ours)]
        cells += [f"{bench.number(value)}, {value / ours:.2f} ×" for value in others]
        lines.append(f"| {TASKS[name]} | " + " | ".join(cells) + f" | **{min(others) / ours:.2f} ×** |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Times ingot and other engines at several tasks, in turn.")
    parser.add_argument("--nets", type=pathlib.Path, required=True, help="what task_nets.py wrote")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / ".build" / "release" / "ingot")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", default=",".join(TASKS))
    parser.add_argument("--engines", default=",".join(FLOAT))
    parser.add_argument("--int8", action="store_true", help="the int8 engines as well")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / ".build" / "bench-tasks", help="folder for made files")
    parser.add_argument("--json", type=pathlib.Path, metavar="OUT", help="write every single figure there")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    options.vocabulary = options.nets / "embed-small" / "vocab.txt"
    engines = options.engines.split(",") + (INT8 if options.int8 else [])
    groups = [[engine for engine in engines if bench.is_int8(engine) == wanted] for wanted in (False, True)]
    load = os.getloadavg()[0]
    records, apart = {}, {}
    for name in options.only.split(","):
        records[name], apart[name] = {}, {}
        for group in filter(None, groups):
            times, distances = run(name, options, group)
            records[name] |= times
            apart[name] |= distances
        print(f"tasks: {name}: " + ", ".join(
            f"{engine} {statistics.median(times):.1f} ({apart[name][engine]:.1e})"
            for engine, times in records[name].items()), file=sys.stderr)
    facts = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
             "processor": bench.processor(), "load before": load, "runs": options.runs,
             "versions": bench.versions(options, engines)}
    print(f"{facts['processor']}; {bench.THREADS} threads; {facts['date']}; load before: {load:.2f}")
    print("; ".join(f"{name} {version}" for name, version in facts["versions"].items()))
    print(f"medians of {options.runs} runs in ms, and times the first one's")
    for group in filter(None, groups):
        print("\n" + table(records, group))
    if options.json:
        options.json.write_text(json.dumps(facts | {"ms": records, "apart": apart}, indent=1) + "\n")


if __name__ == "__main__":
    main()
