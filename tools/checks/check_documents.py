#!/usr/bin/env python3
"""Checks the form of the documents: links to files of this repository lead somewhere, and README.md stays short."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES_OF_README = 180


def main():
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    wrong = []
    for name in filter(None, names):
        text = (ROOT / name).read_text()
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target and not ((ROOT / name).parent / target).exists():
                wrong.append(f"{name}: the link to {target} leads nowhere")
    lines = len((ROOT / "README.md").read_text().splitlines())
    if lines > MOST_LINES_OF_README:
        wrong.append(f"README.md: {lines} lines, where at most {MOST_LINES_OF_README} are read")
    print("\n".join(wrong) or f"documents: {len(names) - 1} with all links right; README.md has {lines} lines")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
