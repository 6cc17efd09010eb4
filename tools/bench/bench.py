#!/usr/bin/env python3
"""Times `ingot ask` beside other engines that run the same net on the same machine, in turn.

    python3 -m venv .venv-bench && .venv-bench/bin/pip install -r tools/bench/requirements.txt
    .venv-bench/bin/python tools/bench/bench.py --checkpoint HF_FOLDER --binary .build/release/ingot \\
        [--runs 9] [--engines ingot,torch,onnxruntime,openvino] [--json OUT]

HF_FOLDER is a checkpoint in the huggingface layout. README.md beside this file says what is measured and how. Net
files, ONNX and OpenVINO files are made once per checkpoint, in the folder --work (.build/bench). Prints a
Markdown table.
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
PEERS = {"torch": ["torch-hf", "torch-sdpa"], "onnxruntime": ["onnxruntime"],
         "onnxruntime-exported": ["onnxruntime-exported"], "openvino": ["openvino"]}
PACKAGES = ["torch", "transformers", "onnxruntime", "openvino", "numpy", "pillow"]


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
    key = repr([str(options.checkpoint.resolve()), [(item.st_size, item.st_mtime_ns) for item in weights]])
    work = options.work / hashlib.sha256(key.encode()).hexdigest()[:12]
    work.mkdir(parents=True, exist_ok=True)
    for name in ("one.png", "other.png"):  # two files of one picture, so that no engine has it from the last run
        if not (work / name).exists():
            draw(work / name)
    wanted = {name.removesuffix("-exported") for name in engines}
    missing = [name for name in ("onnxruntime", "openvino") if name in wanted and not (work / f"{name}.made").exists()]
    if missing:
        run([sys.executable, HERE / "graphs.py", "--checkpoint", options.checkpoint, "--out", work]
            + [word for name in missing for word in ("--engine", name)])
        for name in missing:
            (work / f"{name}.made").touch()
    if "ingot" in engines and not (work / "shelf").exists():
        run([options.binary, "convert", options.checkpoint, "--set", "Release=bench", "--shelf", work / "shelf"])
    return work


def run(command):
    print("bench: " + " ".join(map(str, command)), file=sys.stderr)
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout[-4000:])


def command(engine, options, work, *asked):
    """Of a process that answers one question, or those on its standard input."""
    if engine == "ingot":
        words = [options.binary, "ask", *asked, "--shelf", work / "shelf", "--set", "Release=bench",
                 "--threads", THREADS, "--max-tokens", TOKENS, "--min-tokens", TOKENS]
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
    if "ingot" in engines:
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


def table(records, shown):
    """Rows are what is measured, columns the engines; (least) after the median, and the ratio to ingot's median."""
    rows = [(stage, "ms") for stage in [*STAGES, "cold start"]] + [("peak MB", "MB"), ("cold peak MB", "MB")]
    medians = {
        name: {row: statistics.median(records[engine][row]) for row, _ in rows} for name, engine in shown.items()}
    others = [name for name in shown if name != "ingot"]
    ratio = ["fastest other / ingot"] if "ingot" in shown and others else []
    lines = ["| " + " | ".join(["", *shown, *ratio]) + " |"]
    lines.append("|---|" + "---:|" * (lines[0].count("|") - 2))
    for row, unit in rows:
        best = min(others, key=lambda name: medians[name][row]) if others else None
        cells = [f"{row.replace(' MB', '')}, {unit}"]
        for name, engine in shown.items():
            cell = number(medians[name][row])
            if unit == "ms":
                cell += f" ({number(min(records[engine][row]))})"
            if "ingot" in shown and name != "ingot":
                cell += f", x{medians[name][row] / medians['ingot'][row]:.2f}"
            cells.append(f"**{cell}**" if name == best else cell)
        if "ingot" in shown and best:
            cells.append(f"{medians[best][row] / medians['ingot'][row]:.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main():
    parser = argparse.ArgumentParser(description="Times ingot and other engines in turn.")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True, help="a folder in the huggingface layout")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / ".build" / "release" / "ingot")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--cold-runs", type=int, default=3)
    parser.add_argument("--engines", default="ingot,torch,onnxruntime,openvino")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / ".build" / "bench", help="folder for made files")
    parser.add_argument("--json", type=pathlib.Path, metavar="OUT", help="write every single figure there")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    chosen = options.engines.split(",")
    if unknown := [name for name in chosen if name != "ingot" and name not in PEERS]:
        parser.error(f"no engines: {', '.join(unknown)}")
    engines = [engine for name in chosen for engine in PEERS.get(name, [name])]
    load = os.getloadavg()[0]
    work = prepare(options, chosen)
    records, tokens = warm_runs(engines, options, work)
    for engine, record in cold_runs(engines, options, work).items():
        records[engine] |= record
    picked = {name: faster(records, PEERS.get(name, [name])) for name in chosen}
    shown = {name if name == engine else engine: engine for name, engine in picked.items()}
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "processor": processor(),
        "cores": os.cpu_count(), "threads": int(THREADS), "load before": load, "runs": options.runs,
        "cold runs": options.cold_runs, "versions": versions(options, chosen)}
    print(f"{facts['processor']}, {facts['cores']} cores; {THREADS} threads; {facts['date']}; load before: {load:.2f}")
    print("; ".join(f"{name} {version}" for name, version in facts["versions"].items()))
    print(f"medians (least), {options.runs} runs, {options.cold_runs} cold starts; x: times ingot's; **fastest other**")
    print()
    print(table(records, shown))
    print()
    alike = len({tuple(found) for found in tokens.values()}) == 1
    print(f"answers: {'the same from all engines' if alike else tokens}")
    if options.json:
        options.json.write_text(json.dumps(facts | {"ms": records, "shown": picked, "tokens": tokens}, indent=1) + "\n")


if __name__ == "__main__":
    main()
