"""The list of HDF5 files that fixtures_hdf5.py makes, and what they are filled with; hdf5_sound.py and hdf5_refused.py list them."""

import pathlib

import numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t

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
