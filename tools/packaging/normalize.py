#!/usr/bin/env python3
"""Takes out of a program what depends on the folder that it was compiled in, so that its bytes don't.

    tools/packaging/normalize.py PROGRAM

These are the hashes of its modules, by which Swift's compiler finds objects that needn't be made again (.swift_modhash, which
nothing reads at run time), and the number that the linker makes of all it links (the build ID), which becomes the SHA-1 of the
file without it.
"""
import hashlib
import pathlib
import sys

from elf import Program

BUILD_ID = 3


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[1])
    program = Program(path)
    hashes = program.place(".swift_modhash")
    program.bytes[hashes.start:hashes.stop] = bytes(len(hashes))
    ids = [(start, size) for owner, kind, start, size in program.notes(".note.gnu.build-id") if (owner, kind) == ("GNU", BUILD_ID)]
    for start, size in ids:
        program.bytes[start:start + size] = bytes(size)
    digest = hashlib.sha1(program.bytes, usedforsecurity=False).digest()
    for start, size in ids:
        program.bytes[start:start + size] = digest[:size].ljust(size, b"\0")
    path.write_bytes(program.bytes)


if __name__ == "__main__":
    main()
