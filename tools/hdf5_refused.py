"""HDF5 files of which something isn't read, or nothing; see fixtures_hdf5.py."""

import struct
import zlib

import h5py
import numpy as np
from h5py import h5d, h5f, h5g, h5s, h5t, h5z
from hdf5_cases import (
    MIDDLE, NEW, add, arrays, changed, damaged, dataset, element, good, grouped, grouped_and, groups, numbers,
    partly, plain, properties, put, refused
)
from hdf5_sound import named_type


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
