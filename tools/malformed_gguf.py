"""Malformed GGUF files, and the error of each; see malformed_containers.py."""

import struct

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = range(13)


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(value)) + value


def entry(name, kind, value):
    return text(name) + struct.pack("<I", kind) + value


def tensor(name="w", dims=(4,), kind=0, offset=0):
    return text(name) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims) + struct.pack("<IQ", kind, offset)


def start(tensors=0, entries=0, version=3, magic=b"GGUF"):
    return magic + struct.pack("<IQQ", version, tensors, entries)


def file(tensors=(), entries=(), data=64, alignment=32, **more):
    head = start(len(tensors), len(entries), **more) + b"".join(entries) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + bytes(range(256))[:data]


def listed(kind, count, values=b""):
    return struct.pack("<IQ", kind, count) + values


def cases():
    w = tensor()
    # The frame: cut at every field.
    whole = file([w], [entry("a", STRING, text("b"))], data=16)
    for length, error in (
        (5, "byte 4: 4 bytes expected, 1 left"), (8, "byte 8: 8 bytes expected, 0 left"),
        (15, "byte 8: 8 bytes expected, 7 left"), (20, "byte 16: 8 bytes expected, 4 left"),
        (24, "byte 24: 8 bytes expected, 0 left"), (32, "byte 24: a name of 1 byte goes past the end of the file"),
        (33, 'byte 33: metadata "a": 4 bytes expected, 0 left'), (40, 'byte 37: metadata "a": 8 bytes expected, 3 left'),
        (45, 'byte 37: metadata "a": a text of 1 byte goes past the end of the file'),
        (46, "byte 46: 8 bytes expected, 0 left"), (54, "byte 46: an array's name of 1 byte goes past the end of the file"),
        (57, 'byte 55: array "w": 4 bytes expected, 2 left'), (60, 'byte 59: array "w": 8 bytes expected, 1 left'),
        (70, 'byte 67: array "w": 4 bytes expected, 3 left'), (75, 'byte 71: array "w": 8 bytes expected, 4 left'),
        (80, 'byte 46: array "w": its 16 bytes from 0 on go past the end of the file'),
        (len(whole) - 1, 'byte 46: array "w": its 16 bytes from 0 on go past the end of the file'),
    ):
        yield whole[:length], error
    yield file([w], version=1), "byte 4: is GGUF of version 1, of 2023; versions 2 and 3 are read"
    yield file([w], version=0), "byte 4: is GGUF of version 0; versions 2 and 3 are read"
    yield file([w], version=4), "byte 4: is GGUF of version 4; versions 2 and 3 are read"
    yield file([w], version=3 << 24), "byte 4: is a big-endian GGUF file; little-endian ones are read"
    yield b"lmgg" + bytes(40), "is a GGML file, the format before GGUF, where a checkpoint is needed"
    yield b"tjgg" + bytes(40), "is a GGML file, the format before GGUF, where a checkpoint is needed"
    # Counts.
    yield start(1_000_001, 0), "has 1000001 arrays; at most 1000000 are read"
    yield start(2**64 - 1, 0), "has 9223372036854775807 arrays; at most 1000000 are read"
    yield start(0, 100_001), "has 100001 entries of metadata; at most 100000 are read"
    yield start(0, 2**64 - 1), "has 9223372036854775807 entries of metadata; at most 100000 are read"
    yield start(2, 0) + w, "byte 57: 8 bytes expected, 0 left"
    yield start(0, 2) + entry("a", BOOL, b"\1"), "byte 38: 8 bytes expected, 0 left"
    # Metadata.
    bad = lambda *entries: file([w], entries)  # noqa: E731
    yield bad(entry("a", 13, b"")), 'byte 33: metadata "a": 13 stands for no type of metadata'
    yield bad(entry("a", 2**32 - 1, b"")), 'byte 33: metadata "a": 4294967295 stands for no type of metadata'
    yield bad(entry("a", BOOL, b"\2")), 'byte 37: metadata "a": 2 is neither true nor false'
    yield bad(entry("a", BOOL, b"\1"), entry("a", UINT8, b"\1")), 'byte 38: metadata "a": is there twice'
    yield bad(entry(b"\xff", BOOL, b"\1")), "byte 24: a name of metadata is not UTF-8"
    yield bad(entry("a" + "\u0301" * 31, BOOL, b"\1")), "byte 24: a name of metadata has more than 30 combining marks in a row"
    yield bad(struct.pack("<Q", 2**63) + b"a"), "byte 24: a name of 9223372036854775808 bytes goes past the end of the file"
    yield bad(entry("a" * 65_537, BOOL, b"\1")), "byte 24: a name of 65537 bytes; at most 65536 are read"
    yield bad(entry("a", STRING, text(b"\x80"))), 'byte 37: metadata "a": the text is not UTF-8'
    yield bad(entry("a", STRING, struct.pack("<Q", 2**64 - 1))), (
        'byte 37: metadata "a": a text of 18446744073709551615 bytes goes past the end of the file')
    yield bad(entry("a", ARRAY, listed(13, 1))), 'byte 37: metadata "a": 13 stands for no type of metadata'
    yield bad(entry("a", ARRAY, listed(UINT64, 2**61))), (
        'byte 37: metadata "a": a list of 2305843009213693952 uint64 values goes past the end of the file')
    yield bad(entry("a", ARRAY, listed(STRING, 2**40))), (
        'byte 37: metadata "a": a list of 1099511627776 string values goes past the end of the file')
    yield bad(entry("a", ARRAY, listed(STRING, 9, text("b") * 8 + struct.pack("<Q", 2**40)))), (
        'byte 121: metadata "a": a text of 1099511627776 bytes goes past the end of the file')
    yield bad(entry("a", ARRAY, listed(BOOL, 2, b"\1\3"))), 'byte 50: metadata "a": 3 is neither true nor false'
    yield bad(entry("a", ARRAY, listed(ARRAY, 1) * 9 + listed(UINT8, 1, b"\1"))), (
        'byte 133: metadata "a": lists in lists, more than 8 deep')
    for kind, value, error in (
        (UINT64, struct.pack("<Q", 32), "is of type uint64, not uint32"), (STRING, text("32"), "is of type string, not uint32"),
        (UINT32, bytes(4), "0 is no power of two"), (UINT32, struct.pack("<I", 48), "48 is no power of two"),
    ):
        yield bad(entry("general.alignment", kind, value)), f'byte 24: metadata "general.alignment": {error}'
    # Tensors.
    for infos, error in (
        ([w, tensor(offset=32)], 'byte 57: array "w": is there twice'),
        ([tensor(b"\xc0")], "byte 24: an array's name is not UTF-8"),
        ([tensor("w" * 4097)], "byte 24: an array's name of 4097 bytes; at most 4096 are read"),
        ([tensor(dims=(1,) * 9)], 'byte 24: array "w": has 9 dimensions; at most 8 are supported'),
        ([text("w") + struct.pack("<I", 2**32 - 1)], 'byte 24: array "w": has 4294967295 dimensions; at most 8 are supported'),
        ([tensor(dims=(2**63,))], 'byte 24: array "w": a dimension of 9223372036854775808'),
        ([tensor(dims=(2**32, 2**32))],
         'byte 24: array "w": shape [4294967296, 4294967296] has more elements than 63 bits can count'),
        ([tensor(dims=(2**62,))], 'byte 24: array "w": has more bytes than 63 bits can count'),
        ([tensor(kind=42)], 'byte 24: array "w": is of type 42, which this version doesn\'t know'),
        ([tensor(kind=2**32 - 1)], 'byte 24: array "w": is of type 4294967295, which this version doesn\'t know'),
        ([tensor(kind=2, dims=(31,))],
         'byte 24: array "w": its rows of 31 elements are no multiple of the 32 of a block of Q4_0'),
        ([tensor(kind=12, dims=(128, 2))],
         'byte 24: array "w": its rows of 128 elements are no multiple of the 256 of a block of Q4_K'),
        ([tensor(kind=8, dims=())], 'byte 24: array "w": its rows of 1 elements are no multiple of the 32 of a block of Q8_0'),
        ([tensor(kind=16, dims=(8,))],
         'byte 24: array "w": its rows of 8 elements are no multiple of the 256 of a block of IQ2_XXS'),
        ([tensor(offset=16)], 'byte 24: array "w": its data begin at 16, which is no multiple of 32'),
        ([tensor(offset=64)], 'byte 24: array "w": its 16 bytes from 64 on go past the end of the file'),
        ([tensor(offset=2**63)], 'byte 24: array "w": its 16 bytes from 9223372036854775808 on go past the end of the file'),
        ([tensor(dims=(2**40,))], 'byte 24: array "w": its 4398046511104 bytes from 0 on go past the end of the file'),
        ([tensor(dims=(16,)), tensor("v", offset=32)], 'byte 57: array "v" overlaps array "w"'),
        ([tensor("v"), tensor()], 'byte 57: array "w" overlaps array "v"'),
    ):
        yield file(infos), error
