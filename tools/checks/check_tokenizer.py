#!/usr/bin/env python3
"""Checks that Ingot's tokenizer gives the ids of the publisher's.

    pip install 'transformers>=5'
    python3 tools/checks/check_tokenizer.py .build/release/ingot --family blip-vqa --set Part=TextEncoder --shelf DIR

Thousands of strings, made from a seed, are given to `ingot tokenize` as JSON Lines, with the options that this command
doesn't know, and to transformers' BertTokenizerFast: questions as people ask them, words and pieces of the vocabulary
put together anew, accents composed and not, and characters of every script and every class that something odd is done
to. Rows of more than 30 combining marks are refused in lines, with the line's number, and tokenized where they are an
argument. With --every-character also each character there is, by itself and between two letters (about a minute).

The reference reads --vocabulary, a vocab.txt, which must be the net's; or --reference, a checkpoint's folder. A net
whose tokenizer has other settings than BERT's is compared by --settings '{"do_lower_case": false, "strip_accents":
false, "tokenize_chinese_chars": false}'.

CLIP's tokenizer is compared by --clip, a folder with its files: --clip DIR --family clip --shelf DIR --set Release=NAME.

Prints what differs, at most 20 strings, and the counts; exits with status 1 if anything does.
"""

import argparse
import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
VOCABULARY = ROOT / "Tests" / "TextTests" / "Fixtures" / "tokenizer" / "vocab.txt"
CLIP_SPECIAL = ["<|startoftext|>", "<|endoftext|>", "<|STARTOFTEXT|>", "<|endoftext|", "|>", "'s", "'LL", "&amp;"]
SPECIAL = ["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"]
ALMOST_SPECIAL = [
    "[ENC]", "[DEC]", "[sep]", "[Cls]", "[CLS", "MASK]", "[ SEP ]", "[unused1]", "[SE\u200dP]", "[S\u00c9P]",
    "[[PAD]]", "[\ufeffUNK]", "##ing", "</s>", "<s>",
]

# Ranges by what they are; every class that the tokenizer treats in a way of its own is among them.
CLASSES = {
    "letters": [(0x41, 0x5A), (0x61, 0x7A)],
    "ascii": [(0x20, 0x7E)],
    "ascii punctuation": [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)],
    "controls": [(0x00, 0x1F), (0x7F, 0x9F)],
    "white space": [(0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x180E, 0x180E),
                    (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x2064), (0x3000, 0x3000), (0xFEFF, 0xFEFF)],
    "Latin-1": [(0xA0, 0xFF)],
    "Latin extended": [(0x100, 0x24F), (0x1E00, 0x1EFF)],
    "Latin, rare": [(0x250, 0x2AF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F), (0xFB00, 0xFB06)],
    "Turkish, Greek and German cases": [(0x130, 0x131), (0x49, 0x49), (0x69, 0x69), (0xDF, 0xDF), (0x1E9E, 0x1E9E),
                                        (0x3A3, 0x3A3), (0x3C2, 0x3C3), (0x1C4, 0x1CC), (0x345, 0x345), (0x307, 0x307)],
    "modifiers": [(0x2B0, 0x2FF), (0x1D00, 0x1DBF)],
    "combining": [(0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0xFE20, 0xFE2F)],
    "Greek": [(0x370, 0x3FF), (0x1F00, 0x1FFF)],
    "Cyrillic": [(0x400, 0x52F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)],
    "Armenian and Georgian": [(0x531, 0x58F), (0x10A0, 0x10FF), (0x1C90, 0x1CBF)],
    "Hebrew": [(0x591, 0x5F4), (0xFB1D, 0xFB4F)],
    "Arabic": [(0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)],
    "Syriac to Mandaic": [(0x700, 0x86F)],
    "Devanagari": [(0x900, 0x97F), (0xA8E0, 0xA8FF)],
    "Indic": [(0x980, 0xDFF)],
    "Thai and Lao": [(0xE01, 0xEFF)],
    "Tibetan and Burmese": [(0xF00, 0x109F)],
    "Cherokee": [(0x13A0, 0x13FF), (0xAB70, 0xABBF)],
    "Khmer and Mongolian": [(0x1780, 0x18AF)],
    "Balinese to Batak": [(0x1B00, 0x1BFF), (0xA980, 0xA9DF)],
    "kana": [(0x3040, 0x30FF), (0xFF65, 0xFF9F)],
    "Hangul": [(0xAC00, 0xD7A3)],
    "jamo": [(0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xD7B0, 0xD7FB)],
    "ideographs": [(0x4E00, 0x9FFF)],
    "ideographs, rare": [(0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2CEAF), (0x2CEB0, 0x323AF)],
    "ideographs, compatible": [(0xF900, 0xFAFF), (0x2F800, 0x2FA1F)],
    "CJK symbols": [(0x2E80, 0x303F), (0x3190, 0x33FF)],
    "full width": [(0xFF00, 0xFFEF)],
    "punctuation": [(0x2010, 0x206F), (0x2E00, 0x2E5D), (0x3001, 0x3011), (0xFE10, 0xFE6B)],
    "symbols": [(0x20A0, 0x20BF), (0x2100, 0x23FF), (0x2460, 0x27BF), (0x2900, 0x2BFF)],
    "mathematical letters": [(0x1D400, 0x1D7FF)],
    "emoji": [(0x1F1E6, 0x1F1FF), (0x1F300, 0x1F6FF), (0x1F900, 0x1FAFF), (0x200D, 0x200D), (0xFE0F, 0xFE0F)],
    "variations and tags": [(0xFE00, 0xFE0F), (0xE0000, 0xE01EF)],
    "marks that stay": [(0x302A, 0x302F), (0x1D165, 0x1D172), (0x1B44, 0x1B44), (0xA953, 0xA953), (0xA9C0, 0xA9C0),
                        (0x111C0, 0x111C0), (0x1E000, 0x1E02A), (0x1E944, 0x1E94A), (0x8D4, 0x8E1), (0x16FF0, 0x16FF1)],
    "scripts beyond": [(0x10000, 0x11FFF), (0x16800, 0x16FFF), (0x1D100, 0x1D1FF), (0x1E900, 0x1E95F)],
    "private": [(0xE000, 0xF8FF), (0xF0000, 0xF00FF), (0x10FF00, 0x10FFFF)],
    "specials": [(0xFFF0, 0xFFFF), (0xFDD0, 0xFDEF), (0x1FFFE, 0x1FFFF), (0x378, 0x379), (0x40000, 0x400FF)],
    "anything": [(0x0, 0xD7FF), (0xE000, 0x10FFFF)],
}

# Marks, and what may be some in a later Unicode.
MARKS = "".join(f"\\U{code:08x}" for code in range(0x300, 0x110000) if unicodedata.category(chr(code)) in ("Mn", "Mc", "Me", "Cn"))
MANY_MARKS = re.compile(f"[{MARKS}]{{16}}")

QUESTIONS = [
    "what is the {c} {n} {p} the {n}?", "What color is the {n}?", "how many {n}s are there {p} the {n}?",
    "Is the {n} {c} or {d}?", "is there a {n} {p} the {n}", "Where is the {n}'s {n}?", "Who's holding the {n}?",
    "What does the sign say: \"{n} {n}\"?", "Why isn't the {n} {c}?", "What time is it ({k}:{k} a.m.)?",
    "does the {n} cost ${k},{k}.99?", "what's {k}+{k}?", "Which {n} costs {k}€, £{k} or ¥{k}?", "WHAT IS THE {N}???",
    "what\tis the {n}\n", "  what   is  the {n}  ?  ", "What is the café's {n} — crème brûlée or jalapeño?",
    "Ist die {n} größer als {k} m\u00b2?", "¿Qué está haciendo el niño con la {n}?", "Что делает собака {p} {n}?",
    "这张照片里有多少个{n}？", "この写真の{n}は何色ですか？", "사진에 {n}가 몇 개 있나요?", "\u0645\u0627 \u0644\u0648\u0646 {n}\u061f",
    "तस\u094dव\u0940र म\u0947\u0902 {n} कह\u093e\u0901 ह\u0948?", "र\u0902ग {c}",
    "is this a {n}🐶👩\u200d👩\u200d👧\u200d👦?", "e-mail: {n}@{n}.com/{n}_{n}?x={k}#top",
    "don't, won't, can't, I'm, we've, they're; rock 'n' roll",
    "The {n} is {c}-{d}, i.e. {k}% {c}\u2026", "{n}/{n}\\{n} <{n}> [{n}] {{{n}}}", "Αυτός ο {n} είναι ΟΔΥΣΣΕΥΣ;",
    "Ist İstanbul'da {n} ıssız mı?", "naïve coöperation: façade, Zürich, Ångström, Škoda, Đà Nẵng", "x" * 90 + " {n}?",
]
WORDS = {
    "n": "dog cat woman man umbrella bus train giraffe zebra skateboard pizza laptop refrigerator toothbrush "
         "snowboarder traffic light hydrant frisbee bench keyboard wii remote teddy bear "
         "xylophone antidisestablishmentarianism "
         "Schadenfreude qwrtzx".split(),
    "c": "red blue teal chartreuse beige striped shiny unhappy overexposed".split(),
    "d": "green dirty polka-dotted transparent fuchsia".split(),
    "p": "on under beside behind in next to throughout".split(),
}


class Strings:
    """Strings of every sort, from a seed."""

    def __init__(self, vocabulary, seed=20, special=()):
        self.source = random.Random(seed)
        self.special = [*special, *SPECIAL, *ALMOST_SPECIAL]
        self.vocabulary = vocabulary
        self.kinds = [self.question] * 4 + [self.of_class] * 5 + [self.mixed] * 4 + [self.words] * 4 + [self.glued] * 3
        self.kinds += [self.accents] * 3 + [self.with_special] * 2 + [self.long_word]

    def character(self, name):
        first, last = self.source.choice(CLASSES[name])
        return chr(self.source.randint(first, last))

    def question(self):
        text = self.source.choice(QUESTIONS)
        words = {key: self.source.choice(values) for key, values in WORDS.items()}
        return text.format(**words, N=words["n"].upper(), k=self.source.randint(0, 9999))

    def of_class(self, name=None, most=40):
        name = name or self.source.choice(list(CLASSES))
        return "".join(self.character(name) for _ in range(self.source.randint(1, most)))

    def mixed(self):
        names = self.source.sample(list(CLASSES), 3) + ["letters", "marks that stay", "combining"]
        return "".join(self.character(self.source.choice(names)) for _ in range(self.source.randint(1, 50)))

    def token(self):
        return self.source.choice(self.vocabulary)

    def words(self):
        between = [" "] * 6 + ["  ", "", "-", "'", "\u00a0", "\u200b", "\u3000", "/", "\n"]
        return "".join(self.token() + self.source.choice(between) for _ in range(self.source.randint(1, 20)))

    def glued(self):
        text = "".join(self.token().removeprefix("##") for _ in range(self.source.randint(2, 6)))
        return self.source.choice([text, text.upper(), text.title(), text.swapcase()])

    def accents(self):
        text = self.source.choice([self.question, self.glued])()
        out = []
        for character in text:
            out.append(character)
            while self.source.random() < 0.3:
                out.append(self.character(self.source.choice(["combining", "combining", "marks that stay", "Hebrew"])))
        return unicodedata.normalize(self.source.choice(["NFC", "NFD", "NFKC", "NFKD"]), "".join(out))

    def with_special(self):
        kinds = [self.question, self.words, self.of_class]
        parts = [self.source.choice(kinds)() for _ in range(self.source.randint(1, 3))]
        for _ in range(self.source.randint(1, 4)):
            parts.insert(self.source.randint(0, len(parts)), self.source.choice(self.special))
        return self.source.choice(["", " "]).join(parts)

    def long_word(self):
        units = ["a", "é", "e\u0301", "x\u200d", "в", "ß", "한", "가", "\U0001d400", "w\u302e", "ing", "İ"]
        unit = self.source.choice(units)
        text = (unit * 110)[: self.source.choice([33, 34, 49, 50, 51, 98, 99, 100, 101, 102, 110])]
        return self.source.choice(["", "what ", "."]) + text + self.source.choice(["", " is", "?", "\u0301", "b"])

    def make(self, count):
        """More combining marks in a row are refused than any language writes."""
        made = (self.source.choice(self.kinds)() for _ in iter(int, 1))
        return list(itertools.islice((text for text in made if not MANY_MARKS.search(text)), count))


def every_character():
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            yield chr(code)
            yield f"a{chr(code)}B"


def reference(vocabulary=None, folder=None, settings=None):
    """The publisher's tokenizer."""
    from transformers import BertTokenizerFast

    if folder:
        return BertTokenizerFast.from_pretrained(folder, **(settings or {}))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "vocab.txt").write_bytes(pathlib.Path(vocabulary).read_bytes())
        config = {"tokenizer_class": "BertTokenizer", **(settings or {})}
        (path / "tokenizer_config.json").write_text(json.dumps(config))
        return BertTokenizerFast.from_pretrained(folder)


def clip(folder):
    """The publisher's tokenizer of CLIP, and its words."""
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(folder)
    return tokenizer, [bytes_of(token) for token in sorted(tokenizer.get_vocab())]


def bytes_of(token):
    """The text of a token, as far as it is one."""
    from tokenizers.decoders import ByteLevel

    return ByteLevel().decode([token.removesuffix("</w>")])


def encoded(tokenizer, strings):
    """The publisher's ids, from below transformers: all of it takes twenty times as long."""
    return [one.ids for one in tokenizer.backend_tokenizer.encode_batch_fast(strings, add_special_tokens=False)]


def answers(command, strings):
    """The ids that the command gives, one string after another."""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in strings)
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}")
    return (json.loads(line)["ids"] for line in done.stdout.splitlines())


def compare(command, tokenizer, strings, title):
    """How many differ, or have no answer."""
    bad = count = 0
    given = answers(command, strings)
    for first in range(0, len(strings), 10_000):
        batch = strings[first : first + 10_000]
        for text, wanted in zip(batch, encoded(tokenizer, batch)):
            ids = next(given, None)
            count += 1
            if ids != wanted:
                bad += 1
                if bad <= 20:
                    print(f"{ascii(text)}\n  publisher {wanted}\n  ingot     {ids}")
    if next(given, None) is not None:
        print("more answers than strings")
        bad += 1
    print(f"{title}: {count - bad} of {count} agree")
    return bad


def many_marks(command, tokenizer, seed):
    """More than 30 combining marks in a row: a line that has them is refused, an argument is not; how many are not so."""
    source, bad = random.Random(seed), 0
    # Those with a combining class are counted; others end a row, as letters do.
    marks = [chr(code) for first, last in CLASSES["combining"] for code in range(first, last + 1)]
    marks = [mark for mark in marks if unicodedata.combining(mark) and mark != "\u0344"]
    texts = {
        count: ["is there an a" + "".join(source.choices(kind, k=count)) + " here?" for kind in ([marks[1]], marks)]
        for count in (1, 29, 30, 31, 32, 61, 500)}
    few = [text for count, some in texts.items() if count <= 30 for text in some]
    bad += compare(command, tokenizer, few, "strings of up to 30 marks in a row")
    for count, text in ((count, text) for count, some in texts.items() if count > 30 for text in some):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in (few[0], text))
        done = subprocess.run(command, input=lines, capture_output=True, encoding="utf-8")
        said = re.fullmatch(
            r"ingot: error: line 2: byte \d+: a string has more than 30 combining marks in a row\nhint: [^\n]+\n", done.stderr)
        if done.returncode != 65 or not said or len(done.stdout.splitlines()) > 1:
            bad += 1
            print(f"{count} marks in a line: status {done.returncode}, {done.stderr}")
        # What the shell hands over is no file's text.
        done = subprocess.run([*command, text], capture_output=True, encoding="utf-8")
        if done.returncode or json.loads(done.stdout)["ids"] != encoded(tokenizer, [text])[0]:
            bad += 1
            print(f"{count} marks in an argument: not the publisher's ids: {done.stdout}{done.stderr}")
    print(f"more than 30 marks in a row: {bad} wrong")
    return bad


def main():
    # No abbreviations: --set is the program's.
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="Other options go to ingot tokenize.", allow_abbrev=False)
    parser.add_argument("ingot", help="the program")
    parser.add_argument("--vocabulary", type=pathlib.Path, default=VOCABULARY)
    parser.add_argument("--reference", help="a checkpoint's folder, to be read instead of the vocabulary")
    parser.add_argument("--clip", help="a folder with the files of CLIP's tokenizer")
    parser.add_argument("--settings", type=json.loads, default={})
    parser.add_argument("--count", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--every-character", action="store_true")
    arguments, options = parser.parse_known_args()
    command = [arguments.ingot, "tokenize", *options]
    if arguments.clip:
        tokenizer, vocabulary = clip(arguments.clip)
    else:
        tokenizer = reference(arguments.vocabulary, arguments.reference, arguments.settings)
        vocabulary = arguments.vocabulary.read_text(encoding="utf-8").splitlines()
    special = CLIP_SPECIAL if arguments.clip else ()
    strings = ["", " ", *Strings(vocabulary, arguments.seed, special).make(arguments.count)]
    # Once the way that users go.
    some = strings[:500]
    assert [ids[1:-1] for ids in tokenizer(some).input_ids] == encoded(tokenizer, some)
    bad = compare(command, tokenizer, strings, "strings")
    bad += many_marks(command, tokenizer, arguments.seed)
    if arguments.every_character:
        bad += compare(command, tokenizer, list(every_character()), "characters")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
