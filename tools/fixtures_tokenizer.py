#!/usr/bin/env python3
"""Makes the tokenizer's fixtures: a vocabulary, and what the publisher's tokenizer makes of strings.

    pip install 'transformers>=5'
    python3 tools/fixtures_tokenizer.py [VOCABULARY] [--root DIR]

VOCABULARY is the vocab.txt of bert-base-uncased (or of Salesforce/blip-vqa-base: it is the same), needed the first time
only. Below DIR, which is the repository unless given, in Tests/TextTests/Fixtures/tokenizer/:

    vocab.txt       that file
    strings.json    questions: strings and their ids; truncated: with at most so many; texts: ids and their text;
                    characters: strings in other settings, with a vocabulary of single characters, in which no
                    difference is hidden by an unknown word; odd: a vocabulary with duplicates and spaces

A second run with the same versions of the libraries makes the same bytes.
"""

import argparse
import hashlib
import json
import pathlib
import random
import tempfile

import tokenizers
import transformers
from check_tokenizer import ALMOST_SPECIAL, CLASSES, ROOT, SPECIAL, Strings, reference
from tokenizers.normalizers import BertNormalizer

FOLDER = "Tests/TextTests/Fixtures/tokenizer"
SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"

TORTURE = [
    "", " ", "\t\r\n", "\u3000\u00a0\u2003", "\u200b", "\ufeff", "\ufffd", "\x00", "a\x00b", "a\ufffdb", "a\u00adb",
    "a\u200db", "a\u200bb", "a\u180eb", "a\u2060b", "a\ufeffb", "a\u0085b", "a\u2028b\u2029c", "a\x0bb\x0cc",
    "a\u1680b\u202fc\u205fd", "\u202eabc\u202c", "\u200f\u05e9\u05dc\u05d5\u05dd\u200e", "café", "cafe\u0301", "CAFÉ",
    "CAFE\u0301", "e\u0301\u0302\u0303\u0304", "\u0301", "a \u0301 b", "\u0301a", "?\u0301!",
    "\ufb01ne \ufb02u\ufb00y o\ufb03ce", "straße STRASSE ẞ", "İstanbul ISPARTA ıssız i\u0307", "ΟΔΥΣΣΕΥΣ Σ ς σ",
    "\u01c4 \u01c5 \u01c6 \u01c7 \u01c8", "\u212b \u00c5 A\u030a", "\u2126 \u03a9", "\u212a K", "K\u0327", "\u017f",
    "\u0149", "ǰ", "ΐ", "\u0345", "ᾳ ᾼ", "\u00b5 μ", "\u00bd \u00b2 \u00b3 \u00b9", "\ufdfa", "㍿",
    "\u2116 \u2122 \u2120", "１２３ ＡＢＣ ａｂｃ ！？",
    "\U0001d400\U0001d41b\U0001d7ce \U0001d518\U0001d52b\U0001d526 \U0001d54c\U0001d55f\U0001d55a",
    "\u24d0\u24b6\u2460", "\ud7a3 \uac00 \uac01 \ud7a4", "한국어", "\u1112\u1161\u11ab", "ᄒ ᅡ ᆫ", "\u3131\u314f",
    "ｶﾞ ガ カ\u3099", "がぎぐ か\u3099", "ー々〆〇", "日本語", "中文abc中文", "a中b", "㐀㐁", "𠀀𪜀", "\U0002b820\U0002b920\U0002ceb0",
    "\uf900\uf901\uf902\uf903", "\U0002f800\U0002f801\U0002f802", "\ufa0e\ufa0f", "\u2f00\u2f01", "㈱㊙", "、。「」",
    "\u0591\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05c1 \u05e9\u05c2 \u05d9\u05b4 \u05d0\u05b7",
    "\u0627\u0644\u0633\u064e\u0651\u0644\u064e\u0627\u0645\u064f",
    "\u0639\u064e\u0644\u064e\u064a\u0652\u0643\u064f\u0645\u0652",
    "\u0622\u0623\u0624\u0625\u0626", "\u0644\u0627 \ufefb", "\u0660\u0661\u0662\u0663", "\u061f،\u061b",
    "\u0600\u0605\u061c\u06dd", "สว\u0e31สด\u0e35 น\u0e49\u0e33 ก\u0e33", "ນ\u0ec9\u0eb3",
    "नमस\u094dत\u0947 क\u093cख\u093cग\u093c", "ক\u09cdষ \u09cb \u09cc ড\u09bc", "தம\u0bbfழ\u0bcd \u0bca",
    "ಕ\u0cca \u0cc0", "ශ\u0dca\u200dර\u0dd3 \u0ddd", "བ\u0f7cད་ཡ\u0f72ག \u0f71\u0f72", "ខ\u17d2ម\u17c2រ",
    "မ\u103cန\u103aမ\u102c", "ᬅ\u1b35 ᬆ ᬓ\u1b44ᬱ", "\U0001d15e\U0001d15f\U0001d1bb",
    "\U0001d157\U0001d165\U0001d16d\U0001d16e", "a\u302e\u0301\u302f\u0334b", "a\u302f\u0e38\u302e",
    "\U0001e94a\U0001e944x", "\u08e1\u08d4\U0001e000", "\u1b44\u302e\u093c\u1b44", "\u302e\u0327\u1baa",
    "\u302e\u0903\u1baa", "\u302e\u034f\u1baa", "\u302e\u00ad\u1baa", "\u302e \u1baa", "\u302e\u4e00\u1baa",
    "👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🇩🇪", "❤\ufe0f", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e007f", "☃", "→",
    "€ £ ¥ ₿ ¢", "© ® ° § ¶", "« » ‹ › „ “ ” ‘ ’ ‚", "– — ― ‐ \u2011 −", "\u2026 \u2025 · •", "† ‡ ‰ ‱",
    "′ \u2033 \u2034", "⟨⟩ ⌈⌉", "¡¿", "\ue000", "\U000f0000", "\U0010fffd", "\uffff", "\ufdd0", "\U0001fffe", "\u0378",
    "\U000e0001", "\u2fff", "\ua7c2\ua7c3", "Ꭰ ꭰ ᏸ", "Ა ა Ⴀ ⴀ", "𐐀 𐐨", "\U0001e900 \U0001e922", "Ꙁ ꙁ", "\u2167 \u2177",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "...", "?!?!", "a.b,c;d", "don't", "rock'n'roll", "'s", "x_y", "a--b",
    "C++ C# .NET", "3.14 1,000 50%", "http://a.b/c?d=e", "##ing", "a ##b", "unaffable", "UNAFFABLE",
    "antidisestablishmentarianism", "qwrtzxq", "a" * 99, "a" * 100, "a" * 101, "é" * 100, "e\u0301" * 100, "é" * 101,
    "x" * 100 + "\u0301", "x" * 101 + "\u0301", "\u00ad" * 50 + "a" * 100, "한" * 33, "한" * 34, "각" * 33, "가" * 50,
    "가" * 51, "中" * 101, "." * 101, "a" * 50 + "." + "a" * 60, "x" * 101 + " is this", "\U0001d400" * 100,
    "\U0001d400" * 101, "İ" * 100, "a" * 101 + "." + "b", "what [SEP] is [MASK]?", "[CLS]", "[SEP][SEP]", "[[SEP]]",
    "[SEP", "SEP]", "[sep]", "[Sep]", "[ SEP ]", "x[CLS]y", "[PAD] [UNK]", "[ENC]", "[DEC] a [ENC]", "[unused1]",
    "[SE\u200dP]", "[S\u00c9P]", "[SEP]\u0301", "\u0301[SEP]", "a\u302e[SEP]\u1baa", "[MASK]s", "un[MASK]able",
    "[CLS][CLS", "[[[[MASK]]]]", "[CLS] what [SEP]", "［ＳＥＰ］",
]

# What is decoded: words, pieces, punctuation, contractions, special and unknown ids.
DECODED = [
    "yes", "no", "2", "traffic light", "red, white and blue", "don't know", "it's 5:30.", "i'm sure they've",
    "rock 'n' roll", "u.s.a.", "what? no!", "a . b", "$3.50", "unaffable surfboarding", "café crème", "中文", "do not",
    "n't", "can't, won't", "she's 're 've 'm", "...", "( yes )", "\"stop\"", "50%", "http://a.b", "x-ray",
    "[CLS] yes [SEP]", "[MASK] [UNK] no", "日本語 か", "##s",
]

ODD = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b", "a", "##b", "do not", " do not", "b##c", "##", "",
    ". n't 'm ' 's do not", "##b .c", "n't", "'s", "'ve", "'re", "'m", "' y", "ab", "abc", "##bc", "##c .", "?", "a b",
    "..", "é", "e", "##\u0301", "\u0301", "e\u0301", "o\u302e", "o", "[MASK", "##d[SEP]", "####", "d", "##d",
]


def entry(tokenizer, text, **more):
    return {"text": text, **more, "ids": tokenizer(text).input_ids}


def questions(tokenizer, vocabulary):
    strings = Strings(vocabulary, seed=7)
    source = strings.source
    texts = list(TORTURE)
    for name in CLASSES:
        texts += [strings.of_class(name, most=9) for _ in range(8)]
        texts += ["a" + strings.character(name) + source.choice(["b", "B ", " ", "\u0301", "."]) for _ in range(4)]
    texts += [strings.question() for _ in range(150)]
    for kind, most in ((strings.mixed, 160), (strings.accents, 120), (strings.words, 80), (strings.glued, 120)):
        texts += [kind()[:24] for _ in range(most)]
    texts += [strings.with_special()[:48] for _ in range(80)]
    texts += [name + between + other for name, other in zip(SPECIAL, ALMOST_SPECIAL) for between in ("", " ", "?")]
    return [entry(tokenizer, text) for text in dict.fromkeys(texts)]


def truncated(tokenizer):
    out = []
    strings = ["what is the dog doing", "surfboarding unaffable qwrtzx!", "[SEP] a [MASK] b", "", "中文 " * 300]
    for text in [*strings, "x" * 101 + " a"]:
        for most in (2, 3, 4, 5, 7, 8, 512):
            ids = tokenizer(text, truncation=True, max_length=most).input_ids
            out.append({"text": text, "maximum": most, "ids": ids})
    return out


def texts(tokenizer, seed=8):
    source = random.Random(seed)
    lists = [tokenizer(text).input_ids for text in DECODED] + [tokenizer(text).input_ids[1:-1] for text in DECODED]
    lists += [[], [102], [30522, 2748, 102], [30523], [30522, 2003, 30523, 1010, 2748], [99999, 2748]]
    lists += [[2748, 1012, 0, 0, 100, 103], [1012], [2015], [101, 2015, 2015]]
    lists += [[source.randrange(30530) for _ in range(source.randint(1, 6))] for _ in range(80)]
    common = tokenizer.convert_tokens_to_ids(". , ? ! ' s t m ##s ##t n do not ... - re ve".split())
    lists += [[source.choice(common) for _ in range(source.randint(2, 8))] for _ in range(80)]
    return [{"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=True)} for ids in lists]


def with_vocabulary(tokens, **settings):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "vocab.txt"
        path.write_text("".join(token + "\n" for token in tokens), encoding="utf-8", newline="\n")
        return reference(path, settings=settings)


def characters():
    """Strings in every setting; ids tell each character that comes out."""
    settings = [(lower, strip, True) for lower in (True, False) for strip in (None, True, False)]
    settings += [(lower, None, False) for lower in (True, False)]
    strings = Strings([], seed=9)
    inputs = {}
    for setting in settings:
        names = list(CLASSES)
        strings.source.shuffle(names)
        inputs[setting] = [strings.of_class(name, most=8) for name in names] + [strings.mixed()[:20] for _ in range(20)]
        inputs[setting] += [
            "İstanbul É e\u0301\u302e\u0334\u302f", "中文Ａ豈b", "ΣΑΣ ẞ \u01c4 \u1b44\u302e\u093c\u1b44", "한[MASK]국",
        ]
    seen = set()
    for (lower, strip, split), texts in inputs.items():
        normalize = BertNormalizer(True, split, strip, lower).normalize_str
        seen |= {character for text in texts for character in normalize(text)} - {" "}
    seen = sorted(seen)
    vocabulary = SPECIAL + [token for character in seen for token in (character, "##" + character)]
    cases = []
    for (lower, strip, split), texts in inputs.items():
        tokenizer = with_vocabulary(vocabulary, do_lower_case=lower, strip_accents=strip, tokenize_chinese_chars=split)
        cases.append({"lowercase": lower, "stripAccents": strip, "splitCJK": split,
                      "questions": [entry(tokenizer, text) for text in texts]})
    return {"special": SPECIAL, "characters": seen, "settings": cases}


def odd():
    """Of a vocabulary with duplicates, tokens that hold spaces and marks, and without [MASK]."""
    source = random.Random(10)
    tokenizer = with_vocabulary(ODD, do_lower_case=False, mask_token=None)
    inputs = ["do not", "? ?"]
    inputs += "a ab abb abc abcd abd abbc e\u0301 é o\u302e a[MASK] [MASK ## a## .. ad[SEP]a dd abab".split()
    lists = [[source.randrange(len(ODD) + 2) for _ in range(source.randint(1, 6))] for _ in range(120)]
    return {"vocabulary": ODD, "questions": [entry(tokenizer, text) for text in inputs],
            "texts": [{"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=True)} for ids in lists]}


def lines(value):
    """JSON with a line per case."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(map(lines, value)) + "\n]"
    if isinstance(value, dict) and any(isinstance(item, (dict, list)) and item and not isinstance(item, str)
                                       and isinstance(next(iter(item)), (dict, str)) for item in value.values()):
        return "{" + ",\n".join(f"{json.dumps(key)}: {lines(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, separators=(",", ":"))


README = """# What the tokenizer must do

`vocab.txt` is the vocabulary of BERT's uncased models (google-research/bert, `bert-base-uncased`), which BLIP uses too:
copyright The Google AI Language Team Authors, under the Apache License, version 2.0
(https://www.apache.org/licenses/LICENSE-2.0). It is unchanged; its SHA-256 is
{sha256}.

`strings.json` holds strings and what `BertTokenizerFast` of transformers {transformers} with tokenizers {tokenizers}
makes of them. tools/fixtures_tokenizer.py writes this folder and says what is in it.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vocabulary", nargs="?", type=pathlib.Path, help="vocab.txt of bert-base-uncased")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder instead")
    arguments = parser.parse_args()
    folder = arguments.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    data = (arguments.vocabulary or ROOT / FOLDER / "vocab.txt").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit("the vocabulary is not that of bert-base-uncased")
    (folder / "vocab.txt").write_bytes(data)
    tokenizer = reference(folder / "vocab.txt")
    cases = {
        "questions": questions(tokenizer, data.decode().splitlines()), "truncated": truncated(tokenizer),
        "texts": texts(tokenizer), "characters": characters(), "odd": odd(),
    }
    text = lines(cases) + "\n"
    (folder / "strings.json").write_text(text)
    (folder / "README.md").write_text(README.format(
        sha256=SHA256, transformers=transformers.__version__, tokenizers=tokenizers.__version__))
    print(f"{folder}: {len(text)} bytes, {len(cases['questions'])} questions, {len(cases['texts'])} texts, "
          f"{sum(len(case['questions']) for case in cases['characters']['settings'])} strings in other settings")


if __name__ == "__main__":
    main()
