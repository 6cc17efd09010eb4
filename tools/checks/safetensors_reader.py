"""Reads safetensors files, written from the format's definition and nothing else, for checks."""

import json
import struct

import numpy as np

NUMPY_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"}


def safetensors_arrays(path):
    """Each array's dtype, shape and bytes."""
    data = path.read_bytes()
    start = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        arrays[name] = entry["dtype"], entry["shape"], data[start + begin:start + end]
    return arrays


def numpy_arrays(path):
    """The arrays as NumPy's, where all are of types that it has."""
    return {
        name: np.frombuffer(data, NUMPY_TYPES[dtype]).reshape(shape)
        for name, (dtype, shape, data) in safetensors_arrays(path).items()}
