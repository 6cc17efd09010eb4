"""Malicious archives and packed files for tools/corpus/scan_corpus.py."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib

from scan_pickles import PAYLOAD, whole


def put(archive, name, data):
    """Adds an entry without the time, so that a second run makes the same bytes."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, archive.compression)


def torch_zip(pickled, compression=zipfile.ZIP_STORED, entry="archive/data.pkl", extra=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        put(archive, entry, pickled)
        put(archive, "archive/version", "3\n")
        put(archive, "archive/data/0", bytes(64))
        for other, data in extra:
            put(archive, other, data)
    return buffer.getvalue()


def changed(data, position, new):
    return data[:position] + new + data[position + len(new) :]


def central(data):
    return data.index(b"PK\x01\x02")


def archives():
    evil, harmless = whole(PAYLOAD), pickle.dumps({"a": 1}, 2)
    plain = torch_zip(evil)
    yield "torch.pt", plain
    yield "torch-deflated.pt", torch_zip(evil, zipfile.ZIP_DEFLATED)
    yield "torch.bin", plain
    yield "torch.safetensors", plain
    yield "torch.txt", plain
    yield "torch-other-extension.pt", torch_zip(harmless, extra=[("archive/config.p", evil)])  # CVE-2025-1889
    yield "torch-no-extension.pt", torch_zip(harmless, extra=[("archive/hook", evil)])
    yield "torch-in-data.pt", torch_zip(harmless, extra=[("archive/data/1", evil)])
    yield "flag-bit.pt", changed(plain, central(plain) + 8, b"\x01\x00")  # CVE-2025-1945
    yield "flag-bit-local.pt", changed(plain, 6, b"\x01\x00")
    yield "flag-bits.pt", changed(changed(plain, 6, b"\x41\x20"), central(plain) + 8, b"\x41\x20")
    yield "name-differs.pt", plain.replace(b"archive/data.pkl", b"archive/data.txt", 1)  # CVE-2025-1944
    crc = zlib.crc32(evil)
    yield "checksum-differs.pt", plain.replace(struct.pack("<I", crc), struct.pack("<I", crc ^ 1))  # CVE-2025-10156
    yield "central-method-differs.pt", changed(plain, central(plain) + 10, b"\x08\x00")
    yield "size-zero-local.pt", changed(plain, 18, bytes(8))
    yield "twice.pt", double_entry(harmless, evil)
    yield "twice-other-way.pt", double_entry(evil, harmless)
    yield "no-directory.pt", plain[: central(plain)]
    yield "hidden-entry.pt", hide_entry(harmless, evil)
    yield "prefix-pickle.pt", evil + torch_zip(harmless)
    yield "prefix-bytes.pt", bytes(16) + plain
    yield "suffix.pt", plain + b"trailing bytes"
    yield "comment.pt", plain[:-2] + struct.pack("<H", len(evil)) + evil
    yield "pickle-and-tar.tar", tar_of({"cos\nsystem\n(S'true'\ntR.": b"text"})
    yield "one-header-two-entries.pt", same_offset(evil)
    yield "tar-other-size.tar", tar_size(evil)
    yield "zip-in-zip.zip", nested_zip(plain, 2)
    yield "path-leads-out.pt", torch_zip(harmless, extra=[("../../outside.pkl", evil)])
    yield "npz-member.npz", zip_of({"a.npy": npy_objects(evil)})
    yield "npz-pickle.npz", zip_of({"a.npy": evil})
    yield "gz.pkl.gz", gzip.compress(evil, mtime=0)
    yield "gz-members.pkl.gz", gzip.compress(evil[:5], mtime=0) + gzip.compress(evil[5:], mtime=0)
    yield "gz-damaged.pkl.gz", gzip.compress(evil + bytes(1000), mtime=0)[:-8]
    yield "zlib.joblib", zlib.compress(evil)
    yield "bz2.joblib", bz2.compress(evil)
    yield "xz.joblib", lzma.compress(evil)
    yield "lzma.joblib", lzma.compress(evil, format=lzma.FORMAT_ALONE)
    long = b"".join(pickle.dumps({"a": i}, 2) for i in range(3000)) + evil
    yield "long.bz2", bz2.compress(long, 1)
    yield "long.xz", lzma.compress(long)
    yield "long-other.xz", lzma.compress(long, filters=[{"id": lzma.FILTER_LZMA2, "lc": 1, "lp": 2, "pb": 0}])
    yield "streams.bz2", bz2.compress(evil[:7]) + bz2.compress(evil[7:])
    yield "streams.xz", lzma.compress(evil[:7]) + lzma.compress(evil[7:])
    for method, key in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")):
        yield f"{key}.zip", zip_of({"a/data.pkl": evil}, method)
    yield "tar.tar", tar_of({"model.pkl": evil})
    yield "tar-gz.tar.gz", gzip.compress(tar_of({"weights/model.bin": evil}), mtime=0)
    yield "old-torch-tar.pt", tar_of({"storages": pickle.dumps(0, 2), "tensors": pickle.dumps(0, 2), "pickle": evil})
    yield (
        "nemo.nemo",
        tar_of({"model_config.yaml": b"model:\n  _target_: os.system\n", "model_weights.ckpt": torch_zip(harmless)}),
    )
    yield "tar-link.tar", tar_link()
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    yield "legacy.pt", magic + evil + pickle.dumps([], 2)
    yield "legacy-in-first.pt", evil + magic + harmless + pickle.dumps([], 2)
    yield (
        "legacy-other-magic.pt",
        pickle.dumps(7, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + evil,
    )  # modelscan's magic check
    yield "legacy-after-storages.pt", magic + harmless + pickle.dumps([], 2) + bytes(512) + evil
    yield "objects.npy", npy_objects(evil)
    yield "objects-version-2.npy", npy_objects(evil, version=2)
    yield (
        "mar.mar",
        zip_of(
            {
                "MAR-INF/MANIFEST.json": b'{"model": {"handler": "handler.py"}}',
                "handler.py": b"print('x')\n",
                "model.pt": torch_zip(harmless),
            }
        ),
    )
    yield "native.pt2", zip_of({"data/aotinductor/model/model.so": b"\x7fELF\x02\x01\x01" + bytes(100)})


def zip_of(entries, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for entry, data in entries.items():
            put(archive, entry, data)
    return buffer.getvalue()


def nested_zip(data, depth):
    for level in range(depth):
        data = zip_of({f"inner{level}.zip": data})
    return data


def double_entry(first, second):
    import warnings

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "w") as archive:
            put(archive, "archive/data.pkl", first)
            put(archive, "archive/data.pkl", second)
    return buffer.getvalue()


def hide_entry(shown, hidden):
    """An entry in front that the directory doesn't have, for readers from the front."""
    local = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, zlib.crc32(hidden), len(hidden), len(hidden), 16, 0
    )
    front = local + b"archive/data.pkl" + hidden
    return front + torch_zip(shown)


def same_offset(hidden):
    """Two entries of the directory begin at the same place; the second has all bytes there."""
    data = torch_zip(hidden)
    at, end = central(data), data.rindex(b"PK\x05\x06")
    record = data[at : at + 46 + 16]
    short = record[:20] + struct.pack("<II", 2, 2) + record[28:46] + b"archive/data.txt"
    directory = short + data[at:end]
    counts = struct.unpack("<HH", data[end + 8 : end + 12])
    sizes = struct.pack("<HHII", counts[0] + 1, counts[1] + 1, len(directory), at)
    return data[:at] + directory + data[end : end + 8] + sizes + bytes(2)


def tar_size(hidden):
    """An entry whose size a pax header states: where the next one begins depends on who reads."""
    data = tar_of({"a.txt": bytes(1024), "model.pkl": hidden})
    pax = b"13 size=1024\n"
    info = tarfile.TarInfo("pax")
    info.size, info.type = len(pax), b"x"
    first = tarfile.TarInfo("a.txt")
    return info.tobuf() + pax + bytes(512 - len(pax)) + first.tobuf() + data[512:]


def tar_of(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry, data in entries.items():
            info = tarfile.TarInfo(entry)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_link():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("weights")
        info.type, info.linkname = tarfile.SYMTYPE, "../../outside"
        archive.addfile(info)
    return buffer.getvalue()


def npy_objects(pickled, version=1):
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    width = 2 if version == 1 else 4
    header += b" " * (-(len(header) + 9 + width) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(width, "little") + header + pickled
