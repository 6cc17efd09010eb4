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
import zipfile

import h5py
import hdf5_refused  # noqa: F401  lists files in hdf5_cases
import hdf5_sound  # noqa: F401
import numpy as np
from h5py import h5f, h5fd, h5p, h5s, h5t
from hdf5_cases import FILES, OLD, ROOT, Bytes

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
