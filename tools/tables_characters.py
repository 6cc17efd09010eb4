#!/usr/bin/env python3
"""Makes Sources/Text/CharacterTables.swift: what BERT's tokenizer does to each character.

    pip install tokenizers
    python3 tools/tables_characters.py [--root DIR]

The publisher's tokenizer is written in Rust, and its libraries know Unicode in several versions, some of them old:
which characters are marks, controls or punctuation is of one version, decomposition of another, lower case of a third.
No Unicode database has these tables, so they are asked of the tokenizer itself, character by character.

What is written is then tried: the rules of TextNormalization.swift, once more in Python, make of random strings what
the tokenizer makes of them, or nothing is written.
"""

import argparse
import bisect
import pathlib
import random

import tokenizers
from tokenizers.normalizers import NFD, BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = "Sources/Text/CharacterTables.swift"
HANGUL = range(0xAC00, 0xD7A4)
CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
# One combining character of each canonical combining class, all of them older than any library in use.
PROBES = {
    1: 0x0334, 7: 0x093C, 8: 0x3099, 9: 0x094D, 10: 0x05B0, 11: 0x05B1, 12: 0x05B2, 13: 0x05B3, 14: 0x05B4, 15: 0x05B5,
    16: 0x05B6, 17: 0x05B7, 18: 0x05B8, 19: 0x05B9, 20: 0x05BB, 21: 0x05BC, 22: 0x05BD, 23: 0x05BF, 24: 0x05C1,
    25: 0x05C2, 26: 0xFB1E, 27: 0x064B, 28: 0x064C, 29: 0x064D, 30: 0x064E, 31: 0x064F, 32: 0x0650, 33: 0x0651,
    34: 0x0652, 35: 0x0670, 36: 0x0711, 84: 0x0C55, 91: 0x0C56, 103: 0x0E38, 107: 0x0E48, 118: 0x0EB8, 122: 0x0EC8,
    129: 0x0F71, 130: 0x0F72, 132: 0x0F74, 202: 0x0321, 214: 0x1DCE, 216: 0x031B, 218: 0x302A, 220: 0x0316, 222: 0x059A,
    224: 0x302E, 226: 0x1D16D, 228: 0x05AE, 230: 0x0300, 232: 0x0315, 233: 0x035C, 234: 0x035D, 240: 0x0345,
}


def normalizer(**flags):
    """The tokenizer's normalizer with only these steps."""
    steps = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return BertNormalizer(**{**steps, **flags}).normalize_str


CLEAN = normalizer(clean_text=True)
SPACED = normalizer(handle_chinese_chars=True)
STRIPPED = normalizer(strip_accents=True)
LOWER = normalizer(lowercase=True)
DECOMPOSED = NFD().normalize_str
SPLIT = BertPreTokenizer().pre_tokenize_str


def codes(text):
    return [ord(character) for character in text]


def ranges(some):
    """First and last of each run of consecutive numbers."""
    out = []
    for code in some:
        if out and out[-1][1] == code - 1:
            out[-1] = (out[-1][0], code)
        else:
            out.append((code, code))
    return out


def is_ordered(left, right):
    """Whether canonical ordering leaves the two characters as they are."""
    return DECOMPOSED(chr(left) + chr(right)) == chr(left) + chr(right)


def combining_class(code):
    """The class of a character that is its own decomposition; 0 for a starter."""
    if is_ordered(code, PROBES[1]) and is_ordered(PROBES[240], code):
        return 0
    for number, probe in PROBES.items():
        if is_ordered(code, probe) and is_ordered(probe, code):
            return number
    raise SystemExit(f"U+{code:04X} has a combining class that no probe has")


class Tables:
    """What the tokenizer does, as lists of rows."""

    def __init__(self):
        cleaned = {code: CLEAN(chr(code)) for code in CODES}
        self.removed = ranges(code for code in CODES if cleaned[code] == "")
        self.spaces = ranges(code for code in CODES if cleaned[code] == " ")
        assert all(text in ("", " ", chr(code)) for code, text in cleaned.items())

        spaced = {code: SPACED(chr(code)) for code in CODES}
        self.ideographs = ranges(code for code in CODES if spaced[code] != chr(code))
        assert all(text in (chr(code), f" {chr(code)} ") for code, text in spaced.items())

        split = {code: [word for word, _ in SPLIT(f"a{chr(code)}a")] for code in CODES}
        self.punctuation = ranges(code for code in CODES if split[code] == ["a", chr(code), "a"])
        for code, words in split.items():
            if words == ["a", "a"]:  # after the first step a space is the only white space
                assert cleaned[code] in ("", " ")
            else:
                assert words in (["a", chr(code), "a"], [f"a{chr(code)}a"])

        lower = {code: LOWER(chr(code)) for code in CODES}
        self.lower = self.case_rows({code: ord(text) for code, text in lower.items() if len(text) == 1})
        # The one character that becomes two; TextNormalization knows it.
        assert {code: text for code, text in lower.items() if len(text) != 1} == {0x130: "i\u0307"}
        self.decompositions()

    @staticmethod
    def case_rows(lower):
        """(first, last, step, lower case of first): every step-th from first to last is moved by as much as first."""
        rows = []
        for code, to in lower.items():
            if to == code:
                continue
            if rows:
                first, last, step, start = rows[-1]
                gap = code - last
                if to - code == start - first and (gap == step or first == last and gap in (1, 2)):
                    rows[-1] = (first, code, gap, start)
                    continue
            rows.append((code, code, 1, to))
        return rows

    def decompositions(self):
        full = {code: codes(DECOMPOSED(chr(code))) for code in CODES if code not in HANGUL}
        kept = {code: codes(STRIPPED(chr(code))) for code in CODES if code not in HANGUL}
        for code in HANGUL:  # by the algorithm of the Unicode standard
            index = code - HANGUL.start
            parts = [0x1100 + index // 588, 0x1161 + index % 588 // 28] + [0x11A7 + index % 28][: index % 28]
            assert codes(STRIPPED(chr(code))) == parts
        order = {code: combining_class(code) for code, parts in full.items() if parts == [code]}
        stripped = [code for code, parts in kept.items() if not parts]
        self.boundary_marks = ranges(code for code in stripped if any(order[part] == 0 for part in full[code]))
        self.marks = ranges(code for code in stripped if all(order[part] for part in full[code]))
        # Where a mark without class goes, the characters on its two sides are not put in order together. Within a
        # decomposition that would be hard to say, but is never needed.
        for code, parts in full.items():
            if any(order[part] == 0 and not kept[part] for part in parts):
                assert not any(order[part] for part in kept[code])
        self.orders = []
        for code, number in order.items():
            if number and kept[code]:
                if self.orders and self.orders[-1][1:] == (code - 1, number):
                    self.orders[-1] = (self.orders[-1][0], code, number)
                else:
                    self.orders.append((code, code, number))
        self.decomposed, self.parts = [], []
        for code, parts in kept.items():
            if not parts or parts == [code]:
                continue
            if self.decomposed:
                first, last, length, index = self.decomposed[-1]
                between = range(last + 1, code)
                # A short gap is filled with characters that stay: cheaper than another row.
                if length == len(parts) and (not between or length == 1 and len(between) < 4
                                             and all(kept[other] == [other] for other in between)):
                    self.parts += [*between, *parts]
                    self.decomposed[-1] = (first, code, length, index)
                    continue
            self.decomposed.append((code, code, len(parts), len(self.parts)))
            self.parts += parts


# --------------------------------------------------------------------------------------------------------- the trial


class Model:
    """The rules of TextNormalization.swift with the tables as they will be written."""

    def __init__(self, tables):
        self.tables = tables
        self.starts = {name: [row[0] for row in rows] for name, rows in vars(tables).items() if name != "parts"}

    def row(self, name, code):
        index = bisect.bisect_right(self.starts[name], code) - 1
        row = getattr(self.tables, name)[index]
        return row if index >= 0 and row[0] <= code <= row[1] else None

    def lowered(self, code):
        if code == 0x130:
            return [0x69, 0x307]
        row = self.row("lower", code)
        return [row[3] + code - row[0]] if row and (code - row[0]) % row[2] == 0 else [code]

    def survivors(self, code):
        if code in HANGUL:
            index = code - HANGUL.start
            return [0x1100 + index // 588, 0x1161 + index % 588 // 28] + [0x11A7 + index % 28][: index % 28]
        if row := self.row("decomposed", code):
            start = row[3] + (code - row[0]) * row[2]
            return self.tables.parts[start : start + row[2]]
        return [code]

    def normalized(self, text, lowercase, strip):
        out, waiting = [], []

        def flush():
            out.extend(code for _, code in sorted(waiting, key=lambda pair: pair[0]))
            waiting.clear()

        for code in codes(text):
            if self.row("removed", code):
                continue
            if self.row("spaces", code):
                code = 0x20
            sides = [0x20] if self.row("ideographs", code) else []
            for code in [*sides, code, *sides]:
                if strip and self.row("boundary_marks", code):
                    flush()
                    continue
                if strip and self.row("marks", code):
                    continue
                for part in self.survivors(code) if strip else [code]:
                    row = self.row("orders", part) if strip else None
                    if not row:
                        flush()
                    for lower in self.lowered(part) if lowercase else [part]:
                        out.append(lower) if not row else waiting.append((row[2], lower))
        flush()
        return "".join(map(chr, out))


def trial(tables, count=60_000):
    model = Model(tables)
    source = random.Random(1)
    special = [code for first, last, _ in tables.orders for code in range(first, last + 1)]
    marks = [code for first, last in tables.marks + tables.boundary_marks for code in range(first, last + 1)]
    composed = [code for first, last, *_ in tables.decomposed for code in range(first, last + 1)]
    pools = [special, special, marks, composed, CODES, range(0x20, 0x7F), range(0x250), HANGUL]
    pools.append([0x200D, 0xAD, 0x20, 0x4E00])
    for lowercase in (True, False):
        for strip in (True, False):
            reference = BertNormalizer(True, True, strip, lowercase).normalize_str
            for _ in range(count // 4):
                text = "".join(chr(source.choice(source.choice(pools))) for _ in range(source.randint(1, 24)))
                if model.normalized(text, lowercase, strip) != reference(text):
                    raise SystemExit(f"not what the tokenizer does: {ascii(text)}, {lowercase=}, {strip=}")
    return count


# -------------------------------------------------------------------------------------------------------- the source


def swift(name, comment, rows):
    flat = [number for row in rows for number in (row if isinstance(row, tuple) else (row,))]
    lines, line = [], "   "
    for number in flat:
        text = f" {number}," if number < 10 else f" {number:#x},"
        if len(line) + len(text) > 120:
            lines.append(line)
            line = "   "
        line += text
    lines.append(line)
    note = "".join(f"  /// {text}\n" for text in comment)
    return f"{note}  static let {name}: [UInt32] = [\n" + "\n".join(lines) + "\n  ]\n"


def source(tables):
    pair = "First and last of each range."
    parts = [
        swift("removed", ["Characters that are left out: controls, formats, private ones. " + pair], tables.removed),
        swift("spaces", ["White space. " + pair], tables.spaces),
        swift("ideographs", ["Characters that are words of their own where CJK is split. " + pair], tables.ideographs),
        swift("punctuation", ["Characters that are words of their own always. " + pair], tables.punctuation),
        swift("marks", ["Non-spacing marks with a combining class. " + pair], tables.marks),
        swift("boundaryMarks", ["Those without: what is on their two sides is not put in order together. " + pair],
              tables.boundary_marks),
        swift("orders", ["Characters with a combining class that aren't stripped: first, last, class."], tables.orders),
        swift("decompositions", ["Canonical decompositions: first, last, parts per character, index of the first's in "
                                 "`parts`."], tables.decomposed),
        swift("parts", ["Without non-spacing marks."], tables.parts),
        swift("lower", ["Lower case: first, last, step, lower case of the first. Every step-th character from the",
                        "first to the last is moved by as much as the first."], tables.lower),
    ]
    return (
        "// Generated by tools/tables_characters.py: don't edit.\n"
        f"// What tokenizers {tokenizers.__version__} does to each character; its Unicode is a mix of versions, so no\n"
        "// other database will do.\n\n"
        "/// Characters by what BERT's tokenizer does to them, as rows of numbers in ascending order.\n"
        "enum CharacterTables {\n" + "\n".join(parts) + "}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder instead")
    arguments = parser.parse_args()
    tables = Tables()
    tried = trial(tables)
    path = arguments.root / TARGET
    path.parent.mkdir(parents=True, exist_ok=True)
    text = source(tables)
    path.write_text(text)
    rows = {name: len(rows) for name, rows in vars(tables).items()}
    print(f"{path}: {len(text.splitlines())} lines, {rows}; {tried} strings tried")


if __name__ == "__main__":
    main()
