"""Writers of sample weights without NumPy: safetensors, PyTorch archives, GGUF. The same call makes the same bytes."""

import array
import json
import math
import os
import random
import struct
import zipfile

ITEM_SIZES = {"F32": 4, "F16": 2, "BF16": 2}
TORCH_STORAGE = {"F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage"}


def sample_bytes(name, dtype, shape):
    """Values in -0.1…0.1 as `dtype`, little-endian, the same for the same name."""
    draw = random.Random(name)
    values = array.array("f", (draw.uniform(-0.1, 0.1) for _ in range(math.prod(shape))))
    if dtype == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    data = values.tobytes()
    return data if dtype == "F32" else b"".join(data[index + 2 : index + 4] for index in range(0, len(data), 4))


def write_safetensors(path, tensors, metadata=None, sparse=False):
    """`tensors`: (type, shape) by name, all of one type. `sparse`: all zero, without room on the disk."""
    tensors = dict(sorted(tensors.items()))  # as the library orders them
    header = {"__metadata__": metadata} if metadata else {}
    position = 0
    for name, (dtype, shape) in tensors.items():
        size = ITEM_SIZES[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        if sparse:
            stream.truncate(8 + len(text) + position)
        else:
            for name, (dtype, shape) in tensors.items():
                stream.write(sample_bytes(name, dtype, shape))


def write_torch(path, tensors):
    """The same tensors as torch.save writes a state dict: a zip archive with a pickle, and a file for each storage."""

    def text(word):
        raw = word.encode()
        return b"X" + struct.pack("<I", len(raw)) + raw

    def number(value):
        return b"J" + struct.pack("<i", value)

    def numbers(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    pickled = b"\x80\x02}("
    for index, (name, (dtype, shape)) in enumerate(tensors.items()):
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        storage = b"ctorch\n" + TORCH_STORAGE[dtype].encode() + b"\n"
        storage = b"(" + text("storage") + storage + text(str(index)) + text("cpu") + number(math.prod(shape)) + b"tQ"
        made = storage + number(0) + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)R"
        pickled += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + made + b"tR"
    pickled += b"u."
    folder = os.path.basename(path).partition(".")[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:

        def add(name, data):
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}", (1980, 1, 1, 0, 0, 0)), data)

        add("data.pkl", pickled)
        add("byteorder", b"little")
        for index, (name, (dtype, shape)) in enumerate(tensors.items()):
            add(f"data/{index}", sample_bytes(name, dtype, shape))
        add("version", b"3\n")


def write_gguf(path, tensors, architecture="llama"):
    """GGUF, version 3, of float32 and float16 tensors; their axes are in GGUF's order, the fastest first."""

    def text(word):
        raw = word.encode()
        return struct.pack("<Q", len(raw)) + raw

    keys = {"general.architecture": architecture, "general.name": "sample"}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys) + 1)
    for key, value in keys.items():
        head += text(key) + struct.pack("<I", 8) + text(value)
    head += text("general.alignment") + struct.pack("<II", 4, 32)
    position, parts = 0, []
    for name, (dtype, shape) in tensors.items():
        data = sample_bytes(name, dtype, shape)
        data += bytes(-len(data) % 32)
        axes = shape[::-1]
        head += text(name) + struct.pack(f"<I{len(axes)}Q", len(axes), *axes)
        head += struct.pack("<IQ", {"F32": 0, "F16": 1}[dtype], position)
        position += len(data)
        parts.append(data)
    with open(path, "wb") as stream:
        stream.write(head + bytes(-len(head) % 32) + b"".join(parts))
