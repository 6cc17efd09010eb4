#!/usr/bin/env python3
"""Makes the fixture of the data sets' metrics: answers, and what their publishers' scripts make of them.

    python3 tools/fixtures_metrics.py --vqa vqaEval.py --aokvqa eval_predictions.py --textvqa m4c_evaluators.py [--root DIR]

The scripts are no part of this repository:

    vqaEval.py            PythonEvaluationTools/vqaEvaluation of https://github.com/GT-Vision-Lab/VQA
    eval_predictions.py   evaluation of https://github.com/allenai/aokvqa
    m4c_evaluators.py     mmf/utils of https://github.com/facebookresearch/mmf: EvalAI's metric of TextVQA

VizWiz' script comes with no repository; it is vqaEval.py but for its loop, which stands below as its Python API has it.
Below DIR, which is the repository unless given: Tests/AssuranceTests/Fixtures/vqa/metrics.json, of cases
{"metric", "prediction", "answers", "accuracy"}. They are drawn with a fixed seed: a second run makes the same bytes.
"""

import argparse
import importlib.util
import json
import pathlib
import random
import sys
import types
import warnings

import fixtures_vqa

FILE = "Tests/AssuranceTests/Fixtures/vqa/metrics.json"


def vqa(module, cases):
    """Accuracies before they are rounded; annotators are told apart by their ids, as in the data set."""
    truths, results = {}, {}
    for number, (prediction, answers) in enumerate(cases):
        truths[number] = {
            "question_type": "what", "answer_type": "other",
            "answers": [{"answer": answer, "answer_confidence": "yes", "answer_id": index + 1}
                        for index, answer in enumerate(answers)],
        }
        results[number] = {"answer": prediction}
    evaluator = fixtures_vqa.evaluator(module, truths, results)
    evaluator.evaluate()
    return [evaluator.exact[number] for number in range(len(cases))]


def vizwiz(module, cases):
    evaluator = module.VQAEval(fixtures_vqa.Answers({}), fixtures_vqa.Answers({}))
    out = []
    for prediction, answers in cases:
        prediction = prediction.replace("\n", " ").replace("\t", " ").strip()
        prediction = evaluator.processDigitArticle(evaluator.processPunctuation(prediction))
        accuracies = []
        for index, _ in enumerate(answers):
            others = [answer for place, answer in enumerate(answers) if place != index]
            accuracies.append(min(1, float(len([answer for answer in others if answer == prediction])) / 3))
        out.append(float(sum(accuracies)) / len(accuracies))
    return out


def textvqa(module, cases):
    evaluator = module.TextVQAAccuracyEvaluator()
    return [evaluator.eval_pred_list([{"pred_answer": prediction, "gt_answers": answers}])
            for prediction, answers in cases]


def aokvqa(module, cases):
    data = {"choices": [], "correct_choice_idx": 0, "difficult_direct_answer": False}
    return [module.eval_aokvqa({"q": {**data, "direct_answers": answers}}, {"q": prediction}) / 100
            for prediction, answers in cases]


def load(path):
    # What it loads data with isn't needed.
    sys.modules.setdefault("load_aokvqa", types.SimpleNamespace(load_aokvqa=None))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(generator, texts, counts):
    """[(prediction, answers)], so many answers each."""
    out = []
    for text in texts:
        count = generator.choice(counts)
        spellings = [text, text, text.upper(), f"the {text}", f"{text}.", f" {text}", f"{text}'s", f"{text}, {text}"]
        answers = [generator.choice(spellings + fixtures_vqa.WORDS[:4]) if generator.random() < 0.7 else text
                   for _ in range(count)]
        if generator.random() < 0.2:
            answers = [generator.choice(spellings)] * count
        out.append((generator.choice(spellings + answers), answers))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vqa", type=pathlib.Path, required=True)
    parser.add_argument("--aokvqa", type=pathlib.Path, required=True)
    parser.add_argument("--textvqa", type=pathlib.Path, required=True)
    parser.add_argument("--root", type=pathlib.Path, default=fixtures_vqa.ROOT, help="folder to write below")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    module, _ = fixtures_vqa.evaluation(arguments.vqa)
    generator = random.Random(20221011)
    every = fixtures_vqa.texts(module.VQAEval(fixtures_vqa.Answers({}), fixtures_vqa.Answers({})).contractions)
    rows = []
    for metric, score, counts in (
        ("vqa", lambda cases: vqa(module, cases), range(1, 10)),
        ("vizwiz", lambda cases: vizwiz(module, cases), [10, 10, 3, 1]),
        ("textvqa", lambda cases: textvqa(load(arguments.textvqa), cases), [10]),
        ("aokvqa", lambda cases: aokvqa(load(arguments.aokvqa), cases), [10, 9, 2, 1]),
    ):
        cases = drawn(generator, generator.sample(every, 250) + fixtures_vqa.WORDS * 3, counts)
        for (prediction, answers), accuracy in zip(cases, score(cases)):
            rows.append({"metric": metric, "prediction": prediction, "answers": answers, "accuracy": float(accuracy)})
    path = arguments.root / FILE
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="ascii")
    partly = sum(0 < row["accuracy"] < 1 for row in rows)
    print(f"{path}: {len(rows)} cases, {partly} between 0 and 1")


if __name__ == "__main__":
    main()
