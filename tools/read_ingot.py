#!/usr/bin/env python3
"""Reads net files (.ingot, format versions 1 and 2). Written from schemas/FORMAT.md and nothing else, with NumPy; libzstd is
loaded when an array is compressed.

    python3 tools/read_ingot.py FILE            lists the arrays: name, element type, shape, least and greatest element
    python3 tools/read_ingot.py --verify FILE   prints "ok" if every byte of the file is as it should be

As a module: `header, arrays = read_ingot.read(path)`.
"""

import argparse
import ctypes
import ctypes.util
import functools
import hashlib
import json
import math
import os
import re
import sys

import numpy as np

PROLOGUE, ALIGNMENT, LARGEST_HEADER, BLOCK = 64, 64, 64 << 20, 4 << 20
TYPES = {
    "float64": "<f8", "float32": "<f4", "float16": "<f2", "bfloat16": "<u2", "float8E4M3": "u1", "float8E5M2": "u1",
    "float8E4M3FNUZ": "u1", "float8E5M2FNUZ": "u1", "float8E8M0": "u1", "float6E2M3": "u1", "float6E3M2": "u1",
    "float4E2M1": "u1", "complex32": "<u4", "complex64": "<c8", "complex128": "<c16", "int4": "u1", "int2": "u1",
    "uint4": "u1", "uint2": "u1",
    "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "i1", "bool": "u1",
    "uint64": "<u8", "uint32": "<u4", "uint16": "<u2", "uint8": "u1"}
# Bits of elements that share bytes; bits of exponent and of fraction of the floats among them.
PACKED = {"float6E2M3": 6, "float6E3M2": 6, "float4E2M1": 4, "int4": 4, "uint4": 4, "int2": 2, "uint2": 2}
PACKED_FLOATS = {"float6E2M3": (2, 3), "float6E3M2": (3, 2), "float4E2M1": (2, 1)}

REQUIRED = {"family", "net", "parameters", "initialized", "configuration", "profile", "provenance", "ties", "arrays"}


def need(condition, message):
    if not condition:
        raise ValueError(message)


def read(path):
    """Returns the header as a dict and the arrays by name. bfloat16, the 8-bit floats and packed elements become float32,
    exactly, complex32 becomes complex64; int8 with scales stays int8 (see `dequantized`). Raises ValueError, naming what is wrong, unless every byte is right."""
    need(os.path.getsize(path) >= PROLOGUE, "shorter than the prologue")
    data = np.memmap(path, np.uint8, "r").view(np.ndarray)
    header, end = read_header(data)
    arrays = {}
    for entry in header["arrays"]:
        arrays[entry["name"]], end = read_array(data, entry, end)
    need(end == len(data), f"{len(data) - end} bytes after the last array")
    return header, arrays


def dequantized(header, arrays, name):
    """An array as float32: an int8 array with scales as the numbers that it stands for."""
    entry = next(entry for entry in header["arrays"] if entry["name"] == name)
    values = arrays[name].astype(np.float32)
    if "scales" not in entry:
        return values
    return values * arrays[entry["scales"]].reshape(-1, *[1] * (values.ndim - 1 - entry.get("scaleAxis", 0)))


def read_header(data):
    prologue = data[:PROLOGUE].tobytes()
    version, reserved, length, file_length = (
        int.from_bytes(prologue[start:end], "little") for start, end in [(8, 10), (12, 16), (16, 24), (24, 32)])
    need(prologue[:8] == b"\x89INGOT\r\n", "does not begin as a net file does")
    need(version in (1, 2), f"format version {version} is not known")
    need(reserved == 0, "reserved bytes are not zero")
    need(file_length == len(data), f"states a length of {file_length} bytes but has {len(data)}")
    need(length <= min(LARGEST_HEADER, len(data) - PROLOGUE), "the header is too long")
    text = data[PROLOGUE:PROLOGUE + length].tobytes()
    need(hashlib.sha256(prologue[:32] + text).digest() == prologue[32:], "the header does not match its SHA-256")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=members)
        check(header, version)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the header lacks something or is of the wrong form: {error!r}") from error
    return header, PROLOGUE + length


def members(pairs):
    need(len({key for key, _ in pairs}) == len(pairs), "the header has a key twice")
    return dict(pairs)


def check(header, version):
    need(header["format"] == "ingot", 'the format is not "ingot"')
    need(header.keys() >= REQUIRED, f"the header lacks {REQUIRED - header.keys()}")
    need(header["initialized"] is True or header["arrays"] == [], "a net without weights has arrays")
    entries = {entry["name"]: entry for entry in header["arrays"]}
    need(len(entries) == len(header["arrays"]), "two arrays have the same name")
    for name, entry in entries.items():
        kind, shape = entry["elementType"], entry["shape"]
        is_name = 1 <= len(name.encode()) <= 4096 and not re.search("[\\x00-\\x1f\\x7f-\\x9f]", name)
        need(is_name, f"{name!r} can't be an array's name")
        need(kind in TYPES, f"{name}: unknown element type {kind!r}")
        need(len(shape) <= 8 and all(type(length) is int and length >= 0 for length in shape), f"{name}: wrong shape")
        bits = PACKED.get(kind, 8 * np.dtype(TYPES[kind]).itemsize)
        need(entry["bytes"] == -(-math.prod(shape) * bits // 8) < 1 << 63, f"{name}: wrong size")
        need(version >= 2 or kind not in PACKED and kind != "complex32", f"{name}: a file of version 1 has no {kind}")
        need(entry.get("encoding", "zstd-planes") == "zstd-planes", f"{name}: unknown encoding")
        if "scales" in entry:
            scales = entries.get(entry["scales"], {"elementType": None})
            axis = entry.get("scaleAxis", 0)
            need(kind == "int8" and scales["elementType"] == "float32" and scales["shape"] == shape[axis:axis + 1] != [],
                 f"{name}: has no float32 scales for the rows of an int8 array")
        if "scaleAxis" in entry:
            axis = entry["scaleAxis"]
            need(version >= 2 and "scales" in entry and type(axis) is int and 1 <= axis < len(shape)
                 and not entry.keys() & {"inputMeans", "inputDirections"}, f"{name}: has no such scale axis")
        if "inputMeans" in entry:
            means = entries.get(entry["inputMeans"], {"elementType": None})
            need("scales" in entry and len(shape) == 2 and means["elementType"] == "float32"
                 and means["shape"] == shape[1:], f"{name}: has no float32 input means for the columns of an int8 matrix")
        if "inputDirections" in entry:
            along = entries.get(entry["inputDirections"], {"elementType": None})
            need("scales" in entry and len(shape) == 2 and along["elementType"] == "float16"
                 and along["shape"][:1] == shape[1:] != [0] and len(along["shape"]) == 2 and 1 <= along["shape"][1] <= 32,
                 f"{name}: has no float16 input directions for the columns of an int8 matrix")
    for tie in header["ties"] if header["initialized"] else []:
        need(tie["same"] in entries and tie["name"] not in entries, f"{tie['name']}: is tied to no stored array")


def read_array(data, entry, end):
    """The array, and where its data ends; the bytes before `end` are those of the header and of other arrays."""
    name, element_type, size = entry["name"], TYPES[entry["elementType"]], entry.get("storedBytes", entry["bytes"])
    start = -(-end // ALIGNMENT) * ALIGNMENT
    need(entry["offset"] == start, f"{name}: starts at byte {entry['offset']}, not {start}")
    need(type(size) is int and 0 <= size <= len(data) - start, f"{name}: goes past the end of the file")
    need(not data[end:start].any(), f"{name}: the padding before it is not zero")
    raw = data[start:start + size]
    need(hashlib.sha256(raw).hexdigest() == entry.get("storedSHA256", entry["sha256"]), f"{name}: wrong SHA-256")
    if "encoding" in entry:
        raw = unpacked(raw, entry["bytes"], np.dtype(element_type).itemsize, name)
        need(hashlib.sha256(raw).hexdigest() == entry["sha256"], f"{name}: wrong SHA-256 of the unpacked data")
    need(len(raw) == entry["bytes"], f"{name}: wrong size")
    elements = decoded(raw.view(element_type), entry["elementType"], name)
    return elements[:math.prod(entry["shape"])].reshape(entry["shape"]), start + size


def unpacked(stored, size, element_size, name):
    """Frame by frame: one for each block, its bytes in planes."""
    zstd, blocks, position, done = libzstd(), [np.empty(0, np.uint8)], 0, 0
    while done < size:
        planes = np.empty(min(BLOCK, size - done), np.uint8)
        place = [ctypes.c_void_p(stored.ctypes.data + position), ctypes.c_size_t(len(stored) - position)]
        need(zstd.ZSTD_getFrameContentSize(*place) == len(planes), f"{name}: no zstd frame of {len(planes)} bytes")
        place[1] = ctypes.c_size_t(zstd.ZSTD_findFrameCompressedSize(*place))
        need(not zstd.ZSTD_isError(place[1]), f"{name}: a damaged zstd frame")
        target = [ctypes.c_void_p(planes.ctypes.data), ctypes.c_size_t(len(planes))]
        need(zstd.ZSTD_decompress(*target, *place) == len(planes), f"{name}: a damaged zstd frame")
        blocks.append(planes.reshape(element_size, -1).T.ravel())
        position, done = position + place[1].value, done + len(planes)
    need(position == len(stored), f"{name}: bytes after the last zstd frame")
    return np.concatenate(blocks)


@functools.cache
def libzstd():
    zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    zstd.ZSTD_findFrameCompressedSize.restype = zstd.ZSTD_decompress.restype = ctypes.c_size_t
    zstd.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    return zstd


def decoded(elements, kind, name):
    if kind == "bool":
        need((elements <= 1).all(), f"{name}: a bool is neither 0 nor 1")
        return elements.view(np.bool_)
    if kind == "bfloat16":
        return (elements.astype(np.uint32) << 16).view(np.float32)
    if kind == "complex32":
        return elements.view("<f2").astype(np.float32).view(np.complex64)
    if kind in PACKED:
        return packed_values(kind)[codes(elements, PACKED[kind])]
    return float8_values(kind)[elements] if kind.startswith("float8") else elements


def codes(data, bits):
    """The pattern of bits of each packed element; the last ones may be none."""
    stream = np.unpackbits(data, bitorder="little")
    whole = stream[:len(stream) // bits * bits].reshape(-1, bits)
    return np.packbits(whole, axis=1, bitorder="little").reshape(-1)


def packed_values(kind):
    """The value of each pattern of bits."""
    patterns = np.arange(1 << PACKED[kind])
    half = len(patterns) // 2
    if kind not in PACKED_FLOATS:
        return np.where((patterns >= half) & kind.startswith("int"), patterns - 2 * half, patterns).astype(np.float32)
    exponent_bits, fraction_bits = PACKED_FLOATS[kind]
    bias = (1 << exponent_bits - 1) - 1
    exponent, fraction = patterns[:half] >> fraction_bits, patterns[:half] % (1 << fraction_bits) / (1 << fraction_bits)
    values = np.where(exponent > 0, np.ldexp(1 + fraction, exponent - bias), np.ldexp(fraction, 1 - bias))
    return np.concatenate([values, -values]).astype(np.float32)


def float8_values(kind):
    """The value of each of the 256 bytes."""
    if kind == "float8E8M0":
        return np.append(np.ldexp(1.0, np.arange(255) - 127), np.nan).astype(np.float32)
    fraction_bits, bias = (3, 7) if "E4M3" in kind else (2, 15)
    bias += kind.endswith("FNUZ")
    codes = np.arange(128)
    exponent, fraction = codes >> fraction_bits, codes % (1 << fraction_bits) / (1 << fraction_bits)
    values = np.where(exponent > 0, np.ldexp(1 + fraction, exponent - bias), np.ldexp(fraction, 1 - bias))
    if kind.endswith("FNUZ"):
        values = np.concatenate([values, -values])
        values[0x80] = np.nan
        return values.astype(np.float32)
    values[0x7F] = np.nan
    if kind == "float8E5M2":
        values[0x7C:] = [np.inf, np.nan, np.nan, np.nan]
    return np.concatenate([values, -values]).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description="Lists or verifies a net file of Ingot.")
    parser.add_argument("--verify", action="store_true", help='print "ok" if every byte is as it should be')
    parser.add_argument("file")
    options = parser.parse_args()
    try:
        header, arrays = read(options.file)
    except (OSError, ValueError) as error:
        sys.exit(f"read_ingot.py: {options.file}: {error}")
    for entry in [] if options.verify else header["arrays"]:
        array = arrays[entry["name"]]
        numbers = array[array == array]  # without NaN
        extremes = [numbers.min(), numbers.max()] if numbers.size else []
        print(entry["name"], entry["elementType"], "x".join(map(str, array.shape)) or "scalar", *extremes)
    if options.verify:
        print("ok")


if __name__ == "__main__":
    main()
