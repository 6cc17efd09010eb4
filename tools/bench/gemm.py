#!/usr/bin/env python3
"""Times float32 products of BLIP's shapes at each level of our kernels beside OpenBLAS, in turn, and prints Markdown.

    python3 tools/bench/gemm.py [--runs 41] [--threads 1,2] [--levels avx512,avx2,openblas,portable]

Needs clang (Swift's will do) and Debian's libopenblas0. OpenBLAS is called directly, with threads of its own, and uses
the instructions of the level it stands beside. What is told is OpenBLAS's time over ours: above 1, we are faster.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CORES = {"avx512": "SkylakeX", "avx2": "Haswell", "portable": "Nehalem", "openblas": ""}


def build():
    program = ROOT / ".build/bench/gemm"
    program.parent.mkdir(parents=True, exist_ok=True)
    compiler = shutil.which("clang") or "cc"
    sources = sorted(str(path) for path in (ROOT / "Sources/CKernels").glob("*.c"))
    subprocess.run(
        [compiler, "-O2", f"-I{ROOT}/Sources/CKernels/include", f"-I{ROOT}/Sources/CLoading/include",
         f"{ROOT}/tools/bench/gemm.c", *sources, "-o", program, "-ldl", "-lpthread", "-lm"], check=True)
    return program


def run(program, level, threads, runs):
    environment = {**os.environ, "OPENBLAS_CORETYPE": CORES[level]}
    if not CORES[level]:
        del environment["OPENBLAS_CORETYPE"]
    done = subprocess.run([program, level, str(threads), str(runs)], env=environment, capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    if done.returncode != 0:
        return None
    return [line.split("\t") for line in done.stdout.splitlines()]


def table(columns):
    """columns: by level, lines of the program's output."""
    levels = list(columns)
    head = ["product", "rows × inputs × outputs"]
    head += [f"{level}: ms, OpenBLAS's, quotient" for level in levels]
    rows = [head, ["---", "---", *["---:"] * len(levels)]]
    for lines in zip(*columns.values()):
        name, count, inputs, outputs, maps = lines[0][:5]
        times = "" if maps == "1" else f", {maps} of them"
        row = [name, f"{count} × {inputs} × {outputs}{times}"]
        for line in lines:
            ours, theirs, quotient = float(line[5]) / 1000, float(line[6]) / 1000, float(line[7])
            row.append(f"{ours:.3g}, {theirs:.3g}, **{quotient:.2f}**")
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=41)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--levels", default="avx512,avx2,openblas,portable")
    options = parser.parse_args()
    program = build()
    for threads in options.threads.split(","):
        columns = {level: run(program, level, int(threads), options.runs) for level in options.levels.split(",")}
        columns = {level: lines for level, lines in columns.items() if lines}
        print(f"\n{threads} thread{'s' if threads != '1' else ''}:\n\n{table(columns)}", flush=True)


if __name__ == "__main__":
    main()
