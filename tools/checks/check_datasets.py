#!/usr/bin/env python3
"""Holds `ingot evaluate` on every data set's form against its publisher's script, by way of the file for its server.

    python3 tools/checks/check_datasets.py INGOT --vqa vqaEval.py --aokvqa eval_predictions.py --textvqa m4c_evaluators.py

The scripts are those that tools/fixtures/fixtures_metrics.py names. Of the demo net's pictures and questions, data sets are made in
their publishers' forms, with annotators who are partly at odds with the net; the net answers, and what `--results` wrote is
counted by the script. GQA's script is the equality of two texts over the balanced questions.
"""

import argparse
import gzip
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))

import fixtures_metrics  # noqa: E402
import fixtures_vqa  # noqa: E402

DEMO = fixtures_vqa.ROOT / "weights/demo"


def annotators(generator, answer, count):
    pool = [answer, answer, answer.upper(), f"the {answer}", f"{answer}.", f" {answer} ", "red", "none", "it's"]
    return [generator.choice(pool) for _ in range(count)] if generator.random() < 0.8 else [answer] * count


def data_sets(folder, questions, generator):
    """name: (arguments, how its script counts what the server gets)"""
    numbered = [(1000 + number, 7 + number // 4, item) for number, item in enumerate(questions)]
    images = folder / "images"
    images.mkdir()
    for _, image, item in numbered:
        source = DEMO / item["image"]
        for name in (f"COCO_val2014_{image:012}.jpg", f"{image:012}.jpg", f"VizWiz_val_{image:08}.png", f"{image:016x}.jpg"):
            shutil.copy(source, images / name)
    for count in (10, 4):
        answers = {number: annotators(generator, item["answer"], count) for number, _, item in numbered}
        told = {"questions": [{"question_id": number, "image_id": image, "question": item["question"]}
                              for number, image, item in numbered], "data_subtype": "val2014"}
        notes = {"annotations": [
            {"question_id": number, "image_id": image, "question_type": "what", "answer_type": "other",
             "multiple_choice_answer": item["answer"],
             "answers": [{"answer": text, "raw_answer": text, "answer_confidence": "yes", "answer_id": index + 1}
                         for index, text in enumerate(answers[number])]} for number, image, item in numbered]}
        with zipfile.ZipFile(folder / f"q{count}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("v2_OpenEnded_mscoco_val2014_questions.json", json.dumps(told))
        (folder / f"a{count}.json.gz").write_bytes(gzip.compress(json.dumps(notes).encode()))
        yield f"VQA v2, {count} answers", [f"q{count}.zip", "--annotations", folder / f"a{count}.json.gz"], (
            "vqa", answers, lambda results: {item["question_id"]: item["answer"] for item in results})
    answers = {number: annotators(generator, item["answer"], 10) for number, _, item in numbered}
    write(folder / "blip.json", [
        {"question_id": number, "question": item["question"], "answer": answers[number], "dataset": "vqa",
         "image": f"val2014/COCO_val2014_{image:012}.jpg"} for number, image, item in numbered])
    yield "BLIP's array", ["blip.json"], (
        "vqa", answers, lambda results: {item["question_id"]: item["answer"] for item in results})
    write(folder / "aokvqa.json", [
        {"split": "val", "image_id": image, "question_id": f"q{number}", "question": item["question"], "choices": ["a", "b"],
         "correct_choice_idx": 0, "direct_answers": answers[number], "difficult_direct_answer": number % 5 == 0}
        for number, image, item in numbered])
    yield "A-OKVQA", ["aokvqa.json"], (
        "aokvqa", {f"q{number}": given for number, given in answers.items() if number % 5},
        lambda results: {number: item["direct_answer"] for number, item in results.items()})
    first = {}
    for number, image, item in numbered:
        first.setdefault(f"VizWiz_val_{image:08}.png", (item, answers[number]))
    write(folder / "vizwiz.json", [
        {"image": name, "question": item["question"], "answer_type": "other", "answerable": 1,
         "answers": [{"answer": text, "answer_confidence": "maybe"} for text in given]}
        for name, (item, given) in first.items()])
    yield "VizWiz", ["vizwiz.json"], (
        "vizwiz", {name: given for name, (_, given) in first.items()},
        lambda results: {item["image"]: item["answer"] for item in results})
    write(folder / "textvqa.json", {"dataset_type": "val", "data": [
        {"question_id": number, "image_id": f"{image:016x}", "question": item["question"], "answers": answers[number]}
        for number, image, item in numbered]})
    yield "TextVQA", ["textvqa.json"], (
        "textvqa", answers, lambda results: {item["question_id"]: item["answer"] for item in results})
    write(folder / "gqa.json", {
        f"0{number}": {"imageId": f"{image:016x}", "question": item["question"], "isBalanced": number % 3 != 0,
                       "answer": item["answer"] if number % 4 else item["answer"].upper(),
                       "types": {"structural": "query"}} for number, image, item in numbered})
    yield "GQA", ["gqa.json"], (
        "gqa", {f"0{number}": [item["answer"] if number % 4 else item["answer"].upper()]
                for number, _, item in numbered if number % 3},
        lambda results: {item["questionId"]: item["prediction"] for item in results})


def write(path, value):
    path.write_text(json.dumps(value))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=pathlib.Path)
    for name in ("vqa", "aokvqa", "textvqa"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    module, _ = fixtures_vqa.evaluation(arguments.vqa)
    scores = {
        "vqa": lambda cases: fixtures_metrics.vqa(module, cases),
        "vizwiz": lambda cases: fixtures_metrics.vizwiz(module, cases),
        "textvqa": lambda cases: fixtures_metrics.textvqa(fixtures_metrics.load(arguments.textvqa), cases),
        "aokvqa": lambda cases: fixtures_metrics.aokvqa(fixtures_metrics.load(arguments.aokvqa), cases),
        "gqa": lambda cases: [float(prediction == answers[0]) for prediction, answers in cases],
    }
    program = arguments.program.resolve()
    questions = [json.loads(line) for line in (DEMO / "questions.jsonl").read_text().splitlines()]
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        subprocess.run([program, "convert", DEMO, "--shelf", folder / "shelf"], check=True, capture_output=True)
        for name, (file, *more), (metric, answers, read) in data_sets(folder, questions, random.Random(17)):
            done = subprocess.run(
                [program, "evaluate", "--set", "Release=demo", "--shelf", folder / "shelf", "--questions", folder / file, *more,
                 "--images", folder / "images", "--results", folder / "results.json", "--json"],
                capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr}")
            predictions = read(json.loads((folder / "results.json").read_text()))
            counted = scores[metric]([(predictions[number], given) for number, given in answers.items()])
            expected, found = sum(counted) / len(counted), json.loads(done.stdout)["accuracy"]["a"]
            wrong += abs(expected - found) > 1e-12
            print(f"{name}: {found:.6f}, by the publisher's script {expected:.6f}, of {len(counted)} questions")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
