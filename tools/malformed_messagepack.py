"""Malformed MessagePack files of Flax, and the error of each; see malformed_containers.py."""

import struct


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return (bytes([0xA0 | len(value)]) if len(value) < 32 else b"\xda" + struct.pack(">H", len(value))) + value


def binary(value):
    return b"\xc4" + bytes([len(value)]) + value


def extension(content, kind=1):
    return b"\xc7" + bytes([len(content), kind]) + content


def array(shape=b"\x91\x02", kind=text("float32"), data=binary(bytes(8)), more=b""):
    return extension(b"\x93" + shape + kind + data + more)


def tree(*members):
    return bytes([0x80 | len(members)]) + b"".join(text(key) + value for key, value in members)


MARK = "__msgpack_chunked_array__"


def chunked(shape=tree(("0", b"\x04")), chunks=None, mark=b"\xc3", more=()):
    chunks = tree(("0", array()), ("1", array())) if chunks is None else chunks
    return tree(("w", tree((MARK, mark), ("shape", shape), ("chunks", chunks), *more)))


def cases():
    good = tree(("w", array()))
    # Cut at every length that still looks like one: the array begins at 3.
    for length, error in (
        (4, "byte 3: a number of 1 byte goes past the end"), (5, "byte 3: a number of 1 byte goes past the end"),
        (6, "byte 3: an extension of 21 bytes goes past the end"), (len(good) - 1, "byte 3: an extension of 21 bytes goes past the end"),
    ):
        yield good[:length], error
    yield b"\x82" + good[1:], f"byte {len(good)}: the file ends where a value is needed"
    yield good + b"\0", f"byte {len(good)}: 1 byte after the end of the tree"
    yield good + good, f"byte {len(good)}: {len(good)} bytes after the end of the tree"
    one = lambda value: tree(("w", value))  # noqa: E731
    for value, error in (
        (b"\xcc", "a number of 1 byte goes past the end"), (b"\xcd\0", "a number of 2 bytes goes past the end"),
        (b"\xce\0\0\0", "a number of 4 bytes goes past the end"), (b"\xcf" + bytes(7), "a number of 8 bytes goes past the end"),
        (b"\xca\0", "a number of 4 bytes goes past the end"), (b"\xcb\0", "a number of 8 bytes goes past the end"),
        (b"\xd0", "a number of 1 byte goes past the end"), (b"\xd1\0", "a number of 2 bytes goes past the end"),
        (b"\xd2\0\0\0", "a number of 4 bytes goes past the end"), (b"\xd3" + bytes(7), "a number of 8 bytes goes past the end"),
        (b"\xd9", "a number of 1 byte goes past the end"), (b"\xa5abc", "a text of 5 bytes goes past the end"),
        (b"\xd9\5abc", "a text of 5 bytes goes past the end"), (b"\xda\xff\xff", "a text of 65535 bytes goes past the end"),
        (b"\xdb\xff\xff\xff\xff", "a text of 4294967295 bytes goes past the end"),
        (b"\xc4\5abc", "a run of bytes of 5 bytes goes past the end"), (b"\xc5\xff\xff", "a run of bytes of 65535 bytes goes past the end"),
        (b"\xc6\xff\xff\xff\xff", "a run of bytes of 4294967295 bytes goes past the end"),
        (b"\xc8\xff\xff\1", "an extension of 65535 bytes goes past the end"),
        (b"\xc9\xff\xff\xff\xff\1", "an extension of 4294967295 bytes goes past the end"),
        (b"\xd8\1", "an extension of 16 bytes goes past the end"), (b"\xd4", "a number of 1 byte goes past the end"),
        (b"\x92\0", "a list of 2 values goes past the end"), (b"\xdc\xff\xff", "a list of 65535 values goes past the end"),
        (b"\xdd\xff\xff\xff\xff", "a list of 4294967295 values goes past the end"),
        (b"\x82\xa1a\0", "a map of 2 values goes past the end"), (b"\xde\xff\xff", "a map of 65535 values goes past the end"),
        (b"\xdf\xff\xff\xff\xff", "a map of 4294967295 values goes past the end"),
    ):
        yield one(value), f"byte 3: {error}"
    yield one(b"\x91\xc1"), "byte 4: 0xc1 begins no value of MessagePack"
    yield one(b"\x81\xa1a"), "byte 6: the file ends where a value is needed"
    # Keys.
    for value, error in (
        (b"\x81\xc0\0", "a key that is neither a text nor a number"), (b"\x81\x90\0", "a key that is neither a text nor a number"),
        (b"\x81\xcb" + bytes(9), "a key that is neither a text nor a number"), (b"\x81\xc3\0", "a key that is neither a text nor a number"),
        (b"\x81\xa1\xff\0", "a key is not UTF-8"), (b"\x81" + text("a" * 4097) + b"\0", "a key of 4097 bytes; at most 4096 are read"),
        (b"\x81" + text("a" + "\u0301" * 31) + b"\0", "a key has more than 30 combining marks in a row"),
    ):
        yield one(value), f"byte 4: {error}"
    yield tree(("w", b"\0"), ("w", b"\0")), 'byte 4: the key "w" is there twice'
    yield one(b"\x82\xa11\0\1\0"), 'byte 7: the key "w.1" is there twice'
    yield one(b"\x91" * 64 + b"\0"), "byte 66: nested more than 64 deep"
    yield one(b"\x81\0" * 64 + b"\0"), "byte 129: nested more than 64 deep"
    # Arrays.
    for value, error in (
        (extension(b""), None), (extension(b"\x92\x90\xa0"), "is no list of shape, type and bytes"),
        (extension(b"\0"), "is no list of shape, type and bytes"), (array(b"\0"), "has no list as its shape"),
        (array(b"\x99" + b"\1" * 9), "has 9 dimensions; at most 8 are supported"),
        (array(b"\x91\xa12"), "has a shape of something else than numbers"), (array(b"\x91\xc0"), "has a shape of something else than numbers"),
        (array(b"\x91\xcf" + b"\xff" * 8), "has a shape of something else than numbers"),
        (array(b"\x91\xff"), "shape [-1] has a negative dimension"),
        (array(b"\x92" + b"\xcf\0\0\0\1\0\0\0\0" * 2), "shape [4294967296, 4294967296] has more elements than 63 bits can count"),
        (array(b"\x91\xcf\x7f" + b"\xff" * 7), "shape [9223372036854775807] of float32 has more bytes than 63 bits can count"),
        (array(kind=b"\0"), "has no name as its type"), (array(kind=text("a" * 65)), "has no name as its type"),
        (array(kind=text(b"\xff")), "has a type whose name is not UTF-8"), (array(data=b"\0"), "has no bytes as its data"),
        (array(data=binary(bytes(7))), "of shape [2] and type float32 has 7 bytes, not 8"),
        (array(b"\x90"), "of shape [] and type float32 has 8 bytes, not 4"),
        (array(kind=text("bfloat16")), "of shape [2] and type bfloat16 has 8 bytes, not 4"),
        (array(more=b"\0"), "has 1 byte after its data"),
        (extension(b"\x93\x91\1\xa7float32\xc4\4" + bytes(4), 3), "is a scalar of 1 dimensions"),
    ):
        yield one(value), "byte 6: the file ends where a value is needed" if error is None else f"byte 3: an array {error}"
    # Arrays in chunks.
    for content, error in (
        (chunked(more=[("x", b"\0")]), "has other members than a shape and chunks"), (chunked(mark=b"\1"), "has other members than a shape and chunks"),
        (tree(("w", tree((MARK, b"\xc3"), ("shape", tree(("0", b"\4"))), ("x", b"\0")))), "has other members than a shape and chunks"),
        (tree(("w", tree((MARK, b"\xc3"), ("shape", tree(("0", b"\4"))), ("shape", tree(("0", b"\4")))))), "has no chunks or no shape"),
        (chunked(chunks=tree()), "has no chunks or no shape"), (chunked(tree(("0", b"\5"))), "has 4 elements, not the 5 of its shape"),
        (chunked(tree(*[(str(n), b"\1") for n in range(9)])), "has a shape of more than 8 dimensions"),
        (chunked(tree(("0", b"\xff"))), "has an impossible shape: shape [-1] has a negative dimension"),
        (chunked(tree(("0", b"\xc0"))), "has a shape of something else than numbers"),
        (chunked(chunks=tree(("0", b"\0"))), "has chunks that are no arrays"),
        (chunked(chunks=tree(("0", array()), ("1", array(kind=text("int32"))))), "has chunks of several types"),
        (chunked(chunks=tree(("0", array(kind=text("object"))))), "has chunks of a type that isn't read"),
    ):
        yield content, f'byte 3: the chunked array "w" {error}'
    yield chunked(b"\0"), "byte 37: a dictionary of numbers is needed"
    yield chunked(tree(("1", b"\4"))), 'byte 38: the key "1" is not one of 0 to 0'
    yield chunked(tree(("0", b"\4"), ("00", b"\4"))), 'byte 41: the key "00" is not one of 0 to 1'
    yield tree(("w", tree(("a", b"\0"), (MARK, b"\xc3")))), "byte 7: a chunked array whose mark isn't its first key"
