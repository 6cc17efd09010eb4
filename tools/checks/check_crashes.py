#!/usr/bin/env python3
"""Kills commands that write files at random moments, runs two at once, fills the disk, and looks at what is left.

    python3 tools/checks/check_crashes.py .build/release/ingot [--kills 2000] [--signals 600] [--pairs 500]

1. SIGKILL at random moments of convert, quantize, export and others, spread over the length of a run. After each: the
   shelf can be listed and verified, every file is by its SHA-256 a former or a new one, no child is left, and the next
   command that writes there leaves all former or all new ones, and nothing else.
2. SIGINT, SIGTERM and SIGHUP likewise, with more commands. The process ends by that signal, or was done before; at once
   the files are all former or all new ones, nothing else is left, and no child.
3. Two at once, at moments that differ by up to a run's length: two writers with different weights into one shelf, and a
   writer beside a reader, which exports the three nets. All commands succeed (but where a net of other weights may not
   be replaced: then one is refused), all three nets are one writer's, and what the reader saw is one writer's too.
4. Files may grow to no more than so many bytes (`ulimit -f`), and, where one may be mounted, a disk is full: every such
   run is an I/O error in one line with a hint, all files are the former ones, and nothing else is left. This reaches
   libhdf5, which writes in a child process.

Prints counts; exits with status 1 if anything was wrong.
"""

import argparse
import os
import pathlib
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import folder_states
import orphans
from checks import Checks
from folder_states import LAYOUTS

KILLED = ["convert", "quantize", "export", "convert-hdf5", "export-hdf5", "ask-video"]
SIGNALLED = KILLED + ["convert-first", "inspect-html", "ask-trace", "evaluate-html"]


def start(command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def length(job, work):
    """Seconds that the command takes: the median of some runs."""
    times = []
    for _ in range(9):
        job.reset(work)
        begin = time.monotonic()
        subprocess.run(job.command(work), capture_output=True)
        times.append(time.monotonic() - begin)
    return statistics.median(times)


def interrupt(job, work, moment, number):
    """Runs the command and sends it a signal; gives its status."""
    job.reset(work)
    process = start(job.command(work))
    time.sleep(moment)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def kills(jobs, number, work, checks):
    for name in KILLED:
        job = jobs[name]
        seconds = length(job, work)
        counts = {"old": 0, "new": 0, "mixture": 0, "litter": 0}
        for _ in range(number // len(KILLED) + 1):
            moment = random.uniform(0, 1.05 * seconds)
            interrupt(job, work, moment, signal.SIGKILL)
            what = f"{name} killed after {moment * 1000:.2f} ms of {seconds * 1000:.2f}"
            if left := orphans.left():
                checks.fail(f"{what}: {left} children are left")
            state, litter = job.state(work)
            if state == "damaged":
                checks.fail(f"{what}: {folder_states.digests(work)}")
                continue
            counts[state] += 1
            counts["litter"] += bool(litter)
            readable, why = job.is_readable(work)
            if not readable:
                checks.fail(f"{what}: {why}")
            if state == "mixture" or litter:
                job.settle(work)
                state, litter = job.state(work)
                if state == "mixture" or litter:
                    checks.fail(f"{what}: the next run leaves {state}, {litter}")
        total = counts["old"] + counts["new"] + counts["mixture"]
        print(f"{name}: {total} kills within {seconds * 1000:.1f} ms: {counts['old']} leave the former files, "
              f"{counts['new']} the new ones, {counts['mixture']} both; {counts['litter']} leave others", flush=True)


def signals(jobs, number, work, checks):
    for name in SIGNALLED:
        job = jobs[name]
        seconds = length(job, work)
        ended = 0
        for index in range(number // len(SIGNALLED) + 1):
            which = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP][index % 3]
            moment = random.uniform(0.0, 1.05 * seconds)
            status, errors = interrupt(job, work, moment, which)
            what = f"{name}, {which.name} after {moment * 1000:.2f} ms of {seconds * 1000:.2f}"
            if status not in (0, -which) or errors:
                checks.fail(f"{what}: status {status}, {errors}")
            ended += status != 0
            state, litter = job.state(work)
            if state not in ("old", "new") or litter:
                checks.fail(f"{what}: {state}, {litter}")
            if left := orphans.left():
                checks.fail(f"{what}: {left} children are left")
        print(f"{name}: {index + 1} signals within {seconds * 1000:.1f} ms, {ended} ended it", flush=True)


def pairs(ingot, number, scratch, checks):
    """Writers with different weights, and readers."""
    sources = {"first": LAYOUTS / "huggingface", "second": scratch / "other"}
    tiny = ["--set", "Release=tiny"]
    shelves, exported = {}, {}
    for name, source in sources.items():
        shelf = scratch / f"only-{name}"
        subprocess.run([ingot, "convert", source, *tiny, "--shelf", shelf], check=True, capture_output=True)
        shelves[name] = folder_states.digests(shelf)
        folder = scratch / f"exported-{name}"
        subprocess.run([ingot, "export", *tiny, "--shelf", shelf, folder], check=True, capture_output=True)
        exported[name] = folder_states.digests(folder)
    shelf, seen = scratch / "shared", scratch / "seen"
    won, refused = dict.fromkeys(sources, 0), 0
    for index in range(number):
        shutil.rmtree(shelf, ignore_errors=True)
        shutil.rmtree(seen, ignore_errors=True)
        kind = ["two writers", "two writers, the first stays", "a writer and a reader"][index % 3]
        convert = {name: [ingot, "convert", source, *tiny, "--shelf", shelf] for name, source in sources.items()}
        if kind != "two writers, the first stays":
            for command in convert.values():
                command.append("--force")
        commands = [convert["first"], convert["second"]]
        if kind == "a writer and a reader":
            shutil.copytree(scratch / "only-first", shelf)
            commands = [convert["second"], [ingot, "export", *tiny, "--shelf", shelf, seen]]
        if random.random() < 0.5:
            commands.reverse()
        running = [start(commands[0])]
        time.sleep(random.uniform(0, 0.012))
        running.append(start(commands[1]))
        results = [process.communicate(timeout=60) for process in running]
        statuses = sorted(process.returncode for process in running)
        allowed = [[0, 0], [0, 73]] if kind == "two writers, the first stays" else [[0, 0]]
        what = f"pair {index}, {kind}"
        if statuses not in allowed or statuses == [0, 0] and "stays" in kind:
            checks.fail(f"{what}: statuses {statuses}, {[errors for _, errors in results]}")
        refused += statuses == [0, 73]
        winner = [name for name in sources if folder_states.digests(shelf) == shelves[name]]
        if len(winner) != 1:
            checks.fail(f"{what}: the shelf is no writer's: {sorted(folder_states.digests(shelf))}")
            continue
        won[winner[0]] += 1
        if seen.exists() and folder_states.digests(seen) not in exported.values():
            checks.fail(f"{what}: the reader saw a mixture")
    print(f"{number} pairs: the first writer's nets stand there {won['first']} times, the second's {won['second']}; "
          f"{refused} writers were refused", flush=True)


def full(jobs, scratch, work, checks):
    """Too little room."""

    def check(job, work, what, done):
        errors = done.stderr.splitlines()
        if done.returncode == 0 and job.state(work) == ("new", []):
            return 0
        if done.returncode not in (73, 74) or len(errors) != 2 or not errors[1].startswith("hint: ") or done.stdout:
            checks.fail(f"{what}: status {done.returncode}, {done.stderr}{done.stdout}")
        if job.state(work) != ("old", []):
            checks.fail(f"{what}: {job.state(work)}")
        return 1

    runs = refused = 0
    for name in SIGNALLED + ["create"]:
        job = jobs[name]
        for most in [0, 1, 100, 1000, 4096, 10_000, 20_000, 30_000, 50_000, 60_000, 65_000, 80_000]:
            job.reset(work)
            done = subprocess.run(
                job.command(work), capture_output=True, text=True,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
            runs += 1
            refused += check(job, work, f"{name} with files of at most {most} bytes", done)
    print(f"{runs} runs with a limit of file sizes, {refused} of them too low", flush=True)
    disk = scratch / "disk"
    disk.mkdir()
    runs = refused = 0
    for kilobytes in range(0, 260, 20):
        if os.geteuid() != 0 or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True).returncode:
            print("skipped: full disks, because none can be mounted here")
            return
        try:
            for name in ["convert", "quantize", "export", "export-hdf5", "inspect-html"]:
                job = jobs[name]
                job.reset(disk / "folder")
                free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - kilobytes * 1024
                (disk / "filler").write_bytes(bytes(max(0, free)))
                done = subprocess.run(job.command(disk / "folder"), capture_output=True, text=True)
                runs += 1
                refused += check(job, disk / "folder", f"{name} with {kilobytes} kB free", done)
                (disk / "filler").unlink()
        finally:
            subprocess.run(["umount", disk], check=True)
    print(f"{runs} runs on a disk with little room, {refused} of them too little", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ingot", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--signals", type=int, default=600)
    parser.add_argument("--pairs", type=int, default=500)
    options = parser.parse_args()
    orphans.adopt()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        ingot = options.ingot.resolve()
        jobs = {job.name: job for job in folder_states.jobs(ingot, scratch)}
        work = scratch / "work"
        if options.kills:
            kills(jobs, options.kills, work, checks)
        if options.signals:
            signals(jobs, options.signals, work, checks)
        if options.pairs:
            pairs(ingot, options.pairs, scratch, checks)
        full(jobs, scratch, work, checks)
    print(f"{checks.failed} violations")
    sys.exit(checks.failed > 0)


if __name__ == "__main__":
    main()
