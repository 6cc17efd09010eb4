#!/usr/bin/env python3
"""Checks that one net comes out of every layout and container it is published in, and survives the way back.

    pip install numpy
    python3 tools/checks/check_layouts.py .build/release/ingot

The folders in Tests/FamiliesTests/Fixtures/layouts hold one tiny net as each publisher's own library wrote it (see
tools/fixtures/fixtures_layouts.py). They are converted, and the net files are read by tools/read_ingot.py, which shares no code
with the program:

1. The huggingface folder gives just the arrays that torch saw there (SHA-256), but for ties and buffers.
2. sharded, bin, bin-sharded, keras and no-buffers give the same arrays, bit for bit; float16 and bfloat16 those arrays
   rounded to nearest, like --precision; untied the same and a head of its own.
3. salesforce in both forms gives them too, with --profile hf-384: but for the positions, which are within 1e-6 of what
   torch makes of them. Without --profile the original positions stay.
4. What is exported, as safetensors and as HDF5, converts to the same arrays again.
5. `ingot diff` says the same of the folders as they are, and of the tiny Vision Transformer, DeiTs and DINOv2s in their
   layouts (tools/fixtures/fixtures_vision.py).

Prints a line per group and the sum; exits with status 1 if anything failed.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np
from checks import Checks

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import read_ingot  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests" / "FamiliesTests" / "Fixtures"
LAYOUTS = FIXTURES / "layouts"
SAME = ["sharded", "bin", "bin-sharded", "keras", "no-buffers"]
ORIGINAL = ["salesforce", "salesforce-legacy"]
VISION = [("deit", "deit-timm"), ("deit", "deit-5"), ("pooler", "pooler-5"), ("gated", "gated-5"),
          ("dino", "dino-original"), ("registers", "registers-original")]
POSITIONS = ("ImageEncoder", "positions")
HEAD = ("TextDecoder", "head.projection.weight")
NAMES = {"keras": "keras", "salesforce": "salesforce", "salesforce-legacy": "salesforce"}


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def run(self, *arguments):
        return subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True, timeout=600)

    def convert(self, checks, source, *options, shelf):
        """Converts to a shelf of its own. Returns every net's header and, by net and name, digests and arrays; None if
        it failed."""
        place = self.folder / shelf
        done = self.run("convert", source, "--set", "Release=tiny", "--shelf", place, *options, "--json")
        what = f"convert {source.name} {' '.join(options)}"
        checks.check(done.returncode == 0, f"{what}: exit status {done.returncode}\n{done.stderr}")
        if done.returncode:
            return None
        report = json.loads(done.stdout)
        checks.check(len(report["nets"]) == 3 and not report["coverage"]["missing"], f"{what}: coverage")
        headers, digests, arrays = [], {}, {}
        for net in report["nets"]:
            header, found = read_ingot.read(net["file"])
            headers.append(header)
            for entry in header["arrays"]:
                digests[header["net"], entry["name"]] = entry["sha256"]
                arrays[header["net"], entry["name"]] = found[entry["name"]]
        return Converted(headers, digests, arrays)


Converted = collections.namedtuple("Converted", "headers digests arrays")


def safetensors_digests(path):
    """SHA-256 of each array of a safetensors file."""
    data = path.read_bytes()
    start = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    ranges = {name: entry["data_offsets"] for name, entry in header.items()}
    return {name: hashlib.sha256(data[start + begin:start + end]).hexdigest() for name, (begin, end) in ranges.items()}


def rounded(values, precision):
    if precision == "float16":
        return values.astype("f2")
    bits = values.view(np.uint32).astype(np.uint64)
    upper = bits + 0x7FFF + (bits >> 16 & 1) >> 16
    return (upper << 16).astype(np.uint32).view(np.float32)


def without(digests, *keys):
    return {key: value for key, value in digests.items() if key not in keys}


def check_layouts(checks, program):
    expected = json.loads((LAYOUTS / "expected.json").read_text())
    plain = program.convert(checks, LAYOUTS / "huggingface", shelf="huggingface")
    if plain is None:
        return None
    published = expected["arrays"]
    checks.check(safetensors_digests(LAYOUTS / "huggingface" / "model.safetensors") == published, "expected.json")
    left_out = [name for name in published if name.endswith(("position_ids", "predictions.decoder.weight"))]
    wanted = collections.Counter(digest for name, digest in published.items() if name not in left_out)
    checks.check(len(left_out) == 3 and collections.Counter(plain.digests.values()) == wanted,
                 "huggingface: other arrays than the published ones")

    converted = {"huggingface": plain}
    for name in SAME + ORIGINAL:
        options = ["--profile", "hf-384"] if name in ORIGINAL else []
        found = converted[name] = program.convert(checks, LAYOUTS / name, *options, shelf=name)
        if found is None:
            continue
        layouts = {header["provenance"]["layout"] for header in found.headers}
        checks.check(layouts == {NAMES.get(name, "huggingface")}, f"{name}: is taken for {layouts}")
        if name in ORIGINAL:
            checks.same(without(found.digests, POSITIONS), without(plain.digests, POSITIONS), name)
            wanted = np.array(expected["resized_positions"]).reshape(plain.arrays[POSITIONS].shape)
            error = np.abs(found.arrays[POSITIONS] - wanted).max()
            checks.check(error <= 1e-6, f"{name}: the resized positions are off by {error}")
        else:
            checks.same(found.digests, plain.digests, name)

    for precision in ("float16", "bfloat16"):
        found = program.convert(checks, LAYOUTS / precision, shelf=precision)
        cast = program.convert(checks, LAYOUTS / "huggingface", "--precision", precision, shelf=f"to-{precision}")
        if found and cast:
            checks.same(found.digests, cast.digests, f"{precision} and --precision {precision}")
            wrong = [key for key, array in found.arrays.items()
                     if not np.array_equal(array, rounded(plain.arrays[key], precision))]
            checks.check(not wrong, f"{precision}: wrongly rounded: {wrong[:3]}")
        converted[precision] = found

    untied = converted["untied"] = program.convert(checks, LAYOUTS / "untied", shelf="untied")
    if untied:
        digests = safetensors_digests(LAYOUTS / "untied" / "model.safetensors")
        head = digests["text_decoder.cls.predictions.decoder.weight"]
        checks.same(untied.digests, plain.digests | {HEAD: head}, "untied")

    found = [program.convert(checks, LAYOUTS / name, shelf=f"{name}-480") for name in ORIGINAL]
    if all(found):
        checks.same(found[0].digests, found[1].digests, "both forms of salesforce")
        checks.same(without(found[0].digests, POSITIONS), without(plain.digests, POSITIONS), "salesforce as it is")
        shape = found[0].arrays[POSITIONS].shape
        checks.check(shape == (26, 16), f"salesforce as it is: positions {shape}")
    print(f"layouts, read by read_ingot: {sum(net is not None for net in converted.values())} of {len(converted)}")
    return converted


def check_export(checks, program, converted):
    done = 0
    for name in ("huggingface", "untied", "float16", "bfloat16", "salesforce"):
        for container in ("safetensors", "hdf5"):
            target = program.folder / f"export-{name}-{container}"
            paths = sorted((program.folder / name / "blip-vqa").glob("*.ingot"))
            report = program.run("export", *paths, target, "--to", container)
            checks.check(report.returncode == 0, f"export {name} to {container}: {report.stderr}")
            if report.returncode or converted[name] is None:
                continue
            again = program.convert(checks, target, shelf=f"again-{name}-{container}")
            if again and (name, container) == ("bfloat16", "hdf5"):  # HDF5 has no such type: the same numbers, as float32
                wrong = [key for key, array in again.arrays.items()
                         if not np.array_equal(array, converted[name].arrays[key])]
                checks.check(not wrong, f"{name}, exported to {container}: {wrong[:4]}")
            elif again:
                checks.same(again.digests, converted[name].digests, f"{name}, exported to {container}")
            if again:
                for header, first in zip(again.headers, converted[name].headers):
                    for key in ("configuration", "tokenizer"):
                        checks.check(header.get(key) == first.get(key),
                                     f"{name}, exported to {container}: {header['net']} has another {key}")
                done += 1
    print(f"exported folders, converted again: {done}")


def check_diff(checks, program):
    def diff(first, second, status, **wanted):
        done = program.run("diff", first, second, "--json")
        what = f"diff {first.name} {second.name}"
        checks.check(done.returncode == status, f"{what}: exit status {done.returncode}\n{done.stderr}")
        report = json.loads(done.stdout or "{}")
        checks.check(report.get("identical") == (status == 0), f"{what}: identical {report.get('identical')}")
        for key, value in wanted.items():
            checks.check(len(report.get(key, [])) == value, f"{what}: {key} has {len(report.get(key, []))} arrays")

    plain = LAYOUTS / "huggingface"
    for name in SAME:
        diff(plain, LAYOUTS / name, 0, different=0, onlyInA=0, onlyInB=0)
    diff(*(LAYOUTS / name for name in ORIGINAL), 0, different=0, onlyInA=0, onlyInB=0)
    diff(plain, LAYOUTS / "untied", 1, different=0, onlyInA=0, onlyInB=1)
    for precision in ("float16", "bfloat16"):
        diff(plain, LAYOUTS / precision, 1, different=83, onlyInA=0, onlyInB=0)
    diff(FIXTURES / "tiny-vit", FIXTURES / "vit-keras", 0, different=0, onlyInA=0, onlyInB=0)
    for first, second in VISION:
        diff(FIXTURES / "vision" / first, FIXTURES / "vision" / second, 0, different=0, onlyInA=0, onlyInB=0)
    print("ingot diff of the published folders: done")


def main():
    parser = argparse.ArgumentParser(description="Checks that one net comes out of every layout it is published in.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    path = parser.parse_args().program.resolve()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
        program = Program(path, pathlib.Path(folder))
        converted = check_layouts(checks, program)
        if converted:
            check_export(checks, program, converted)
        check_diff(checks, program)
    checks.exit()


if __name__ == "__main__":
    main()
