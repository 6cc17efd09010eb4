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
LEVELS = ["avx512", "avx2", "neon", "openblas", "portable"]
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


def scores(machine, *more):
    """SHA-256 of all scores of the answers."""
    with tempfile.TemporaryDirectory() as folder:
        receipt = pathlib.Path(folder) / "receipt.json"
        done = machine.ask("--receipt", str(receipt), *more)
        return json.loads(receipt.read_text())["scoresSHA256"] if done.returncode == 0 else done.stderr.strip()


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


# Products of OpenBLAS's by Python alone: whether the library itself runs on an emulated processor.
LIBRARY_ALONE = """
import ctypes, itertools
library = ctypes.CDLL("%s")
for rows, outputs, inputs in itertools.product((17, 64, 65), (32, 65, 128, 512), (32, 65, 128, 512)):
    x, w, y = ((ctypes.c_float * n)(*[1] * n) for n in (rows * inputs, outputs * inputs, rows * outputs))
    one, zero = ctypes.c_float(1), ctypes.c_float(0)
    for form, stride in ((112, inputs), (111, outputs)):
        library.cblas_sgemm(101, 111, form, rows, outputs, inputs, one, x, inputs, w, stride, zero, y, outputs)
        assert all(value == inputs for value in y)
""" % LIBRARY


def runs_alone(before):
    """Whether OpenBLAS multiplies on a machine without Ingot; its own detection of processors fails under some emulators."""
    return subprocess.run([*before, os.path.realpath(sys.executable), "-c", LIBRARY_ALONE],
                          capture_output=True).returncode == 0


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
               "neon": os.uname().machine == "aarch64", "openblas": library is not None, "portable": True}
        best = next(level for level in LEVELS if has[level])
        answers_by(checks, here, "auto", best)
        for level in LEVELS:
            if has[level]:
                answers_by(checks, here, level, level, "--kernels", level)
            else:
                is_refused(checks, here, level, "this processor")
        checks.end_group("levels of this processor")

        # To the bit, by every level of our own and any number of threads (docs/ARITHMETIC.md).
        expected = scores(here, "--kernels", "portable")
        for level in LEVELS:
            for threads in ("1", "2", "3", "7") if has[level] and level != "openblas" else ():
                found = scores(here, "--kernels", level, "--threads", threads)
                checks.check(found == expected, f"scores by {level}, {threads} threads: {found}")
        for bits_of_its_own in ("--kernels", "openblas"), ("--fast",):
            refused = here.ask("--receipt", os.devnull, *bits_of_its_own)
            checks.check(refused.returncode == 64 and "hint: " in refused.stderr,
                         f"a receipt with {bits_of_its_own}: {refused.returncode}, {refused.stderr}")
        checks.end_group("the same bits")

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
                if runs_alone(old):
                    answers_by(checks, emulated, "Nehalem", "openblas")
                else:
                    print("left out: OpenBLAS on an emulated processor, because there it fails without Ingot, too")
                answers_by(checks, emulated, "Nehalem, portable", "portable", "--kernels", "portable")
                found = scores(emulated, "--kernels", "portable")
                checks.check(found == expected, f"scores on Nehalem: {found}")
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
