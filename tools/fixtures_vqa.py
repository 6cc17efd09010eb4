#!/usr/bin/env python3
"""Makes the fixtures of the VQA accuracy: predictions, annotators' answers, and what the published code makes of them.

    python3 tools/fixtures_vqa.py --evaluation vqaEval.py [--root DIR]

vqaEval.py is PythonEvaluationTools/vqaEvaluation/vqaEval.py of https://github.com/GT-Vision-Lab/VQA, which is no part
of this repository. It is Python 2 for its two print statements: these are made calls in memory, nothing else is
changed, and its own evaluate() runs. Below DIR, which is the repository unless given:

    Tests/AssuranceTests/Fixtures/vqa/cases.json
        cases       {"prediction", "answers", "question_type", "answer_type", "accuracy": before it is rounded,
                    "rounded": as the code keeps it}
        totals      what evaluate() makes of all cases: "overall", "perQuestionType", "perAnswerType"
        normalized  [text, text as processPunctuation and then processDigitArticle leave it]
        rounded     [number, number as Python rounds it to two digits]

The cases are drawn with a fixed seed. A second run with the same Python makes the same bytes.
"""

import argparse
import copy
import hashlib
import json
import pathlib
import random
import re
import sys
import types
import unicodedata
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = "Tests/AssuranceTests/Fixtures/vqa/cases.json"

MARKS = [";", "/", "[", "]", '"', "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!"]
# Those that the code leaves alone.
OTHER_MARKS = [":", "'", "*", "&", "%", "#", "$", "^", "|", "~", "\u2019", "\u201c", "\u2014", "\u2026", "\uff0c"]
NUMBER_WORDS = ["none", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
BEYOND = ["eleven", "twenty", "ones", "none of them", "None", "TEN", "Zero", "one one", "no one", "someone"]
ARTICLES = ["a cat", "the cat", "an apple", "A cat", "THE CAT", "a", "the", "an", "a the an", "another", "then",
            "cat a",
            "a-cat", "the.", "(a)", "a, b", "on the table"]
NUMBERS = ["1,000", "10,000,000", "1, 000", "1 ,000", "1,a", "a,1", "3.5", "3.", ".5", "1.2.3", "1,234.56", "$1,000.00",
           "10:30", "10:30 p.m.", "p.m", "p.m.", "12-13", "1/2", "1 / 2", "1,2,3", "1,,2", "50%", "1,000-2,000", "1-2",
           "v1.0.", "no. 5", "no.5", "1.a", "a.1", "..5", "5..", "1 . 5", "+1", "+ 1", "-1", "2+2=4", "2 + 2 = 4"]
PERIODS = ["yes.", "...", "u.s.a.", "u.s.a", "mr. smith", ". . .", "." * 31, "." * 32, "." * 33, "a." * 40,
           "." * 70 + "x",
           "x" + "." * 33 + "5", ".1" * 40 + "." * 34, "end .", ".end", "<=1.5", "<=1.x", "<=.x", "x<=1."]
UNICODE = ["café", "cafe\u0301", "CAFÉ", "Ünder", "ÄÖÜß", "ẞ", "İstanbul", "ΟΔΟΣ", "ΟΔΟΣ ΣΑΣ",
           "Σ", "ΑΣ'", "ΑΣ.Α", "ΑΣ\u0301Α",
           "\u212a", "\u2126", "日本", "日本 です", "🐶", "👩\u200d👧", "١,٢", "١.٢", "١.a",
           "२,०००-x", "1\uff0c000", "\u037e", "\u1fef",
           "a\u037eb", "a\u0308 b", "-\u0301a", "a -\u0301 b", ",\u0301 b", ".\u0301", "1,\u03012", "1\u0301,2",
           "\U0001d7d9,\U0001d7da",
           "\u00b2,\u00b3", "²", "½,½", "a\u00adb", "\ufeffyes", "a\u200bb", "\u00a0yes\u00a0", "yes\u00a0sir",
           "\u3000one\u3000two",
           "a\u2028b", "a\u2029the", "one\u0085two", "a\u1680b", "one\u180etwo", "\u202fone", "one\u2007two",
           "\u001cone\u001f",
           "one\x1dtwo\x1ethree", "\x0bone\x0c", "\u00a0-one", "-\u00a0one", "don\u2019t", "dont\u00a0", "ǅ ǈ",
           "\u1e9e", "Å", "A\u030a"]
SPACES = ["", " ", "  ", "\n", "\t", "\r", "\r\n", " yes", "yes ", " yes ", "yes\n", "\nyes", "y\nes", "y\tes",
          "the\ncat",
          "the\tcat", "the\r\ncat", "a\rb", "red  and   blue", "red\n\nblue", "red -\nblue", "red\t-blue", "red-\tblue",
          "-\n", "\n-\n", "x-\r\ny", "a\x00b", "\x00", "\x7f", "\x01 -"]
UPPER = ["YES", "Yes", "yEs", "NO", "DONT", "Dont", "CAN'T", "Cant", "NONE", "The Cat", "IM", "im", "Im", "Ive",
         "ive", "I'dve",
         "i'dve", "Id've", "id've"]
WORDS = ["yes", "no", "red", "blue", "black and white", "2", "1", "dog", "cat", "frisbee", "skateboarding",
         "on table", "pizza",
         "tennis racket", "left", "right", "baseball", "white", "t-shirt", "stop sign", "12:15", "new york", "it's",
         "don't"]
QUESTION_TYPES = ["what color is the", "is this a", "how many", "what", "none of the above"]
ANSWER_TYPES = ["yes/no", "number", "other"]


def evaluation(path):
    """The published module, and the digest of its file."""
    data = pathlib.Path(path).read_bytes()
    source = re.sub(r'^(\s*)print "([^"]*)"$', r'\1print("\2")', data.decode("utf-8"), flags=re.MULTILINE)
    module = types.ModuleType("vqaEval")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its patterns are no raw strings
        exec(compile(source, str(path), "exec"), module.__dict__)
    return module, hashlib.sha256(data).hexdigest()


class Answers:
    """What the code takes for the questions' file and for the results' file."""

    def __init__(self, qa):
        self.qa = qa

    def getQuesIds(self):
        return list(self.qa)


def evaluator(module, truths, results):
    """One that also keeps the accuracies before they are rounded, and is silent."""

    class Evaluator(module.VQAEval):
        def setEvalQA(self, quesId, acc):
            self.exact[quesId] = acc
            super().setEvalQA(quesId, acc)

        def updateProgress(self, progress):
            pass

    out = Evaluator(Answers(copy.deepcopy(truths)), Answers(copy.deepcopy(results)), n=2)
    out.exact = {}
    return out


def texts(contractions):
    """Every text whose normalised form is told."""
    out = []
    for mark in MARKS + OTHER_MARKS + ["."]:
        out += [f"red{mark}blue", f"red {mark}blue", f"red{mark} blue", f"red {mark} blue", f"{mark}red",
                f"red{mark}", mark,
                f"{mark}{mark}", f"{mark} ", f"1,0{mark}x", f"a{mark}b {mark}c", f"1{mark}2", f"x\n{mark}y",
                f"\u00a0{mark}x"]
    for word in NUMBER_WORDS + BEYOND:
        out += [word, word.capitalize(), f"{word} dogs", f"{word}-{word}", f"{word}."]
    for wrong, right in contractions.items():
        out += [wrong, right, f"they {wrong} go", wrong.upper(), f"{wrong}?", wrong.replace("'", "")]
    for group in (ARTICLES, NUMBERS, PERIODS, UNICODE, SPACES, UPPER, WORDS):
        out += group
    return list(dict.fromkeys(out))


def ten(random, counts):
    """Ten answers from [(answer, how often)], shuffled."""
    out = [answer for answer, count in counts for _ in range(count)]
    random.shuffle(out)
    assert len(out) == 10
    return out


def cases(module, texts, random):
    """[(prediction, ten answers)]"""
    normal = normalizer(module)
    out = []
    # One for each text: the annotators are at odds, some give the text, some its normalised form.
    for index, text in enumerate(texts):
        same = index % 6
        counts = [(text, same), (normal(text), (index // 6) % 3), (random.choice(WORDS), 1)]
        counts.append((random.choice(WORDS), 10 - sum(count for _, count in counts)))
        prediction = random.choice([text, text, normal(text), text.upper(), f" {text}\n", f"the {text}"])
        if index % 2 == 0 or len(text) < 4:
            out.append((prediction, ten(random, counts)))
    # Unanimous ones, where nothing is normalised but spaces around, which may also be all they differ in.
    for text in texts[::7] + SPACES + UNICODE + ARTICLES + NUMBERS[:12] + UPPER:
        out.append((random.choice([text, normal(text), f"{text} ", f"\t{text}", text.upper(), text.lower()]),
                    [text] * 10))
    for text in WORDS[:8] + SPACES[:8]:
        answers = [random.choice(["", " ", "\n", "\t "]) + text + random.choice(["", " ", "\n"]) for _ in range(10)]
        out.append((random.choice([text, f"{text}.", f" {text}"]), answers))
    # Every number of matches, also such as come about by normalising only.
    for matches in range(11):
        for prediction, spellings in (
            ("yes", ["yes"]), ("2", ["2", "two", "Two.", "the two"]), ("don't", ["dont", "don't", "Don't!"]),
            ("", ["", "a", "."]),
            ("t shirt", ["t-shirt", "t shirt", "T-Shirt"]), ("1000", ["1,000", "1000", "1,000."]),
        ):
            rest = [random.choice([word for word in WORDS if word != prediction]) for _ in range(10 - matches)]
            answers = [random.choice(spellings) for _ in range(matches)] + rest
            random.shuffle(answers)
            out.append((prediction, answers))
    # Whatever comes together.
    for _ in range(150):
        pool = random.sample(texts, 3) + random.sample(WORDS, 2)
        prediction = random.choice(pool)
        answers = [
            random.choice([prediction, prediction, random.choice(pool), prediction.capitalize()]) for _ in range(10)
        ]
        out.append((prediction, answers))
    return out


def normalizer(module):
    instance = module.VQAEval(Answers({}), Answers({}))

    def normal(text):
        text = text.replace("\n", " ").replace("\t", " ").strip()
        return instance.processDigitArticle(instance.processPunctuation(text))

    return normal


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--evaluation", required=True, metavar="vqaEval.py", help="a copy of the published code")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="folder to write below")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # re.UNICODE given where the count goes
    generator = random.Random(20170430)
    module, digest = evaluation(arguments.evaluation)
    contractions = module.VQAEval(Answers({}), Answers({})).contractions
    every = texts(contractions)
    normal = normalizer(module)
    drawn = cases(module, every, generator)
    truths, results = {}, {}
    for number, (prediction, answers) in enumerate(drawn):
        truths[number] = {
            "question_type": generator.choice(QUESTION_TYPES),
            "answer_type": generator.choice(ANSWER_TYPES),
            "answers": [{"answer": answer, "answer_confidence": "yes", "answer_id": index + 1}
                        for index, answer in enumerate(answers)],
        }
        results[number] = {"answer": prediction}
    published = evaluator(module, truths, results)
    published.evaluate()
    rows = [
        {"prediction": prediction, "answers": answers, "question_type": truths[number]["question_type"],
         "answer_type": truths[number]["answer_type"], "accuracy": float(published.exact[number]),
         "rounded": float(published.evalQA[number])}
        for number, (prediction, answers) in enumerate(drawn)
    ]
    numbers = [0.0, 100.0, 0.005, 0.015, 0.025, 0.125, 0.375, 2.675, 33.335, 1.005, 99.995, 99.9949999, 1e-9, 5e-324,
               0.0050000001]
    for count in generator.choices(range(1, 4000), k=150):
        numbers.append(100 * float(generator.randrange(10 * count + 1)) / (10 * count))
    numbers += [generator.randrange(100 * 8) / 8 for _ in range(60)]
    document = {
        "evaluation_sha256": digest,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "unicode": unicodedata.unidata_version,
        "totals": published.accuracy,
    }
    lists = {
        "cases": rows,
        "normalized": [[text, normal(text)] for text in every],
        "rounded": [[number, round(number, 2)] for number in numbers],
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    for key, items in lists.items():
        lines.append(f" {json.dumps(key)}: [\n" + ",\n".join("  " + json.dumps(item) for item in items) + "\n ]")
    path = arguments.root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")
    unanimous = sum(len({answer.strip() for answer in answers}) == 1 for _, answers in drawn)
    partly = sum(0 < row["accuracy"] < 1 for row in rows)
    right = sum(row["accuracy"] == 1 for row in rows)
    print(f"{path}: {len(rows)} cases ({unanimous} unanimous, {partly} between 0 and 1, {right} of 1), "
          f"{len(every)} normalised texts")


if __name__ == "__main__":
    main()
