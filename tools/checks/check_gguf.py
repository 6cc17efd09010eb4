#!/usr/bin/env python3
"""Checks that gguf-py reads what `ingot export` writes as GGUF, with the same bytes.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_gguf.py .build/release/ingot [CHECKPOINT…]

A plain net with arrays of every type that GGUF has, an int8 net with --dequantize, and each CHECKPOINT are exported. Names, types and shapes must be those of the net file, and each array's bytes those that tools/read_ingot.py, which shares no code with the
program, reads of it. What the program itself converts of the file must be the same net. Exits with status 1 if anything failed.
"""

import argparse
import pathlib
import sys
import tempfile

import gguf
import numpy as np
from checks import Checks
from check_compressed import Program, numbers

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))

import fixtures_plain  # noqa: E402
import plain_cases  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = {"F32": "float32", "F16": "float16", "F64": "float64", "BF16": "bfloat16", "I8": "int8", "I16": "int16", "I32": "int32",
         "I64": "int64"}


def read(path):
    """Every tensor: its type, its shape, and its bytes; bfloat16 as float32, as read_ingot has it."""
    found = {}
    for tensor in gguf.GGUFReader(path).tensors:
        shape, kind = tuple(reversed(tensor.shape.tolist())), tensor.tensor_type.name
        data = tensor.data
        if kind == "BF16":
            data = gguf.quants.dequantize(data, tensor.tensor_type)
        found[tensor.name] = TYPES[kind], shape, data.tobytes()
    return found


def check(checks, program, what, net, path, *options):
    report = program.json("export", net, path, *options)
    values, _ = numbers(net)
    wanted = {name: (kind, array.shape, np.ascontiguousarray(array).tobytes()) for name, (array, kind) in values.items()}
    checks.same(read(path), wanted, what)
    checks.check(report["arrays"] == len(wanted), f"{what}: {report}")
    fields = gguf.GGUFReader(path).fields
    checks.check(fields["general.architecture"].contents() == "plain", f"{what}: architecture")
    # Of int8 weights it is other numbers than the net file has, which says so.
    if not options:
        again = program.json("convert", path, "--shelf", program.shelf, "--force")["nets"][0]["file"]
        done = program.run("diff", net, again)
        checks.check(done.returncode == 0, f"{what}: converted again: {done.stdout}")
    checks.end_group(f"{what}: {len(wanted)} arrays")


def main():
    parser = argparse.ArgumentParser(description="Checks exports as GGUF against gguf-py.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("checkpoints", type=pathlib.Path, nargs="*", help="to be exported too")
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as place:
        folder = pathlib.Path(place)
        program = Program(options.program.resolve(), folder / "shelf", checks)
        every = ROOT / "Tests" / "CheckpointsTests" / "Fixtures" / "gguf" / "exported.gguf"
        for number, source in enumerate([every, *options.checkpoints]):
            name = f"net{number}"
            net = program.json("convert", source, "--family", "plain", "--set", f"Name={name}", "--shelf", program.shelf)["nets"][0]["file"]
            check(checks, program, source.name, net, folder / f"{name}.gguf")
        arrays = {name: array for name, array in plain_cases.arrays().items() if array.size}
        (folder / "cases.safetensors").write_bytes(fixtures_plain.safetensors_file(arrays))
        int8 = program.int8(folder / "cases.safetensors", "cases")
        check(checks, program, "int8", int8, folder / "int8.gguf", "--dequantize")
        demo = program.json("convert", ROOT / "weights" / "demo", "--family", "plain", "--shelf", program.shelf)["nets"][0]["file"]
        done = program.run("export", demo, folder / "refused.gguf")
        said = "has a name of 65 bytes; GGUF files are loaded with at most 63" in done.stderr
        checks.check(done.returncode == 65 and said and not (folder / "refused.gguf").exists(), done.stderr)
        done = program.run("export", int8, folder / "refused.gguf")
        said = "holds int8 weights with scales, which gguf can't express" in done.stderr
        checks.check(done.returncode == 64 and said and not (folder / "refused.gguf").exists(), done.stderr)
    checks.exit()


if __name__ == "__main__":
    main()
