#!/usr/bin/env python3
"""Names the Debian packages of the libraries that a program loads at run time.

    tools/packaging/libraries.py PROGRAM [--admindir /var/lib/dpkg]

Prints a line for each: recommended or suggested, the package, and what it is needed for, parted by tabs. The program's file
tells sonames in notes (Sources/CLoading/include/loading.h); which package has a soname in the release that this runs on,
dpkg's own database says, in the packages' shlibs files. A soname that the program's file holds and no note tells, and a note
none of whose libraries is installed, are errors: a package wouldn't bring what the program needs.
"""
import argparse
import json
import pathlib
import re
import sys

from elf import Program

NOTE_TYPE = 0x407C0C0A
SONAME = re.compile(rb"(?<![\w.+/-])lib[\w+-]+(?:\.[\w+-]+)*\.so\.[0-9]+(?:\.[0-9]+)*(?=\0)")


def notes(program):
    """What the program says of libraries that it loads, in the order of the file."""
    for _, kind, start, size in program.notes(".note.dlopen"):
        if kind == NOTE_TYPE:
            yield from json.loads(program.bytes[start:start + size].rstrip(b"\0"))


def sonames(program):
    """All that look like one in what the program's code may name."""
    return {name.decode() for name in SONAME.findall(program.section(".rodata"))}


def packages(admindir):
    """The package of each soname, from the shlibs files of what is installed (deb-shlibs(5))."""
    out = {}
    for path in sorted(pathlib.Path(admindir, "info").glob("*.shlibs")):
        for line in path.read_text().splitlines():
            words = line.split()
            if len(words) >= 3 and words[0][0] != "#" and not words[0].endswith(":"):
                library, version, package = words[:3]
                # A library that has its version before the ending, as libfoo-1.2.so, has no note here.
                out.setdefault(f"{library}.so.{version}", package)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--admindir", default="/var/lib/dpkg")
    options = parser.parse_args()
    program, known = Program(options.program), packages(options.admindir)
    told, found = set(), {}
    for note in notes(program):
        told.update(note["soname"])
        package = next((known[name] for name in note["soname"] if name in known), None)
        if not package:
            sys.exit(
                f"libraries: error: no package that is installed has {note['soname'][0]}, which the program loads for "
                f"{note['description']}\nhint: install it, so that its package can be named: tools/setup --package")
        kinds = found.setdefault(package, (note["priority"], []))[1]
        if note["description"] not in kinds:
            kinds.append(note["description"])
    silent = sorted(sonames(program) - told - program.needed())
    if silent:
        sys.exit(f"libraries: error: {options.program}: no note tells of {', '.join(silent)}, which the program names\n"
                 "hint: INGOT_LOADS of Sources/CLoading/include/loading.h writes one")
    for package, (priority, kinds) in sorted(found.items()):
        print(priority, package, "; ".join(kinds), sep="\t")


if __name__ == "__main__":
    main()
