"""Malformed NumPy files, and the error of each; see malformed_containers.py."""

import struct
import zlib


def npy(header, data=8, version=1, length=None):
    text = header.encode("utf-8") if isinstance(header, str) else header
    count = len(text) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", count) + text + bytes(range(data))


def said(descr="'<f4'", order="False", shape="(2,)", more=""):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {more}}}\n"


GOOD = npy(said())


def archive(*entries):
    """A zip archive of (name, content, method, packed content, stated size, checksum), the last four if they are wrong."""
    files, directory = b"", b""
    for name, content, *wrong in entries:
        method, packed, size, crc = wrong + [0, content, len(content), zlib.crc32(content)][len(wrong):]
        common = struct.pack("<HHIIIIHH", 0, method, 0, crc, len(packed), size, len(name), 0)
        directory += b"PK\1\2\x14\0\x14\0" + common + bytes(10) + struct.pack("<I", len(files)) + name.encode()
        files += b"PK\3\4\x14\0" + common + name.encode() + packed
    count = struct.pack("<HH", len(entries), len(entries))
    return files + directory + b"PK\5\6\0\0\0\0" + count + struct.pack("<IIH", len(directory), len(files), 0)


def deflated(content):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def cases():
    for length, error in (
        (6, "byte 0: the beginning of a NumPy array of 10 bytes goes past the end"),
        (9, "byte 0: the beginning of a NumPy array of 10 bytes goes past the end"),
        (10, "byte 8: a header of 58 bytes goes past the end"), (67, "byte 8: a header of 58 bytes goes past the end"),
        (68, "byte 68: the array's 8 bytes go past the end of the file"),
        (75, "byte 68: the array's 8 bytes go past the end of the file"),
    ):
        yield GOOD[:length], error
    yield npy(said(), version=2)[:11], "byte 0: the beginning of a NumPy array of 12 bytes goes past the end"
    for version in (0, 4, 255):
        yield npy(said(), version=version), (
            f"byte 6: is NumPy's format of version {version}.0; 1.0, 2.0 and 3.0 are read")
    yield GOOD[:7] + b"\1" + GOOD[8:], "byte 6: is NumPy's format of version 1.1; 1.0, 2.0 and 3.0 are read"
    yield npy(said(), length=65535), "byte 8: a header of 65535 bytes goes past the end"
    yield npy(said(), version=2, length=2**32 - 1), "byte 8: a header of 4294967295 bytes goes past the end"
    # What Python doesn't take for a literal, and what numpy doesn't take for a header.
    for text, error in (
        ("", "byte 10: a value is needed"), ("\n", "byte 11: a value is needed"), ("{", "byte 11: a key in quotes is needed"),
        ("{'descr'", "byte 18: a colon is needed after a key"), ("{'descr': ", "byte 20: a value is needed"),
        ("{'descr': '<f4'", 'byte 25: a comma or "}" is needed'), ("{'descr: 1}", "byte 11: a text without an end"),
        ("{'a': 1, 'a': 2}", "byte 19: the key 'a' is there twice"), ("{1: 2}", "byte 11: a key in quotes is needed"),
        ("{'a': b}", 'byte 16: the word "b" is no value'), ("{'a': true}", 'byte 16: the word "true" is no value'),
        ("{'a': --1}", "byte 16: the number - is none that fits 63 bits"),
        ("{'a': 9223372036854775808}", "byte 16: the number 9223372036854775808 is none that fits 63 bits"),
        ("{'a': 1.5}", 'byte 17: a comma or "}" is needed'), ("{'a': (1, 2}", 'byte 21: a comma or ")" is needed'),
        ("{'a': [1 2]}", 'byte 19: a comma or "]" is needed'), ("{'a': ,}", "byte 16: a value is needed"),
        ("{'a': exec('x')}", 'byte 16: the word "exec" is no value'),
        ("{'a': __import__('os')}", "byte 16: a value is needed"), ("{'a': 'b\nc'}", "byte 18: a line ends in a text"),
        ("[" * 17, "byte 26: the header is nested too deep"), ("{} {}", "byte 13: text after the end of the header's dictionary"),
        ("{" + "".join(f"'{n}': 1, " for n in range(17)) + "}", "byte 150: the header's dictionary has too many keys"),
        ("[]", "byte 10: the header is no dictionary"), ("'a'", "byte 10: the header is no dictionary"),
        ("{}", "byte 10: the header has no descr"), ("{'descr': '<f4'}", "byte 10: the header has no fortran_order"),
        ("{'descr': '<f4', 'fortran_order': False}", "byte 10: the header has no shape"),
        (said(more="'x': 1"), "byte 10: the header has the unknown key 'x'"),
        (said(order="0"), "byte 10: fortran_order is neither True nor False"),
        (said(order="'False'"), "byte 10: fortran_order is neither True nor False"),
        (said(shape="2"), "byte 10: shape is no tuple"), (said(shape="(2)"), "byte 10: shape is no tuple"),
        (said(shape="[2]"), "byte 10: shape is no tuple"),
        (said(shape="('2',)"), "byte 10: shape holds something else than numbers"),
        (said(shape="((2,),)"), "byte 10: shape holds something else than numbers"),
        (said(shape="(-2,)"), "byte 10: shape [-2] has a negative dimension"),
        (said(shape="(1, 1, 1, 1, 1, 1, 1, 1, 2)"), "byte 10: shape has 9 dimensions; at most 8 are supported"),
        (said(shape="(4294967296, 4294967296)"),
         "byte 10: shape [4294967296, 4294967296] has more elements than 63 bits can count"),
        (said(descr="None"), "byte 10: descr is no type"), (said(descr="4"), "byte 10: descr is no type"),
        (said(descr="''"), "byte 10: descr '' is no type of NumPy"), (said(descr="'f4'"), "byte 10: descr 'f4' is no type of NumPy"),
        (said(descr="'<x4'"), "byte 10: descr '<x4' is no type of NumPy"),
        (said(descr="'<f'"), "byte 10: descr '<f' is no type of NumPy"), (said(descr="'<f-4'"), "byte 10: descr '<f-4' is no type of NumPy"),
        (said(descr="'|f4'"), "byte 10: descr '|f4' is no type of NumPy"), (said(descr="'|b4'"), "byte 10: descr '|b4' is no type of NumPy"),
        (said(descr="'<f9999999999'"), "byte 10: descr '<f9999999999' is no type of NumPy"),
    ):
        yield npy(text), error
    yield npy(said(shape="(9223372036854775807,)")), (
        "shape [9223372036854775807] of float32 has more bytes than 63 bits can count")
    yield npy(b"{'\xff'", version=3), "byte 13: a text is not UTF-8"
    # Sound, but none of numbers.
    for descr, error in (
        ("'|O'", "holds Python objects as a pickle ('|O'), which is never read"),
        ("'<f16'", "holds elements of type '<f16', which isn't read"), ("'<U3'", "holds texts ('<U3')"), ("'|S3'", "holds texts ('|S3')"),
        ("'|V2'", "holds bytes of no stated type ('|V2'); NumPy notes none of the types of ml_dtypes, as bfloat16"),
        ("'<M8[s]'", "holds dates or times ('<M8[s]')"),
        ("[('a', '<f4'), ('b', '<i4')]", 'holds structured elements, of fields "a", "b"'),
        ("('<f4', (2,))", "holds elements that are arrays themselves"),
    ):
        yield npy(said(descr=descr)), error
    # Archives.
    entry = lambda error, *parts: (archive(("w.npy", *parts)), f'zip entry "w.npy"{error}')  # noqa: E731
    yield entry(": has 7 bytes of data; its shape and type take 8", GOOD[:-1])
    yield entry(", byte 8: a header of 58 bytes goes past the end", GOOD[:20])
    yield entry(", byte 10: the header has no descr", npy("{}"))
    yield entry(", byte 6: is NumPy's format of version 9.0; 1.0, 2.0 and 3.0 are read", npy(said(), version=9))
    yield entry(": shape [9223372036854775807] of float32 has more bytes than 63 bits can count",
                npy(said(shape="(9223372036854775807,)")))
    yield entry(": is compressed (method 14); checkpoints store their entries as they are", GOOD, 14)
    yield entry(": is stored but states two sizes: 76 and 80", GOOD, 0, GOOD, 80)
    yield entry(": its packed data end early", GOOD, 8, deflated(GOOD)[:20])
    yield entry(": its packed data are damaged: invalid block type", GOOD, 8, b"\xff" * 20)
    yield entry(": has 7 bytes of data; its shape and type take 8", GOOD, 8, deflated(GOOD), 75)
    yield entry(", byte 8: a header of 58 bytes goes past the end", GOOD, 8, deflated(GOOD), 40)
    two = archive(("w.npy", GOOD), ("w.npy", GOOD))
    yield two, 'zip entry "w.npy": is there twice'
    yield archive(("w.npy", GOOD))[:-5], "byte {}: the zip archive's directory is missing at the end of the file".format(
        len(archive(("w.npy", GOOD))) - 5)
