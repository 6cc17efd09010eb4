#!/usr/bin/env python3
"""Writes the man pages of ingot and of each of its commands, from what the program tells of its own options.

    tools/packaging/manual.py FOLDER --date 2026-11-28 --version 0.2.0 -- INGOT [ARGUMENTS]

The words after -- run the program. swift-argument-parser's own plugin (generate-manual) reads the same description; its pages
aren't used because they are named ingot.convert.1, which `man ingot-convert` doesn't find, drop every letter that isn't
ASCII, have no exit status, environment and references, and need a second build of the program.
"""
import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys

EXIT_STATUSES = [
    ("0", "Done."),
    ("1", "It ran and the answer is no: an array differs, a line of the input failed, a budget can't be met."),
    ("64", "Wrong usage."),
    ("65", "Bad input data."),
    ("66", "There is no such input."),
    ("73", "The output can't be created."),
    ("74", "Input or output failed."),
]
ERRORS = (
    "An error is one line on standard error that names the file, the place and the reason, and a second one that begins "
    "with hint: and says what helps."
)
EXAMPLES = {
    "ingot": [
        ("Cast a checkpoint into net files on the shelf, and ask the nets about a picture:",
         ["ingot convert blip-vqa-base", 'ingot ask picture.jpg "what is the boy doing?"']),
    ],
    "convert": [("Make the net files of a checkpoint, under a name of your own:",
                 ["ingot convert my-blip --set Release=mine --shelf ~/nets"])],
    "inspect": [("See what is in a file before you trust it:", ["ingot inspect pytorch_model.bin --arrays"])],
    "match": [("Say which of two texts a picture matches better:",
               ['ingot match picture.jpg "a cat on a sofa" "a dog in a park"'])],
    "caption": [("Say what pictures show, beginning with words of one's own:",
                 ['ingot caption one.jpg two.jpg --prompt "a photography of"'])],
    "ask": [("Ask two questions about a picture, and one about a video:",
             ['ingot ask picture.jpg "what is it?" "what color is it?"', 'ingot ask film.mp4 "what happens?" --frames 16'])],
    "verify": [("Check all files of the shelf; compare nets with their checkpoint, bit for bit:",
                ["ingot verify", "ingot verify --set Release=mine --source my-blip"])],
    "quantize": [("Make nets of a quarter of the size:", ["ingot quantize --set Release=mine"])],
}


def text(line):
    """A line of text as roff reads it: what would be a request, an escape or a dash of typography stands as it is."""
    # A name that is parted by a hyphen at the end of a line can't be copied: \% keeps a word whole.
    line = re.sub(r"(?<!\S)(\S*[=_/$]\S*|--\S+)", "\\\\%\\1", line.replace("\\", "\\e")).replace("-", "\\-")
    return "\\&" + line if line[:1] in (".", "'") else line


def argument(words):
    """A macro's argument: quoted, and with nothing that is taken for a macro's name or ends the quotes."""
    return '"' + text(words).replace('"', '\\(dq') + '"'


def paragraphs(words):
    """Text whose paragraphs are parted by empty lines; a code span in backquotes becomes bold."""
    out = []
    for number, paragraph in enumerate(re.split(r"\n\s*\n", words.strip())):
        if number:
            out.append(".Pp")
        for line in paragraph.splitlines():
            marked = re.sub(r"`([^`]+)`", "\x01\\1\x02", line.strip())
            out.append(text(marked).replace("\x01", "\\fB").replace("\x02", "\\fR"))
    return out


def option_names(option):
    return [("-" if name["kind"] == "short" else "--") + name["name"] for name in option.get("names", [])]


def value(option):
    return option["valueName"].replace(" ", "-") if option["kind"] != "flag" else ""


def synopsis(command):
    """The arguments in the order of their declaration, in brackets those that may be left out."""
    out = []
    for option in shown(command):
        words = f"Ar {argument(value(option))}" if option["kind"] != "flag" else ""
        if option["kind"] != "positional":
            words = f"Fl {argument(option_names(option)[-1][1:])} {words}".strip()
        if option["isRepeating"]:
            words += " ..."
        out.append(f".Op {words}" if option["isOptional"] else f".{words}")
    return out


def shown(command):
    return [option for option in command.get("arguments", []) if option["shouldDisplay"]]


def item(option):
    out = []
    if option["kind"] == "positional":
        out.append(f".It Ar {argument(value(option))}" + (" ..." if option["isRepeating"] else ""))
    else:
        names = " , ".join(f"Fl {argument(name[1:])}" for name in option_names(option))
        out.append(f".It {names}" + (f" Ar {argument(value(option))}" if option["kind"] == "option" else ""))
    out += paragraphs(option.get("abstract", ""))
    if option.get("discussion"):
        out += [".Pp"] + paragraphs(option["discussion"])
    if option.get("defaultValue") is not None:
        out += paragraphs(f"The default is {option['defaultValue']}.")
    return out


def list_of(items):
    return [".Bl -tag -width Ds"] + [line for one in items for line in one] + [".El"] if items else []


def page(name, command, commands, options):
    """One man page in mdoc(7)."""
    title = name.upper()
    out = [
        f'.\\" Made by tools/packaging/manual.py from what ingot {options.version} tells of its options.',
        f".Dd {options.date:%B} {options.date.day}, {options.date.year}",
        f".Dt {argument(title)} 1",
        f".Os {argument('ingot ' + options.version)}",
        ".Sh NAME",
        f".Nm {name}",
        f".Nd {text(command['abstract'].rstrip('.').replace('`', ''))}",
        ".Sh SYNOPSIS",
    ]
    spoken = name if name == "ingot" else f"ingot {command['commandName']}"
    if name == "ingot":
        out += [".Nm", ".Ar command", ".Op Ar argument ...", ".Nm", ".Fl -version", ".Nm", ".Cm help", ".Op Ar command"]
    else:
        out += [f".Nm {argument(spoken)}"] + synopsis(command)
    out.append(".Sh DESCRIPTION")
    out += paragraphs(command["abstract"])
    if command.get("discussion"):
        # What the pages say in a section of its own isn't said twice.
        discussion = re.sub(r"\n*Exit status:.*?(\n\n|$)", "", command["discussion"], flags=re.S)
        out += [".Pp"] + paragraphs(discussion)
    if commands:
        out.append(".Sh COMMANDS")
        out += list_of([[f".It Cm {one['commandName']}"] + paragraphs(one["abstract"]) for one in commands])
    out.append(".Sh OPTIONS")
    out += list_of([item(option) for option in shown(command)])
    if any("shelf" in one["valueName"] or "--shelf" in option_names(one) for one in shown(command)) or commands:
        out += [".Sh ENVIRONMENT"] + list_of([
            [".It Ev INGOT_SHELF"] + paragraphs("The folder of net files, where --shelf doesn't name one.")])
        out += [".Sh FILES"] + list_of([
            [".It Pa weights/shelf"] + paragraphs("The folder of net files, where neither --shelf nor INGOT_SHELF names one.")])
    out.append(".Sh EXIT STATUS")
    out += list_of([[f".It {status}"] + paragraphs(meaning) for status, meaning in EXIT_STATUSES])
    examples = EXAMPLES.get(command["commandName"])
    if examples:
        out.append(".Sh EXAMPLES")
        for number, (what, lines) in enumerate(examples):
            out += ([".Pp"] if number else []) + paragraphs(what)
            out += [".Bd -literal -offset indent"] + [text(line) for line in lines] + [".Ed"]
    out += [".Sh DIAGNOSTICS"] + paragraphs(ERRORS)
    others = [f"ingot-{one['commandName']}" for one in commands] if commands else ["ingot"]
    out.append(".Sh SEE ALSO")
    out += [f".Xr {other} 1" + (" ," if other != others[-1] else "") for other in others]
    return "\n".join(out) + "\n"


def main():
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--date", required=True, type=datetime.date.fromisoformat)
    parser.add_argument("--version", required=True)
    options = parser.parse_args(words[:split])
    program = words[split + 1:]
    if not program:
        parser.error("after -- comes the program")
    root = json.loads(subprocess.run([*program, "--experimental-dump-help"], check=True, stdout=subprocess.PIPE).stdout)["command"]
    commands = [one for one in root["subcommands"] if one["shouldDisplay"] and one["commandName"] != "help"]
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, command, below in [("ingot", root, commands)] + [(f"ingot-{one['commandName']}", one, []) for one in commands]:
        (options.folder / f"{name}.1").write_text(page(name, command, below, options), encoding="utf-8")


if __name__ == "__main__":
    main()
