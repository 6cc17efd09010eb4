"""Malformed indexes of TensorFlow's checkpoints, and the error of each; see malformed_containers.py."""

import struct

from malformed_onnx import varint

MAGIC = bytes.fromhex("57fb808b247547db")


def crc(content):
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x82F63B78 if value & 1 else value >> 1
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def block(content, restarts=(0,), kind=0, wrong=0):
    content += b"".join(struct.pack("<I", place) for place in restarts) + struct.pack("<I", len(restarts))
    return content, content + bytes([kind]) + struct.pack("<I", crc(content + bytes([kind])) ^ wrong)


def entry(key, value, shared=0):
    key = key.encode() if isinstance(key, str) else key
    return varint(shared) + varint(len(key)) + varint(len(value)) + key + value


def table(*entries, index=None, made=None):
    """Of one block; `made` in its place, `index` in that of its index."""
    content, data = block(b"".join(entries)) if made is None else (made[0], made[1])
    index = entry("z", varint(0) + varint(len(content))) if index is None else index
    content, packed = block(index)
    footer = varint(0) + varint(0) + varint(len(data)) + varint(len(content))
    return data + packed + footer + bytes(40 - len(footer)) + MAGIC


def number(field, value):
    return varint(field << 3) + varint(value)


def held(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


HEADER = entry("", number(1, 0))


def tensor(*parts, kind=1, dims=(2,), size=8):
    shape = b"".join(held(2, number(1, length)) for length in dims)
    return number(1, kind) + held(2, shape) + number(5, size) + b"".join(parts)


def cases():
    good = table(HEADER, entry("w", tensor()))
    yield good, 'array "w": is in file 0 of 0'
    yield bytes(20) + MAGIC, "is of no known format, where a checkpoint is needed"
    # The footer.
    end = len(good) - 48
    for footer, error in (
        (b"\x80" * 40, "the table: a place of a block that isn't whole"), (b"\xff" * 9 + b"\2" + bytes(30), "the table: a place of a block that isn't whole"),
        (varint(0) * 2 + varint(2**63) + varint(0), "byte 9223372036854775808: a block of 0 bytes goes past the table's end"),
        (varint(0) * 3 + varint(2**64 - 1), "byte 0: a block of 18446744073709551615 bytes goes past the table's end"),
        (varint(0) * 2 + varint(end) + varint(0), f"byte {end}: a block of 0 bytes goes past the table's end"),
        (varint(0) * 3 + varint(end), f"byte 0: a block of {end} bytes goes past the table's end"),
        (varint(0) * 3 + varint(4), "byte 0: a block has another checksum than it states"),
    ):
        yield good[:end] + footer + bytes(40 - len(footer)) + MAGIC, error
    # Blocks.
    content = b"".join((HEADER, entry("w", tensor())))
    for made, error in (
        (block(content, wrong=1), "byte 0: a block has another checksum than it states"),
        (block(content, kind=1), "byte 0: a block is compressed (method 1), which TensorFlow's indexes aren't"),
        (block(content, kind=2), "byte 0: a block is compressed (method 2), which TensorFlow's indexes aren't"),
        (block(b"\x05" + bytes(2)), "byte 3: a key shares 5 bytes with one of 0"), (block(b"\0\x05\0a"), "byte 3: an entry goes past its block's end"),
        (block(b"\0\1\x05a"), "byte 3: an entry goes past its block's end"), (block(b"\0\1"), "byte 2: 1 bytes expected, 0 left"),
        (block(b"\x80"), "byte 1: 1 bytes expected, 0 left"), (block(b"\xff" * 9 + b"\2"), "byte 10: a number of more than 64 bits"),
        (block(b"\0" + varint(2**64 - 1) + b"\0"), "byte 12: an entry goes past its block's end"),
        (block(HEADER + entry("w" * 4097, tensor())), "byte 4106: a key of 4097 bytes; at most 4096 are read"),
        (block(HEADER + entry("b", tensor()) + entry("a", tensor())), 'the table: a key that isn\'t sorted: "a"'),
        (block(HEADER + entry("b", tensor()) + entry("", tensor(), 1)), 'the table: a key that isn\'t sorted: "b"'),
        (block(b""), "is a table, but no index of TensorFlow's: it has no header"),
        (block(entry("w", tensor())), "is a table, but no index of TensorFlow's: it has no header"),
    ):
        yield table(made=made), error
    for count, error in ((99, "a block of 27 bytes can't have 99 restarts"), (2**32 - 1, "a block of 27 bytes can't have 4294967295 restarts")):
        odd = content[:19] + bytes(4) + struct.pack("<I", count)
        yield table(made=(odd, odd + b"\0" + struct.pack("<I", crc(odd + b"\0")))), f"byte 0: {error}"
    yield table(made=(b"abc", b"abc\0" + struct.pack("<I", crc(b"abc\0")))), "byte 0: a block of 3 bytes"
    for value, error in (
        (b"", "a place of a block that isn't whole"), (b"\0", "a place of a block that isn't whole"),
        (b"\0\x04\0", "a place of a block with more bytes after it"),
    ):
        yield table(HEADER, index=entry("z", value)), f"the table: {error}"
    yield table(HEADER, index=entry("z", varint(2**40) + b"\4")), "byte 1099511627776: a block of 4 bytes goes past the table's end"
    # The header.
    for header, error in (
        (number(2, 1), "is a big-endian checkpoint; little-endian ones are read"),
        (held(1, b""), "is a checkpoint of version 1 of TensorFlow's format; version 2 is read"),
        (held(2, b""), "the header has a field of another form"), (b"\x0d\0\0\0\0" + held(2, b""), "the header has a field of another form"),
        (number(1, 4097), "has 4097 files of data; at most 4096 are read"),
        (number(1, -1), "has 9223372036854775807 files of data; at most 4096 are read"), (b"\x0b", "is no sound message"),
        (b"\x08", "is no sound message"), (b"\x12\x09", "is no sound message"), (b"\x0d\0", "is no sound message"),
    ):
        yield table(entry("", header)), error
    # Tensors.
    for value, error in (
        (tensor(size=7), "has 7 bytes; its shape and type take 8"), (tensor(dims=()), "has 8 bytes; its shape and type take 4"),
        (tensor(dims=(-1,)), "shape [-1] has a negative dimension"), (tensor(dims=(1,) * 9), "has more than 8 dimensions"),
        (tensor(dims=(2**32, 2**32)), "shape [4294967296, 4294967296] has more elements than 63 bits can count"),
        (tensor(dims=(2**62,)), "shape [4611686018427387904] of float32 has more bytes than 63 bits can count"),
        (tensor(number(3, 1)), "is in file 1 of 0"), (tensor(number(3, -1)), "its file is -1"), (tensor(number(4, -1)), "its offset is -1"),
        (tensor(size=-1), "its size is -1"), (tensor(held(2, number(3, 1))), "has a shape of unknown rank"),
        (tensor(held(1, b"")), "its field 1 is of another form"), (tensor(number(2, 1)), "its field 2 is of another form"),
        (tensor(held(5, b"")), "its field 5 is of another form"), (tensor(number(7, 1)), "its field 7 is of another form"),
        (tensor(b"\x0b"), "is no sound message"), (tensor(held(2, b"\x12\x05")), "is no sound message"),
        (tensor(held(2, held(2, b"\x08"))), "is no sound message"), (b"\xff" * 11, "is no sound message"),
    ):
        yield table(HEADER, entry("w", value)), f'array "w": {error}'
    yield table(HEADER, entry(b"w\xff", tensor())), 'array "w\ufffd": its name is not UTF-8'
