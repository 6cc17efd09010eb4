#!/usr/bin/env python3
"""Makes the small HDF5 files that the tests read, and expected.json, which says what must come of each.

    pip install h5py numpy                              (h5py 3.16 with HDF5 2.0 made those in the repository)
    python3 tools/fixtures_hdf5.py [--root DIR]

Below DIR, which is the repository unless given, in Tests/CheckpointsTests/Fixtures/hdf5/:

    good/       files that are read: every element type and way of storing, in the old and the new form of the format
    refused/    files that are refused, or of which an array is: damaged, forged, or of a kind that is not accepted
    expected.json

A second run with the same h5py makes the same bytes. Values of arrays and attributes come from h5py, the words of
refusals from this script. What stands in expected.json for a file:

    {"arrays": [{"name", "type", "shape", "sha256"}], "attributes": {…}}
                            in the order of the list; the digest is that of the elements, row-major and little-endian
      … "same": "other/name"                              of an array: a second hard link to that one
      … "error": "place: reason" instead of "sha256"      of an array: it is listed, and reading it is refused
      … "entry": "model.weights.h5"                       of the file: it is a zip archive, and this its stored entry
    {"error": "place: reason"}                            the file is refused

A reason may go on with " (libhdf5: …)": the words of the library, which differ between its releases and are left out.
"""

import argparse
import hashlib
import io
import json
import pathlib
import shutil
import struct
import zipfile

import h5py
import numpy as np
from h5py import h5d, h5f, h5fd, h5g, h5p, h5s, h5t

ROOT = pathlib.Path(__file__).resolve().parent.parent
OLD = ("earliest", "v110")  # what h5py wrote by default up to 3.15: superblock 0, groups as symbol tables
NEW = ("v110", "v110")  # superblock 3, groups as link messages or heaps, checksums

FILES = []  # what to make, in this order: (path, libver, maker, damage, expectation)


def good(name, libver=OLD, **options):
    """Makes good/`name` by the decorated function, which gets the open file."""
    return lambda make: FILES.append((f"good/{name}", libver, options, make, None, {})) or make


def refused(name, error, libver=OLD, **options):
    """Makes refused/`name`, which is refused with `error`, by the decorated function."""
    return lambda make: FILES.append((f"refused/{name}", libver, options, make, None, {"error": error})) or make


def damaged(name, error, make=None, libver=OLD, **options):
    """Makes refused/`name` by `make`; then the decorated function gets its `Bytes`. `error` is that of the file, or a
    dictionary of those of its arrays."""
    expectation = {"errors": error} if isinstance(error, dict) else {"error": error}
    make = make or plain
    return lambda damage: FILES.append((f"refused/{name}", libver, options, make, damage, expectation)) or damage


# ------------------------------------------------------------------------------------------------------------- helpers


def numbers(shape, kind):
    """Numbers that differ from one another, as far as there are so many."""
    values = np.arange(1, 1 + np.prod(shape, dtype=np.int64)) * 37 % 251
    return (values / 8 - 15 if np.dtype(kind).kind == "f" else values).astype(kind).reshape(shape)


def special_floats(kind):
    """Zeros, subnormals, infinities, NaN with a payload, the greatest: bits that a conversion could change."""
    kind = np.dtype(kind)
    bits = np.dtype(f"u{kind.itemsize}").newbyteorder(kind.byteorder)
    infinity = {2: 0x7C00, 4: 0x7F800000, 8: 0x7FF0000000000000}[kind.itemsize]
    sign = 1 << (kind.itemsize * 8 - 1)
    values = [0, sign, 1, sign | 1, infinity, infinity | sign, infinity | 5, sign - 1, infinity - 1]
    return np.array(values, bits).view(kind)


def float_type(sign, exponent, exponent_size, fraction_size, size, bias):
    """A float type of HDF5 with these fields."""
    kind = h5t.IEEE_F32LE.copy()
    kind.set_fields(sign, exponent, exponent_size, 0, fraction_size)
    kind.set_size(size)
    kind.set_ebias(bias)
    return kind


def bfloat16():
    return float_type(15, 7, 8, 7, 2, 127)


def properties():
    """Properties a dataset is made with."""
    result = h5p.create(h5p.DATASET_CREATE)
    result.set_obj_track_times(False)
    return result


def low_level(group, name, kind, shape, data=None, creation=None):
    """A dataset of a type or with properties that h5py's own interface doesn't offer; `data` are its bytes."""
    space = h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)
    dataset = h5d.create(group.id, name.encode(), kind, space, creation or properties())
    if data is not None:
        dataset.write(h5s.ALL, h5s.ALL, np.frombuffer(data, np.uint8), mtype=kind)
    return dataset


class Bytes:
    """The bytes of a file, to be damaged."""

    def __init__(self, path):
        self.data = bytearray(path.read_bytes())

    def find(self, wanted, which=0):
        """Where `wanted` stands; `which` counts from 0 if there are several."""
        place = -1
        for _ in range(which + 1):
            place = self.data.index(wanted, place + 1)
        return place

    def put(self, place, new):
        assert place + len(new) <= len(self.data) and self.data[place:place + len(new)] != new
        self.data[place:place + len(new)] = new

    def replace(self, old, new, which=0):
        """Puts `new` over an occurrence of `old`."""
        self.put(self.find(old, which), new)

    def flip(self, place):
        self.put(place, bytes([self.data[place] ^ 0xFF]))


def arrays(**values):
    """Makes a file of these arrays."""
    return lambda file: [file.create_dataset(name, data=value) for name, value in values.items()]


def plain(file):
    """What most damaged files were: two arrays, one of them in a group."""
    file["a"] = numbers((3, 4), "f4")
    file["b/c"] = numbers((5,), "i4")


def chunked(file):
    file.create_dataset("a", data=numbers((8, 6), "f4"), chunks=(4, 6), compression="gzip", fletcher32=True)


# ---------------------------------------------------------------------------------------------------- files to be read


@good("keras.h5")
def _(file):
    """Weights as Keras 2 saves them, a layer without any among them."""
    file.attrs["backend"] = b"tensorflow"
    file.attrs["keras_version"] = b"2.15.0"
    file.attrs["layer_names"] = [b"encoder", b"head", b"top_level_model_weights"]
    weights = {
        "encoder/layer_._0/attention/self/query/kernel:0": (4, 6), "encoder/layer_._0/attention/self/query/bias:0": (6,),
        "encoder/layer_._1/layer_norm/gamma:0": (6,), "encoder/layer_._10/layer_norm/gamma:0": (6,),
        "encoder/patch/kernel:0": (2, 2, 3, 4), "head/dense/kernel:0": (6, 3), "head/dense/bias:0": (3,),
    }
    for layer in ["encoder", "head", "top_level_model_weights"]:
        names = [name for name in weights if name.startswith(layer)]
        file.create_group(layer).attrs["weight_names"] = [name.encode() for name in names]
        for name in names:
            file[layer][name] = numbers(weights[name], "f4")


def keras_3(file):
    """Weights as Keras 3 saves them, in a .weights.h5 or inside a .keras archive."""
    file.create_group("_layer_checkpoint_dependencies/dense/vars")
    for name, shape in {"layers/dense/vars/0": (4, 3), "layers/dense/vars/1": (3,), "layers/dense_1/vars/0": (3, 2)}.items():
        file[name] = numbers(shape, "f4")
    file["optimizer/vars/0"] = np.int64(12)
    # bfloat16 is what NumPy has no name for: HDF5 is told of two bytes without meaning.
    data = file.create_dataset("layers/half/vars/0", data=np.array([0x3F80, 0xC000, 0x7FC1], "<u2").view("V2"))
    data.attrs["dtype"] = "bfloat16"


good("keras-3.weights.h5", libver=("v108", "v108"))(keras_3)


@good("archive.keras", libver=("v108", "v108"), entry="model.weights.h5")
def _(file):
    keras_3(file)
    file["not-aligned"] = numbers((3,), "i1")


@good("types.h5")
def _(file):
    for kind in ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1"]:
        file[kind] = special_floats("<" + kind) if kind[0] == "f" else numbers((2, 3), "<" + kind) - np.array(100, "<" + kind)
    low_level(file, "bf16", bfloat16(), (4,), np.array([0x3F80, 0x8000, 0x7FC1, 0x0001], "<u2").tobytes())


@good("big-endian.h5")
def _(file):
    for kind in ["f8", "f4", "f2", "i8", "i4", "i2", "u8", "u4", "u2"]:
        file[kind] = special_floats(">" + kind) if kind[0] == "f" else numbers((2, 3), ">" + kind)
    file.create_dataset("chunked", data=numbers((5, 3), ">f4"), chunks=(2, 2), compression="gzip", shuffle=True)
    kind = bfloat16()
    kind.set_order(h5t.ORDER_BE)
    low_level(file, "bf16", kind, (2,), b"\x3f\x80\x7f\xc1")


@good("chunked.h5")
def _(file):
    for index, kind in enumerate(["f4", "f2", "i8", "u2", "i1"]):
        file.create_dataset(kind, data=numbers((7, 5, 3), kind), chunks=(2, 5, 2), compression="gzip",
                            compression_opts=9, shuffle=index != 0, fletcher32=index != 1)
    file.create_dataset("growing", data=numbers((5, 3), "f4"), chunks=(2, 3), maxshape=(None, 3))
    partly = file.create_dataset("partly", (6, 4), "f4", chunks=(2, 2), fillvalue=-1)
    partly[2:4, 1:3] = 7
    file.create_dataset("larger-chunk", data=numbers((3, 3), "f4"), chunks=(4, 5), maxshape=(None, None))


@good("chunked-new.h5", libver=NEW)
def _(file):
    """The ways in which the new form finds chunks: one, implicit, fixed array, extensible array, B-tree."""
    file.create_dataset("one", data=numbers((4, 4), "f4"), chunks=(4, 4), compression="gzip")
    creation = properties()
    creation.set_chunk((2, 4))
    creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    low_level(file, "implicit", h5t.IEEE_F32LE, (4, 4), numbers((4, 4), "<f4").tobytes(), creation)
    file.create_dataset("fixed", data=numbers((5, 4), "f4"), chunks=(2, 3), shuffle=True, compression="gzip")
    file.create_dataset("extensible", data=numbers((5, 4), "i2"), chunks=(2, 3), maxshape=(None, 4))
    file.create_dataset("tree", data=numbers((5, 4), "i2"), chunks=(2, 3), maxshape=(None, None))


@good("compact.h5")
def _(file):
    creation = properties()
    creation.set_layout(h5d.COMPACT)
    low_level(file, "a", h5t.IEEE_F32LE, (2, 3), numbers((2, 3), "<f4").tobytes(), creation)
    low_level(file, "b", h5t.STD_I16BE, (3,), numbers((3,), ">i2").tobytes(), creation)


@good("scalar.h5")
def _(file):
    file["float"] = np.float32(2.5)
    file["big"] = np.array(-7, ">i8")
    file["bool"] = np.bool_(True)


@good("empty.h5")
def _(file):
    file["a"] = np.zeros((0,), "f4")
    file["b"] = np.zeros((3, 0, 2), "i8")
    file.create_dataset("c", (0, 4), "f4", chunks=(1, 4), maxshape=(None, 4), compression="gzip")
    file["d"] = np.zeros((0,), "?")
good("no-arrays.h5")(lambda file: file.create_group("a/b"))


@good("bool.h5")
def _(file):
    file["a"] = np.array([[True, False], [False, True]])
    file.create_dataset("b", data=np.arange(9) % 2 == 0, chunks=(4,), compression="gzip")


@good("alias.h5")
def _(file):
    file["decoder/weight"] = numbers((2, 3), "f4")
    file["decoder/again"] = file["decoder/weight"]
    file["embedding"] = file["decoder/weight"]


@good("fill.h5")
def _(file):
    """Never written."""
    file.create_dataset("a", (2, 3), "f4", fillvalue=1.5)
    file.create_dataset("b", (5,), ">i4", fillvalue=-2)
    file.create_dataset("c", (4, 4), "f4", chunks=(2, 2), compression="gzip", fillvalue=0.25)
    file.create_dataset("d", (3,), "f8")


@good("userblock.h5", userblock_size=512)
def _(file):
    plain(file)


@good("small-addresses.h5", sizes=(4, 4))
def _(file):
    plain(file)


@good("superblock-3.h5", libver=NEW)
def _(file):
    plain(file)


@good("named-type.h5")
def _(file):
    file["kind"] = np.dtype("f4")
    low_level(file, "a", file["kind"].id, (2,), numbers((2,), "<f4").tobytes())
    kind = h5t.open(file.id, b"kind")
    assert kind.committed()


@good("order.h5", libver=NEW, track_order=True)
def _(file):
    """A group large enough for a heap, in the order of creation and of names; attributes likewise."""
    for index in range(12):
        file[f"w{11 - index}"] = np.float32(index)
        file.attrs[f"t{11 - index}"] = f"text {index}"


@good("attributes.h5")
def _(file):
    file["a"] = np.float32(1)
    file.attrs["variable"] = "höher"
    file.attrs["fixed"] = np.bytes_(b"fixed")
    file.attrs["empty"] = ""
    file.attrs["control \" \\"] = "a\tb\n\"c\"\\"
    file.attrs["as long as can be"] = "x" * 4096
    for kind, name in [(h5t.STR_SPACEPAD, b"space"), (h5t.STR_NULLPAD, b"null")]:
        text = h5t.C_S1.copy()
        text.set_size(8)
        text.set_strpad(kind)
        pad = b" " if kind == h5t.STR_SPACEPAD else b"\0"
        attribute = h5py.h5a.create(file.id, name, text, h5s.create(h5s.SCALAR))
        attribute.write(np.frombuffer(b"padded".ljust(8, pad), "S8").reshape(()), mtype=text)
    # Passed over: too long, not one string, not text.
    file.attrs["longer"] = "x" * 4097
    file.attrs["names"] = [b"a", b"b"]
    file.attrs["none"] = []
    file.attrs["number"] = 3
    file.attrs["latin"] = np.bytes_("höher".encode("latin-1"))
    file.attrs["null space"] = h5py.Empty("S4")


@good("names.h5")
def _(file):
    for name in ["größe", "日本語/重み:0", "a \"b\" \\c", " ", "..", "...", "%s%n", "a\u200bb", "{}", "-" * 300]:
        file[name] = np.float32(len(name))
good("rank-8.h5")(arrays(a=numbers((1, 2, 1, 3, 1, 2, 1, 2), "i2")))


@good("depth-64.h5", libver=NEW)
def _(file):
    file["/".join(["g"] * 64) + "/a"] = np.int8(1)


# ---------------------------------------------------------------------------------------------------- files refused: links

HARD = "only hard links are followed"


@refused("soft-link.h5", f"alias: a soft link: {HARD}")
def _(file):
    plain(file)
    file["alias"] = h5py.SoftLink("/b/c")


@refused("dangling-link.h5", f"b/alias: a soft link: {HARD}", libver=NEW)
def _(file):
    plain(file)
    file["b/alias"] = h5py.SoftLink("/nowhere")


@refused("external-link.h5", f"alias: a link to another file: {HARD}")
def _(file):
    plain(file)
    file["alias"] = h5py.ExternalLink("../good/types.h5", "/f4")


@refused("external-link-to-itself.h5", f"alias: a link to another file: {HARD}", libver=NEW)
def _(file):
    plain(file)
    file["alias"] = h5py.ExternalLink("external-link-to-itself.h5", "/a")


def _external_link(file):
    file["a"] = h5py.ExternalLink("x", "y")
damaged("user-link.h5", f"a: a link of type 65: {HARD}", _external_link)(
    lambda data: data.put(data.find(b"\x01\x08\x40\x01a") + 2, b"\x41"))


@refused("cycle.h5", "a/b/up: this group holds itself")
def _(file):
    file["a/b/c"] = np.float32(1)
    file["a/b/up"] = file["a"]


@refused("cycle-root.h5", "root: this group holds itself", libver=NEW)
def _(file):
    file["a"] = np.float32(1)
    file["root"] = file["/"]


@refused("group-twice.h5", "b: a second name of the group a")
def _(file):
    file["a/w"] = np.float32(1)
    file["b"] = file["a"]
refused("depth-65.h5", "/".join(["g"] * 65) + ": groups are nested more than 64 deep", libver=NEW)(
    lambda file: file.create_group("/".join(["g"] * 65)))


# ---------------------------------------------------------------------------------------------------- files refused: names


@refused("name-latin.h5", "b: the name of a member is not valid UTF-8")
def _(file):
    plain(file)
    low_level(file["b"], "x", h5t.STD_I8LE, (1,))
    h5g.GroupID.move(file["b"].id, b"x", "größe".encode("latin-1"))


@refused("name-control.h5", "/: the name of a member holds a control character")
def _(file):
    file["a\nerror: b"] = np.float32(1)


@refused("name-control-c1.h5", "/: the name of a member holds a control character", libver=NEW)
def _(file):
    file["a\u0085b"] = np.float32(1)


@refused("name-too-long.h5", "/: the name of a member, with those of its groups, is longer than 4096 bytes")
def _(file):
    file["a" * 4097] = np.float32(1)
damaged("name-slash.h5", "/: the name of a member holds a slash")(lambda data: data.replace(b"a\0", b"/\0"))
damaged("name-dot.h5", "/: the name of a member is a single dot")(lambda data: data.replace(b"a\0", b".\0"))
damaged("name-empty.h5", "/: the name of a member is empty")(lambda data: data.replace(b"a\0", b"\0\0"))
damaged("name-twice.h5", "/: the names of the members are not in order, or one is there twice")(
    lambda data: data.replace(b"b\0", b"a\0"))


# ---------------------------------------------------------------------------------------------------- files refused: types


def not_accepted(kind):
    return f"a: element type not accepted: {kind}"


@refused("variable-length.h5", not_accepted("variable-length"))
def _(file):
    file.create_dataset("a", (2,), h5py.vlen_dtype("f4"))[0] = [1, 2]
refused("string-variable.h5", not_accepted("string"))(arrays(a="text"))
refused("string-fixed.h5", not_accepted("string"))(arrays(a=np.array([b"abc", b"de"])))


@refused("reference.h5", not_accepted("reference"))
def _(file):
    plain(file)
    del file["a"]
    file.create_dataset("a", (1,), h5py.ref_dtype)[0] = file["b"].ref


@refused("region-reference.h5", not_accepted("reference"))
def _(file):
    file["z"] = numbers((4,), "f4")
    file.create_dataset("a", (1,), h5py.regionref_dtype)[0] = file["z"].regionref[1:3]
refused("opaque.h5", not_accepted("opaque of 2 bytes"))(arrays(a=np.zeros(3, "V2")))


@refused("opaque-marked.h5", not_accepted("opaque of 2 bytes"))
def _(file):
    file["a"] = np.zeros(3, "V2")
    file["a"].attrs["dtype"] = "float16"
refused("array-type.h5", not_accepted("array"))(
    lambda file: low_level(file, "a", h5t.array_create(h5t.IEEE_F32LE, (3,)), (2,)))
refused("enum.h5", not_accepted("enum of 1 bytes"))(
    lambda file: file.create_dataset("a", (2,), h5py.enum_dtype({"RED": 0, "GREEN": 1}, "i1")))
refused("bool-reversed.h5", not_accepted("enum of 1 bytes"))(
    lambda file: file.create_dataset("a", (2,), h5py.enum_dtype({"FALSE": 1, "TRUE": 0}, "i1")))
refused("bitfield.h5", not_accepted("bitfield"))(lambda file: low_level(file, "a", h5t.STD_B8LE, (2,)))
refused("time.h5", not_accepted("time"))(lambda file: low_level(file, "a", h5t.UNIX_D32LE, (2,)))
refused("float-80.h5", not_accepted("float of 16 bytes, which it does not fill"))(arrays(a=np.zeros(2, np.longdouble)))
refused("float-8.h5", not_accepted("float of 1 bytes"))(lambda file: low_level(file, "a", float_type(7, 3, 4, 3, 1, 7), (2,)))
refused("float-bias.h5", not_accepted("float of 4 bytes"))(
    lambda file: low_level(file, "a", float_type(31, 23, 8, 23, 4, 126), (2,)))


@refused("float-vax.h5", not_accepted("float of 4 bytes, in no known order"))
def _(file):
    kind = h5t.IEEE_F32LE.copy()
    kind.set_order(h5t.ORDER_VAX)
    low_level(file, "a", kind, (2,))


@refused("integer-12-bits.h5", not_accepted("integer of 2 bytes, which it does not fill"))
def _(file):
    kind = h5t.STD_U16LE.copy()
    kind.set_precision(12)
    low_level(file, "a", kind, (2,))


@refused("integer-16-bytes.h5", not_accepted("integer of 16 bytes"))
def _(file):
    kind = h5t.STD_U64LE.copy()
    kind.set_size(16)
    kind.set_precision(128)
    low_level(file, "a", kind, (2,))


# --------------------------------------------------------------------------------------- files refused: shapes and storage
refused("rank-9.h5", "a: 9 dimensions: no more than 8 are accepted")(arrays(a=np.zeros((1,) * 9, "f4")))
refused("null-space.h5", "a: it has no elements and no shape (null)")(arrays(a=h5py.Empty("f4")))
refused("external-storage.h5", "a: its elements are stored in other files")(
    lambda file: file.create_dataset("a", (2, 3), "f4", external=[("/etc/passwd", 0, 24)]))


@refused("virtual.h5", "a: a virtual dataset, put together from others", libver=NEW)
def _(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("../good/types.h5", "f4", (4,))
    file.create_virtual_dataset("a", layout)


@refused("virtual-unlimited.h5", "a: a virtual dataset, put together from others", libver=NEW)
def _(file):
    layout = h5py.VirtualLayout((4,), "f4", maxshape=(None,))
    source = h5py.VirtualSource("virtual-unlimited.h5", "b", (4,), maxshape=(None,))
    layout[:h5s.UNLIMITED] = source[:h5s.UNLIMITED]
    file.create_virtual_dataset("a", layout)
refused("filter-lzf.h5", "a: filter 32000: only deflate (1), shuffle (2) and fletcher32 (3) are accepted")(
    lambda file: file.create_dataset("a", data=numbers((4, 4), "f4"), chunks=(2, 4), compression="lzf"))
refused("filter-scale-offset.h5", "a: filter 6: only deflate (1), shuffle (2) and fletcher32 (3) are accepted")(
    lambda file: file.create_dataset("a", data=numbers((4, 4), "i4"), chunks=(2, 4), scaleoffset=0))


def _deflated(file):
    file.create_dataset("a", data=numbers((4, 4), "f4"), chunks=(2, 4), compression="gzip")
damaged("filter-unknown.h5", "a: filter 999: only deflate (1), shuffle (2) and fletcher32 (3) are accepted", _deflated)(
    lambda data: data.put(data.find(b"deflate") - 8, b"\xe7\x03"))


@refused("filter-twice.h5", "a: filter 1 stands there twice")
def _(file):
    creation = properties()
    creation.set_chunk((4, 4))
    creation.set_deflate(1)
    creation.set_deflate(9)
    low_level(file, "a", h5t.IEEE_F32LE, (4, 4), numbers((4, 4), "<f4").tobytes(), creation)
refused("chunk-too-large.h5", "a: the chunks are empty or larger than 1073741824 bytes")(
    lambda file: file.create_dataset("a", (4, 1 << 28), "f4", chunks=(2, 1 << 28)))


def _extent(*shape):
    """The message with the shape, as the old form has it."""
    return struct.pack("<BBB5x", 1, len(shape), 1) + struct.pack(f"<{len(shape)}Q", *shape)
damaged("shape-too-large.h5", "a: the shape is too large: its bytes don't fit in 63 bits")(
    lambda data: data.replace(_extent(3, 4), _extent(1 << 31, 1 << 31)))
damaged("shape-overflow.h5", "a: the shape is too large: its bytes don't fit in 63 bits")(
    lambda data: data.replace(_extent(3, 4), _extent(1 << 33, 1 << 33)))
refused("shape-overflow-empty.h5", "a: the shape is too large: its bytes don't fit in 63 bits")(
    lambda file: file.create_dataset("a", (0, 1 << 31, 1 << 31), "f4", chunks=(1, 1, 1), maxshape=(None, None, None)))
refused("two-tebibytes.h5", "a: 2199023255552 bytes: no more than 1099511627776 are accepted")(
    lambda file: file.create_dataset("a", (1 << 39,), "f4"))
refused("nothing-behind.h5", "a: with it 8589934592 bytes of elements are declared: no file of 1400 bytes can hold them")(
    lambda file: file.create_dataset("a", (1 << 31,), "f4"))


@refused("nothing-behind-many.h5",
         "a2: with it 100663296 bytes of elements are declared: no file of 2216 bytes can hold them")
def _(file):
    for index in range(4):
        file.create_dataset(f"a{index}", (1 << 23,), "f4", chunks=(1 << 16,), compression="gzip")
damaged("shape-past-storage.h5", "a: the shape needs 256 bytes and 48 are stored")(
    lambda data: data.replace(_extent(3, 4), _extent(16, 4)))


def _layout(data):
    """Where the address of the first contiguous data stands."""
    return data.find(struct.pack("<QQ", data.find(numbers((3, 4), "<f4").tobytes()), 48))
damaged("storage-past-end.h5", "a: its 48 bytes at byte 1099511627776 go past the end of the HDF5 data, which is at 2772")(
    lambda data: data.put(_layout(data), struct.pack("<Q", 1 << 40)))
damaged("storage-across-end.h5", "a: its 48 bytes at byte 2764 go past the end of the HDF5 data, which is at 2772")(
    lambda data: data.put(_layout(data), struct.pack("<Q", len(data.data) - 8)))


@damaged("storage-huge.h5", "a: its 4294967296 bytes at byte 1072 go past the end of the HDF5 data, which is at 2772")
def _(data):
    data.put(_layout(data) + 8, struct.pack("<Q", 1 << 32))
    data.replace(_extent(3, 4), _extent(1 << 15, 1 << 15))


# ------------------------------------------------------------------------------------------- arrays that can't be read
damaged("checksum.h5", {"a": "a: its elements can't be read"}, chunked)(
    lambda data: data.flip(data.find(b"x\x5e") + 12))


def _only_deflated(file):
    file.create_dataset("a", data=numbers((8, 6), "f4"), chunks=(4, 6), compression="gzip")
damaged("deflate.h5", {"a": "a: its elements can't be read"}, _only_deflated)(
    lambda data: data.put(data.find(b"x\x5e") + 2, b"\xff" * 16))


def _not_packed(file):
    file.create_dataset("a", data=numbers((8, 6), "f4"), chunks=(4, 6))


@damaged("chunk-past-end.h5", {"a": "a: its elements can't be read"}, _not_packed)
def _(data):
    place = data.find(numbers((8, 6), "<f4")[4:].tobytes())
    data.replace(struct.pack("<Q", place), struct.pack("<Q", 1 << 32))


damaged("bool-2.h5", {"a": "a: an element is 2, which is neither FALSE nor TRUE"},
        arrays(a=np.array([True] * 5 + [False, True]), b=np.array([False])))(
    lambda data: data.put(data.find(b"\1\1\1\1\1\0\1"), b"\2"))


# -------------------------------------------------------------------------------------------------------- files that are cut


def cut(name, count, error, make=plain, libver=OLD):
    def damage(data):
        del data.data[count if count >= 0 else len(data.data) + count:]

    damaged(name, error, make, libver)(damage)


NOT_HDF5 = "file: not HDF5: there is no signature at byte 0, 512, 1024, 2048, …"
cut("cut-0.h5", 0, NOT_HDF5)
cut("cut-7.h5", 7, NOT_HDF5)
cut("cut-8.h5", 8, "file: libhdf5 can't open it")
cut("cut-20.h5", 20, "file: libhdf5 can't open it")
cut("cut-60.h5", 60, "file: cut short: it has 60 bytes and should have 2772")
cut("cut-half.h5", 2100, "file: cut short: it has 2100 bytes and should have 2772")
cut("cut-last-byte.h5", -1, "file: cut short: it has 2771 bytes and should have 2772")
cut("cut-new.h5", -1, "file: cut short: it has 945 bytes and should have 946", libver=NEW)


# ------------------------------------------------------------------------------------------------ files with wrong bytes


def flip(name, wanted, error, offset=0, which=0, make=plain, libver=OLD):
    damaged(name, error, make, libver)(lambda data: data.flip(data.find(wanted, which) + offset))


flip("signature.h5", b"\x89HDF", NOT_HDF5, offset=4)
flip("superblock-version.h5", b"\x89HDF", "file: superblock version 255 is not known: 0 to 3 are", offset=8)
flip("superblock-sizes.h5", b"\x89HDF", "file: libhdf5 can't open it", offset=13)
flip("superblock-checksum.h5", b"\x89HDF", "file: libhdf5 can't open it", offset=44, libver=NEW)
flip("root-address.h5", b"\x89HDF", "file: libhdf5 can't open it", offset=66)
flip("header-version.h5", b"TREE", "file: libhdf5 can't open it", offset=-40)
flip("header-checksum.h5", b"OHDR", "/: the root group can't be opened", offset=10, libver=NEW)
flip("tree-signature.h5", b"TREE", "/: the members of this group can't be read")
flip("heap-signature.h5", b"HEAP", "/: the members of this group can't be read")
flip("node-signature.h5", b"SNOD", "/: the members of this group can't be read")
flip("group-tree-signature.h5", b"TREE", "b: the members of this group can't be read", which=1)


def damage_type(name, error, offset, new):
    damaged(name, error)(lambda data: data.put(data.find(b"\x11\x20\x1f\x00\x04\0\0\0") + offset, new))


damage_type("type-class.h5", "a: the object can't be opened", 0, b"\x1f")
damage_type("type-size.h5", not_accepted("float of 0 bytes, which it does not fill"), 4, b"\x00")
damage_type("type-fields.h5", not_accepted("float of 4 bytes"), 12, b"\x40")
damage_type("type-changed.h5", not_accepted("time"), 0, b"\x12")
damaged("layout-class.h5", "a: the object can't be opened")(lambda data: data.put(_layout(data) - 1, b"\x77"))
damaged("extent-rank.h5", "a: the object can't be opened")(lambda data: data.put(data.find(_extent(3, 4)) + 1, b"\x21"))


@damaged("entry-address.h5", "a: the object can't be opened")
def _(data):
    # The second of the two entries of the root begins with the place of its name, "b".
    place = data.find(b"SNOD") + 16
    data.put(place, struct.pack("<Q", len(data.data) + 64))


@damaged("tree-loop.h5", "/: the members of this group can't be read")
def _(data):
    place = data.find(b"TREE")
    data.put(place + 5, b"\x01")
    data.put(place + 32, struct.pack("<Q", place))


def text(name, content):
    damaged(name, NOT_HDF5)(lambda data: data.data.__setitem__(slice(None), content))


text("text.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:9211c379\nsize 1539707712\n")
text("zeros.h5", bytes(4096))


# ------------------------------------------------------------------------------------------------------ making them


def create(path, libver, options, make):
    options = dict(options)
    options.pop("entry", None)
    creation = h5p.create(h5p.FILE_CREATE)
    if "userblock_size" in options:
        creation.set_userblock(options["userblock_size"])
    if "sizes" in options:
        creation.set_sizes(*options["sizes"])
    if options.get("track_order"):
        creation.set_link_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
        creation.set_attr_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
    access = h5p.create(h5p.FILE_ACCESS)
    bounds = {"earliest": h5f.LIBVER_EARLIEST, "v108": h5f.LIBVER_V18, "v110": h5f.LIBVER_V110}
    access.set_libver_bounds(*(bounds[name] for name in libver))
    # Through this driver the library leaves no room between things: the files become half as large.
    stream = io.BytesIO()
    access.set_fileobj_driver(h5fd.fileobj_driver, stream)
    with h5py.File(h5f.create(b"fixture", h5f.ACC_TRUNC, creation, access)) as file:
        make(file)
    if "userblock_size" in options:
        stream.seek(0)
        stream.write(b"a block of bytes in front that is the user's own\n")
    path.write_bytes(stream.getvalue())


def archive(path, entry):
    """Puts the file into a zip archive, not compressed, where its elements begin at odd places."""
    data = path.read_bytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        for name, content in [("metadata.json", b'{"keras_version": "3.4.1"}'), (entry, data)]:
            out.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


# ------------------------------------------------------------------------------------------------- what h5py reads of them


def element_type(dataset):
    """Ingot's name of a dataset's element type, and the type in which NumPy is to read it (None: as it is)."""
    stored, kind = dataset.id.get_type(), dataset.dtype
    if stored.equal(bfloat16()) or (stored.get_class() == h5t.OPAQUE and dataset.attrs["dtype"] == "bfloat16"):
        return "bfloat16", "<u2"
    if stored.get_class() == h5t.FLOAT and stored.get_size() == 2 and stored.get_ebias() == 127:
        return "bfloat16", ">u2"
    names = {"f": "float", "i": "int", "u": "uint", "b": "bool"}
    return names[kind.kind] + (str(kind.itemsize * 8) if kind.kind != "b" else ""), None


def elements(dataset, read_as):
    """The elements as h5py reads them, as row-major little-endian bytes."""
    if read_as:
        values = np.empty(dataset.shape, read_as)
        dataset.id.read(h5s.ALL, h5s.ALL, values, mtype=dataset.id.get_type())
    else:
        values = np.asarray(dataset[()])
    if values.dtype.byteorder == ">":
        values = values.byteswap()
    return values.tobytes()


def list_arrays(group, prefix, errors, first):
    for name in sorted(group, key=str.encode):
        path, item = prefix + name, group[name]
        if isinstance(item, h5py.Group):
            yield from list_arrays(item, path + "/", errors, first)
        elif isinstance(item, h5py.Dataset):
            kind, read_as = element_type(item)
            array = {"name": path, "type": kind, "shape": list(item.shape)}
            if path in errors:
                array["error"] = errors[path]
            else:
                array["sha256"] = hashlib.sha256(elements(item, read_as)).hexdigest()
            same = first.setdefault(h5py.h5o.get_info(item.id).addr, path)
            yield array if same == path else array | {"same": same}


def list_attributes(file):
    for name in sorted(file.attrs, key=str.encode):
        attribute = file.attrs.get_id(name)
        if attribute.get_type().get_class() == h5t.STRING and attribute.get_space().get_simple_extent_type() == h5s.SCALAR:
            value = file.attrs[name]
            try:
                value = value.decode() if isinstance(value, bytes) else str(value)
            except UnicodeDecodeError:
                continue
            # A fixed string padded with spaces is read with them.
            value = value.rstrip(" ") if attribute.get_type().get_strpad() == h5t.STR_SPACEPAD else value
            if len(value.encode()) <= 4096:
                yield name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    folder = parser.parse_args().root / "Tests/CheckpointsTests/Fixtures/hdf5"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ["good", "refused"]:
        (folder / name).mkdir(parents=True)

    expected = {}
    for name, libver, options, make, damage, expectation in FILES:
        path = folder / name
        assert name not in expected, name
        create(path, libver, options, make)
        if damage:
            data = Bytes(path)
            damage(data)
            path.write_bytes(data.data)
        expected[name] = expectation
        if "error" in expectation:
            continue
        with h5py.File(path) as file:
            arrays = list(list_arrays(file, "", expectation.get("errors", {}), {}))
            expected[name] = {"arrays": arrays, "attributes": dict(list_attributes(file))}
        if "entry" in options:
            archive(path, options["entry"])
            expected[name]["entry"] = options["entry"]
    lines = [f"{json.dumps(name)}: {json.dumps(what, ensure_ascii=False)}" for name, what in sorted(expected.items())]
    (folder / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    sizes = [path.stat().st_size for path in folder.rglob("*.*")]
    print(f"{len(expected)} files, {sum(sizes)} bytes with expected.json")


if __name__ == "__main__":
    main()
