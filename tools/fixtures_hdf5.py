#!/usr/bin/env python3
"""Makes the small HDF5 files that the tests read, and expected.json, which says what must come of each.

    pip install h5py numpy                              (h5py 3.16 with HDF5 2.0 made those in the repository)
    python3 tools/fixtures_hdf5.py [--root DIR]

Below DIR, which is the repository unless given, in Tests/CheckpointsTests/Fixtures/hdf5/:

    good/       files that are read: every element type and way of storing, in the old and the new form of the format
    partly/     files of which an object isn't read, and the rest is
    refused/    files that are refused, or of which an array is: damaged, forged, or with nothing in them that is read
    expected.json

A second run with the same h5py makes the same bytes. Values of arrays and attributes come from h5py, the words of
refusals from this script. What stands in expected.json for a file:

    {"arrays": [{"name", "type", "shape", "sha256"}], "attributes": {…}, "leftovers": {name: why, …}}
                            in the order of the list; the digest is that of the elements, row-major and little-endian
      … "same": "other/name"                              of an array: a further name of that one
      … "error": "place: reason" instead of "sha256"      of an array: it is listed, and reading it is refused
      … "entry": "model.weights.h5"                       of the file: it is a zip archive, and this its stored entry
    {"error": "place: reason"}                            the file is refused
      … "crash": true                                     or crashes the library

Reasons are those with libhdf5 1.10; later releases refuse some of the damaged files sooner, for other reasons. A reason
may go on with " (libhdf5: …)": the words of the library, which are left out here.
"""

import argparse
import hashlib
import io
import json
import pathlib
import shutil
import struct
import zipfile
import zlib

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5fd, h5g, h5p, h5s, h5t, h5z

ROOT = pathlib.Path(__file__).resolve().parent.parent
OLD = (h5f.LIBVER_EARLIEST, h5f.LIBVER_V110)  # as h5py up to 3.15: superblock 0, groups as symbol tables
MIDDLE = (h5f.LIBVER_V18, h5f.LIBVER_V110)  # as h5py 3.16: superblock 2, groups as link messages or heaps, checksums
NEW = (h5f.LIBVER_V110, h5f.LIBVER_V110)  # superblock 3, more ways to find chunks

FILES = []  # what to make: (path, function to fill it, function to damage it or None, what is expected, options)


def good(name, make, **options):
    """A file in good/ that `make` fills."""
    FILES.append((f"good/{name}", make, None, {}, options))


def partly(name, leftovers, make, damage=None, **options):
    """A file in partly/ that `make` fills, of which these objects aren't read: reasons by their paths."""
    FILES.append((f"partly/{name}", make, damage, {"leftovers": leftovers}, options))


def refused(name, error, make, **options):
    """A file in refused/ that `make` fills, refused with `error`."""
    FILES.append((f"refused/{name}", make, None, {"error": error}, options))


def damaged(name, error, damage, make=None, crash=False, **options):
    """A file in refused/ that `make` fills; then `damage` gets its `Bytes`. `error` is that of the file, or a
    dictionary of those of its arrays."""
    expectation = {"errors": error} if isinstance(error, dict) else {"error": error}
    FILES.append((f"refused/{name}", make or plain, damage, expectation | ({"crash": True} if crash else {}), options))


# -------------------------------------------------------------------------------------------------------------- helpers


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


def changed(kind, **settings):
    """A copy of an element type with other properties: `size=16` calls set_size."""
    kind = kind.copy()
    for name, value in settings.items():
        getattr(kind, f"set_{name}")(*value) if isinstance(value, tuple) else getattr(kind, f"set_{name}")(value)
    return kind


BFLOAT16 = changed(h5t.IEEE_F32LE, fields=(15, 7, 8, 0, 7), size=2, ebias=127)


def properties(**settings):
    """Properties a dataset is made with: `chunk=((2, 4),)` calls set_chunk((2, 4))."""
    result = h5p.create(h5p.DATASET_CREATE)
    result.set_obj_track_times(False)
    for name, arguments in settings.items():
        getattr(result, f"set_{name}")(*arguments)
    return result


def add(group, name, kind, shape, data=None, creation=None):
    """Adds a dataset of a type or with properties that h5py's own interface doesn't offer; `data` are its elements."""
    dataset = h5d.create(group.id, name.encode(), kind, h5s.create_simple(shape), creation or properties())
    if data is not None:
        dataset.write(h5s.ALL, h5s.ALL, np.frombuffer(bytes(data), np.uint8), mtype=kind)


def groups(file, path):
    """Makes a group and those it is in. Groups that HDF5 makes on the way to something have the time in them."""
    for index, byte in enumerate(path + "/"):
        if byte == "/" and path[:index] not in file:
            file.create_group(path[:index])


def put(file, path, value):
    """Adds an array, and the groups it is in."""
    if "/" in path:
        groups(file, path.rpartition("/")[0])
    return file.create_dataset(path, data=value)


def arrays(**values):
    """Makes a file of these arrays."""
    return lambda file: [put(file, path, value) for path, value in values.items()]


def dataset(*arguments, **more):
    """Makes a file of one array `a`."""
    return lambda file: file.create_dataset("a", *arguments, **more)


def element(kind):
    """Makes a file of one array `a` of this element type."""
    return lambda file: add(file, "a", kind, (2,))


def plain(file):
    """What most of the damaged files were: two arrays."""
    file["a"] = numbers((3, 4), "f4")
    file["b"] = numbers((5,), "i4")


def grouped(file):
    """Two arrays, one of them in a group."""
    file["a"] = numbers((3, 4), "f4")
    put(file, "b/c", numbers((5,), "i4"))


def grouped_and(name, what):
    """Makes a file of these two arrays and something else."""
    def make(file):
        grouped(file)
        file[name] = what(file) if callable(what) else what

    return make


class Bytes:
    """The bytes of a file, to be damaged."""

    def __init__(self, data):
        self.data = bytearray(data)

    def find(self, wanted, which=0):
        """Where `wanted` stands; `which` counts from 0 if there are several."""
        place = -1
        for _ in range(which + 1):
            place = self.data.index(wanted, place + 1)
        return place

    def put(self, place, new):
        assert place + len(new) <= len(self.data) and self.data[place:place + len(new)] != new
        self.data[place:place + len(new)] = new

    def replace(self, old, new):
        """Puts `new` over the first occurrence of `old`."""
        self.put(self.find(old), new)

    def flip(self, place):
        self.put(place, bytes([self.data[place] ^ 0xFF]))

    def cut(self, count):
        del self.data[count:]


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


# --------------------------------------------------------------------------------------------- refused: links and names

ELSEWHERE = "a link to another file, which isn't followed"
ROUND = "which leads on through too many links"


def links(file):
    """Soft links to an array, from the root and from where they stand; through others, through a group, to a group."""
    groups(file, "b/inner")
    file["b/inner/w"] = numbers((2, 3), "f4")
    targets = {"absolute": "/b/inner/w", "again": "/absolute", "b/relative": "inner/w", "dotted": "/b/./inner/w",
               "through": "/group/w", "group": "b/inner", "twice": "/b"}
    for name, target in targets.items():
        file[name] = h5py.SoftLink(target)


def round_links(file):
    grouped(file)
    targets = {"itself": "/itself", "one": "/two", "two": "/one", "b/root": "/", "b/here": ".", "up": "b/../a"}
    for name, target in targets.items():
        file[name] = h5py.SoftLink(target)


def outward_links(file):
    grouped(file)
    file["out"] = h5py.ExternalLink("../good/types.h5", "/")
    file["through"] = h5py.SoftLink("/out/f4")


UP = "a further name of the group {}, in which it stands"
good("soft-link.h5", grouped_and("alias", h5py.SoftLink("/b/c")))
good("soft-links.h5", links, form=MIDDLE)
good("group-twice.h5", grouped_and("z", lambda file: file["b"]), form=MIDDLE)
partly("named-type.h5", {"kind": "an element type, no array"}, named_type)
partly("soft-link-dangling.h5", {"b/alias": "a soft link to /nowhere, where there is nothing"},
       grouped_and("b/alias", h5py.SoftLink("/nowhere")), form=NEW)
partly("soft-link-round.h5",
       {"b/here": UP.format("b"), "b/root": UP.format("/"), "itself": f"a soft link to /itself, {ROUND}",
        "one": f"a soft link to /two, {ROUND}", "two": f"a soft link to /one, {ROUND}",
        "up": "a soft link to b/../a, where there is nothing"}, round_links)
partly("soft-link-out.h5", {"out": ELSEWHERE, "through": "a soft link to /out/f4, which can't be followed"},
       outward_links)
partly("external-link.h5", {"alias": ELSEWHERE}, grouped_and("alias", h5py.ExternalLink("../good/types.h5", "/f4")),
       form=MIDDLE)
partly("external-link-to-itself.h5", {"alias": ELSEWHERE},
       grouped_and("alias", h5py.ExternalLink("external-link-to-itself.h5", "/a")), form=NEW)
partly("user-link.h5", {"x": "a link of type 65, which isn't followed"},
       lambda file: (arrays(a=np.float32(1))(file), file.__setitem__("x", h5py.ExternalLink("x", "y"))),
       lambda data: data.put(data.find(b"\x01\x08\x40\x01x") + 2, b"\x41"))
partly("cycle.h5", {"b/up": UP.format("/")}, grouped_and("b/up", lambda file: file["/"]), form=MIDDLE)
partly("depth-65.h5", {"/".join(["g"] * 65): "groups are nested more than 64 deep: this one isn't looked into"},
       lambda file: (arrays(a=np.int8(1))(file), groups(file, "/".join("g" * 66))), form=NEW)
refused("cycle-deep.h5", f"a/b/up: {UP.format('a')}",
        lambda file: (groups(file, "a/b"), file.__setitem__("a/b/up", file["a"])), form=NEW)


def latin_name(file):
    grouped(file)
    h5g.GroupID.move(file["b"].id, b"c", "größe".encode("latin-1"))


refused("name-latin.h5", "b: the name of a member is not valid UTF-8", latin_name, form=MIDDLE)
refused("name-control.h5", "/: the name of a member holds a control character", arrays(**{"a\nerror: b": 1}), form=NEW)
refused("name-control-c1.h5", "/: the name of a member holds a control character", arrays(**{"a\u0085b": 1}), form=NEW)
refused("name-too-long.h5", "/: the name of a member, with those of its groups, is longer than 4096 bytes",
        arrays(**{"a" * 4097: 1}), form=NEW)
damaged("name-slash.h5", "/: the name of a member holds a slash", lambda data: data.replace(b"a\0", b"/\0"))
damaged("name-dot.h5", "/: the name of a member is a single dot", lambda data: data.replace(b"a\0", b".\0"))
damaged("name-empty.h5", "/: the name of a member is empty", lambda data: data.replace(b"a\0", b"\0\0"))
damaged("name-twice.h5", "/: the names of the members are not in order, or one is there twice",
        lambda data: data.replace(b"b\0", b"a\0"))


# ----------------------------------------------------------------------------------------------- refused: element types


def refused_type(name, kind, make):
    refused(name, f"a: element type not read: {kind}", make, form=MIDDLE)


def refused_kind(name, kind, make):
    refused(name, f"a: {kind}, which aren't read", make, form=MIDDLE)


def reference(file):
    file["b"] = np.float32(1)
    file.create_dataset("a", (1,), h5py.ref_dtype)[0] = file["b"].ref


def marked_float16(file):
    dataset(data=np.zeros(3, "V2"))(file).attrs["dtype"] = np.bytes_(b"float16")


refused_kind("compound.h5", "compound elements", dataset(data=np.zeros(3, [("x", "f4"), ("y", "i4")])))
refused_kind("complex.h5", "complex numbers", dataset(data=np.zeros(3, "c8")))
refused_kind("variable-length.h5", "lists of variable length", dataset((2,), h5py.vlen_dtype("f4")))
refused_kind("string-variable.h5", "texts of variable length", dataset((), h5py.string_dtype()))
refused_kind("string-fixed.h5", "texts", dataset(data=np.array([b"abc", b"de"])))
partly("reference.h5", {"a": "references, which aren't read"}, reference, form=MIDDLE)
refused_type("opaque.h5", "2-byte opaque", dataset(data=np.zeros(3, "V2")))
refused_type("opaque-marked.h5", "2-byte opaque", marked_float16)
refused_kind("array-type.h5", "elements that are arrays themselves", element(h5t.array_create(h5t.IEEE_F32LE, (3,))))
refused_type("enum.h5", "1-byte enum", dataset((2,), h5py.enum_dtype({"RED": 0, "GREEN": 1}, "i1")))
refused_type("enum-4.h5", "4-byte enum", dataset((2,), h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, "i4")))
refused_type("bool-reversed.h5", "1-byte enum", dataset((2,), h5py.enum_dtype({"FALSE": 1, "TRUE": 0}, "i1")))
refused_kind("bitfield.h5", "bit fields", element(h5t.STD_B8LE))
refused_kind("time.h5", "times", element(h5t.UNIX_D32LE))
refused_type("float-80.h5", "16-byte float with unused bits", dataset(data=np.zeros(2, np.longdouble)))
refused_type("float-8.h5", "1-byte float", element(changed(h5t.IEEE_F32LE, fields=(7, 3, 4, 0, 3), size=1, ebias=7)))
refused_type("float-bias.h5", "4-byte float", element(changed(h5t.IEEE_F32LE, ebias=126)))
refused_type("float-fields.h5", "4-byte float", element(changed(h5t.IEEE_F32LE, fields=(31, 20, 11, 0, 20))))
refused_type("integer-12-bits.h5", "2-byte integer with unused bits", element(changed(h5t.STD_U16LE, precision=12)))
refused_type("integer-16-bytes.h5", "16-byte integer", element(changed(h5t.STD_U64LE, size=16, precision=128)))


def everything(file):
    """Objects of every kind that isn't read, and arrays before, between and after them."""
    for name in ["0", "m/0", "zz"]:
        put(file, name, numbers((2, 3), "f4"))
    file["complex"] = np.array([1 + 2j, 3], "c16")
    file["records"] = np.zeros(2, [("name", "S3"), ("value", "f4")])
    file["m/labels"] = np.array(["x", "yy"], h5py.string_dtype())
    file["fixed"] = np.array([b"a", b"bc"])
    file.create_dataset("lists", (2,), h5py.vlen_dtype("f4"))
    file.create_dataset("colours", (2,), h5py.enum_dtype({"RED": 0, "GREEN": 1}, "i1"))
    file["opaque"] = np.zeros(2, "V7")
    file["nothing"] = h5py.Empty("f4")
    file["scaled"] = file.create_dataset("m/scaled", data=numbers((4,), "i4"), chunks=(2,), scaleoffset=0)
    file.create_dataset("elsewhere", (2, 3), "f4", external=[("/etc/passwd", 0, 24)])
    file.create_dataset("nine", (1,) * 9, "f4")
    file.create_dataset("enormous", (1 << 39,), "f4", chunks=(1 << 20,))
    file.create_dataset("chunk", (4, 1 << 28), "f4", chunks=(2, 1 << 28))
    virtual = h5py.VirtualLayout((3,), "f4")
    virtual[:] = h5py.VirtualSource("types.h5", "f4", (3,))
    file.create_virtual_dataset("virtual", virtual)


SCALED = "filter 6 (scaleoffset): only deflate (1), shuffle (2), fletcher32 (3) and lzf (32000) are read"
partly("everything.h5", {
    "chunk": "the chunks are empty or larger than 268435456 bytes (limit hdf5-chunk)",
    "colours": "element type not read: 1-byte enum", "complex": "complex numbers, which aren't read",
    "elsewhere": "its elements are stored in other files",
    "enormous": "2199023255552 bytes: no more than 1099511627776 are accepted", "fixed": "texts, which aren't read",
    "lists": "lists of variable length, which aren't read", "m/labels": "texts of variable length, which aren't read",
    "m/scaled": SCALED, "nine": "9 dimensions: no more than 8 are accepted",
    "nothing": "it has no elements and no shape (null)", "opaque": "element type not read: 7-byte opaque",
    "records": "compound elements, which aren't read", "scaled": SCALED,
    "virtual": "a virtual dataset, put together from others"}, everything, form=NEW)


def newer(file):
    """A type that libhdf5 has since release 2.0: older ones know neither it nor the version of its description."""
    file["w"] = numbers((2, 3), "f4")
    h5d.create(file.id, b"z", h5t.COMPLEX_IEEE_F32LE, h5s.create_simple((2,)), properties())


partly("newer-type.h5", {"z": "complex numbers, which aren't read"}, newer, form=(h5f.LIBVER_V200, h5f.LIBVER_LATEST))


# ------------------------------------------------------------------------------------------ refused: shapes and storage


def virtual(most, count, file_name, name):
    """Makes a file of an array of 4 elements, growing to `most`, that are `count` elements of another."""
    space, wanted = h5s.create_simple((4,), (most,)), h5s.create_simple((4,), (most,))
    wanted.select_hyperslab((0,), (1,), None, (count,))
    creation = properties(virtual=(wanted, file_name, name, wanted))
    return lambda file: h5d.create(file.id, b"a", h5t.IEEE_F32LE, space, creation)


def many_never_written(file):
    for index in range(4):
        file.create_dataset(f"a{index}", (1 << 23,), "f4", chunks=(1 << 16,), compression="gzip")


def extent(*shape):
    """The message with the shape, as the old form has it."""
    return struct.pack("<BBB5x", 1, len(shape), 1) + struct.pack(f"<{len(shape)}Q", *shape)


def storage(data):
    """Where address and size of the first array's elements stand."""
    return data.find(struct.pack("<QQ", data.find(numbers((3, 4), "<f4").tobytes()), 48))


def huge_storage(data):
    data.put(storage(data) + 8, struct.pack("<Q", 1 << 32))
    data.replace(extent(3, 4), extent(1 << 15, 1 << 15))


ONLY = "only deflate (1), shuffle (2), fletcher32 (3) and lzf (32000) are read"
TOO_LARGE = "a: the shape is too large: its bytes don't fit in 63 bits"
PLAIN_SIZE = 1740  # of the file that `plain` makes
AFTER = f"go past the end of the HDF5 data, which is at {PLAIN_SIZE}"
ROWS = {"data": numbers((4, 4), "f4"), "chunks": (2, 4)}

refused("rank-9.h5", "a: 9 dimensions: no more than 8 are accepted", arrays(a=np.zeros((1,) * 9, "f4")), form=NEW)
refused("null-space.h5", "a: it has no elements and no shape (null)", dataset(data=h5py.Empty("f4")), form=NEW)
refused("external-storage.h5", "a: its elements are stored in other files",
        dataset((2, 3), "f4", external=[("/etc/passwd", 0, 24)]), form=NEW)
refused("virtual.h5", "a: a virtual dataset, put together from others",
        virtual(h5s.UNLIMITED, h5s.UNLIMITED, b"virtual.h5", b"b"), form=NEW)
refused("filter-scale-offset.h5", f"a: filter 6 (scaleoffset): {ONLY}",
        dataset(data=numbers((4,), "i4"), chunks=(2,), scaleoffset=0), form=NEW)
refused("filter-unknown.h5", f"a: filter 999 (of no name): {ONLY}", lambda file: add(
    file, "a", h5t.IEEE_F32LE, (4, 4), None, properties(chunk=((2, 4),), filter=(999, h5z.FLAG_OPTIONAL))), form=NEW)
refused("filter-twice.h5", "a: filter 3 stands there twice", lambda file: add(
    file, "a", h5t.IEEE_F32LE, (4, 4), None, properties(chunk=((2, 4),), fletcher32=(), filter=(3,))),
        form=NEW)
damaged("filter-shuffle-8.h5", "a: the shuffle filter takes elements for 8 bytes, and they have 4",
        lambda data: data.put(data.find(b"shuffle\0") + 8, b"\x08"),
        dataset(data=numbers((4,), "f4"), chunks=(2,), shuffle=True))
refused("chunk-too-large.h5", "a: the chunks are empty or larger than 268435456 bytes",
        dataset((4, 1 << 28), "f4", chunks=(2, 1 << 28)), form=NEW)
damaged("shape-too-large.h5", TOO_LARGE, lambda data: data.replace(extent(3, 4), extent(1 << 31, 1 << 31)))
damaged("shape-overflow.h5", TOO_LARGE, lambda data: data.replace(extent(3, 4), extent(1 << 33, 1 << 33)))
refused("shape-overflow-empty.h5", TOO_LARGE,
        dataset((0, 1 << 31, 1 << 31), "f4", chunks=(1, 1, 1), maxshape=(None, None, None)), form=NEW)
refused("two-tebibytes.h5", "a: 2199023255552 bytes: no more than 1099511627776 are accepted",
        dataset((1 << 39,), "f4"), form=NEW)
refused("nothing-behind.h5",
        "a: with it 8589934592 bytes of elements are declared: no file of 1400 bytes can hold them",
        dataset((1 << 31,), "f4"))
refused("nothing-behind-many.h5",
        "a2: with it 100663296 bytes of elements are declared: no file of 1251 bytes can hold them", many_never_written,
        form=MIDDLE)
damaged("shape-past-storage.h5", "a: the shape needs 256 bytes and 48 are stored",
        lambda data: data.replace(extent(3, 4), extent(16, 4)))
damaged("storage-past-end.h5", f"a: its 48 bytes at byte 1099511627776 {AFTER}",
        lambda data: data.put(storage(data), struct.pack("<Q", 1 << 40)))
damaged("storage-across-end.h5", f"a: its 48 bytes at byte {PLAIN_SIZE - 8} {AFTER}",
        lambda data: data.put(storage(data), struct.pack("<Q", PLAIN_SIZE - 8)))
damaged("storage-huge.h5", f"a: its 4294967296 bytes at byte 1072 {AFTER}", huge_storage)


# -------------------------------------------------------------------------------------------- arrays that can't be read

PACKED = {"data": numbers((8, 6), "f4"), "chunks": (4, 6), "compression": "gzip"}


def far_chunk(data):
    place = data.find(numbers((8,), "<f4")[4:].tobytes())
    data.replace(struct.pack("<Q", place), struct.pack("<Q", 1 << 32))


def one_chunk(chunk, skipped=0):
    """Makes a file of an array of one chunk of 96 bytes, with these bytes for it."""
    def make(file):
        array = file.create_dataset("a", (4, 6), "f4", chunks=(4, 6), compression="gzip")
        array.id.write_direct_chunk((0, 0), chunk, skipped)

    return make


def unreadable(name, error, make, damage=lambda data: None, **options):
    damaged(name, {"a": f"a: {error}"}, damage, make, **options)


unreadable("checksum.h5", "the checksum of a chunk is wrong", dataset(**PACKED, fletcher32=True),
           lambda data: data.flip(data.find(b"x\x5e") + 12), form=NEW)
unreadable("deflate.h5", "a chunk can't be inflated", dataset(**PACKED),
           lambda data: data.put(data.find(b"x\x5e") + 2, b"\xff" * 16), form=NEW)
def lzf_chunk(chunk):
    """Makes a file of an array of one chunk of 96 bytes, packed by lzf, with these bytes for it."""
    def make(file):
        array = file.create_dataset("a", (4, 6), "f4", chunks=(4, 6), compression="lzf")
        array.id.write_direct_chunk((0, 0), chunk)

    return make


LZF = "a chunk packed by lzf can't be unpacked"
unreadable("lzf-short.h5", "a chunk has 32 bytes instead of 96", lzf_chunk(b"\x1f" + bytes(32)), form=NEW)
unreadable("lzf-long.h5", LZF, lzf_chunk(b"\0\0\xe0\x57\0"), form=NEW)
unreadable("lzf-run-past-end.h5", LZF, lzf_chunk(b"\x1f" + bytes(31)), form=NEW)
unreadable("lzf-run-too-long.h5", LZF, lzf_chunk(b"\x1f" + bytes(32) + b"\xe0\x36\0\1\0\0"), form=NEW)
unreadable("lzf-before-start.h5", LZF, lzf_chunk(b"\0\0\xe0\x56\1"), form=NEW)
unreadable("lzf-no-length.h5", LZF, lzf_chunk(b"\0\0\xe0"), form=NEW)
unreadable("lzf-no-distance.h5", LZF, lzf_chunk(b"\0\0\xe0\x56"), form=NEW)
unreadable("chunk-past-end.h5", "a chunk can't be read", dataset(data=numbers((8,), "f4"), chunks=(4,)), far_chunk)
unreadable("chunk-short.h5", "a chunk has 92 bytes instead of 96", one_chunk(zlib.compress(bytes(92), 0)), form=NEW)
unreadable("chunk-long.h5", "a chunk can't be inflated", one_chunk(zlib.compress(bytes(1 << 20))), form=NEW)
unreadable("chunk-short-as-it-is.h5", "a chunk has 95 bytes instead of 96", one_chunk(bytes(95), 1), form=NEW)
unreadable("chunk-stored-large.h5", "a chunk of 96 bytes takes 1200 in the file", one_chunk(bytes(1200)), form=NEW)
damaged("bool-2.h5", {"a": "a: an element is 2, which is neither FALSE nor TRUE"},
        lambda data: data.put(data.find(b"\1\1\1\1\1\0\1"), b"\2"),
        arrays(a=np.array([True] * 5 + [False, True]), b=np.array([False])))


# ----------------------------------------------------------------------------------------------- files with wrong bytes

NOT_HDF5 = "file: not HDF5: there is no signature at byte 0, 512, 1024, 2048, …"
CANT_OPEN = "file: libhdf5 can't open it"


def cut(name, count, error, **options):
    damaged(name, error, lambda data: data.cut(count), **options)


def flip(name, error, wanted, offset=0, which=0, **options):
    damaged(name, error, lambda data: data.flip(data.find(wanted, which) + offset), **options)


def wrong_type(name, error, offset, new, of=damaged):
    """Changes the description of the first array's float32."""
    def damage(data):
        data.put(data.find(b"\x11\x20\x1f\x00\x04\0\0\0") + offset, new)

    if of is damaged:
        damaged(name, f"a: {error}", damage)
    else:
        of(name, {"a": error}, plain, damage)


def tree_in_itself(data):
    place = data.find(b"TREE")
    data.put(place + 5, b"\x01")
    data.put(place + 32, struct.pack("<Q", place))


def text(data):
    data.data[:] = b"version https://git-lfs.github.com/spec/v1\noid sha256:9211c379\nsize 1539707712\n"


cut("cut-0.h5", 0, NOT_HDF5)
cut("cut-7.h5", 7, NOT_HDF5)
cut("cut-8.h5", 8, "file: cut short: it has 8 bytes and ends inside the superblock")
cut("cut-40.h5", 40, "file: cut short: it has 40 bytes and ends inside the superblock")
cut("cut-80.h5", 80, f"file: cut short: it has 80 bytes and should have {PLAIN_SIZE}")
cut("cut-half.h5", 900, f"file: cut short: it has 900 bytes and should have {PLAIN_SIZE}")
cut("cut-last-byte.h5", -1, f"file: cut short: it has {PLAIN_SIZE - 1} bytes and should have {PLAIN_SIZE}")
cut("cut-new.h5", -1, "file: cut short: it has 782 bytes and should have 783", form=NEW)
cut("cut-userblock.h5", -9, "file: cut short: it has 2243 bytes and should have 2252", userblock=512)
damaged("text.h5", NOT_HDF5, text)
damaged("zeros.h5", NOT_HDF5, lambda data: data.put(0, bytes(PLAIN_SIZE)))

flip("signature.h5", NOT_HDF5, b"\x89HDF", 4)
flip("superblock-version.h5", f"{CANT_OPEN}: it may need a newer libhdf5 than", b"\x89HDF", 8)
flip("superblock-sizes.h5", CANT_OPEN, b"\x89HDF", 13)
flip("superblock-checksum.h5", CANT_OPEN, b"\x89HDF", 44, form=NEW)
flip("root-address.h5", CANT_OPEN, b"\x89HDF", 66)
flip("header-version.h5", CANT_OPEN, b"TREE", -40)
flip("header-checksum.h5", "/: the root group can't be opened", b"OHDR", 10, form=NEW)
flip("tree-signature.h5", "/: the members of this group can't be read", b"TREE")
flip("tree-signature-inner.h5", "b: the members of this group can't be read", b"TREE", which=1, make=grouped)
flip("heap-signature.h5", "/: the members of this group can't be read", b"HEAP")
flip("node-signature.h5", "/: the members of this group can't be read", b"SNOD")
damaged("tree-in-itself.h5", "/: the members of this group can't be read", tree_in_itself, crash=True)
wrong_type("type-class.h5", "the object can't be opened", 0, b"\x1f")
wrong_type("type-vax.h5", "element type not read: 4-byte float in an unknown byte order", 0, b"\x31\x61", partly)
wrong_type("type-size.h5", "its elements take no bytes", 4, b"\x00")
wrong_type("type-fields.h5", "element type not read: 4-byte float", 12, b"\x40", partly)
damaged("layout-class.h5", "a: the object can't be opened", lambda data: data.put(storage(data) - 1, b"\x77"))
damaged("extent-rank.h5", "a: the object can't be opened", lambda data: data.put(data.find(extent(3, 4)) + 1, b"\x21"))
# An entry of a group has the address of the object after that of the name.
damaged("entry-address.h5", "a: the object can't be opened",
        lambda data: data.put(data.find(b"SNOD") + 16, struct.pack("<Q", PLAIN_SIZE + 64)))


# ---------------------------------------------------------------------------------------------------------- making them


def create(make, form=OLD, userblock=0, sizes=None, order=0):
    """The bytes of a file that `make` fills."""
    creation, access = h5p.create(h5p.FILE_CREATE), h5p.create(h5p.FILE_ACCESS)
    creation.set_obj_track_times(False)
    if userblock:
        creation.set_userblock(userblock)
    if sizes:
        creation.set_sizes(*sizes)
    if order:
        creation.set_link_creation_order(order)
        creation.set_attr_creation_order(order)
    access.set_libver_bounds(*form)
    # Through this driver the library leaves no room between things: the files become half as large.
    stream = io.BytesIO()
    access.set_fileobj_driver(h5fd.fileobj_driver, stream)
    with h5py.File(h5f.create(b"fixture", h5f.ACC_TRUNC, creation, access)) as file:
        make(file)
    stream.seek(0)
    stream.write(b"The user's own bytes, before those of HDF5.\n"[:userblock])
    return stream.getvalue()


def archive(data, entry):
    """A zip archive with `data` in it, not compressed: arrays begin at odd places."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as out:
        for name, content in [("metadata.json", b'{"keras_version": "3.4.1"}'), (entry, data)]:
            out.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return stream.getvalue()


# ---------------------------------------------------------------------------------------------- what h5py reads of them


def element_type(array):
    """Ingot's name of an element type, and the type in which NumPy is to read it (None: as it is)."""
    stored, kind = array.id.get_type(), array.dtype
    if stored.get_class() == h5t.OPAQUE:
        return array.attrs["dtype"], "<u2"
    if stored.get_class() == h5t.FLOAT and stored.get_size() == 2 and stored.get_ebias() == 127:
        return "bfloat16", "<u2" if stored.get_order() == h5t.ORDER_LE else ">u2"
    name = {"f": "float", "i": "int", "u": "uint", "b": "bool"}[kind.kind]
    return name if name == "bool" else f"{name}{kind.itemsize * 8}", None


def elements(array, read_as):
    """The elements as h5py reads them, as row-major little-endian bytes."""
    if read_as:
        values = np.empty(array.shape, read_as)
        array.id.read(h5s.ALL, h5s.ALL, values, mtype=array.id.get_type())
    else:
        values = np.asarray(array[()])
    return (values.byteswap() if values.dtype.byteorder == ">" else values).tobytes()


def list_arrays(group, prefix, errors, leftovers, first):
    for name in sorted(group, key=str.encode):
        path = prefix + name
        if path in leftovers:
            continue
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from list_arrays(item, path + "/", errors, leftovers, first)
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
        attribute, value = file.attrs.get_id(name), file.attrs[name]
        if not isinstance(value, (bytes, str)):
            continue
        try:
            value = value.decode() if isinstance(value, bytes) else str(value)
        except UnicodeDecodeError:
            continue
        if attribute.get_type().get_strpad() == h5t.STR_SPACEPAD:
            value = value.rstrip(" ")
        if len(value.encode()) <= 4096:
            yield name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    folder = parser.parse_args().root / "Tests/CheckpointsTests/Fixtures/hdf5"
    shutil.rmtree(folder, ignore_errors=True)
    expected = {}
    for name, make, damage, expectation, options in FILES:
        assert name not in expected, name
        entry = options.pop("entry", None)
        data = Bytes(create(make, **options))
        if damage:
            damage(data)
        if "error" not in expectation:
            with h5py.File(io.BytesIO(data.data)) as file:
                leftovers = expectation.setdefault("leftovers", {})
                listed = list(list_arrays(file, "", expectation.pop("errors", {}), leftovers, {}))
                expectation |= {"arrays": listed, "attributes": dict(list_attributes(file))}
        if entry:
            data = Bytes(archive(data.data, entry))
            expectation["entry"] = entry
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data.data)
        expected[name] = expectation
    lines = [f"{json.dumps(name)}: {json.dumps(what, ensure_ascii=False)}" for name, what in sorted(expected.items())]
    (folder / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    size = sum(path.stat().st_size for path in folder.rglob("*.*"))
    print(f"{len(expected)} files, {size} bytes with expected.json")


if __name__ == "__main__":
    main()
