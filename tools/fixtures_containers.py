#!/usr/bin/env python3
"""Makes small files of further containers for the tests, each by its own library, and what that library reads of them.

    python3 -m venv containers && containers/bin/pip install numpy ml_dtypes gguf
    containers/bin/python tools/fixtures_containers.py [--root DIR] [CONTAINER...]

Below DIR, which is the repository unless given, in Tests/CheckpointsTests/Fixtures:

    gguf/       plain.gguf: every plain type; blocks.gguf: every quantized type that is read, of random bits;
                unread.gguf: types that aren't; metadata.gguf: values of every type; two.gguf: version 2;
                split-0000N-of-00003.gguf: one net in three files

    numpy/      a .npy file of each type, in both byte orders; Fortran's order, versions 2 and 3, Python 2's numbers;
                archives, stored and packed; what is no array of numbers

and in each folder expected.json: {file: {name: {"type", "shape", "sha256" of the elements in order, little-endian, as the
library gives them, "packing" where they are made of something else}}}.

A second run makes the same bytes with gguf 0.19 and numpy 2.4. No file has times in it.
"""

import argparse
import hashlib
import json
import pathlib
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = {"bool_": "bool", "float8_e4m3fn": "float8E4M3", "float8_e5m2": "float8E5M2"}


def random(key, count):
    """Bytes, the same ones for the same key wherever NumPy runs."""
    return np.random.Philox(key=key).random_raw((count + 7) // 8).astype("<u8").view(np.uint8)[:count].copy()


def numbers(key, *shape):
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape)))
    return ((raw >> np.uint64(40)) / 2.0**24 - 0.5).astype(np.float32).reshape(shape)


def facts(array, packing=None):
    array = np.asarray(array)
    kind = TYPES.get(array.dtype.name, array.dtype.name)
    data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    found = {"type": kind, "shape": list(array.shape), "sha256": hashlib.sha256(data).hexdigest()}
    return {**found, "packing": packing} if packing else found


def write_expected(folder, expected):
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


# ------------------------------------------------------------------------------------------------------------------ GGUF


def gguf_facts(path):
    """What gguf-py reads, values of quantized types as it makes them."""
    import gguf

    found = {}
    for tensor in gguf.GGUFReader(path).tensors:
        shape = list(reversed(tensor.shape.tolist()))
        kind = tensor.tensor_type.name
        if kind == "BF16":
            bits = np.frombuffer(tensor.data.tobytes(), "<u2").reshape(shape)
            found[tensor.name] = {**facts(bits), "type": "bfloat16"}
        elif tensor.data.dtype == np.uint8:
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            found[tensor.name] = facts(values.reshape(shape), {"type": kind, "bytes": tensor.n_bytes})
        else:
            found[tensor.name] = facts(tensor.data.reshape(shape))
    return found


def finite(blocks, places):
    """Blocks of random bits whose float16 at these places are no NaN and no infinity."""
    for place in places:
        blocks[:, place + 1] &= 0xBB  # not all bits of the exponent
    return blocks


# Where float16 numbers stand in a block.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64],
    "MXFP4": [], "NVFP4": [],
}


def blocks(kind, key, count):
    import gguf

    _, size = gguf.GGML_QUANT_SIZES[kind]
    return finite(random(key, count * size).reshape(count, size), HALVES.get(kind.name, []))


def gguf_files(folder):
    import gguf

    kinds = gguf.GGMLQuantizationType

    def written(name, add, **options):
        writer = gguf.GGUFWriter(str(folder / name), "bert", **options)
        add(writer)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def plain(writer):
        writer.add_tensor("matrix", numbers(1, 3, 5))
        writer.add_tensor("half", numbers(2, 2, 3, 4).astype(np.float16))
        writer.add_tensor("brain", random(3, 12).reshape(2, 6), raw_dtype=kinds.BF16)
        writer.add_tensor("double", numbers(4, 7).astype(np.float64))
        for size in (8, 16, 32, 64):
            writer.add_tensor(f"integer.{size}", random(size, size).view(f"<i{size // 8}"))

    def every_block(writer):
        for number, name in enumerate(HALVES):
            kind = kinds[name]
            elements, size = gguf.GGML_QUANT_SIZES[kind]
            # Three rows of 512 elements.
            rows = blocks(kind, 100 + number, 3 * 512 // elements).reshape(3, 512 // elements * size)
            writer.add_tensor(f"block.{number}.weight", rows, raw_dtype=kind)
        writer.add_tensor("bias", numbers(5, 512))

    def unread(writer):
        writer.add_tensor("kept", numbers(6, 4))
        for name in ("IQ1_S", "IQ2_XXS", "IQ3_S"):
            elements, size = gguf.GGML_QUANT_SIZES[kinds[name]]
            writer.add_tensor(name, random(7, size).reshape(1, size), raw_dtype=kinds[name])
        writer.add_tensor("last", numbers(8, 2))

    def metadata(writer):
        writer.add_uint8("a.uint8", 200)
        writer.add_int8("a.int8", -100)
        writer.add_uint16("a.uint16", 60000)
        writer.add_int16("a.int16", -30000)
        writer.add_uint32("a.uint32", 4_000_000_000)
        writer.add_int32("a.int32", -2_000_000_000)
        writer.add_uint64("a.uint64", 2**64 - 1)
        writer.add_int64("a.int64", -(2**63))
        writer.add_float32("a.float32", 1e-5)
        writer.add_float64("a.float64", 0.1)
        writer.add_bool("a.bool", True)
        writer.add_string("a.string", "é\n\u202e")
        writer.add_string("a.long", "x" * 70_000)
        writer.add_array("a.list", [1, 2, 3])
        writer.add_array("a.texts", ["a", "", "b c"])
        writer.add_array("a.many", [f"token {number}" for number in range(1000)])
        writer.add_array("a.numbers", list(range(5000)))
        writer.add_custom_alignment(64)
        writer.add_tensor("w", numbers(9, 3))
        writer.add_tensor("v", numbers(10, 3))

    written("plain.gguf", plain)
    written("blocks.gguf", every_block)
    written("unread.gguf", unread)
    written("metadata.gguf", metadata)
    written("split.gguf", lambda writer: [writer.add_tensor(f"layer.{n}.weight", numbers(20 + n, 2, 2)) for n in range(3)],
            split_max_tensors=1)
    # The layout of version 2 is that of version 3.
    content = (folder / "plain.gguf").read_bytes()
    (folder / "two.gguf").write_bytes(content[:4] + b"\2" + content[5:])
    expected = {}
    for path in sorted(folder.glob("*.gguf")):
        if path.name == "unread.gguf":
            continue
        expected[path.name] = gguf_facts(path)
    write_expected(folder, expected)


# ----------------------------------------------------------------------------------------------------------------- NumPy


def numpy_files(folder):
    expected = {}

    def add(name, array):
        np.save(folder / name, array)
        expected[name] = {"arr_0": facts(np.load(folder / name))}

    for kind in ("b1", "i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8"):
        array = random(30, 48).view(kind) if kind != "b1" else random(30, 48) & 1 == 1
        add(f"{kind.strip('<')}.npy", array.reshape(2, -1))
        if array.itemsize > 1:
            add(f"{kind.strip('<')}-big.npy", array.reshape(2, -1).astype(array.dtype.newbyteorder(">")))
    for kind in ("c8", "c16"):
        if "complex64" not in SKIPPED:
            add(f"{kind}.npy", random(31, 64).view(kind))
            add(f"{kind}-big.npy", random(31, 64).view(kind).astype(f">{kind}"))
    add("scalar.npy", np.float32(3))
    add("none.npy", np.zeros((0, 3), np.int16))
    add("fortran.npy", np.asfortranarray(numbers(32, 5, 7)))
    add("fortran3.npy", np.asfortranarray(numbers(33, 2, 3, 4)).astype(">f4", order="F"))
    add("fortran1.npy", np.asfortranarray(numbers(33, 4)))
    for version in ((2, 0), (3, 0)):
        name = f"version{version[0]}.npy"
        with (folder / name).open("wb") as file:
            np.lib.format.write_array(file, numbers(34, 3, 2), version=version)
        expected[name] = {"arr_0": facts(np.load(folder / name))}
    # As Python 2 wrote it.
    content = (folder / "f4.npy").read_bytes()
    (folder / "python2.npy").write_bytes(content.replace(b"(2, 6), }  ", b"(2L, 6L), }"))
    expected["python2.npy"] = {"arr_0": facts(np.load(folder / "python2.npy"))}
    # What isn't an array of numbers.
    np.save(folder / "objects.npy", np.array([{"a": 1}, None], object))
    np.save(folder / "fields.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4", (2,))]))
    np.save(folder / "texts.npy", np.array(["a", "bc"]))
    # Archives.
    members = {
        "weight": numbers(35, 4, 3), "folder/bias": numbers(36, 3).astype(np.float16), "fortran": np.asfortranarray(numbers(37, 6, 2)),
        "big": numbers(38, 3, 3).astype(">f8"), "step": np.int64(7), "names": np.array([b"a", b"bc"]),
        "objects": np.array([{}], object), "fields": np.zeros(2, [("x", "<f4")]), "times": np.zeros(1, "M8[s]"),
    }
    for name, save in (("stored.npz", np.savez), ("packed.npz", np.savez_compressed)):
        save(folder / name, **members)
        with zipfile.ZipFile(folder / name, "a") as archive:
            archive.writestr(zipfile.ZipInfo("readme.txt"), "no array")
            archive.writestr(zipfile.ZipInfo("raw.npy"), "no array either")
        found = np.load(folder / name, allow_pickle=True)
        expected[name] = {key: facts(found[key]) for key in found.files if key in ("weight", "folder/bias", "fortran", "big", "step")}
    write_expected(folder, expected)


CONTAINERS = {"gguf": gguf_files, "numpy": numpy_files}
# Element types that aren't read yet.
SKIPPED = {"complex64"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("containers", nargs="*", default=list(CONTAINERS), metavar="CONTAINER")
    options = parser.parse_args()
    for name in options.containers:
        folder = options.root / "Tests/CheckpointsTests/Fixtures" / name
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        CONTAINERS[name](folder)
        print(f"{name}: {sum(1 for _ in folder.iterdir())} files, {sum(p.stat().st_size for p in folder.iterdir()):,} bytes")


if __name__ == "__main__":
    main()
