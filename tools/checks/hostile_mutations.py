"""How tools/checks/check_hostile.py damages files: blindly, and by what their formats consist of.

`mutate(base, others, random)` gives the bytes of a damaged file. The same state of the generator gives the same bytes.
"""

import functools
import re
import struct
import zlib

#: What structures of the formats begin with: HDF5's of both generations, boxes and records of the containers of videos,
#: chunks and segments of pictures.
STRUCTURES = re.compile(
    rb"\x89HDF\r\n\x1a\n|OHDR|OCHK|TREE|SNOD|HEAP|GCOL|BTHD|BTLF|BTIN|FRHP|FHDB|FHIB|FSHD|FSSE|EAHD|EAIB|EASB|EADB|FAHD|FADB|"
    rb"SMTB|SMLI|\x01\x00[\x01-\x40]\x00[\x01-\x04]\x00\x00\x00|"  # the last one is an object header of version 1
    rb"ftyp|moov|mvhd|trak|tkhd|edts|elst|mdia|mdhd|hdlr|minf|stbl|stsd|avc1|avcC|av01|av1C|hvcC|stts|ctts|stss|stsc|stsz|"
    rb"stco|co64|moof|mdat|"
    rb"RIFF|avih|strh|strf|movi|idx1|\x1a\x45\xdf\xa3|\x15\x49\xa9\x66|\x16\x54\xae\x6b|\x1f\x43\xb6\x75|\xa3|"
    rb"VP8X|VP8L|VP8 |ANIM|ANMF|ALPH|IHDR|PLTE|tRNS|IDAT|acTL|fcTL|fdAT|gAMA|iCCP|IEND|"
    rb"\xff[\xc0-\xcf\xd8-\xe2\xee\xfe]|GIF8[79]a|\x21\xf9\x04|,\x00|BM|II\*\x00|MM\x00\*|II\+\x00"
)
#: Of HDF5, those that end in a checksum.
CHECKED = (b"\x89HDF", b"OHDR", b"OCHK", b"BTHD", b"BTLF", b"BTIN", b"FRHP", b"FHDB", b"FHIB", b"FSHD", b"EAHD", b"EAIB",
           b"EASB", b"EADB", b"FAHD", b"FADB", b"SMTB")
LONGEST = 700  # bytes of such a structure that is looked for


def rotated(value, by):
    return (value << by | value >> 32 - by) & 0xFFFFFFFF


def lookup3(data):
    """Bob Jenkins' hash of bytes, as HDF5 checks its metadata by."""
    a = b = c = 0xDEADBEEF + len(data) & 0xFFFFFFFF
    if not data:
        return c
    whole = (len(data) - 1) // 12 * 12
    for position in range(0, whole, 12):
        x, y, z = struct.unpack_from("<III", data, position)
        a, b, c = a + x & 0xFFFFFFFF, b + y & 0xFFFFFFFF, c + z & 0xFFFFFFFF
        a = (a - c & 0xFFFFFFFF) ^ rotated(c, 4)
        c = c + b & 0xFFFFFFFF
        b = (b - a & 0xFFFFFFFF) ^ rotated(a, 6)
        a = a + c & 0xFFFFFFFF
        c = (c - b & 0xFFFFFFFF) ^ rotated(b, 8)
        b = b + a & 0xFFFFFFFF
        a = (a - c & 0xFFFFFFFF) ^ rotated(c, 16)
        c = c + b & 0xFFFFFFFF
        b = (b - a & 0xFFFFFFFF) ^ rotated(a, 19)
        a = a + c & 0xFFFFFFFF
        c = (c - b & 0xFFFFFFFF) ^ rotated(b, 4)
        b = b + a & 0xFFFFFFFF
    x, y, z = struct.unpack("<III", data[whole:].ljust(12, b"\0"))
    a, b, c = a + x & 0xFFFFFFFF, b + y & 0xFFFFFFFF, c + z & 0xFFFFFFFF
    for one, other, by in ((2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24)):
        values = [a, b, c]
        values[one] = (values[one] ^ values[other]) - rotated(values[other], by) & 0xFFFFFFFF
        a, b, c = values
    return c


@functools.cache
def structures(data):
    """Where a file's structures begin."""
    return [found.start() for found in STRUCTURES.finditer(data)] or [0]


@functools.cache
def checked(data):
    """HDF5's structures with a checksum: (begin, place of the checksum)."""
    out = []
    if not data.startswith(CHECKED[0]):
        return out
    for start in structures(data):
        if not data.startswith(CHECKED, start):
            continue
        for end in range(start + 8, min(start + LONGEST, len(data) - 4) + 1):
            if struct.unpack_from("<I", data, end)[0] == lookup3(data[start:end]):
                out.append((start, end))
                break
    return out


def number(data, size, random):
    """A number that may be too much, or too little."""
    most = (1 << 8 * size) - 1
    near = (0, 1, 2, 3, 7, 8, 9, 16, 32, 33, 64, 127, 128, 255, 256, 4095, 65535, most, most - 1, most >> 1,
            (most >> 1) + 1, len(data), len(data) - 1, len(data) + 1, len(data) // 2, random.choice(structures(data)))
    return random.choice(near) & most


def change_field(data, random):
    """Puts another number, in either byte order, into a structure."""
    structure = random.choice(structures(bytes(data)))
    size = random.choice((1, 1, 2, 2, 4, 4, 8))
    place = min(structure + min(int(random.expovariate(1 / 24)), 600), len(data) - size)
    if place < 0 or place < 8 and random.random() < 0.95:
        return
    old = int.from_bytes(data[place:place + size], "little")
    new = random.choice((number(bytes(data), size, random), old + random.choice((-1, 1, 8, -8)), old << 1, old >> 1))
    order = "little" if random.random() < 0.7 else "big"
    data[place:place + size] = (new & (1 << 8 * size) - 1).to_bytes(size, order)


def somewhere(data, random):
    """A place, seldom in the first bytes, by which a format is known."""
    return random.randrange(8 if len(data) > 8 and random.random() < 0.98 else 0, len(data))


def flip_bit(data, random):
    data[somewhere(data, random)] ^= 1 << random.randrange(8)


def change_byte(data, random):
    data[somewhere(data, random)] = random.randrange(256)


def cut(data, random):
    """Cuts off the end, or makes it zeros."""
    place, count = somewhere(data, random), len(data)
    del data[place:]
    if random.random() < 0.6:
        data.extend(bytes(count - place))


def splice(data, random, other):
    """Puts a piece of this file or another somewhere else: over what stands there, or in between."""
    source = other if random.random() < 0.5 else bytes(data)
    start = random.choice(structures(source)) if random.random() < 0.5 else random.randrange(len(source))
    piece = source[start:start + min(1 + int(random.expovariate(1 / 100)), 4096)]
    place = random.choice(structures(bytes(data))) if random.random() < 0.4 else somewhere(data, random)
    count = len(data)
    data[place:place + (len(piece) if random.random() < 0.8 else 0)] = piece
    if random.random() < 0.9:
        del data[count:]


def remove(data, random):
    """Takes bytes out; mostly the file keeps its length."""
    start, count = somewhere(data, random), len(data)
    del data[start:start + 1 + int(random.expovariate(1 / 40))]
    if random.random() < 0.8:
        data.extend(bytes(count - len(data)))


def with_png_checksums(data):
    """A PNG file with the checksums of its chunks made right."""
    position = 8
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position:position + 4], "big")
        if end + 4 > len(data):
            break
        data[end:end + 4] = zlib.crc32(data[position + 4:end]).to_bytes(4, "big")
        position = end + 4


def mutate(base, others, random):
    """`others` are files to splice from."""
    data = bytearray(base)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5, 9))):
        if not data:
            break
        kind = random.random()
        if kind < 0.56:
            change_field(data, random)
        elif kind < 0.68:
            flip_bit(data, random)
        elif kind < 0.80:
            change_byte(data, random)
        elif kind < 0.90:
            splice(data, random, random.choice(others))
        elif kind < 0.96:
            remove(data, random)
        else:
            cut(data, random)
    # Checksums that were right are made right again, mostly: else nothing but they would be tested.
    if random.random() < 0.9 and len(data) >= len(base) // 2:
        for start, end in checked(base):
            if end + 4 <= len(data):
                struct.pack_into("<I", data, end, lookup3(bytes(data[start:end])))
        if base.startswith(b"\x89PNG"):
            with_png_checksums(data)
    return bytes(data)
