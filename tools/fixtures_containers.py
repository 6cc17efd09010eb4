#!/usr/bin/env python3
"""Makes small files of further containers for the tests, each by its own library, and what that library reads of them.

    python3 -m venv containers && containers/bin/pip install numpy ml_dtypes gguf onnx flax tensorflow
    containers/bin/python tools/fixtures_containers.py [--root DIR] [CONTAINER...]

Below DIR, which is the repository unless given, in Tests/CheckpointsTests/Fixtures:

    gguf/       plain.gguf: every plain type; blocks.gguf: every quantized type that is read, of random bits;
                unread.gguf: types that aren't; metadata.gguf: values of every type; two.gguf: version 2;
                split-0000N-of-00003.gguf: one net in three files

    messagepack/ every type; the state of a training; a single array; lists; an array in chunks; older forms
    numpy/      a .npy file of each type, in both byte orders; Fortran's order, versions 2 and 3, Python 2's numbers;
                archives, stored and packed; what is no array of numbers
    onnx/       raw.onnx, typed.onnx: every type as bytes and as numbers; loose.onnx: numbers that aren't packed;
                everywhere.onnx: constants, graphs in nodes, functions, sparse tensors; external.onnx: data beside the file;
                leftovers.onnx: what isn't read
    tensorflow/ types: every type; many: an index of several blocks, texts, slices; two: data in two files

and in each folder expected.json: {file: {name: {"type", "shape", "sha256" of the elements in order, little-endian, as the
library gives them, "packing" where they are made of something else}}}.

A second run makes the same bytes with gguf 0.19, numpy 2.4, onnx 1.23, flax 0.12 and tensorflow 2.21. No file has times in it.
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


# ------------------------------------------------------------------------------------------------------------------ ONNX


def onnx_facts(tensor, folder):
    from onnx import numpy_helper

    return facts(numpy_helper.to_array(tensor, str(folder)))


def onnx_files(folder):
    import ml_dtypes
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    expected = {}
    value = helper.make_tensor_value_info
    outputs = [value("y", 1, [1])]

    def model(initializers=(), nodes=(), **more):
        graph = helper.make_graph(list(nodes), "g", [], outputs, list(initializers), **more)
        return helper.make_model(graph, producer_name="fixtures", ir_version=10, opset_imports=[helper.make_opsetid("", 21)])

    def save(name, made, found):
        (folder / name).write_bytes(made.SerializeToString(deterministic=True))
        expected[name] = {key: onnx_facts(tensor, folder) for key, tensor in found.items()}

    # Every type, as bytes and as numbers.
    raw, typed = {}, {}
    kinds = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]
    kinds += ["bfloat16", "float8_e4m3fn", "float8_e5m2"]
    for number, kind in enumerate(kinds):
        kind = np.dtype(getattr(ml_dtypes, kind, kind))
        array = random(40 + number, 6 * kind.itemsize).view(kind) if kind != bool else random(40, 6) & 1 == 1
        array = array.reshape(2, 3)
        raw[f"{number}.{kind.name}"] = numpy_helper.from_array(array, f"{number}.{kind.name}")
        tensor = TensorProto(name=f"{number}.{kind.name}", dims=[2, 3], data_type=helper.np_dtype_to_tensor_dtype(kind))
        if kind == np.float32:
            tensor.float_data.extend(numbers(60, 6))
        elif kind == np.float64:
            tensor.double_data.extend(numbers(61, 6).astype(float))
        elif kind.name in ("uint32", "uint64"):
            tensor.uint64_data.extend(array.reshape(-1).tolist())
        elif kind.name == "int64":
            tensor.int64_data.extend(array.reshape(-1).tolist())
        elif kind.kind in "iub":
            tensor.int32_data.extend(array.reshape(-1).astype(np.int32).tolist())
        else:
            tensor.int32_data.extend(array.reshape(-1).view(f"<u{kind.itemsize}").tolist())
        typed[tensor.name] = tensor
    # As writers of older libraries had it: each number with a tag of its own.
    loose = TensorProto(name="loose", dims=[3], data_type=TensorProto.FLOAT)
    loose.float_data.extend([1.5, -2.5, 3.5])
    packed = loose.SerializeToString()
    start = packed.index(b"\x22\x0c")
    numbers_apart = b"".join(b"\x25" + packed[start + 2 + 4 * place : start + 6 + 4 * place] for place in range(3))
    made = model(raw.values())
    save("raw.onnx", made, raw)
    save("typed.onnx", model(typed.values()), typed)
    content = model([loose]).SerializeToString()
    inner = packed[:start] + numbers_apart + packed[start + 14:]
    apart = model()
    graph = apart.graph.SerializeToString() + b"\x2a" + bytes([len(inner)]) + inner
    rest = onnx.ModelProto()
    rest.CopyFrom(apart)
    rest.ClearField("graph")
    (folder / "loose.onnx").write_bytes(rest.SerializeToString() + b"\x3a" + bytes([len(graph)]) + graph)
    again = onnx.load(folder / "loose.onnx")
    assert again.graph.initializer[0].float_data[:] == [1.5, -2.5, 3.5] and len(content) > 0
    expected["loose.onnx"] = {"loose": onnx_facts(again.graph.initializer[0], folder)}
    # Where else arrays are: constants, graphs in nodes, functions, sparse tensors.
    tensor = lambda key, name, *shape: numpy_helper.from_array(numbers(key, *shape), name)  # noqa: E731
    then = helper.make_graph([helper.make_node("Constant", [], ["inner"], value=tensor(70, "x", 2))], "then", [], outputs, [tensor(71, "w", 3)])
    other = helper.make_graph([], "else", [], outputs, [tensor(72, "w", 4)])
    sparse = helper.make_sparse_tensor(tensor(73, "s", 2), numpy_helper.from_array(np.array([1, 5]), "i"), [8])
    nodes = [
        helper.make_node("Constant", [], ["c"], value=tensor(74, "ignored", 2, 2)),
        helper.make_node("Constant", [], ["one"], value_float=1.5), helper.make_node("Constant", [], ["two"], value_ints=[-3, 4]),
        helper.make_node("Constant", [], ["three"], value_int=7), helper.make_node("Constant", [], ["four"], value_floats=[0.5, 2.5]),
        helper.make_node("Constant", [], ["text"], value_string="a"),
        helper.make_node("Constant", [], ["thin"], sparse_value=sparse),
        helper.make_node("ConstantOfShape", ["a"], ["b"], value=tensor(75, "v", 1)),
        helper.make_node("If", ["d"], ["e"], name="choice", then_branch=then, else_branch=other),
        helper.make_node("Relu", ["f"], ["g"]),
    ]
    made = model([tensor(76, "w", 2, 3)], nodes, sparse_initializer=[sparse])
    made.functions.append(helper.make_function(
        "own", "Twice", ["x"], ["y"], [helper.make_node("Constant", [], ["k"], value=tensor(77, "z", 5))], [helper.make_opsetid("", 21)]))
    made.metadata_props.add(key="author", value="é")
    made.doc_string = "d" * 70_000
    found = {
        "w": tensor(76, "w", 2, 3), "c": tensor(74, "c", 2, 2), "one": numpy_helper.from_array(np.float32(1.5), "one"),
        "two": numpy_helper.from_array(np.array([-3, 4]), "two"), "three": numpy_helper.from_array(np.array(7), "three"),
        "four": numpy_helper.from_array(np.array([0.5, 2.5], np.float32), "four"), "thin.values": sparse.values,
        "thin.indices": sparse.indices, "b.value": tensor(75, "v", 1), "choice.then_branch.inner": tensor(70, "x", 2),
        "choice.then_branch.w": tensor(71, "w", 3), "choice.else_branch.w": tensor(72, "w", 4), "s.values": sparse.values,
        "s.indices": sparse.indices, "own.Twice.k": tensor(77, "z", 5),
    }
    save("everywhere.onnx", made, found)
    texts = TensorProto(name="texts", dims=[1], data_type=TensorProto.STRING, string_data=[b"a"])
    save("leftovers.onnx", model([
        tensor(78, "kept", 2), texts, helper.make_tensor("four", TensorProto.INT4, [2], [1, 2]),
        TensorProto(name="part", dims=[1], data_type=1, raw_data=bytes(4), segment=TensorProto.Segment(begin=0, end=1)),
        TensorProto(name="new", dims=[1], data_type=99, raw_data=b"a"),
    ]), {"kept": tensor(78, "kept", 2)})
    # Data beside the file, at places of its own.
    made = model([tensor(80, "w", 4, 4), tensor(81, "v", 9), numpy_helper.from_array(np.zeros((0, 2), np.float32), "none")])
    onnx.save(made, folder / "external.onnx", save_as_external_data=True, location="external.data", size_threshold=0)
    expected["external.onnx"] = {tensor.name: onnx_facts(tensor, folder) for tensor in onnx.load(folder / "external.onnx").graph.initializer}
    write_expected(folder, expected)


# ----------------------------------------------------------------------------------------------------------- MessagePack


def messagepack_files(folder):
    import flax.serialization
    import jax.numpy
    import ml_dtypes
    import msgpack

    expected = {}

    def flattened(tree, name=""):
        """Arrays by their path; scalars of NumPy are arrays too."""
        if isinstance(tree, (np.ndarray, np.generic)):
            yield name or "array", tree
        elif isinstance(tree, (dict, list, tuple)):
            for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
                yield from flattened(value, f"{name}.{key}" if name else str(key))

    def save(name, content):
        (folder / name).write_bytes(content)
        expected[name] = {key: facts(array) for key, array in flattened(flax.serialization.msgpack_restore(content))}

    kinds = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]
    kinds += ["bfloat16", "float8_e4m3fn", "float8_e5m2"]
    tree = {}
    for number, name in enumerate(kinds):
        kind = np.dtype(getattr(ml_dtypes, name, name))
        array = random(50 + number, 6 * kind.itemsize).view(kind) if kind != bool else random(50, 6) & 1 == 1
        tree[name] = array.reshape(2, 3)
    for kind in ("complex64", "complex128"):
        if kind not in SKIPPED:
            tree[kind] = random(66, 32).view(kind)
    (folder / "types.msgpack").write_bytes(flax.serialization.msgpack_serialize(tree))
    # flax itself knows bfloat16 of ml_dtypes' types only.
    expected["types.msgpack"] = {key: facts(array) for key, array in tree.items()}
    dense = lambda key: {"kernel": numbers(key, 3, 2), "bias": jax.numpy.asarray(numbers(key + 1, 2))}  # noqa: E731
    state = {
        "params": {"encoder": {"layer_0": dense(90), "layer_1": dense(92)}, "head": {"kernel": numbers(94, 2, 4)}},
        "batch_stats": {"mean": np.zeros(0, np.float32), "count": np.int32(7)}, "step": 3, "rate": 0.5, "name": "é", "empty": {},
        "opt_state": [{"mu": numbers(95, 2)}, {"nu": numbers(96, 2)}, []], "history": [1, 2, 3], "z": 1 + 2j, "raw": b"abc",
        "none": None, "big": 2**64 - 1, "many": {str(n): numbers(97, 1) for n in range(20)},
    }
    content = flax.serialization.msgpack_serialize(state)
    save("state.msgpack", content)
    save("array.msgpack", flax.serialization.msgpack_serialize(numbers(98, 2, 2)))
    save("list.msgpack", flax.serialization.msgpack_serialize([numbers(99, 2), numbers(99, 3)]))
    # Arrays of more than 1 GiB are cut; here, of more than 64 bytes.
    most, flax.serialization.MAX_CHUNK_SIZE = flax.serialization.MAX_CHUNK_SIZE, 64
    content = flax.serialization.msgpack_serialize({"a": {"table": numbers(100, 50, 4)}, "small": numbers(101, 3)})
    flax.serialization.MAX_CHUNK_SIZE = most
    assert content.count(b"__msgpack_chunked_array__") == 1
    save("chunked.msgpack", content)
    # Keys that are numbers, and bytes as older libraries wrote them.
    old = msgpack.packb(([2], "float32", bytes(range(8))), use_bin_type=False)
    save("old.msgpack", msgpack.packb({0: msgpack.ExtType(1, old), 1: {2: msgpack.ExtType(1, old)}}))
    write_expected(folder, expected)


# ------------------------------------------------------------------------------------------------------------ TensorFlow


def tensorflow_files(folder):
    import tensorflow as tf

    expected = {}

    def found(prefix):
        reader = tf.train.load_checkpoint(str(folder / prefix))
        out = {}
        for name in reader.get_variable_to_shape_map():
            value = np.asarray(reader.get_tensor(name)) if name != "sliced" else None
            if value is not None and value.dtype != object:
                out[name] = facts(value)
        return out

    def raw(prefix, tensors, slices=None):
        tf.raw_ops.SaveV2(
            prefix=str(folder / prefix), tensor_names=list(tensors), shape_and_slices=slices or [""] * len(tensors),
            tensors=[tf.constant(array) for array in tensors.values()])
        expected[f"{prefix}.index"] = found(prefix)

    kinds = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "bfloat16"]
    tensors = {}
    for number, name in enumerate(kinds):
        kind = np.dtype(tf.as_dtype(name).as_numpy_dtype)
        array = random(110 + number, 6 * kind.itemsize).view(kind) if kind != bool else random(110, 6) & 1 == 1
        tensors[f"types/{name}"] = array.reshape(2, 3)
    raw("types", tensors)
    # Many names that begin alike, over several blocks; texts; a tensor in slices; no elements, no dimensions.
    tensors = {f"model/layer_with_weights-{n}/kernel/.ATTRIBUTES/VARIABLE_VALUE": numbers(130 + n, 3) for n in range(150)}
    tensors |= {"names": np.array([b"a", b"bc"]), "none": np.zeros((0, 2), np.float32), "scalar": np.float32(5)}
    tensors |= {"sliced": numbers(129, 2, 2)}
    raw("many", tensors, [""] * (len(tensors) - 1) + ["4 2 0,2:0,2"])
    # As tf.train.Checkpoint writes objects, over two files of data.
    tf.raw_ops.SaveV2(prefix=str(folder / "a"), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant(numbers(140, 4))])
    tf.raw_ops.SaveV2(prefix=str(folder / "b"), tensor_names=["y"], shape_and_slices=[""], tensors=[tf.constant(numbers(141, 5))])
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(folder / "a"), str(folder / "b")], destination_prefix=str(folder / "two"), delete_old_dirs=False)
    expected["two.index"] = found("two")
    write_expected(folder, expected)


CONTAINERS = {"gguf": gguf_files, "messagepack": messagepack_files, "numpy": numpy_files, "onnx": onnx_files, "tensorflow": tensorflow_files}
# Element types that aren't read yet.
SKIPPED = {"complex64", "complex128"}


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
