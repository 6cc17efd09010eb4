#!/usr/bin/env python3
"""Checks what packages are made of, without making one: man pages, notes of libraries, completions.

    tools/checks/check_packaging.py .build/release/ingot

Man pages are held against the program's own help, notes against the program's text segment as `readelf` finds it and against
what the dynamic loader finds on this machine, and the completion of bash is asked in bash. Needs what tools/setup installs.
"""
import ctypes
import pathlib
import re
import subprocess
import sys
import tempfile

from checks import Checks

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "packaging"))
import libraries  # noqa: E402

COMPLETE = r"""
. "$1"; shift; PATH=$1:$PATH; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMPREPLY=()
_ingot ingot "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def output(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, errors="replace", **options).stdout


def plain(page):
    """The words of a page's source, without its requests."""
    return " ".join(page.replace("\\-", "-").replace('"', "").replace("\\&", "").replace("\\%", "").replace("\\fB", "`").replace("\\fR", "`").split())


def check_pages(checks, ingot, folder):
    version = output(ingot, "--version").strip()
    output(ROOT / "tools/packaging/manual.py", folder, "--date", "2026-02-03", "--version", version, "--", ingot)
    listed = re.findall(r"^  ([a-z]+)", output(ingot, "--help").partition("SUBCOMMANDS:")[2], flags=re.M)
    found = sorted(path.name for path in folder.iterdir())
    checks.check(found == sorted(["ingot.1"] + [f"ingot-{command}.1" for command in listed]), f"a page for each command: {found}")
    for command in listed:
        path = folder / f"ingot-{command}.1"
        if not path.exists():
            continue
        page = path.read_text(encoding="utf-8")
        text = output(ingot, "help", command)
        overview = " ".join(text.partition("OVERVIEW:")[2].partition("\n\n")[0].split())
        checks.check(overview in plain(page), f"{command}: what it does stands in the page")
        for option in re.findall(r"^  (?:-\w, )?--([\w-]+)", text.partition("OPTIONS:")[2], flags=re.M):
            checks.check(re.search(rf"^\.It .*Fl -{option}\b", plain_lines(page), flags=re.M), f"{command}: --{option} has its item in the page")
        checks.check("\n.Dd February 3, 2026\n" in page, f"{command}: the date of the page")
        checks.check("<" not in re.sub(r"\\\(.{2}", "", page) or "<" in text, f"{command}: nothing of HTML in the page")
    checks.end_group("man pages")


def plain_lines(page):
    return page.replace("\\-", "-").replace('"', "")


def check_notes(checks, ingot, folder):
    program = libraries.Program(ingot)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", ingot)))
    checks.check(program.needed() == needed, f"what readelf says that it is linked with: {needed}")
    notes = list(libraries.notes(program))
    owners = re.findall(r"^\s+FDO\s+0x([0-9a-f]+)", notes_by_readelf(ingot), flags=re.M)
    checks.check(len(notes) == len(owners) > 0, f"as many notes as readelf counts: {len(owners)}")
    told = {name for note in notes for name in note["soname"]}
    strings = output("readelf", "-W", "-p", ".rodata", ingot)
    named = set(re.findall(r"\]\s+(lib[\w+-]+\.so\.[\d.]+)$", strings, flags=re.M))
    checks.check(named - needed <= told, f"every library that the program names has a note: {named - needed - told}")
    for note in notes:
        loaded = [name for name in note["soname"] if loads(name)]
        checks.check(loaded, f"a library for {note['description']} is here: {note['soname']}")
    lines = output(ROOT / "tools/packaging/libraries.py", ingot).splitlines()
    owners = {owner for name in told for owner in packages_with(name)}
    for package in sorted({line.split("\t")[1] for line in lines}):
        # A package may only stand for one of several that have the library, as libopenblas0 for libopenblas0-pthread; it needn't
        # be installed where one of those is.
        having = {owner for owner in owners if owner == package or owner.startswith(f"{package}-")}
        checks.check(having, f"{package}, or one that it stands for, is installed and has one of the libraries: {sorted(owners)}")
    # A program whose note is of another library than it loads, and a machine without the libraries.
    data = pathlib.Path(ingot).read_bytes()
    changed = folder / "changed"
    changed.write_bytes(data.replace(b'["libwebp.so.7"]', b'["libtiff.so.6"]'))
    checks.check(changed.read_bytes() != data, "the note of libwebp was found")
    refused(checks, [changed], "no note tells of libwebp.so.7, which the program names")
    (folder / "nothing" / "info").mkdir(parents=True)
    refused(checks, [ingot, "--admindir", folder / "nothing"], "no package that is installed has ")
    refused(checks, [ROOT / "README.md"], "README.md is not an ELF file")
    checks.end_group("notes of libraries")


def packages_with(library):
    """Installed packages that have a file of this name: another way, the packages' lists of files, than the one that found them."""
    done = subprocess.run(["dpkg-query", "-S", f"*/{library}"], check=False, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if not line.startswith("diversion "):
            yield from (package.partition(":")[0] for package in line.partition(": ")[0].split(", "))


def refused(checks, words, reason):
    """The packages aren't named, and two lines say why."""
    done = subprocess.run([ROOT / "tools/packaging/libraries.py", *words], check=False, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    holds = done.returncode == 1 and len(lines) == 2 and reason in lines[0] and lines[1].startswith("hint: ") and not done.stdout
    checks.check(holds, f"{reason}: {lines}")


def notes_by_readelf(ingot):
    """It ends with status 1 because it doesn't know what is in these notes."""
    return subprocess.run(["readelf", "-n", ingot], check=False, capture_output=True, text=True).stdout


def loads(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def check_completion(checks, ingot, folder):
    script = folder / "ingot.bash"
    script.write_text(output(ingot, "--generate-completion-script", "bash"))
    place = folder / "place"
    (place / "some folder").mkdir(parents=True)
    (place / "some file.png").touch()
    for words, wanted in [
        (["con"], ["convert"]),
        (["hdf"], []),
        (["inspect", "so"], ["some file.png", "some folder"]),
        (["verify", "--reference", "so"], ["some file.png", "some folder"]),
        (["list", "--shelf", "so"], ["some folder"]),
        (["convert", "--precision", "fl"], ["float16", "float32"]),
        (["inspect", "--family", "blip-v"], ["blip-vqa"]),
        (["ask", "some file.png", "so"], []),
    ]:
        found = output("bash", "-c", COMPLETE, "bash", script, pathlib.Path(ingot).parent, "ingot", *words, cwd=place)
        checks.check(sorted(filter(None, found.split("\n"))) == wanted, f"bash, ingot {' '.join(words)}: {found.split()}")
    checks.end_group("completion")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ingot = str(pathlib.Path(sys.argv[1]).resolve())
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_pages(checks, ingot, folder / "man")
        check_notes(checks, ingot, folder)
        check_completion(checks, ingot, folder)
    checks.exit()


if __name__ == "__main__":
    main()
