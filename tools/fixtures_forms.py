#!/usr/bin/env python3
"""Makes the fixtures of data sets' files: the same questions in many forms, written by Python's csv, json, gzip, zipfile.

    python3 tools/fixtures_forms.py [--root DIR]

Below DIR, which is the repository unless given, Tests/AssuranceTests/Fixtures/forms: the files, and expected.json, which
has for each of good/ what Python's readers make of it, [[id, image, question, answers], …], and for each of bad/ nothing.
A second run with the same Python makes the same bytes.
"""

import argparse
import csv
import gzip
import io
import json
import pathlib
import shutil
import struct
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = "Tests/AssuranceTests/Fixtures/forms"

ROWS = [
    ("a.png", "What is it?", "a dog"), ("b c.png", "So, what; is\tit?", 'it\'s "so", yes'),
    ("été.png", "Où est\nle chat?", "là-bas 🐱"), ("a.png", "How many?", "2"),
]
IDS = [101, 102, 103, 104]
TEN = [["a dog"] * 7 + ["dog", "Dog", "cat"], ["it's", 'a "b"', "c, d", "é"] + ["yes"] * 6, ["là-bas 🐱"] * 10, ["2"] * 10]


def table(encoding="utf-8", head=("image", "question", "answer"), rows=None, **options):
    text = io.StringIO(newline="")
    writer = csv.writer(text, **options)
    writer.writerow(head)
    writer.writerows(rows if rows is not None else ROWS)
    return text.getvalue().encode(encoding)


def packed(entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, content)
    return out.getvalue()


def zipped(content):
    return gzip.compress(content, mtime=0)


def lines(answers):
    return "".join(json.dumps({"image": image, "question": question, "answer": given, "question_id": number},
                              ensure_ascii=False) + "\n"
                   for (image, question, _), given, number in zip(ROWS, answers, IDS))


def vqa():
    return {"data_subtype": "val2014", "questions": [
        {"question_id": number, "image_id": image, "question": question}
        for (image, question, _), number in zip(ROWS, IDS)]}


def files():
    """name: (content, expected rows)"""
    singles = [[answer] for _, _, answer in ROWS]

    def expected(ids, answers):
        return [[number, image, question, given] for (image, question, _), number, given in zip(ROWS, ids, answers)]

    def numbered(content, answers=singles):
        """Ids are the lines at which the records begin."""
        starts, line = [], 2
        for row in ROWS:
            starts.append(line)
            line += 1 + row[1].count("\n")
        return content, expected(starts, answers)

    plain = table()
    good = {
        "plain.csv": numbered(plain), "mark.csv": numbered(b"\xef\xbb\xbf" + plain),
        "utf16.csv": numbered(table("utf-16")), "utf16be.csv": numbered(table("utf-16-be")),
        "unix.csv": numbered(table(lineterminator="\n")), "quoted.csv": numbered(table(quoting=csv.QUOTE_ALL)),
        "semicolon.csv": numbered(table(delimiter=";")), "tab.tsv": numbered(table(delimiter="\t")),
        "tab.csv": numbered(table(delimiter="\t")), "tab16.csv": numbered(table("utf-16", delimiter="\t")),
        "capitals.csv": numbered(table(head=("IMAGE", "Question", " Answer "))),
        "blanks.csv": numbered(b"image, question, answer\r\n" + plain.split(b"\r\n", 1)[1].replace(b",\"", b", \"")),
    }
    good["excel.csv"] = (b"sep=;\r\n" + table(delimiter=";"), expected([3, 4, 5, 7], singles))
    good["quotes.tsv"] = (b'image\tquestion\tanswer\na.png\tWhat does "STOP" mean?\tto "stop"\n',
                          [[2, "a.png", 'What does "STOP" mean?', ['to "stop"']]])
    more = [(index, "x", *row, number) for index, (row, number) in enumerate(zip(ROWS, IDS))]
    columns = ("", "Source", "image", "question", "answer", "question_id")
    good["columns.csv"] = (table(head=columns, rows=more), expected(IDS, singles))
    python = [(*row[:2], str(answers)) for row, answers in zip(ROWS, TEN)]
    good["lists.csv"] = numbered(table(rows=python), TEN)
    dumped = [(*row[:2], json.dumps(answers)) for row, answers in zip(ROWS, TEN)]
    good["json-lists.csv"] = numbered(table(rows=dumped), TEN)
    objects = [(*row[:2], str([{"answer": text, "answer_confidence": "yes", "answer_id": 1} for text in answers]))
               for row, answers in zip(ROWS, TEN)]
    good["objects.csv"] = numbered(table(rows=objects), TEN)
    spaces = [(*row[:2], "[" + "\n ".join(repr(text) for text in answers) + "]") for row, answers in zip(ROWS, TEN)]
    starts = [2, 12, 22, 33]
    good["numpy.csv"] = (table(rows=spaces), expected(starts, TEN))
    text = lines([answers[0] for answers in singles]).encode()
    good["plain.jsonl"] = (text, expected(IDS, singles))
    good["mark.jsonl"] = (b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"), expected(IDS, singles))
    good["utf16.jsonl"] = (text.decode().encode("utf-16"), expected(IDS, singles))
    good["lists.jsonl"] = (lines(TEN).encode(), expected(IDS, TEN))
    good["numbers.jsonl"] = (lines([1, 2.5, [3, "4"], None]).encode(), expected(IDS, [["1"], ["2.5"], ["3", "4"], []]))
    good["lines.json"] = (text, expected(IDS, singles))
    array = json.dumps([json.loads(line) for line in lines(TEN).splitlines()]).encode()
    good["original.json"] = (array, expected(IDS, TEN))
    questions = json.dumps(vqa()).encode()
    nothing = expected(IDS, [[]] * 4)
    good["vqa.json"] = (questions, nothing)
    good["vqa.json.gz"] = (zipped(questions), nothing)
    half = len(questions) // 2
    good["members.json.gz"] = (zipped(questions[:half]) + zipped(questions[half:]) + bytes(20), nothing)
    good["vqa.zip"] = (packed([("v2/", b""), ("v2/questions.json", questions), ("__MACOSX/v2/._questions.json", b"x"),
                               ("README.txt", b"x")]), nothing)
    good["stored.zip"] = (packed([("questions.json", questions)], zipfile.ZIP_STORED), nothing)
    good["table.zip"] = (packed([("plain.csv", plain)]), numbered(plain)[1])
    good["plain.csv.gz"] = (zipped(plain), numbered(plain)[1])
    good["aokvqa.json"] = (json.dumps([
        {"split": "val", "image_id": image, "question_id": f"q{number}", "question": question, "choices": ["a", "b"],
         "correct_choice_idx": 0, "direct_answers": answers, "difficult_direct_answer": number == 102, "rationales": ["r"]}
        for (image, question, _), number, answers in zip(ROWS, IDS, TEN)]).encode(),
        expected([f"q{number}" for number in IDS], TEN))
    good["vizwiz.json"] = (json.dumps([
        {"image": image, "question": question, "answer_type": "other", "answerable": 1,
         "answers": [{"answer": text, "answer_confidence": "maybe"} for text in answers]}
        for (image, question, _), answers in zip(ROWS[:3], TEN)]).encode(),
        [[image, image, question, answers] for (image, question, _), answers in zip(ROWS[:3], TEN)])
    good["textvqa.json"] = (json.dumps({"dataset_type": "val", "dataset_name": "textvqa", "data": [
        {"question_id": number, "image_id": image.removesuffix(".png"), "question": question, "question_tokens": ["what"],
         "answers": answers, "image_width": 5} for (image, question, _), number, answers in zip(ROWS, IDS, TEN)]}).encode(),
        expected(IDS, TEN))
    good["gqa.json"] = (json.dumps({
        f"0{number}": {"imageId": image.removesuffix(".png"), "question": question, "answer": answer, "fullAnswer": answer,
                       "isBalanced": number != 102, "types": {"structural": "query", "semantic": "obj"},
                       "semantic": [{"operation": "select", "argument": "x", "dependencies": []}]}
        for (image, question, answer), number in zip(ROWS, IDS)}).encode(),
        expected([f"0{number}" for number in IDS], singles))

    whole = zipped(questions)
    archive = packed([("questions.json", questions)])
    crc = archive.index(b"PK\1\2") + 16
    size = archive.index(b"PK\1\2") + 24
    bad = {
        "cut.json.gz": whole[:-20], "checksum.json.gz": whole[:-8] + bytes(4) + whole[-4:],
        "length.json.gz": whole[:-4] + bytes(4), "garbage.json.gz": whole + b"garbage", "head.json.gz": whole[:5],
        "flipped.json.gz": whole[:40] + bytes([whole[40] ^ 255]) + whole[41:],
        "checksum.zip": archive[:crc] + bytes(4) + archive[crc + 4:],
        "size.zip": archive[:size] + struct.pack("<I", 9) + archive[size + 4:],
        "cut.zip": archive[:-10], "empty.zip": packed([]), "text.zip": packed([("a.txt", b"x")]),
        "several.zip": packed([("train.json", questions), ("val.json", questions)]),
        "bzip2.zip": packed([("questions.json", questions)], zipfile.ZIP_BZIP2),
        "odd.csv": table("utf-16")[:-1], "surrogate.csv": b"\xff\xfe" + b"i\0\x00\xd8i\0", "utf32.csv": table("utf-32"),
    }
    return good, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="folder to write below")
    folder = parser.parse_args().root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    good, bad = files()
    for kind, contents in (("good", {name: content for name, (content, _) in good.items()}), ("bad", bad)):
        (folder / kind).mkdir(parents=True)
        for name, content in contents.items():
            (folder / kind / name).write_bytes(content)
    expected = {name: rows for name, (_, rows) in good.items()}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="ascii")
    print(f"{folder}: {len(good)} good files, {len(bad)} bad")


if __name__ == "__main__":
    main()
