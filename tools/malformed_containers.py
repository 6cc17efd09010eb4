#!/usr/bin/env python3
"""Makes malformed files of further containers, each with the error that it has to give.

    python3 tools/malformed_containers.py [--root DIR] [--ingot PROGRAM] [CONTAINER...]

Writes Tests/CheckpointsTests/Fixtures/CONTAINER/malformed.json: [{"bytes": in hexadecimal digits, "error": place and
reason}]. The tests read each through the library; with --ingot, the program's `inspect` reads them here, what it says in
other words is printed, and the status is 1 then.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import malformed_gguf
import malformed_messagepack
import malformed_numpy
import malformed_onnx
import malformed_tensorflow

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTAINERS = {
    "gguf": malformed_gguf, "messagepack": malformed_messagepack, "numpy": malformed_numpy, "onnx": malformed_onnx,
    "tensorflow": malformed_tensorflow}


def said(program, content):
    """Place and reason of the error; or what else came."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "weights.bin"
        path.write_bytes(content)
        done = subprocess.run([program, "inspect", path], capture_output=True, text=True)
        lines = done.stderr.splitlines()
        if done.returncode != 65 or len(lines) != 2:
            return f"status {done.returncode}: {done.stdout}{done.stderr}"
        return lines[0].removeprefix("ingot: error: ").removeprefix(f"{path}: ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--ingot", type=pathlib.Path)
    parser.add_argument("containers", nargs="*", default=list(CONTAINERS), metavar="CONTAINER")
    options = parser.parse_args()
    wrong = 0
    for name in options.containers:
        cases = list(CONTAINERS[name].cases())
        target = options.root / f"Tests/CheckpointsTests/Fixtures/{name}/malformed.json"
        target.write_text("[\n" + ",\n".join(
            json.dumps({"bytes": content.hex(), "error": error}, ensure_ascii=False) for content, error in cases) + "\n]\n")
        print(f"{name}: {len(cases)} malformed files")
        for content, error in cases if options.ingot else []:
            found = said(options.ingot, content)
            if found != error:
                wrong += 1
                print(f"  {content[:40]!r}\n    wanted: {error}\n    found:  {found[:200]}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
