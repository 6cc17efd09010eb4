#!/usr/bin/env python3
"""Holds the program, its schemas and its format specification against each other.

    pip install numpy jsonschema      (and libzstd on the system)
    python3 tools/checks/check_formats.py .build/release/ingot

1. Family files, net file headers and everything that the program prints with --json obey the schemas in schemas/, and
   the schemas refuse what is wrong.
2. tools/read_ingot.py, written from schemas/FORMAT.md alone, reads the net files that the program converts from
   weights/demo and the golden files, and finds in them just the numbers of the source; tools/fixtures/fixtures.py, written from
   the same page, makes the same bytes of them as the program.
3. Neither takes a net file in which a bit is flipped, or that is cut, longer, or against the rules though its digests
   are right.

Prints a line per group and the sum; exits with status 1 if anything failed.
"""

import argparse
import hashlib
import json
import math
import pathlib
import struct
import sys
import tempfile
import traceback

import numpy as np
from checks import Checks
from format_files import DEMO, EVERY_TYPE, GOLDEN, GOLDEN_AXES, GOLDEN_PACKED, PACKED_SOURCE, SCHEMAS
from safetensors_reader import NUMPY_TYPES, safetensors_arrays
from schema_checks import check_family_files, check_header_schema, schema_checker
from wrong_net_files import read_header, wrong_files

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))

import fixtures  # noqa: E402
import numpy_checks  # noqa: E402
import read_ingot  # noqa: E402
from report_checks import Program, check_reports, flipped  # noqa: E402


# ------------------------------------------------------------------------------------------------------------- contents


def expected_values(dtype, data):
    """The elements as NumPy sees them; for types that it hasn't, worked out here in another way than in read_ingot."""
    if dtype in NUMPY_TYPES:
        return np.frombuffer(data, NUMPY_TYPES[dtype])
    if dtype == "BF16":
        return np.array([bfloat16_value(bits) for bits in np.frombuffer(data, "<u2").tolist()], "f4")
    table = e4m3_values() if dtype == "F8_E4M3" else e5m2_values()
    return np.array([table[byte] for byte in data], "f4")


def bfloat16_value(bits):
    sign, exponent, fraction = -1.0 if bits >> 15 else 1.0, bits >> 7 & 255, bits & 127
    if exponent == 255:
        return sign * math.inf if fraction == 0 else math.nan
    return sign * (math.ldexp(128 + fraction, exponent - 134) if exponent else math.ldexp(fraction, -133))


def e4m3_values():
    """From 0 upwards: the step is 2^-9 for the first 16 values and doubles after each 8 more."""
    values = [0.0]
    for code in range(126):
        values.append(values[-1] + 2.0 ** (max(code // 8, 1) - 10))
    values.append(math.nan)
    return values + [-value for value in values]


def e5m2_values():
    """The upper byte of a float16 whose lower byte is zero."""
    return np.frombuffer(bytes(byte for code in range(256) for byte in (0, code)), "<f2").astype("f4").tolist()


def check_known_values(checks):
    """A few values that are known from the specification of the 8-bit floats."""
    e4m3 = {0x00: 0, 0x01: 2**-9, 0x07: 7 / 512, 0x08: 2**-6, 0x38: 1, 0x3C: 1.5, 0x7E: 448, 0xB8: -1, 0xFE: -448}
    e5m2 = {0x00: 0, 0x01: 2**-16, 0x03: 3 / 65536, 0x04: 2**-14, 0x3C: 1, 0x7B: 57344, 0x7C: math.inf, 0xFC: -math.inf}
    header, arrays = read_ingot.read(GOLDEN[0])
    for kind, known, formula in [("float8E4M3", e4m3, e4m3_values()), ("float8E5M2", e5m2, e5m2_values())]:
        read = arrays[f"values.{kind}"].ravel()
        for code, value in known.items():
            checks.check(read[code] == value == formula[code], f"{kind} {code:#x} is {read[code]}, not {value}")
        checks.check(math.copysign(1, read[0x80]) == -1, f"{kind}: -0")
    dequantized = read_ingot.dequantized(header, arrays, "quantized.weight")
    for row, scale in enumerate([0.5, 0.0078125, 1.5, 3e-5]):
        wanted = arrays["quantized.weight"][row].astype("f4") * np.float32(scale)
        checks.check(np.array_equal(dequantized[row], wanted), f"scaled row {row}")
    checks.check(dequantized[0, 0, 0] == -63.5 and dequantized.dtype == np.float32, "scaled element")


def same(array, values):
    """Equal in type and bits, any NaN being like any other where the type was widened."""
    values = values.reshape(array.shape)
    if array.dtype != values.dtype:
        return False
    if array.dtype.kind != "f":
        return np.array_equal(array, values)
    known = ~np.isnan(values)
    return (np.array_equal(np.isnan(array), ~known) and np.array_equal(array[known], values[known])
            and np.array_equal(np.signbit(array[known]), np.signbit(values[known])))


def check_golden(checks):
    header, arrays = read_ingot.read(GOLDEN_AXES)
    for axis in range(3):
        name = f"axis{axis}.kernel"
        wanted = np.moveaxis(np.moveaxis(arrays[name], axis, -1) * arrays[f"{name}.scales"], -1, axis)
        checks.check(np.array_equal(read_ingot.dequantized(header, arrays, name), wanted), f"scales along {axis}")
    _, arrays = read_ingot.read(GOLDEN_PACKED)
    values = json.loads((PACKED_SOURCE.parent / "expected.json").read_text())[PACKED_SOURCE.name]
    checks.check(arrays.keys() == values.keys() and len(values) == 4 * len(read_ingot.PACKED), "names of packed arrays")
    for name, wanted in values.items():
        checks.check(hashlib.sha256(arrays[name].tobytes()).hexdigest() == wanted["values"], f"values of {name}")
        checks.check(list(arrays[name].shape) == wanted["shape"], f"shape of {name}")
    source = safetensors_arrays(EVERY_TYPE)
    for path in GOLDEN:
        header, arrays = read_ingot.read(path)
        names = set(source) | ({"repeating.weight"} if "compressed" in path.name else set())
        checks.check(set(arrays) == names, f"{path.name}: names of the arrays")
        checks.check(header == read_header(path), f"{path.name}: header")
        kinds = {entry["elementType"] for entry in header["arrays"]}
        # Those that came later are in no file of that time.
        later = {"float8E4M3FNUZ", "float8E5M2FNUZ", "float8E8M0", "complex64", "complex128", "complex32", *read_ingot.PACKED}
        checks.check(kinds == set(read_ingot.TYPES) - later and len(kinds) == 15, f"{path.name}: element types")
        for name, (dtype, shape, data) in source.items():
            checks.check(list(arrays[name].shape) == shape, f"{path.name}: {name}: shape {arrays[name].shape}")
            checks.check(same(arrays[name], expected_values(dtype, data)), f"{path.name}: {name}: values")
            if dtype in NUMPY_TYPES:
                checks.check(arrays[name].tobytes() == data, f"{path.name}: {name}: bits")
        if "compressed" in path.name:
            wanted = np.float32(np.arange(1100).repeat(1000).reshape(1100, 1000) % 97 / 8)
            checks.check(same(arrays["repeating.weight"], wanted), f"{path.name}: repeating.weight")
            checks.check(arrays["repeating.weight"].nbytes > 4 << 20, "one array has more than one block")
    check_known_values(checks)
    checks.end_group("golden files, read by read_ingot")


def published_names(rules, name):
    """Names in the checkpoint of a net's array: of the first layout rule whose left side fits."""
    words = name.split(".")
    for rule in rules:
        pattern = rule["net"].split(".")
        if len(pattern) != len(words) or any(left != right for left, right in zip(pattern, words) if left[0] != "{"):
            continue
        filled = dict(zip(pattern, words))
        sources = rule["from"] if isinstance(rule["from"], list) else [rule["from"]]
        return [".".join(filled.get(word, word) if word[0] == "{" else word for word in source.split("."))
                for source in sources]
    return []


def rounded_to_bfloat16(values):
    """To nearest, ties to even; for finite values."""
    bits = values.view(np.uint32).astype(np.uint64)
    upper, lower = bits >> np.uint64(16), bits & np.uint64(0xFFFF)
    up = (lower > 0x8000) | ((lower == 0x8000) & (upper % 2 == 1))
    return ((upper + up) << np.uint64(16)).astype(np.uint32).view(np.float32)


def check_conversions(checks, conversions):
    source = {name: expected_values(dtype, data).reshape(shape)
              for name, (dtype, shape, data) in safetensors_arrays(DEMO / "model.safetensors").items()}
    layout = json.loads((SCHEMAS / "families" / "blip-vqa.json").read_text())["layouts"]["huggingface"]["nets"]
    convert = {"float32": lambda values: values, "float16": lambda values: values.astype("f2"),
               "bfloat16": rounded_to_bfloat16}
    for options, report in conversions.items():
        used, encodings = [], set()
        for net in report["nets"]:
            header, arrays = read_ingot.read(net["file"])
            checks.check(header["parameters"] == net["parameters"], f"{net['file']}: parameters")
            for entry in header["arrays"]:
                names = published_names(layout[header["net"]], entry["name"])
                values = np.concatenate([source[name] for name in names]).reshape(entry["shape"])
                wanted = convert[entry["elementType"]](values)
                checks.check(same(arrays[entry["name"]], wanted), f"{net['file']}: {entry['name']} is not {names}")
                used += names
                encodings.add(entry.get("encoding"))
        checks.check(sorted(used) == sorted(source), f"convert {options}: every published array is used once")
        wanted = {"zstd-planes" if "--compress" in options else None}
        checks.check(encodings == wanted, f"convert {options}: encodings {encodings}")
    for net in conversions[()]["nets"]:
        header, arrays = read_ingot.read(net["file"])
        entries = [fixtures.entry(entry["name"], entry["elementType"], entry["shape"], arrays[entry["name"]].tobytes())
                   for entry in header["arrays"]]
        again = fixtures.plain_file(header, entries)
        checks.check(again == pathlib.Path(net["file"]).read_bytes(), f"{net['file']}: written again by fixtures.py")
    checks.end_group("conversions of the demo net, read by read_ingot")


# -------------------------------------------------------------------------------------------------------------- refusal


def refused(path, data):
    """Whether read_ingot raises what it promises."""
    path.write_bytes(data)
    try:
        read_ingot.read(path)
    except ValueError:
        return True
    return False


def places_to_damage(path):
    """Bytes all over the file: the prologue's, the header's, of every array the first and last, and padding."""
    data, header = path.read_bytes(), read_header(path)
    end = 64 + struct.unpack_from("<Q", data, 16)[0]
    places = {*range(0, 64, 3), *range(8, 32), 64, end - 1, *range(64, end, end // 12)}
    for entry in header["arrays"]:
        places |= set(range(end, entry["offset"])[::40])
        end = entry["offset"] + entry.get("storedBytes", entry["bytes"])
        if end > entry["offset"]:
            places |= {entry["offset"], (entry["offset"] + end) // 2, end - 1}
    return sorted(places)


def check_statistics(checks, errors, program):
    """What `inspect --statistics` measures, against NumPy."""
    shelf = program.folder / "shelf"
    files = sorted(shelf.glob("blip-vqa/*Release=demo.ingot"))
    checks.check(any("int8" in path.name for path in files), "there are int8 nets")
    for path in [*files, *sorted((program.folder / "shelf---compress").glob("blip-vqa/*.ingot"))]:
        report = program.report(checks, errors, "inspect", "inspect", path, "--statistics")
        header, arrays = read_ingot.read(path)
        for line in report["arrays"]:
            values = read_ingot.dequantized(header, arrays, line["name"]) if (
                arrays[line["name"]].dtype == np.int8) else arrays[line["name"]]
            numpy_checks.check_measured(checks, f"{path.name}: {line['name']}", line["statistics"], values)
    report = program.report(checks, errors, "inspect", "inspect", DEMO, "--check")
    checks.check(report["check"] == {"arrays": len(report["arrays"]), "findings": []}, "the demo net's values")
    report = program.report(checks, errors, "inspect", "inspect", EVERY_TYPE, "--statistics")
    source = safetensors_arrays(EVERY_TYPE)
    for line in report["arrays"]:
        dtype, shape, data = source[line["name"]]
        numpy_checks.check_measured(checks, line["name"], line["statistics"], expected_values(dtype, data).reshape(shape))
    checks.end_group("statistics of arrays, against NumPy")


def check_damage(checks, program):
    target = program.folder / "changed.ingot"
    for path in GOLDEN:
        data = path.read_bytes()
        checks.check(not refused(target, data), f"{path.name} as it is")
        for place in places_to_damage(path):
            changed = flipped(data, place, place % 8)
            checks.check(refused(target, changed), f"{path.name}: bit {place % 8} of byte {place}")
        for length in [0, 1, 8, 63, 64, 65, 200, len(data) // 2, len(data) - 64, len(data) - 1]:
            checks.check(refused(target, data[:length]), f"{path.name}: cut to {length} bytes")
        for more in [b"\0", b"x", bytes(64), bytes(4096)]:
            checks.check(refused(target, data + more), f"{path.name}: {len(more)} bytes more")
    checks.end_group("damaged golden files, refused by read_ingot")


def check_wrong_files(checks, program):
    target = program.folder / "wrong.ingot"
    for right, what, data in wrong_files(*GOLDEN):
        checks.check(refused(target, data) != right, f"read_ingot {'refuses' if right else 'takes'}: {what}")
        done = program.run("verify", target)
        checks.check(
            done.returncode == 0 if right else done.returncode in (1, 65),
            f"ingot verify: exit status {done.returncode}: {what}\n{done.stderr}")
    checks.end_group("files against the rules, refused by read_ingot and by the program")


def main():
    parser = argparse.ArgumentParser(description="Holds the program, its schemas and its format against each other.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    program = parser.parse_args().program.resolve()
    checks, errors = Checks(), schema_checker()
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
        program = Program(program, pathlib.Path(folder))
        try:
            check_family_files(checks, errors)
            check_header_schema(checks, errors)
            conversions = check_reports(checks, errors, program)
            check_golden(checks)
            check_conversions(checks, conversions)
            check_statistics(checks, errors, program)
            check_damage(checks, program)
            check_wrong_files(checks, program)
        except Exception:  # what follows can't be checked, but the sum is still printed
            traceback.print_exc()
            checks.check(False, "the checks could not go on")
    checks.exit()


if __name__ == "__main__":
    main()
