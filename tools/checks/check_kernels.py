#!/usr/bin/env python3
"""Runs the demo net by every level of kernels: those of this processor, and on an emulated x86-64 processor without AVX2
with OpenBLAS and without it.

    python3 tools/checks/check_kernels.py INGOT

Needs the demo's checkpoint in weights/demo, and for the emulated processor Debian's qemu-user-static; what can't be
had is left out, with a line that says so.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from checks import Checks

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURE = "weights/demo/pictures/red-circle-0004.png"
# Seen in the picture by eye.
QUESTIONS = {"what shape is present?": "circle", "what is the color of the circle?": "red",
             "is there a blue shape in the image?": "no"}
LEVELS = ["avx512", "avx2", "openblas", "portable"]
LIBRARY = "libopenblas.so.0"


class Machine:
    """A way to run the program."""

    def __init__(self, ingot, shelf, before=()):
        self.before, self.ingot, self.shelf = list(before), ingot, shelf

    def run(self, *arguments, **more):
        return subprocess.run([*self.before, self.ingot, *arguments, "--shelf", self.shelf, "--set", "Release=demo"],
                              cwd=ROOT, capture_output=True, text=True, **more)

    def ask(self, *more):
        return self.run("ask", PICTURE, *QUESTIONS, "--json", *more)

    def verify(self, *more):
        return self.run("verify", "--reference", "weights/demo/reference.safetensors", *more)


def answers_by(checks, machine, name, wanted, *more):
    """Whether the net answers rightly, computes what the publisher's code does, and by the level that is wanted."""
    done = machine.ask(*more)
    checks.check(done.returncode == 0, f"{name}: ask ended with {done.returncode}: {done.stderr.strip()}")
    if done.returncode == 0:
        report = json.loads(done.stdout)
        found = {answer["question"]: answer["answer"] for answer in report["answers"]}
        checks.same(found, QUESTIONS, f"{name}: answers")
        checks.check(report["kernels"] == wanted, f"{name}: computed with {report['kernels']}, not {wanted}")
    verified = machine.verify(*more)
    checks.check(verified.returncode == 0, f"{name}: verify: {verified.stdout[-800:]}{verified.stderr}")


def is_refused(checks, machine, level, name):
    done = machine.ask("--kernels", level)
    lines = done.stderr.splitlines()
    checks.check(
        done.returncode == 64 and done.stdout == "" and len(lines) == 2 and lines[1].startswith("hint: "),
        f"{name}: --kernels {level} ended with {done.returncode}: {done.stderr}")


def openblas():
    """Path of the library, or None."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
    paths = [line.split(" => ")[1] for line in listed.splitlines() if line.strip().startswith(LIBRARY + " ")]
    return os.path.realpath(paths[0]) if paths else None


def without(library):
    """What to put before a command so that it doesn't find the library: a namespace with nothing in its folder."""
    before = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
              'mount -t tmpfs none "$0" && exec "$@"', os.path.dirname(library)]
    return before if subprocess.run([*before, "true"], capture_output=True).returncode == 0 else None


def main():
    ingot = os.path.realpath(sys.argv[1])
    checks = Checks()
    with tempfile.TemporaryDirectory() as shelf:
        subprocess.run([ingot, "convert", "weights/demo", "--shelf", shelf], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
        here = Machine(ingot, shelf)
        library = openblas()
        flags = set(pathlib.Path("/proc/cpuinfo").read_text().split())
        # By the flags that Linux tells, not by what the program says of itself.
        has = {"avx2": {"avx2", "fma", "f16c"} <= flags,
               "avx512": {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq"} <= flags,
               "openblas": library is not None, "portable": True}
        best = next(level for level in LEVELS if has[level])
        answers_by(checks, here, "auto", best)
        for level in LEVELS:
            if has[level]:
                answers_by(checks, here, level, level, "--kernels", level)
            else:
                is_refused(checks, here, level, "this processor")
        checks.end_group("levels of this processor")

        # The library isn't linked, and not even looked for where nobody asks for it.
        if has["avx2"]:
            done = here.run("ask", PICTURE, "what shape is present?", env={**os.environ, "LD_DEBUG": "files"})
            checks.check("libjpeg" in done.stderr and LIBRARY not in done.stderr, "OpenBLAS is loaded unasked")
            checks.end_group("start")

        emulator = shutil.which("qemu-x86_64-static")
        if emulator is None or os.uname().machine != "x86_64":
            print("left out: a processor without AVX2, because there is no qemu-x86_64-static")
        else:
            old = [emulator, "-cpu", "Nehalem"]
            if library:
                emulated = Machine(ingot, shelf, old)
                answers_by(checks, emulated, "Nehalem", "openblas")
                answers_by(checks, emulated, "Nehalem, portable", "portable", "--kernels", "portable")
                is_refused(checks, emulated, "avx2", "Nehalem")
                is_refused(checks, emulated, "avx512", "Nehalem")
            hidden = without(library) if library else []
            if hidden is None:
                print("left out: a machine without OpenBLAS, because it can't be hidden here")
            else:
                bare = Machine(ingot, shelf, [*hidden, *old])
                answers_by(checks, bare, "Nehalem without OpenBLAS", "portable")
                is_refused(checks, bare, "openblas", "Nehalem without OpenBLAS")
            checks.end_group("a processor without AVX2")
    checks.exit()


if __name__ == "__main__":
    main()
