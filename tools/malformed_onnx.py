"""Malformed ONNX models, and the error of each; see malformed_containers.py."""

import struct


def varint(value):
    out = b""
    value &= 2**64 - 1
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def held(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(*parts, name="w", dims=(2,), kind=1, raw=bytes(8)):
    content = b"".join(number(1, size) for size in dims) + number(2, kind) + held(8, name)
    return content + (held(9, raw) if raw is not None else b"") + b"".join(parts)


def model(graph, *more):
    return number(1, 8) + held(2, "x") + held(7, graph) + b"".join(more)


def initialized(*tensors):
    return model(b"".join(held(5, content) for content in tensors))


def node(*attributes, kind="Constant", outputs=("c",), name=""):
    return b"".join(held(2, output) for output in outputs) + held(3, name) + held(4, kind) + b"".join(
        held(5, attribute) for attribute in attributes)


def external(*entries):
    return b"".join(held(13, held(1, key) + held(2, value)) for key, value in entries) + number(14, 1)


def cases():
    good = initialized(tensor())
    # Cut at each field. The graph begins at 7, the tensor at 9.
    for length, error in (
        (7, "byte 5: field 7 of 19 bytes goes past the end of its message, 0 bytes on"),
        (9, "byte 5: field 7 of 19 bytes goes past the end of its message, 2 bytes on"),
        (len(good) - 1, "byte 5: field 7 of 19 bytes goes past the end of its message, 18 bytes on"),
    ):
        yield good[:length], error
    yield good + b"\x3a", f"byte {len(good) + 1}: a number goes past the end of its message"
    yield good + b"\x80", f"byte {len(good)}: a number goes past the end of its message"
    # The wire.
    more = lambda content: good + content  # noqa: E731
    end = len(good)
    for content, error in (
        (b"\x00", f"byte {end}: 0 is no tag of a protobuf field"), (b"\x02\x00", f"byte {end}: 2 is no tag of a protobuf field"),
        (b"\x0b", f"byte {end}: 11 is no tag of a protobuf field"), (b"\x0c", f"byte {end}: 12 is no tag of a protobuf field"),
        (b"\x0e", f"byte {end}: 14 is no tag of a protobuf field"), (b"\x0f", f"byte {end}: 15 is no tag of a protobuf field"),
        (varint(2**32 + 2) + b"\0", f"byte {end}: 4294967298 is no tag of a protobuf field"),
        (b"\xff" * 10 + b"\1", f"byte {end}: a number of more than 64 bits"),
        (b"\xff" * 9 + b"\2", f"byte {end}: a number of more than 64 bits"),
        (b"\x9d\x06\0\0", f"byte {end + 2}: field 99 needs 4 bytes where 2 are left"),
        (b"\x99\x06\0\0\0", f"byte {end + 2}: field 99 needs 8 bytes where 3 are left"),
        (b"\x98\x06", f"byte {end + 2}: a number goes past the end of its message"),
        (b"\x9a\x06" + b"\xff" * 9 + b"\1", f"byte {end}: field 99 of 18446744073709551615 bytes goes past the end of its message, 0 bytes on"),
        (held(7, b""), f"byte {end}: a model with two graphs"),
        (number(8, 1), f"byte {end}: opset_import (field 8) has wire type 0, not 2"),
        (held(1, ""), f"byte {end}: ir_version (field 1) has wire type 2, not 0"),
        (held(8, number(1, 1)), f"byte {end + 2}: an operator set's domain (field 1) has wire type 0, not 2"),
        (held(8, held(2, "")), f"byte {end + 2}: an operator set's version (field 2) has wire type 2, not 0"),
        (number(14, 1), f"byte {end}: metadata_props (field 14) has wire type 0, not 2"),
        (held(14, number(1, 1)), f"byte {end + 2}: a key of metadata_props (field 1) has wire type 0, not 2"),
        (held(14, held(1, b"\xff")), f"byte {end + 2}: a key of metadata_props is not UTF-8"),
        (number(20, 1), f"byte {end + 0}: training_info (field 20) has wire type 0, not 2"),
        (number(25, 1), f"byte {end}: a function (field 25) has wire type 0, not 2"),
        (held(25, number(7, 1)), f"byte {end + 3}: a node (field 7) has wire type 0, not 2"),
    ):
        yield more(content), error
    yield number(1, 8) + held(8, number(2, 21)), "is an ONNX model without a graph"
    yield number(1, 8) + held(2, "x") + number(7, 1) + held(8, number(2, 21)), (
        "is of no known format, where a checkpoint is needed")
    # Graphs and nodes.
    for graph, error in (
        (number(5, 1), "byte 7: an initializer (field 5) has wire type 0, not 2"),
        (number(1, 1), "byte 7: a node (field 1) has wire type 0, not 2"),
        (number(15, 1), "byte 7: a sparse tensor (field 15) has wire type 0, not 2"),
        (held(5, tensor()) + held(5, tensor()), 'byte 26: array "w": is there twice in one graph'),
        (held(15, b""), "byte 7: a sparse tensor without values or indices"),
        (held(15, held(1, tensor())), "byte 7: a sparse tensor without values or indices"),
        (held(1, node(number(1, 1))), "byte 26: an attribute's name (field 1) has wire type 0, not 2"),
        (held(1, node(held(1, "value") + number(5, 1))), "byte 33: an attribute's tensor (field 5) has wire type 0, not 2"),
        (held(1, node(held(1, "value_float") + number(2, 1))), 'byte 39, array "c": an element (field 2) has wire type 0, not 5'),
        (held(1, node(held(1, "value_int") + held(3, b"\1\2"))), 'array "c": has 2 values, not 1'),
        (held(1, node(held(1, "value_floats") + held(7, bytes(5)))), 'byte 40, array "c": 5 bytes are no whole number of elements'),
        (held(1, node(held(1, "g") + held(5, tensor()), kind=b"\xff")), "byte 14: a node's op_type is not UTF-8"),
        (held(1, node(outputs=(b"\xff",))), "byte 9: a node's output is not UTF-8"),
        (held(1, node(outputs=("a" * 4097,))), "byte 11: a node's output of 4097 bytes; at most 4096 are read"),
        (held(1, node(name=b"\xff")), "byte 12: a node's name is not UTF-8"),
    ):
        yield model(graph), error
    inner = b""
    for _ in range(16):
        inner = held(1, node(held(1, "g") + held(6, inner), kind="If"))
    yield model(inner), "byte 320: graphs in graphs, more than 16 deep"
    # Tensors: the message begins at byte 9.
    for content, error in (
        (tensor(dims=(1,) * 9), "byte 25: a tensor of more than 8 dimensions"),
        (held(1, b"\1" * 9), "byte 9: a tensor of more than 8 dimensions"),
        (held(1, b"\x80"), "byte 11: a number goes past the end of its message"),
        (tensor(dims=(-1,)), 'array "w": shape [-1] has a negative dimension'),
        (tensor(dims=(2**32, 2**32)), 'array "w": shape [4294967296, 4294967296] has more elements than 63 bits can count'),
        (tensor(dims=(2**62,)), 'array "w": shape [4611686018427387904] of float32 has more bytes than 63 bits can count'),
        (tensor(kind=0), 'array "w": has no data_type'), (held(8, "w"), 'array "w": has no data_type'),
        (tensor(raw=bytes(7)), 'array "w": has 7 bytes of raw_data; its shape and type take 8'),
        (tensor(dims=(), raw=b""), 'array "w": has 0 bytes of raw_data; its shape and type take 4'),
        (tensor(raw=None), 'array "w": has no data'),
        (tensor(held(9, b"")), "byte 26: a tensor with two raw_data"),
        (tensor(held(4, bytes(8))), "byte 9: a tensor has its data twice, as bytes and as numbers"),
        (tensor(held(4, bytes(4)), raw=None), 'array "w": has 1 elements, not the 2 of its shape'),
        (tensor(held(4, bytes(7)), raw=None), 'byte 16, array "w": 7 bytes are no whole number of elements'),
        (tensor(number(4, 1), number(4, 1), raw=None), 'byte 16, array "w": an element (field 4) has wire type 0, not 5'),
        (tensor(held(5, b"\1\2"), raw=None), 'array "w": has its elements in a field that isn\'t one of type FLOAT'),
        (tensor(held(4, bytes(8)), held(7, b"\1\2"), raw=None), 'array "w": has its elements in a field that isn\'t one of type FLOAT'),
        (tensor(held(5, b"\1"), kind=6, raw=None), 'array "w": has 1 elements, not the 2 of its shape'),
        (tensor(held(5, b"\1\x80"), kind=6, raw=None), 'byte 19, array "w": a number goes past the end of its message'),
        (tensor(held(5, b"\1" + varint(2**32)), kind=6, raw=None), 'byte 19, array "w": the element 4294967296 doesn\'t fit int32'),
        (tensor(held(5, b"\1" + varint(256)), kind=2, raw=None), 'byte 19, array "w": the element 256 doesn\'t fit uint8'),
        (tensor(held(5, b"\1" + varint(-129)), kind=3, raw=None), 'byte 19, array "w": the element -129 doesn\'t fit int8'),
        (tensor(held(5, b"\1\2"), kind=9, raw=None), 'byte 19, array "w": the element 2 doesn\'t fit bool'),
        (tensor(held(5, b"\1" + varint(65536)), kind=10, raw=None), 'byte 19, array "w": the element 65536 doesn\'t fit float16'),
        (tensor(held(11, b"\1" + varint(2**32)), kind=12, raw=None), 'byte 19, array "w": the element 4294967296 doesn\'t fit uint32'),
        (tensor(number(8, 1)), "byte 26: a tensor's name (field 8) has wire type 0, not 2"),
        (tensor(name=b"\xff"), "byte 13: a tensor's name is not UTF-8"),
        (tensor(held(2, "")), "byte 26: a tensor's data_type (field 2) has wire type 2, not 0"),
        (tensor(number(9, 1)), "byte 26: a tensor's raw_data (field 9) has wire type 0, not 2"),
        (tensor(number(14, 2), raw=None), "byte 16: a tensor's data_location is 2, not 0 or 1"),
        (tensor(external(("location", "a"))), "byte 9: a tensor has data in the file and in another one"),
        (tensor(external(), raw=None), 'array "w": its external_data has no location'),
        (tensor(external(("location", "a"), ("location", "b")), raw=None), 'byte 31: external_data has "location" twice'),
        (tensor(external(("location", "")), raw=None), 'array "w": its external_data\'s location "" is no path in the file\'s own folder'),
    ) + tuple(
        (tensor(external(("location", place)), raw=None),
         f'array "w": its external_data\'s location "{place}" is no path in the file\'s own folder')
        for place in ("/etc/passwd", "../a", "a/../../b", "a//b", "a/..", "a\\b")
    ):
        yield initialized(content), error
    # A file that is there: the model itself.
    own = lambda *entries, dims=(2,): initialized(  # noqa: E731
        tensor(external(("location", "weights.bin"), *entries), raw=None, dims=dims))
    for entries, error in (
        ((("offset", "-1"),), "its external_data's offset \"-1\" is no number of bytes"),
        ((("length", "8x"),), "its external_data's length \"8x\" is no number of bytes"),
        ((("offset", "1" * 20),), f"its external_data's offset \"{'1' * 20}\" is no number of bytes"),
        ((("offset", "999"), ("length", "8")), "its 8 bytes from 999 on go past the end of weights.bin, of {size} bytes"),
        ((("offset", "8"), ("length", "999")), "its 999 bytes from 8 on go past the end of weights.bin, of {size} bytes"),
        ((("offset", "8"), ("length", "7")), "has 7 bytes in weights.bin; its shape and type take 8"),
        ((("offset", "0"),), "has {size} bytes in weights.bin; its shape and type take 8"),
    ):
        content = own(*entries)
        yield content, f'array "w": {error.format(size=len(content))}'
