#!/usr/bin/env python3
"""Times `ingot inspect hf://…` beside huggingface_hub, and `ingot convert hf://…` beside fetching its file by curl.

    pip install huggingface_hub       (and curl on the system)
    python3 tools/bench/hub.py .build/release/ingot [--runs 7] [--converts 5] [--latency 50] [--work FOLDER]

Both ask the hub for tests (tools/hub) on this machine, in turn, after one run of each that isn't counted.

inspect    A net in one file (1.54 GB), and one in 163 shards, with so many milliseconds added to every request.
           huggingface_hub's get_safetensors_metadata: the call alone, in a process that has imported it and called it
           before, whose connections stand; and a whole process, as ingot's always is.
convert    The same net, from the hub to net files that are on the disk: time and peak memory. curl fetches the file
           and has it written to the disk (fsync); it writes once what convert writes twice, to the cache and as nets.

Prints medians, spreads and ratios as a Markdown table, and the machine's load.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TOOLS / "hub"), str(TOOLS / "checks")]

import repositories  # noqa: E402
from hub_command import Command  # noqa: E402
from running_hub import RunningHub  # noqa: E402

NETS = {"samples/blip-vqa": "one file", "samples/shards": "163 shards"}
CALL = """
import json, sys, time
import huggingface_hub
api = huggingface_hub.HfApi()
for line in sys.stdin:
    start = time.perf_counter()
    count = len(api.get_safetensors_metadata(line.strip()).weight_map)
    print(json.dumps([time.perf_counter() - start, count]), flush=True)
"""
FETCH = 'curl -q -s -f --noproxy "*" -o "$1" "$2" && sync "$1"'


def timed(command, environment):
    """Seconds, peak memory in bytes and standard output of a whole process, which must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        sys.exit(f"{command}: status {process.returncode}")
    return seconds, usage.ru_maxrss * 1024, output


def row(name, seconds, base=None):
    """Of a table: the median, the least and the most; how many times as long as `base`."""
    middle = statistics.median(seconds)
    ratio = f"{middle / base:.2f}" if base else ""
    print(f"| {name} | {middle:.3f} | {min(seconds):.3f} – {max(seconds):.3f} | {ratio} |")
    return middle


def inspect(command, runs):
    environment = command.environment | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    peer = subprocess.Popen(
        [sys.executable, "-c", CALL], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def call(net):
        peer.stdin.write(net + "\n")
        peer.stdin.flush()
        return json.loads(peer.stdout.readline())

    def whole(net):
        start = time.perf_counter()
        process = [sys.executable, "-c", CALL]
        done = subprocess.run(process, env=environment, input=net, capture_output=True, text=True, check=True)
        return time.perf_counter() - start, json.loads(done.stdout)[1]

    def ours(net):
        seconds, _, output = timed([command.ingot, "inspect", f"hf://{net}", "--json"], environment)
        return seconds, json.loads(output)

    for net, what in NETS.items():
        times = {"ingot": [], "call": [], "whole": []}
        for turn in range(runs + 1):
            (mine, report), (called, count), (process, _) = ours(net), call(net), whole(net)
            if len(report["arrays"]) != count:
                sys.exit(f"{net}: {len(report['arrays'])} arrays, huggingface_hub finds {count}")
            for name, seconds in zip(times, (mine, called, process)) if turn else ():
                times[name].append(seconds)
        fetched = report["fetched"]
        print(f"\n{what}: ingot makes {fetched['requests']} requests and fetches {fetched['bytes']} bytes\n")
        print("| | median s | least – most | times ingot's |\n|---|---|---|---|")
        base = row("ingot inspect, whole process", times["ingot"])
        row("get_safetensors_metadata, the call alone", times["call"], base)
        row("get_safetensors_metadata, whole process", times["whole"], base)
    peer.stdin.close()
    peer.wait()


def convert(command, hub, runs, work):
    net = "samples/blip-vqa"
    address, file = f"{hub.content}/files/{net}/model.safetensors", f"{work}/fetched"
    ours, fetching, peaks = [], [], []
    for turn in range(runs + 1):
        shutil.rmtree(command.home, ignore_errors=True)
        shutil.rmtree(f"{work}/shelf", ignore_errors=True)
        convert = [command.ingot, "convert", f"hf://{net}", "--shelf", f"{work}/shelf"]
        os.sync()  # nothing of an earlier turn is left to be written
        seconds, peak, _ = timed(convert, command.environment)
        os.sync()
        fetch, _, _ = timed(["sh", "-c", FETCH, "sh", file, address], command.environment)
        os.remove(file)
        if turn:
            ours.append(seconds)
            fetching.append(fetch)
            peaks.append(peak)
    print(f"\nconvert, at most {max(peaks) / 1e6:.0f} MB of memory\n")
    print("| | median s | least – most | times curl's |\n|---|---|---|---|")
    base = row("curl and fsync", fetching)
    row("ingot convert", ours, base)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ingot", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--converts", type=int, default=5)
    parser.add_argument("--latency", type=float, default=50, metavar="MS")
    parser.add_argument("--work", metavar="FOLDER", help="of temporary files, 5 GB")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors, {options.latency} ms added to each request")
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        folder = f"{work}/repositories"
        repositories.make(folder, only=list(NETS))
        ingot = options.ingot.resolve()
        if options.runs:
            with RunningHub(folder, "--latency", str(options.latency)) as hub:
                inspect(Command(ingot, hub, f"{work}/home"), options.runs)
        if options.converts:
            with RunningHub(folder) as hub:
                convert(Command(ingot, hub, f"{work}/home"), hub, options.converts, work)
    print(f"\nload {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
