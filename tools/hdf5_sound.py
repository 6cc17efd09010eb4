"""HDF5 files that are read: every element type and way of storing; see fixtures_hdf5.py."""

import h5py
import numpy as np
from h5py import h5a, h5d, h5p, h5s, h5t
from hdf5_cases import (
    BFLOAT16, MIDDLE, NEW, add, arrays, changed, good, grouped, groups, numbers, plain, properties, put,
    special_floats
)


# ----------------------------------------------------------------------------------------------------- files to be read


def keras_2(file):
    """Weights as Keras 2 saves them, a layer without any among them."""
    file.attrs["backend"] = b"tensorflow"
    file.attrs["keras_version"] = b"2.15.0"
    file.attrs["layer_names"] = [b"encoder", b"head", b"top_level_model_weights"]
    weights = {"encoder/layer_._0/dense/kernel:0": (4, 6), "encoder/layer_._0/dense/bias:0": (6,),
               "encoder/patch:0": (2, 2, 3, 4), "head/kernel:0": (6, 3)}
    for layer in ["encoder", "head", "top_level_model_weights"]:
        names = [name for name in weights if name.startswith(layer)]
        file.create_group(layer).attrs["weight_names"] = [name.encode() for name in names]
        for name in names:
            file[layer][name] = numbers(weights[name], "f4")


def keras_3(file):
    """Weights as Keras 3 saves them, in a .weights.h5 or inside a .keras archive."""
    groups(file, "_layer_checkpoint_dependencies/dense/vars")
    for name, shape in {"dense/vars/0": (4, 3), "dense/vars/1": (3,), "dense_1/vars/0": (3, 2)}.items():
        put(file, f"layers/{name}", numbers(shape, "f4"))
    put(file, "optimizer/vars/0", np.int64(12))
    # NumPy has no bfloat16: what h5py is given, and HDF5 told of, are two bytes without meaning.
    half = put(file, "layers/half/vars/0", np.array([0x3F80, 0xC000, 0x7FC1], "<u2").view("V2"))
    half.attrs["dtype"] = "bfloat16"


def keras_2_full(file):
    """A whole model as Keras 2, and Keras 3 on demand, save it in HDF5, with the state of its optimizer."""
    file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
    for name in ["dense/dense/kernel:0", "dense/dense/bias:0"]:
        shape = (4, 3) if "kernel" in name else (3,)
        put(file, f"model_weights/{name}", numbers(shape, "f4"))
        for kind in "mv":
            put(file, f"optimizer_weights/Adam/{kind}/{name}", numbers(shape, "f4") * 2)
    put(file, "optimizer_weights/Adam/iter:0", np.int64(7))
    groups(file, "model_weights/top_level_model_weights")


def keras_3_trained(file):
    """As keras_3, with the optimizers of a model that trains itself, and one inside another that scales its losses."""
    keras_3(file)
    for index in range(2):
        put(file, f"critic_optimizer/vars/{index}", numbers((3,), "f4"))
    put(file, "optimizer/inner_optimizer/vars/0", numbers((4, 3), "f4"))
    # A layer's own name, and what only sounds like one.
    put(file, "layers/optimizer/vars/0", numbers((2,), "f4"))
    put(file, "optimizer/kernel", numbers((2,), "f4"))


def types(file):
    for kind in ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1"]:
        kind = np.dtype("<" + kind)
        file[kind.str[1:]] = special_floats(kind) if kind.kind == "f" else numbers((2, 3), kind) - kind.type(100)
    add(file, "bf16", BFLOAT16, (4,), np.array([0x3F80, 0x8000, 0x7FC1, 0x0001], "<u2"))


def big_endian(file):
    for kind in ["f8", "f4", "f2", "i8", "i4", "i2", "u8", "u4", "u2"]:
        file[kind] = special_floats(">" + kind) if kind[0] == "f" else numbers((2, 3), ">" + kind)
    add(file, "bf16", changed(BFLOAT16, order=h5t.ORDER_BE), (2,), b"\x3f\x80\x7f\xc1")


def chunked(file):
    file.create_dataset("f4", data=numbers((7, 5, 3), "f4"), chunks=(2, 5, 2), compression="gzip", fletcher32=True)
    file.create_dataset("u2", data=numbers((19,), "u2"), chunks=(4,), shuffle=True, fletcher32=True)
    file.create_dataset("partly", (6,), "f4", chunks=(2,), maxshape=(None,), fillvalue=-1)[1:3] = 7


def chunked_new(file):
    """The ways in which the new form finds chunks: one, implicit, fixed array, extensible array, B-tree."""
    file.create_dataset("one", data=numbers((4, 4), "f4"), chunks=(4, 4), compression="gzip")
    early = properties(chunk=((2, 4),), alloc_time=(h5d.ALLOC_TIME_EARLY,))
    add(file, "implicit", h5t.IEEE_F32LE, (4, 4), numbers((4, 4), "<f4"), early)
    file.create_dataset("fixed", data=numbers((5, 4), "f4"), chunks=(2, 3), shuffle=True, compression="gzip")
    file.create_dataset("extensible", data=numbers((5, 4), "i2"), chunks=(2, 3), maxshape=(None, 4))
    file.create_dataset("tree", data=numbers((5, 4), "i8"), chunks=(2, 3), maxshape=(None, None), shuffle=True)
    file.create_dataset("larger", data=numbers((3, 3), "f4"), chunks=(4, 5), maxshape=(None, None))
    file.create_dataset("skipped", (2, 3), "f4", chunks=(2, 3), compression="gzip", shuffle=True)
    file["skipped"].id.write_direct_chunk((0, 0), numbers((2, 3), "<f4").tobytes(), 0b11)
    file.create_dataset("big", data=numbers((5, 3), ">f4"), chunks=(2, 2), compression="gzip", shuffle=True)


def lzf(file):
    """Chunks that get smaller, by repetitions of every length, and some that don't: h5py leaves those as they are."""
    steps = np.repeat(np.arange(40, dtype="f4"), np.arange(40) ** 2 // 8 + 1)
    file.create_dataset("steps", data=steps, chunks=(1500,), compression="lzf")
    file.create_dataset("zeros", data=np.zeros((70, 90), "i8"), chunks=(64, 64), compression="lzf")
    noise = np.random.default_rng(1).integers(0, 1 << 16, 3000, "u2")
    file.create_dataset("noise", data=noise, chunks=(1000,), compression="lzf")
    # What repeats from farther away: distances of 13 bits.
    far = np.concatenate([noise[:1500], noise[:1500], noise[:3], noise[:700]])
    file.create_dataset("far", data=far, chunks=far.shape, compression="lzf")
    file.create_dataset("all", data=numbers((9, 50), ">f4") // 8, chunks=(4, 20), compression="lzf", shuffle=True,
                        fletcher32=True)
    file.create_dataset("bool", data=np.arange(999) % 7 == 0, chunks=(300,), compression="lzf")


def compact(file):
    add(file, "a", h5t.IEEE_F32LE, (2, 3), numbers((2, 3), "<f4"), properties(layout=(h5d.COMPACT,)))
    add(file, "b", h5t.STD_I16BE, (3,), numbers((3,), ">i2"), properties(layout=(h5d.COMPACT,)))


def empty(file):
    arrays(a=np.zeros((0,), "f4"), b=np.zeros((3, 0, 2), "i8"), d=np.zeros((0,), "?"))(file)
    file.create_dataset("c", (0, 4), "f4", chunks=(1, 4), maxshape=(None, 4), compression="gzip")


def bools(file):
    file["a"] = np.array([[True, False], [False, True]])
    file.create_dataset("b", data=np.arange(9) % 2 == 0, chunks=(4,), compression="gzip")


def alias(file):
    put(file, "decoder/weight", numbers((2, 3), "f4"))
    file["decoder/again"] = file["decoder/weight"]
    file["embedding"] = file["decoder/weight"]


def never_written(file):
    file.create_dataset("a", (2, 3), "f4", fillvalue=1.5)
    file.create_dataset("b", (5,), ">i4", fillvalue=-2)
    file.create_dataset("c", (4, 4), "f4", chunks=(2, 2), compression="gzip", fillvalue=0.25)
    file.create_dataset("d", (3,), "f8")


def named_type(file):
    file["kind"] = np.dtype("f4")
    add(file, "a", h5t.open(file.id, b"kind"), (2,), numbers((2,), "<f4"))


def order(file):
    """A group large enough for a heap, in the order of creation and of names; attributes likewise."""
    for index in range(9):
        file[f"w{9 - index}"] = np.int8(index)
        file.attrs[f"t{9 - index}"] = np.bytes_(f"text {index}")


def attributes(file):
    file["a"] = np.float32(1)
    values = {"variable": "höher", "fixed": np.bytes_(b"fixed"), "empty": "", "control \" \\": "a\tb\n\"c\"\\"}
    passed_over = {"longer": np.bytes_(b"x" * 4097), "names": [b"a", b"b"], "none": [], "number": 3,
                   "latin": np.bytes_("höher".encode("latin-1")), "null space": h5py.Empty("S4")}
    for name, value in (values | passed_over).items():
        file.attrs[name] = value
    for kind, pad in [(h5t.STR_SPACEPAD, b" "), (h5t.STR_NULLPAD, b"\0")]:
        text = changed(h5t.C_S1, size=8, strpad=kind)
        attribute = h5a.create(file.id, b"padded by " + (pad if pad == b" " else b"NUL"), text, h5s.create(h5s.SCALAR))
        attribute.write(np.frombuffer(b"padded".ljust(8, pad), "S8").reshape(()), mtype=text)


NAMES = ["größe", "日本語/重み:0", "a \"b\" \\c", " ", "..", "...", "%s%n", "a\u200bb", "{}", "-" * 300]

good("keras-2.h5", keras_2)
good("keras-3.weights.h5", keras_3, form=MIDDLE)
good("keras-2-full.h5", keras_2_full)
good("keras-3-trained.weights.h5", keras_3_trained, form=MIDDLE)
good("archive.keras", lambda file: (keras_3(file), arrays(odd=numbers((3,), "i1"))(file)), form=MIDDLE,
     entry="model.weights.h5")
good("types.h5", types)
good("big-endian.h5", big_endian)
good("chunked.h5", chunked)
good("chunked-new.h5", chunked_new, form=NEW)
good("lzf.h5", lzf)
good("compact.h5", compact, form=MIDDLE)
good("scalar.h5", arrays(float=np.float32(2.5), big=np.array(-7, ">i8"), bool=np.bool_(True)), form=MIDDLE)
good("empty.h5", empty, form=MIDDLE)
good("no-arrays.h5", lambda file: groups(file, "a/b"), form=MIDDLE)
good("bool.h5", bools, form=NEW)
good("alias.h5", alias, form=MIDDLE)
good("never-written.h5", never_written, form=MIDDLE)
good("userblock.h5", plain, userblock=512)
good("small-addresses.h5", grouped, sizes=(4, 4))
good("superblock-0.h5", grouped)
good("superblock-2.h5", grouped, form=MIDDLE)
good("superblock-3.h5", grouped, form=NEW)
good("order.h5", order, form=NEW, order=h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
good("attributes.h5", attributes)
good("names.h5", lambda file: arrays(**{name: np.float32(len(name)) for name in NAMES})(file))
good("rank-8.h5", arrays(a=numbers((1, 2, 1, 3, 1, 2, 1, 2), "i2")), form=MIDDLE)
good("depth-64.h5", arrays(**{"g/" * 64 + "a": np.int8(1)}), form=NEW)
