#!/usr/bin/env python3
"""Writes CHANGELOG.md as Debian's changelog (deb-changelog(5)) on standard output.

    tools/packaging/changelog.py CHANGELOG.md REVISION MAINTAINER EPOCH

REVISION comes after each version number, MAINTAINER is "name <address>", EPOCH the date of what isn't released yet.
"""
import email.utils
import pathlib
import re
import sys
import textwrap
import time


def main():
    path, revision, maintainer, epoch = sys.argv[1:]
    parts = re.split(r"^## ", pathlib.Path(path).read_text(encoding="utf-8"), flags=re.M)[1:]
    for part in parts:
        heading, _, body = part.partition("\n")
        version, _, date = heading.partition(" - ")
        released = re.fullmatch(r"\d{4}-\d\d-\d\d", date.strip())
        if not re.fullmatch(r"\d+(\.\d+)*", version.strip()) or not (released or date.strip() == "unreleased"):
            sys.exit(f"changelog: error: {path}: the heading \"{heading}\" is not VERSION - DATE\n"
                     "hint: DATE is YYYY-MM-DD or the word unreleased")
        seconds = time.mktime(time.strptime(date.strip(), "%Y-%m-%d")) if released else int(epoch)
        print(f"ingot ({version.strip()}-{revision}) stable; urgency=medium\n")
        for item in re.split(r"^- ", body, flags=re.M)[1:]:
            # The next heading of the same version belongs to the items below it.
            words = re.split(r"^#", item, flags=re.M)[0]
            words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(words.split())).replace("`", "")
            print(textwrap.fill(words, 76, initial_indent="  * ", subsequent_indent="    ",
                                break_long_words=False, break_on_hyphens=False))
        date = email.utils.formatdate(seconds).replace("-0000", "+0000")
        print(f"\n -- {maintainer}  {date}\n")


if __name__ == "__main__":
    main()
