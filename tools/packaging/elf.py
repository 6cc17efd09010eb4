"""The parts of an ELF program that packages are made by."""

import pathlib
import struct
import sys


class Program:
    """An ELF file of 64 bits, little-endian: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html"""

    def __init__(self, path):
        self.bytes = bytearray(pathlib.Path(path).read_bytes())
        if self.bytes[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"packaging: error: {path} is not an ELF file of 64 bits, little-endian\nhint: give the program that was built")
        start, = struct.unpack_from("<Q", self.bytes, 40)
        size, count, names = struct.unpack_from("<HHH", self.bytes, 58)
        headers = [struct.unpack_from("<IIQQQQIIQQ", self.bytes, start + size * number) for number in range(count)]
        text = self.bytes[headers[names][4]:headers[names][4] + headers[names][5]]
        self.sections = {text[one[0]:text.index(b"\0", one[0])].decode(): one for one in headers}

    def place(self, name):
        """The range of a section in the file; empty where it has none."""
        header = self.sections.get(name)
        return range(header[4], header[4] + header[5]) if header else range(0)

    def section(self, name):
        place = self.place(name)
        return bytes(self.bytes[place.start:place.stop])

    def notes(self, name):
        """Owner, type, and place and size of what each note of a section says."""
        at, end = self.place(name).start, self.place(name).stop
        while at + 12 <= end:
            owner, size, kind = struct.unpack_from("<III", self.bytes, at)
            start = at + 12 + (owner + 3) // 4 * 4
            yield bytes(self.bytes[at + 12:at + 12 + owner]).rstrip(b"\0").decode(), kind, start, size
            at = start + (size + 3) // 4 * 4

    def needed(self):
        """The sonames that the program is linked with."""
        text = self.section(".dynstr")
        entries = struct.iter_unpack("<QQ", self.section(".dynamic"))
        return {text[value:text.index(b"\0", value)].decode() for tag, value in entries if tag == 1}
