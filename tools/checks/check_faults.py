#!/usr/bin/env python3
"""Makes every system call of every command that writes files fail, one after the other, and looks at what is left.

    swift build --product ingot --scratch-path .build/faults
    python3 tools/checks/check_faults.py .build/faults/debug/ingot [--quick | --every] [--only JOB] [--looking INGOT]

A debug build fails calls as INGOT_FAULT says (Sources/Arrays/System+Faults.swift). For each call of each command there
are two runs with each of ENOSPC, EIO and EACCES in turn, and two with an interrupt or a transfer of half the bytes, in
turn: that call fails once (the Nth of its kind), or all calls from it on (the Nth of all). With --every, each call has
each fault. SIGKILL and SIGTERM at each call come on top, and EINVAL of what a file system may lack: exchanging files,
links, locks. After each run:

- the status is a documented one, and 0 only when what was to be done is done; else there are one error line and one
  hint on standard error; interrupts and halves must go unnoticed;
- standard output is empty, or whole;
- the files are, byte for byte, all the old ones or all the new ones. Only a kill, or a disk that fails for good, may
  leave a mixture, with every file whole, and then the next command that writes there puts the old ones back;
- nothing else is left in the folder, but by a kill, a disk that fails for good, or where removing it was what failed;
  and then the next command that writes there removes it;
- the shelf can be listed and verified; no child is left.

What C libraries call in child processes (libhdf5, FFmpeg) can't be made to fail so; check_crashes.py fills the disk
under libhdf5. Prints the calls of each command and counts of all; exits with status 1 if anything was wrong. --quick
does about one run in forty, evenly spread. --looking names another build for what is run to look at the result.
"""

import argparse
import collections
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile

import folder_states
import orphans

ERRORS = ["ENOSPC", "EIO", "EACCES"]
UNNOTICED = ["EINTR", "short"]
LACKING = ["exchange:1:EINVAL:always", "exchange:1:EINVAL:always,link:1:EINVAL:always", "flock:1:EINVAL:always",
           "exchange:1:EINVAL:always,rename:2:EIO:once", "exchange:1:EINVAL:always,rename:3:EIO:once",
           "exchange:1:EINVAL:always,rename:4:EIO:once", "exchange:1:EINVAL:always,any:{n}:KILL:once"]


def count(job, scratch):
    """Calls of a run by kind."""
    work = scratch / "counted"
    job.reset(work)
    done = subprocess.run(
        job.command(work), capture_output=True, text=True, env={**os.environ, "INGOT_FAULT": "count"})
    lines = done.stderr.splitlines()
    assert done.returncode == 0 and lines[0].startswith("system calls: "), done.stderr
    return {kind: int(number) for kind, number in (line.split() for line in lines[1:])}


def faults(calls, every):
    total = sum(calls.values())
    for kinds in (ERRORS, UNNOTICED):
        for turn, fault in enumerate(kinds):
            step, first = (1, 1) if every else (len(kinds), turn + 1)
            for kind, number in calls.items():
                yield from (f"{kind}:{index}:{fault}:once" for index in range(first, number + 1, step))
            yield from (f"any:{index}:{fault}:always" for index in range(first, total + 1, step))
    for fault in ("KILL", "TERM"):
        yield from (f"any:{index}:{fault}:once" for index in range(1, total + 1))
    for text in LACKING:
        if "{n}" in text:
            # Near the end, files are put in place.
            yield from (text.replace("{n}", str(index)) for index in range(max(1, total - 60), total + 1))
        else:
            yield text


def wrong(job, fault, work):
    """What is wrong after a run with a fault; empty when nothing is."""
    job.reset(work)
    environment = {**os.environ, "INGOT_FAULT": fault}
    try:
        done = subprocess.run(job.command(work), capture_output=True, text=True, env=environment, timeout=120)
    except subprocess.TimeoutExpired:
        return ["it hangs"]
    found = []
    last = fault.split(",")[-1].split(":")
    lasting = "always" in fault and not any(word in fault for word in UNNOTICED) and "EINVAL" not in fault
    killed = last[2] == "KILL"
    status, errors = done.returncode, done.stderr.splitlines()
    if killed or last[2] == "TERM":
        if status not in (0, -9 if killed else -15):
            found.append(f"status {status}")
    elif status not in folder_states.STATUSES:
        found.append(f"status {status}")
    elif any(word in fault for word in UNNOTICED) and status != 0:
        found.append("an interrupt or a short transfer is noticed")
    if status > 0:
        if len(errors) != 2 or not errors[0].startswith("ingot: error: ") or not errors[1].startswith("hint: "):
            found.append(f"standard error is {errors}")
    elif errors:
        found.append(f"standard error is {errors}")
    output = job.plain(done.stdout, work)
    if output not in ("", job.output) or (status == 0 and output != job.output):
        found.append(f"standard output is {output[:100]!r}")
    if children := orphans.left():
        found.append(f"{children} children are left")
    state, litter = job.state(work)
    unsettled = state == "mixture" and (killed or lasting)
    if state not in ("old", "new") and not unsettled:
        found.append(f"the state is {state}")
    if status == 0 and state != "new":
        found.append(f"status 0, but the state is {state}")
    if litter and not (killed or lasting or last[0] == "unlink"):
        found.append(f"left over: {litter}")
    readable, why = job.is_readable(work)
    if not readable:
        found.append(f"not readable: {why}")
    if litter or unsettled:
        job.settle(work)
        state, litter = job.state(work)
        if state not in ("old", "new") or litter:
            found.append(f"after the next run: {state}, {litter}")
    return found


TASKS = []


def check(number):
    job, fault = TASKS[number]
    folder = pathlib.Path(os.environ["INGOT_CHECK_FOLDER"]) / f"work-{os.getpid()}" / "shelf"
    return job.name, fault, wrong(job, fault, folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ingot", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--looking", type=pathlib.Path, metavar="INGOT")
    parser.add_argument("--only", help="name of one command")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        os.environ["INGOT_CHECK_FOLDER"] = folder
        ingot, looking = options.ingot.resolve(), (options.looking or options.ingot).resolve()
        for job in folder_states.jobs(ingot, scratch, looking):
            if options.only not in (None, job.name):
                continue
            calls = count(job, scratch)
            print(f"{job.name}: {sum(calls.values())} system calls: "
                  + ", ".join(f"{kind} {number}" for kind, number in calls.items()), flush=True)
            TASKS.extend((job, fault) for fault in faults(calls, options.every))
        if options.quick:
            TASKS[:] = TASKS[::40]
        counts, failed = collections.Counter(), 0
        # Forked processes have the tasks already.
        pool = multiprocessing.get_context("fork").Pool(options.jobs, initializer=orphans.adopt)
        with pool:
            for name, fault, found in pool.imap_unordered(check, range(len(TASKS)), chunksize=4):
                counts[name] += 1
                failed += bool(found)
                for what in found:
                    print(f"FAILED: {name}, INGOT_FAULT={fault}: {what}", flush=True)
        for name, number in counts.items():
            print(f"{name}: {number} faults")
        print(f"{sum(counts.values())} faults, {failed} of them with violations")
        sys.exit(failed > 0)


if __name__ == "__main__":
    main()
