#!/usr/bin/env python3
"""Times `ingot ask` beside other engines that run the same net on the same machine, in turn.

    python3 -m venv .venv-bench && .venv-bench/bin/pip install -r tools/bench/requirements.txt
    .venv-bench/bin/python tools/bench/bench.py --checkpoint HF_FOLDER --binary .build/release/ingot \\
        [--runs 9] [--engines ingot,torch,onnxruntime,openvino] [--int8] [--json OUT]

HF_FOLDER is a checkpoint in the huggingface layout. README.md beside this file says what is measured and how. Net
files, ONNX and OpenVINO files are made once per checkpoint, in the folder --work (.build/bench). Prints a Markdown
table, and one more of the int8 engines where --int8 adds them.
"""

import argparse
import datetime
import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
THREADS = "2"
TOKENS = "5"
QUESTIONS = ["what color is the house?", "how many trees are there?"]  # 8 tokens each, with [CLS] and [SEP]
STAGES = ["image", "question", "answer", "whole", "further question"]
INGOT = ["ingot", "ingot-int8"]
PEERS = {  # the ways in which each may run; the faster is shown
    "torch": ["torch-hf", "torch-sdpa"], "onnxruntime": ["onnxruntime"],
    "onnxruntime-exported": ["onnxruntime-exported"], "openvino": ["openvino"],
    "torch-int8": ["torch-hf-int8", "torch-sdpa-int8"], "onnxruntime-int8": ["onnxruntime-int8"],
    "openvino-int8": ["openvino-int8", "openvino-w8"], "openvino-w8": ["openvino-w8"]}
INT8 = ["ingot-int8", "torch-int8", "onnxruntime-int8", "openvino-int8"]
FILES = {  # what graphs.py must have made for them, in order
    "onnxruntime": ["exported", "onnxruntime"], "onnxruntime-exported": ["exported"],
    "openvino": ["exported", "openvino"], "torch-int8": ["torch-int8"],
    "onnxruntime-int8": ["exported", "onnxruntime-int8"], "openvino-int8": ["exported", "openvino-int8", "openvino-w8"],
    "openvino-w8": ["exported", "openvino-w8"]}
FORM = 2  # another number whenever graphs.py writes other files, so that none of old are run
PACKAGES = ["torch", "transformers", "onnxruntime", "openvino", "nncf", "numpy", "pillow"]


def is_int8(engine):
    return engine.endswith(("-int8", "-w8"))


def draw(path):
    """The picture: a house, trees and noise, 640 x 480; drawn once, so that all runs see the same."""
    import random

    import PIL.Image
    import PIL.ImageDraw

    chance = random.Random(1)
    picture = PIL.Image.new("RGB", (640, 480), (120, 180, 240))
    pen = PIL.ImageDraw.Draw(picture)
    pen.rectangle((0, 320, 640, 480), fill=(70, 160, 60))
    pen.rectangle((220, 200, 420, 360), fill=(200, 40, 40))
    pen.polygon(((200, 200), (320, 110), (440, 200)), fill=(110, 60, 30))
    for left in (60, 480, 560):
        pen.rectangle((left + 25, 260, left + 40, 350), fill=(100, 60, 30))
        pen.ellipse((left, 170, left + 65, 280), fill=(30, 110 + left // 10, 40))
    for _ in range(60000):
        place = chance.randrange(640), chance.randrange(480)
        noisy = (value + chance.randrange(-12, 13) for value in picture.getpixel(place))
        picture.putpixel(place, tuple(max(0, min(255, value)) for value in noisy))
    picture.save(path)


# ------------------------------------------------------------------------------------------------------------- engines


def prepare(options, engines):
    """The work folder of this checkpoint, with what the engines run made where it lacks."""
    weights = [path.stat() for path in sorted(options.checkpoint.glob("*.safetensors"))]
    key = repr([FORM, str(options.checkpoint.resolve()), [(item.st_size, item.st_mtime_ns) for item in weights]])
    work = options.work / hashlib.sha256(key.encode()).hexdigest()[:12]
    work.mkdir(parents=True, exist_ok=True)
    for name in ("one.png", "other.png"):  # two files of one picture, so that no engine has it from the last run
        if not (work / name).exists():
            draw(work / name)

    def make(name, *command):
        if not (work / f"{name}.made").exists():
            run(command)
            (work / f"{name}.made").touch()

    for name in dict.fromkeys(file for engine in engines for file in FILES.get(engine, [])):
        graphs = [sys.executable, HERE / "graphs.py", "--checkpoint", options.checkpoint, "--out", work]
        make(name, *graphs, "--make", name)
    shelf = ["--set", "Release=bench", "--shelf", work / "shelf"]
    if any(name in engines for name in INGOT):
        make("ingot", options.binary, "convert", options.checkpoint, *shelf)
    if "ingot-int8" in engines:
        make("ingot-int8", options.binary, "quantize", *shelf)
    return work


def run(command):
    print("bench: " + " ".join(map(str, command)), file=sys.stderr)
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout[-4000:])


def command(engine, options, work, *asked):
    """Of a process that answers one question, or those on its standard input."""
    if engine in INGOT:
        words = [options.binary, "ask", *asked, "--shelf", work / "shelf", "--set", "Release=bench",
                 "--threads", THREADS, "--max-tokens", TOKENS, "--min-tokens", TOKENS]
        words += ["--set", "Precision=int8"] if engine == "ingot-int8" else []
    else:
        words = [sys.executable, HERE / "peer.py", engine, *asked, "--checkpoint", options.checkpoint, "--graphs", work,
                 "--tokens", TOKENS]
    return [str(word) for word in words]


ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": THREADS, "MKL_NUM_THREADS": THREADS, "HF_HUB_OFFLINE": "1"}


class Server:
    """An engine's process, kept alive."""

    def __init__(self, engine, options, work):
        self.engine, self.work, self.count = engine, work, 0
        self.records = {stage: [] for stage in STAGES}
        self.process = subprocess.Popen(
            command(engine, options, work), env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)

    def ask(self, image, question):
        """The answer, and the milliseconds from the question's line to the answer's."""
        line = json.dumps({"image": str(image), "question": question}) + "\n"
        start = time.perf_counter()
        self.process.stdin.write(line)
        self.process.stdin.flush()
        printed = self.process.stdout.readline()
        taken = (time.perf_counter() - start) * 1e3
        if not printed:
            sys.exit(f"{self.engine} ended: {' '.join(self.process.args)}")
        answer = json.loads(printed)
        if "error" in answer:
            sys.exit(f"{self.engine}: {answer['error']}")
        return answer, taken

    def turn(self, counts=True):
        """One run: a question about a new image, and another about the same."""
        image = self.work / ("one.png", "other.png")[self.count % 2]
        self.count += 1
        answer, whole = self.ask(image, QUESTIONS[0])
        further = self.ask(image, QUESTIONS[1])[1]
        if counts:
            for stage, seconds in answer["seconds"].items():
                self.records[stage].append(seconds * 1e3)
            self.records["whole"].append(whole)
            self.records["further question"].append(further)
        self.tokens = answer["tokens"]

    def finish(self):
        """Ends the process; its peak memory in MB."""
        self.process.stdin.close()
        self.process.stdout.close()
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        return usage.ru_maxrss * 1024 / 1e6


def warm_runs(engines, options, work):
    """Milliseconds by engine and stage. The engines take turns, so that noise of the machine hits all alike."""
    servers = [Server(engine, options, work) for engine in engines]
    for server in servers:
        for _ in range(2):
            server.turn(counts=False)
    for number in range(options.runs):
        for server in servers:
            server.turn()
        print(f"bench: run {number + 1} of {options.runs}", file=sys.stderr)
    out = {server.engine: server.records | {"peak MB": [server.finish()]} for server in servers}
    tokens = {server.engine: server.tokens for server in servers}
    return out, tokens


def cold_run(engine, options, work):
    """Seconds from the start of a process to its answer and end, files being in the page cache; and its peak MB."""
    words = command(engine, options, work, str(work / "one.png"), QUESTIONS[0])
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = time.perf_counter()
    process = subprocess.Popen(words, env=ENVIRONMENT, **quiet)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{engine}: exit status {process.returncode}: {' '.join(words)}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e6


def cold_runs(engines, options, work):
    out = {engine: {"cold start": [], "cold peak MB": []} for engine in engines}
    for number in range(options.cold_runs + 1):
        for engine in engines:
            seconds, memory = cold_run(engine, options, work)
            if number > 0:  # the first brings the files into the page cache
                out[engine]["cold start"].append(seconds * 1e3)
                out[engine]["cold peak MB"].append(memory)
        print(f"bench: cold run {number} of {options.cold_runs}", file=sys.stderr)
    return out


# ----------------------------------------------------------------------------------------------------------- the table


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def versions(options, engines):
    out = {}
    if any(name in engines for name in INGOT):
        done = subprocess.run([str(options.binary), "--version"], stdout=subprocess.PIPE, text=True)
        out["ingot"] = done.stdout.strip()
    for package in PACKAGES:
        try:
            out[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return out | {"python": platform.python_version()}


def faster(records, candidates):
    return min(candidates, key=lambda engine: statistics.median(records[engine]["whole"]))


def table(records, shown, ours):
    """Rows are what is measured, columns the engines; (least) after the median, and the ratio to the median of ours."""
    rows = [(stage, "ms") for stage in [*STAGES, "cold start"]] + [("peak MB", "MB"), ("cold peak MB", "MB")]
    medians = {
        name: {row: statistics.median(records[engine][row]) for row, _ in rows} for name, engine in shown.items()}
    others = [name for name in shown if name not in INGOT]
    ratio = [f"fastest other / {ours}"] if ours in shown and others else []
    lines = ["| " + " | ".join(["", *shown, *ratio]) + " |"]
    lines.append("|---|" + "---:|" * (lines[0].count("|") - 2))
    for row, unit in rows:
        best = min(others, key=lambda name: medians[name][row]) if others else None
        cells = [f"{row.replace(' MB', '')}, {unit}"]
        for name, engine in shown.items():
            cell = number(medians[name][row])
            if unit == "ms":
                cell += f" ({number(min(records[engine][row]))})"
            if ours in shown and name != ours:
                cell += f", x{medians[name][row] / medians[ours][row]:.2f}"
            cells.append(f"**{cell}**" if name == best else cell)
        if ratio:
            cells.append(f"{medians[best][row] / medians[ours][row]:.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def tables(records, shown):
    """One, relative to ingot; where ingot-int8 runs too, one more of the int8 engines, relative to that."""
    if "ingot-int8" not in shown:
        return [table(records, shown, "ingot")]
    groups = [({name: engine for name, engine in shown.items() if is_int8(engine) == wanted}, ours)
              for ours, wanted in (("ingot", False), ("ingot-int8", True))]
    return [table(records, group, ours) for group, ours in groups if group]


def alike(tokens):
    """Whether the engines answered the same. Those of int8 may differ: their nets are others."""
    floats = {engine: found for engine, found in tokens.items() if not is_int8(engine)} or tokens
    if len({tuple(found) for found in floats.values()}) > 1:
        return str(tokens)
    answer = next(iter(floats.values()))
    if others := [engine for engine, found in tokens.items() if found != answer]:
        return f"the same {answer} from all others; " + ", ".join(f"{engine} {tokens[engine]}" for engine in others)
    return "the same from all engines"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main():
    parser = argparse.ArgumentParser(description="Times ingot and other engines in turn.")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True, help="a folder in the huggingface layout")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / ".build" / "release" / "ingot")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--cold-runs", type=int, default=3)
    parser.add_argument("--engines", default="ingot,torch,onnxruntime,openvino")
    parser.add_argument("--int8", action="store_true", help="the int8 engines as well")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / ".build" / "bench", help="folder for made files")
    parser.add_argument("--json", type=pathlib.Path, metavar="OUT", help="write every single figure there")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    chosen = list(dict.fromkeys(options.engines.split(",") + (INT8 if options.int8 else [])))
    if unknown := [name for name in chosen if name not in INGOT and name not in PEERS]:
        parser.error(f"no engines: {', '.join(unknown)}")
    engines = list(dict.fromkeys(engine for name in chosen for engine in PEERS.get(name, [name])))
    load = os.getloadavg()[0]
    work = prepare(options, chosen)
    records, tokens = warm_runs(engines, options, work)
    for engine, record in cold_runs(engines, options, work).items():
        records[engine] |= record
    picked = {name: faster(records, PEERS.get(name, [name])) for name in chosen}
    shown = {engine: engine for engine in picked.values()}
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "processor": processor(),
        "cores": os.cpu_count(), "threads": int(THREADS), "load before": load, "runs": options.runs,
        "cold runs": options.cold_runs, "versions": versions(options, chosen)}
    print(f"{facts['processor']}, {facts['cores']} cores; {THREADS} threads; {facts['date']}; load before: {load:.2f}")
    print("; ".join(f"{name} {version}" for name, version in facts["versions"].items()))
    print(f"medians (least), {options.runs} runs, {options.cold_runs} cold starts; x: times ingot's (of int8 engines, "
          "ingot-int8's, where that runs); **fastest other**")
    for text in tables(records, shown):
        print(f"\n{text}")
    print()
    if all(name in shown for name in INGOT):
        whole = [statistics.median(records[name]["whole"]) for name in INGOT]
        print(f"whole, ingot / ingot-int8: {whole[0] / whole[1]:.2f}")
    print(f"answers: {alike(tokens)}")
    if options.json:
        options.json.write_text(json.dumps(facts | {"ms": records, "shown": picked, "tokens": tokens}, indent=1) + "\n")


if __name__ == "__main__":
    main()
