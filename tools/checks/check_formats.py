#!/usr/bin/env python3
"""Holds the program, its schemas and its format specification against each other.

    pip install numpy jsonschema      (and libzstd on the system)
    python3 tools/checks/check_formats.py .build/release/ingot

1. Family files, net file headers and everything that the program prints with --json obey the schemas in schemas/, and
   the schemas refuse what is wrong.
2. tools/read_ingot.py, written from schemas/FORMAT.md alone, reads the net files that the program converts from
   weights/demo and the golden files, and finds in them just the numbers of the source; tools/fixtures/fixtures.py, written from
   the same page, makes the same bytes of them as the program.
3. Neither takes a net file in which a bit is flipped, or that is cut, longer, or against the rules though its digests
   are right.

Prints a line per group and the sum; exits with status 1 if anything failed.
"""

import argparse
import copy
import hashlib
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile
import traceback

import jsonschema
import numpy as np
from checks import Checks
from referencing import Registry, Resource
from safetensors_reader import NUMPY_TYPES, safetensors_arrays
from wrong_net_files import REMOVE, put, read_header, wrong_files

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))

import export_checks  # noqa: E402
import fixtures  # noqa: E402
import fixtures_plain  # noqa: E402
import numpy_checks  # noqa: E402
import plain_cases  # noqa: E402
import read_ingot  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
FIXTURES = ROOT / "Tests" / "NetFileTests" / "Fixtures"
DEMO = ROOT / "weights" / "demo"
GOLDEN_AXES = FIXTURES / "golden-v2.ingot"
GOLDEN_PACKED = FIXTURES / "golden-v2-packed.ingot"
PACKED_SOURCE = ROOT / "Tests/CheckpointsTests/Fixtures/packed/typed.onnx"
GOLDEN = [FIXTURES / "golden-v1.ingot", FIXTURES / "golden-v1-compressed.ingot"]
EVERY_TYPE = FIXTURES / "every-type.safetensors"
TINY = [ROOT / "Tests" / "FamiliesTests" / "Fixtures" / name for name in ("tiny-blip", "tiny-vit")]


# -------------------------------------------------------------------------------------------------------------- schemas


def schema_checker():
    """Returns a function that lists what is wrong with an instance, by the name of its schema."""

    def retrieve(address):
        return Resource.from_contents(json.loads(pathlib.Path(address.removeprefix("file://")).read_text()))

    registry = Registry(retrieve=retrieve)
    validators = {}
    for path in [*SCHEMAS.glob("*.schema.json"), *SCHEMAS.glob("reports/*.schema.json")]:
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))
        validators[path.name.removesuffix(".schema.json")] = jsonschema.Draft202012Validator(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": f"file://{path}"}, registry=registry)

    def errors(name, instance):
        return [f"{error.json_path}: {error.message[:200]}" for error in validators[name].iter_errors(instance)]

    return errors


def check_valid(checks, errors, name, instance, what):
    found = errors(name, instance)
    checks.check(not found, f"{what} against {name}.schema.json: {found[:3]}")


def check_refused(checks, errors, name, instance, changes):
    """Each change makes a valid instance wrong: a path into it, and a value to put there."""
    for *path, value in changes:
        wrong = copy.deepcopy(instance)
        put(wrong, path, value)
        shown = "removed" if value is REMOVE else json.dumps(value)
        checks.check(errors(name, wrong), f"{name}.schema.json takes {path} {shown}")


def check_family_files(checks, errors):
    for path in sorted(SCHEMAS.glob("families/*.json")):
        check_valid(checks, errors, "family", json.loads(path.read_text()), path.name)
    family = json.loads((SCHEMAS / "families" / "blip-vqa.json").read_text())
    huggingface = ["layouts", "huggingface"]
    check_refused(checks, errors, "family", family, [
        ["family", "blip vqa"], ["title", REMOVE], ["notes", "more"], ["modelTypes", []], ["defaultProfile", 1],
        ["axes", 0, "default", REMOVE], ["axes", 0, "values", []], ["axes", 0, "values", [None]],
        ["axes", 1, "selects", "part"], ["axes", 1, "defualt", "x"], ["axes", 3, "open", "yes"],
        ["nets", {}], ["nets", "ImageEncoder", "definition", "BlipImage"],
        ["nets", "ImageEncoder", "configuration", "hiddenSize", "default", None],
        ["nets", "ImageEncoder", "configuration", "hiddenSize", "key", "vision_config..hidden_size"],
        ["nets", "ImageEncoder", "configuration", "activation", "values", []],
        ["nets", "TextEncoder", "tokenizer", "kind", "sentencepiece"],
        ["variants", 0, "when", {}], ["variants", 0, "configuration", "ImageEncoder", "hiddenSize", [128]],
        ["profiles", "hf-384", "image", "mean", [0.5, 0.5]], ["profiles", "hf-384", "image", "resize", "area"],
        ["profiles", "hf-384", "answer", "beams", 0], ["profiles", "hf-384", "image", REMOVE],
        ["profiles", "hf-384", "keys", "config.json", "image.side", 384],
        [*huggingface, "recognizedBy", []], [*huggingface, "ignore", REMOVE],
        [*huggingface, "nets", "ImageEncoder", 0, "from", REMOVE],
        [*huggingface, "nets", "ImageEncoder", 0, "from", []],
        [*huggingface, "nets", "ImageEncoder", 0, "net", "blocks.{n"],
        [*huggingface, "nets", "ImageEncoder", 0, "transpose", True],
        [*huggingface, "ties", 0, "part", REMOVE],
        ["published", 0, "licence", REMOVE], ["published", 0, "revision", "main"],
        ["published", 0, "files", 0, "bytes", -1], ["published", 0, "files", 0, "sha256", "0" * 63],
        ["published", 0, "files", 0, "sha256", "0" * 64 + "\n"],
    ])
    checks.end_group("family files and their schema")


def check_header_schema(checks, errors):
    for path in [*GOLDEN, GOLDEN_AXES]:
        check_valid(checks, errors, "net-file", read_header(path), path.name)
    header = read_header(GOLDEN[0])
    quantized = next(index for index, array in enumerate(header["arrays"]) if "scales" in array)
    required = ["family", "net", "parameters", "initialized", "configuration", "profile", "provenance", "ties"]
    check_refused(checks, errors, "net-file", header, [
        *([name, REMOVE] for name in required), ["format", REMOVE], ["arrays", REMOVE],
        ["format", "Ingot"], ["initialized", False], ["initialized", 1], ["parameters", "Size", 2.5], ["profile", None],
        ["tokenizer", None], ["tokenizer", "kind", "bpe"], ["tokenizer", "vocabulary", 3, 3],
        ["tokenizer", "stripAccents", None], ["provenance", "sources", 0, "sha256", "A" * 64],
        ["provenance", "convertedFrom", "float31"], ["provenance", "seed", 1 << 63], ["provenance", "tool", REMOVE],
        ["provenance", "part", {}], ["provenance", "part", {"at": 1}], ["provenance", "part", {"all": False}],
        ["ties", 0, "same", REMOVE], ["arrays", 0, "name", "a\tb"], ["arrays", 0, "name", "a\n"],
        ["arrays", 0, "name", ""], ["arrays", 0, "name", "a" * 4097],
        ["arrays", 0, "elementType", "F64"], ["arrays", 0, "shape", [1] * 9],
        ["arrays", 0, "shape", [-1]], ["arrays", 0, "shape", [1.5]], ["arrays", 0, "offset", 65],
        ["arrays", 0, "offset", 0], ["arrays", 0, "bytes", 1 << 63], ["arrays", 0, "sha256", REMOVE],
        ["arrays", 0, "encoding", "plain"], ["arrays", 0, "encoding", "zstd-planes"], ["arrays", 0, "storedBytes", 1],
        ["arrays", 0, "scales", "shapes.scalar"], ["arrays", quantized, "shape", []],
    ])
    more = header | {"more": 1, "arrays": [header["arrays"][0] | {"more": None}]}
    check_valid(checks, errors, "net-file", more, "a header of a later minor version")
    checks.end_group("golden headers and their schema")


# -------------------------------------------------------------------------------------------------------------- reports


class Program:
    """The program under test, with a shelf of its own."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def run(self, *arguments):
        return subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True, timeout=600)

    def report(self, checks, errors, name, *arguments, status=0):
        """Runs a command with --json, checks what it prints, and returns that."""
        what = " ".join(map(str, arguments))
        done = self.run(*arguments, "--json")
        checks.check(done.returncode == status, f"{what}: exit status {done.returncode}\n{done.stderr}")
        checks.check(done.stderr == "", f"{what}: on standard error: {done.stderr}")
        report = json.loads(done.stdout)
        check_valid(checks, errors, name, report, what)
        return report


def flipped(data, place, bit=0):
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1:]


def check_asking(checks, errors, program, shelf):
    """Returns the report of one question."""
    picture, answers = DEMO / "pictures" / "red-circle-0004.png", program.folder / "answers.txt"
    answers.write_text("yes\ncircle\ntriangle\n")
    subject = ["ask", picture, "what shape is present?", "--set", "Release=demo", "--shelf", shelf]
    asked = program.report(checks, errors, "ask", *subject)
    ranked = program.report(checks, errors, "ask", *subject, "--answers", answers)
    video = ROOT / "weights" / "demo" / "videos" / "circles.mp4"
    of_video = program.report(
        checks, errors, "ask", "ask", video, "what?", "--frames", "4", "--set", "Release=demo", "--shelf", shelf)
    checks.check(len(of_video["answers"][0]["frames"]) == 4, "a video's answer without its frames")
    for report in asked, ranked:
        checks.check(report["answers"][0]["answer"] == "circle", "the demo net sees a circle")
    lines = [json.dumps({"image": str(picture), "question": "what shape is present?"}), "no JSON"]
    done = subprocess.run([program.path, "ask", "--set", "Release=demo", "--shelf", shelf], input="\n".join(lines),
                          capture_output=True, text=True, timeout=600)
    checks.check(done.returncode == 1, f"a bad line: exit status {done.returncode}")
    answer, failure = map(json.loads, done.stdout.splitlines())
    check_valid(checks, errors, "ask", {"answers": [answer], "kernels": "portable"}, "a line of answers")
    check_failures(checks, errors, program, shelf, picture)
    checks.check(failure["line"] == 2 and failure["error"]["status"] == 65, f"a bad line: {failure}")
    return asked


def check_failures(checks, errors, program, shelf, picture):
    """One picture of several that can't be read is told beside the others, and all of several too."""
    for images, answered in ((["none.png", picture], 1), (["none.png", "nothing.png"], 0)):
        done = subprocess.run([program.path, "ask", images[0], "what?", "--image", images[1], "--json", "--set",
                               "Release=demo", "--shelf", shelf], capture_output=True, text=True, timeout=600)
        checks.check(done.returncode == 1, f"a missing picture: exit status {done.returncode}")
        report = json.loads(done.stdout)
        check_valid(checks, errors, "ask", report, "a report with pictures that failed")
        checks.check(len(report["answers"]) == answered and len(report["failed"]) == 2 - answered, f"failed: {report}")
        checks.check(report["failed"][0]["error"]["status"] == 66, "a missing picture's status")


def check_evaluating(checks, errors, program, shelf):
    """Returns the report of a comparison, whose figures are computed again from its parts."""
    subject = ["evaluate", "--set", "Release=demo", "--shelf", shelf, "--questions", DEMO / "questions.jsonl"]
    alone = program.report(checks, errors, "evaluate", *subject)
    report = program.report(
        checks, errors, "evaluate", *subject, "--set", "Precision=int8", "--against", "Precision=float32")
    flipped = report["flipped"]
    checks.check(report["agreement"] == 1 - len(flipped) / report["questions"], "agreement")
    checks.check(alone["accuracy"]["a"] == report["accuracy"]["b"] == 42 / 45, "the float net's accuracy")
    changed = sum(answer["accuracyA"] - answer["accuracyB"] for answer in flipped) / report["questions"]
    checks.check(abs(report["accuracy"]["difference"] - changed) < 1e-12, "difference of accuracies")
    names = [layer["name"] for layer in report["layers"]]
    checks.check(len(names) == len(set(names)) == 58, f"{len(names)} layers")
    return report


def check_plain(checks, errors, program):
    """int8 of a plain net, and what is told of its errors, against NumPy. Returns the paths of the float net and an int8 one."""
    source, shelf = program.folder / "cases.safetensors", program.folder / "plain"
    source.write_bytes(fixtures_plain.safetensors_file(plain_cases.arrays()))
    converted = program.report(checks, errors, "convert", "convert", source, "--shelf", shelf)
    floats = pathlib.Path(converted["nets"][0]["file"])
    for options in [], ["--min-sqnr", "40"], ["--keep", "conv.weight"]:
        report = program.report(checks, errors, "quantize", "quantize", floats, "--shelf", shelf, "--force", *options)
        path = pathlib.Path(report["nets"][0]["file"])
        check_valid(checks, errors, "net-file", read_header(path), path.name)
        numpy_checks.check_quantized(checks, path, floats)
        numpy_checks.check_errors(checks, path, floats, report["quantized"][0])
        program.report(checks, errors, "verify", "verify", path, "--source", floats)
    check_refused(checks, errors, "quantize", report, [
        ["quantized", 0, "errors", 0, "sqnr", REMOVE], ["quantized", 0, "errors", 0, "noise", -1],
        ["quantized", 0, "left", 0, "reason", REMOVE], ["quantized", 0, "errors", 0, "worstRow", {"row": 1}]])
    different = program.report(checks, errors, "diff", "diff", floats, path, status=1)
    checks.check(different["onlyInB"] == [], "scales are no arrays of their own")
    found = {array["name"]: array["sqnr"] for array in different["different"]}
    for error in report["quantized"][0]["errors"]:
        checks.check(abs(found[error["array"]] - error["sqnr"]) < 1e-3, f"diff's SQNR of {error['array']}")
    return floats, path


def check_plain_exports(checks, errors, program, floats, int8):
    folder = program.folder / "exports"
    export_checks.check_all(checks, program, floats, int8, folder, plain_cases.arrays())
    program.report(checks, errors, "export", "export", floats, folder / "named.npz")


def check_reports(checks, errors, program):
    """Returns the reports of the conversions, by the arguments that were given for them."""
    folder = program.folder
    conversions = {}
    for options in [(), ("--compress",), ("--precision", "float16"), ("--precision", "bfloat16")]:
        shelf = folder / "-".join(["shelf", *options])
        conversions[options] = program.report(checks, errors, "convert", "convert", DEMO, "--shelf", shelf, *options)
    shelf, half = folder / "shelf", folder / "shelf---precision-bfloat16"
    plain = [pathlib.Path(net["file"]) for net in conversions[()]["nets"]]
    checks.check(len(plain) == 3 and all(path.is_file() for path in plain), "the demo has three net files")
    for report in conversions.values():
        for net in report["nets"]:
            check_valid(checks, errors, "net-file", read_header(pathlib.Path(net["file"])), net["file"])
    converted = read_header(pathlib.Path(conversions["--precision", "bfloat16"]["nets"][0]["file"]))
    checks.check(converted["provenance"]["convertedFrom"] == "float32", "convertedFrom")

    create = [program.report(checks, errors, "create", "create", "--shelf", shelf, "--set", "CapFilt=false", *options)
              for options in [("--uninitialized",), ("--set", "Release=demo", "--set", "Part=TextDecoder", "--seed=-3"),
                              ("--set", "Release=demo", "--seed", "3", "--compress")]]
    for report in create:
        check_valid(checks, errors, "net-file", read_header(pathlib.Path(report["nets"][0]["file"])), "a created net")

    lists = [program.report(checks, errors, "list", "list", *family, "--shelf", place)
             for family in [(), ("blip-vqa",), ("vit-imagenet",)] for place in [shelf, half, folder / "none"]]
    (shelf / "blip-vqa" / "broken.ingot").write_bytes(b"no net")
    lists.insert(0, program.report(checks, errors, "list", "list", "--shelf", shelf))
    checks.check(len(lists[0]["families"][0]["unreadable"]) == 1, "an unreadable file is listed")
    (shelf / "blip-vqa" / "broken.ingot").unlink()
    statuses = {net["status"] for family in lists[0]["families"] for net in family["nets"]}
    checks.check(statuses == {"on shelf", "published", "uninitialized"}, f"the list shows {statuses}")

    subjects = [
        [plain[0]], [EVERY_TYPE], [plain[2]], [conversions["--compress",]["nets"][1]["file"]],
        [create[0]["nets"][0]["file"]], [DEMO], [DEMO / "model.safetensors"],
        ["--set", "Release=demo"], ["--set", "Part=TextDecoder"], ["--family", "vit-imagenet"],
        ["--set", "CapFilt=false", "--set", "Part=TextDecoder", "--set", "Release=nobody"], *([path] for path in TINY)]
    inspected = [
        program.report(checks, errors, "inspect", "inspect", *subject, "--shelf", shelf) for subject in subjects]
    kinds = {report["kind"] for report in inspected}
    checks.check(
        kinds == {"net file", "uninitialized net file", "checkpoint", "published", "uninitialized"}, f"kinds {kinds}")

    for path, report in zip(TINY, inspected[-2:]):
        facts = json.loads(path.with_name(f"{path.name}-facts.json").read_text())
        counted = {name: report["totals"][name] for name in ("arrays", "parameters")}
        checks.check(counted.items() <= facts.items(), f"{path.name} has {counted}")
        for net in report["nets"] if "nets" in facts else []:
            name = net.pop("net")
            checks.check(net == facts["nets"][name], f"{path.name}, {name}: {net}")

    damaged = folder / "damaged.ingot"
    data, last = plain[0].read_bytes(), read_header(plain[0])["arrays"][-1]
    damaged.write_bytes(flipped(data, last["offset"]))
    verified = [
        program.report(checks, errors, "verify", "verify", plain[0]),
        program.report(checks, errors, "verify", "verify", "--shelf", shelf),
        program.report(checks, errors, "verify", "verify", plain[1], "--source", DEMO),
        program.report(checks, errors, "verify", "verify", plain[1], damaged, status=1),
        program.report(checks, errors, "verify", "verify", *plain, "--reference", DEMO / "reference.safetensors"),
        program.report(
            checks, errors, "verify", "verify", *plain, "--reference", DEMO / "reference.safetensors",
            "--tolerance", "1e-15", status=1)]
    checks.check(
        [report["verified"] for report in verified] == [True, True, True, False, True, False], "what is verified")
    failed = [array["name"] for array in verified[3]["arrays"]["failed"]]
    checks.check(failed == [last["name"]], f"the damaged array is named: {failed}")
    asked = check_asking(checks, errors, program, shelf)
    quantized = program.report(checks, errors, "quantize", "quantize", *plain, "--shelf", shelf)
    for net, path in zip(quantized["nets"], plain):
        numpy_checks.check_quantized(checks, pathlib.Path(net["file"]), path)
        program.report(checks, errors, "verify", "verify", net["file"], "--source", path)
    check_plain_exports(checks, errors, program, *check_plain(checks, errors, program))
    evaluated = check_evaluating(checks, errors, program, shelf)
    questions = ["--questions", DEMO / "questions.jsonl"]
    searched = program.report(
        checks, errors, "quantize", "quantize", *plain, "--shelf", shelf, "--force", *questions, "--min-agreement", "100")
    checks.check(searched["search"]["best"]["agreement"] == 1, "a search ends within its budget")
    for options in ["--limit", "20"], ["--rest", "float16"]:
        quantized = program.report(
            checks, errors, "quantize", "quantize", *plain, "--shelf", shelf, "--force", *questions, *options)
        for net, path in zip(quantized["nets"], plain):
            if "--rest" not in options:
                numpy_checks.check_quantized(checks, pathlib.Path(net["file"]), path)
            checks.check(read_ingot.read(net["file"])[0]["profile"]["quantization"]["biases"], "biases are corrected")
            program.report(checks, errors, "verify", "verify", net["file"], "--source", path)
    halved = program.report(checks, errors, "quantize", "quantize", *plain, "--shelf", shelf, "--precision", "float16")
    for net, path in zip(halved["nets"], plain):
        source, found = read_ingot.read(path)[1], read_ingot.read(net["file"])[1]
        checks.check(all(np.array_equal(found[name], source[name].astype("f2")) for name in source), f"{path.name}: halved")
        program.report(checks, errors, "verify", "verify", net["file"], "--source", path)
    program.run("create", "--set", "ModelSize=tiny", "--seed", "1", "--shelf", folder / "vit")
    classified = program.report(
        checks, errors, "classify", "classify", DEMO / "pictures" / "red-circle-0004.png", "--set", "ModelSize=tiny",
        "--shelf", folder / "vit")
    looked = program.report(
        checks, errors, "attention", "attention", DEMO / "pictures" / "red-circle-0004.png", "what shape is present?",
        "--set", "Release=demo", "--shelf", shelf, "--output", folder / "attention.html")
    features = program.report(
        checks, errors, "features", "features", DEMO / "pictures", "--class-part", "2", "--set", "Release=demo", "--shelf",
        shelf, "--output", folder / "features.csv")
    for options in ["--set", "ModelSize=tiny", "--shelf", folder / "vit"], ["--set", "Release=demo", "--shelf", shelf]:
        few = program.report(
            checks, errors, "features", "features", DEMO / "pictures" / "red-circle-0004.png", *options, "--output",
            folder / "few.safetensors")
        checks.check("purity" not in few and "tsne" not in few["points"][0], "one picture has no neighbours")
    exported = program.report(
        checks, errors, "export", "export", *plain, "--to", "safetensors", folder / "exported")
    different = [
        program.report(checks, errors, "diff", "diff", DEMO, folder / "exported"),
        program.report(checks, errors, "diff", "diff", DEMO, plain[1]),
        program.report(checks, errors, "diff", "diff", DEMO, damaged, status=1),
        program.report(checks, errors, "diff", "diff", TINY[0], TINY[1], status=1),
        program.report(checks, errors, "diff", "diff", EVERY_TYPE, EVERY_TYPE)]
    evil = folder / "evil.pkl"
    evil.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    unknown = folder / "unknown.lz4"
    unknown.write_bytes(bytes([4, 0x22, 0x4D, 0x18]))
    scanned = program.report(checks, errors, "scan", "scan", evil, DEMO, unknown, status=1)
    program.report(checks, errors, "scan", "scan", DEMO)
    program.report(checks, errors, "scan", "scan", unknown, status=65)
    checks.check([len(report["different"]) for report in different[:3]] == [0, 0, 1], "what differs")
    checks.check(different[2]["different"][0]["name"].endswith(last["name"]), "the differing array is named")
    checks.end_group("what the program prints, against the schemas")

    check_refused(checks, errors, "ask", asked, [
        ["answers", []], ["answers", 0, "tokens", []], ["answers", 0, "logProbability", 1], ["answers", 0, "answer", None],
        ["answers", 0, "seconds", "image", REMOVE], ["answers", 0, "ranking", [{"answer": "yes"}]]])
    check_refused(checks, errors, "quantize", quantized, [
        ["nets", []], ["quantized", 0, "bytesBefore", -1], ["quantized", 0, "arrays", [1]]])
    check_refused(checks, errors, "evaluate", evaluated, [
        ["questions", 0], ["accuracy", "a", 97.3], ["agreement", REMOVE], ["flipped", REMOVE], ["layers", 0, "name", 1],
        ["accuracy", "interval", [0]], ["nets", "a", "files", []], ["klDivergence", -1], ["layerQuestions", REMOVE]])
    check_refused(checks, errors, "quantize", searched, [
        ["search", "best", REMOVE], ["search", "trials", []], ["search", "best", "agreement", 100],
        ["search", "helped", [{"net": "TextDecoder"}]]])
    check_refused(checks, errors, "classify", classified, [
        ["images", []], ["images", 0, "classes", 0, "probability", 2], ["images", 0, "image", REMOVE]])
    check_refused(checks, errors, "attention", looked, [
        ["tokens", []], ["tokens", 0, "id", -1], ["grid", 0], ["answer", REMOVE], ["answerTokens", 0, "text", REMOVE]])
    check_refused(checks, errors, "features", features, [
        ["points", []], ["points", 0, "pca", [1]], ["purity", "share", 2], ["purity", "classes", REMOVE],
        ["purity", "classes", 0, "class", REMOVE], ["variance", [1, 2]], ["points", 0, "neighbours", 0, "cosine", 3]])
    check_refused(checks, errors, "export", exported, [["files", []], ["arrays", -1], ["folder", ""]])
    limits = program.report(checks, errors, "limits", "limits", "--allow", "shards=7")
    checks.check([limit["value"] for limit in limits["limits"] if limit["name"] == "shards"] == [7], "a limit is set")
    check_refused(checks, errors, "limits", limits, [
        ["limits", []], ["limits", 0, "unit", "kg"], ["limits", 0, "name", "A b"], ["limits", 0, "default", 0]])
    check_refused(checks, errors, "scan", scanned, [
        ["verdict", "none"], ["files", []], ["files", 0, "findings", []], ["files", 0, "verdict", "nothing"],
        ["files", 0, "findings", 0, "offset", -1], ["files", 0, "findings", 0, "rule", "x"], ["files", 0, "pickles", REMOVE]])
    check_refused(checks, errors, "diff", different[2], [
        ["identical", True], ["different", 0, "kind", "type"], ["different", 0, "shapes", [[1]]],
        ["equal", REMOVE], ["onlyInA", [1]], ["equivalent", [{"name": "a", "how": "?"}]]])
    check_refused(checks, errors, "convert", conversions[()], [
        ["nets", []], ["nets", 0, "file", None], ["nets", 0, "parameters", "Part", []],
        ["nets", 0, "totals", "bytes", -1], ["coverage", REMOVE], ["coverage", "missing", ["a"]],
        ["coverage", "ignored", ["a"]], ["coverage", "used", REMOVE], ["published", "file", REMOVE], ["notes", "none"]])
    check_refused(checks, errors, "create", create[0], [["nets", []], ["nets", 0, "totals", REMOVE]])
    nets = lists[0]["families"][0]["nets"]
    first = {status: [net["status"] for net in nets].index(status) for status in statuses}
    in_nets = ["families", 0, "nets"]
    check_refused(checks, errors, "list", lists[0], [
        ["shelf", REMOVE], ["families", []], ["families", 0, "axes", 0, "values", []],
        ["families", 0, "unreadable", [""]],
        [*in_nets, first["on shelf"], "status", "on the shelf"], [*in_nets, first["on shelf"], "file", None],
        [*in_nets, first["on shelf"], "bytes", REMOVE], [*in_nets, first["published"], "published", REMOVE],
        [*in_nets, first["published"], "published", "files", 0, "sha256", "?"],
        [*in_nets, first["uninitialized"], "file", "a"], [*in_nets, first["uninitialized"], "bytes", 1]])
    required = [
        "path", "kind", "family", "parameters", "arrays", "totals", "elementTypes", "layerTypes", "nets", "ties",
        "configuration", "profile", "provenance", "notes"]
    check_refused(checks, errors, "inspect", inspected[0], [
        *([name, REMOVE] for name in required), ["kind", "checkpoint"], ["family", None], ["path", None],
        ["arrays", 0, "elementType", "half"], ["arrays", 0, "shape", 3], ["totals", "parameters", -1],
        ["layerTypes", "Linear", 0], ["elementTypes", {"float": {}}], ["provenance", "sources", 0, "sha256", REMOVE]])
    check_refused(checks, errors, "inspect", inspected[1], [["layerTypes", {"Linear": 1}], ["totals", "parameters", 3]])
    check_refused(checks, errors, "verify", verified[3], [
        ["verified", True], ["outputs", REMOVE], ["arrays", "failed", 0, "reason", REMOVE], ["files", []],
        ["files", 0, "verified", "yes"], ["outputs", [{"name": "logits"}]]])
    check_refused(checks, errors, "verify", verified[4], [
        ["outputs", 0, "passed", False], ["outputs", 0, "maxError", -1], ["outputs", 0, "tolerance", REMOVE]])
    checks.end_group("wrong reports, refused by the schemas")
    return conversions


# ------------------------------------------------------------------------------------------------------------- contents


def expected_values(dtype, data):
    """The elements as NumPy sees them; for types that it hasn't, worked out here in another way than in read_ingot."""
    if dtype in NUMPY_TYPES:
        return np.frombuffer(data, NUMPY_TYPES[dtype])
    if dtype == "BF16":
        return np.array([bfloat16_value(bits) for bits in np.frombuffer(data, "<u2").tolist()], "f4")
    table = e4m3_values() if dtype == "F8_E4M3" else e5m2_values()
    return np.array([table[byte] for byte in data], "f4")


def bfloat16_value(bits):
    sign, exponent, fraction = -1.0 if bits >> 15 else 1.0, bits >> 7 & 255, bits & 127
    if exponent == 255:
        return sign * math.inf if fraction == 0 else math.nan
    return sign * (math.ldexp(128 + fraction, exponent - 134) if exponent else math.ldexp(fraction, -133))


def e4m3_values():
    """From 0 upwards: the step is 2^-9 for the first 16 values and doubles after each 8 more."""
    values = [0.0]
    for code in range(126):
        values.append(values[-1] + 2.0 ** (max(code // 8, 1) - 10))
    values.append(math.nan)
    return values + [-value for value in values]


def e5m2_values():
    """The upper byte of a float16 whose lower byte is zero."""
    return np.frombuffer(bytes(byte for code in range(256) for byte in (0, code)), "<f2").astype("f4").tolist()


def check_known_values(checks):
    """A few values that are known from the specification of the 8-bit floats."""
    e4m3 = {0x00: 0, 0x01: 2**-9, 0x07: 7 / 512, 0x08: 2**-6, 0x38: 1, 0x3C: 1.5, 0x7E: 448, 0xB8: -1, 0xFE: -448}
    e5m2 = {0x00: 0, 0x01: 2**-16, 0x03: 3 / 65536, 0x04: 2**-14, 0x3C: 1, 0x7B: 57344, 0x7C: math.inf, 0xFC: -math.inf}
    header, arrays = read_ingot.read(GOLDEN[0])
    for kind, known, formula in [("float8E4M3", e4m3, e4m3_values()), ("float8E5M2", e5m2, e5m2_values())]:
        read = arrays[f"values.{kind}"].ravel()
        for code, value in known.items():
            checks.check(read[code] == value == formula[code], f"{kind} {code:#x} is {read[code]}, not {value}")
        checks.check(math.copysign(1, read[0x80]) == -1, f"{kind}: -0")
    dequantized = read_ingot.dequantized(header, arrays, "quantized.weight")
    for row, scale in enumerate([0.5, 0.0078125, 1.5, 3e-5]):
        wanted = arrays["quantized.weight"][row].astype("f4") * np.float32(scale)
        checks.check(np.array_equal(dequantized[row], wanted), f"scaled row {row}")
    checks.check(dequantized[0, 0, 0] == -63.5 and dequantized.dtype == np.float32, "scaled element")


def same(array, values):
    """Equal in type and bits, any NaN being like any other where the type was widened."""
    values = values.reshape(array.shape)
    if array.dtype != values.dtype:
        return False
    if array.dtype.kind != "f":
        return np.array_equal(array, values)
    known = ~np.isnan(values)
    return (np.array_equal(np.isnan(array), ~known) and np.array_equal(array[known], values[known])
            and np.array_equal(np.signbit(array[known]), np.signbit(values[known])))


def check_golden(checks):
    header, arrays = read_ingot.read(GOLDEN_AXES)
    for axis in range(3):
        name = f"axis{axis}.kernel"
        wanted = np.moveaxis(np.moveaxis(arrays[name], axis, -1) * arrays[f"{name}.scales"], -1, axis)
        checks.check(np.array_equal(read_ingot.dequantized(header, arrays, name), wanted), f"scales along {axis}")
    _, arrays = read_ingot.read(GOLDEN_PACKED)
    values = json.loads((PACKED_SOURCE.parent / "expected.json").read_text())[PACKED_SOURCE.name]
    checks.check(arrays.keys() == values.keys() and len(values) == 4 * len(read_ingot.PACKED), "names of packed arrays")
    for name, wanted in values.items():
        checks.check(hashlib.sha256(arrays[name].tobytes()).hexdigest() == wanted["values"], f"values of {name}")
        checks.check(list(arrays[name].shape) == wanted["shape"], f"shape of {name}")
    source = safetensors_arrays(EVERY_TYPE)
    for path in GOLDEN:
        header, arrays = read_ingot.read(path)
        names = set(source) | ({"repeating.weight"} if "compressed" in path.name else set())
        checks.check(set(arrays) == names, f"{path.name}: names of the arrays")
        checks.check(header == read_header(path), f"{path.name}: header")
        kinds = {entry["elementType"] for entry in header["arrays"]}
        # Those that came later are in no file of that time.
        later = {"float8E4M3FNUZ", "float8E5M2FNUZ", "float8E8M0", "complex64", "complex128", "complex32", *read_ingot.PACKED}
        checks.check(kinds == set(read_ingot.TYPES) - later and len(kinds) == 15, f"{path.name}: element types")
        for name, (dtype, shape, data) in source.items():
            checks.check(list(arrays[name].shape) == shape, f"{path.name}: {name}: shape {arrays[name].shape}")
            checks.check(same(arrays[name], expected_values(dtype, data)), f"{path.name}: {name}: values")
            if dtype in NUMPY_TYPES:
                checks.check(arrays[name].tobytes() == data, f"{path.name}: {name}: bits")
        if "compressed" in path.name:
            wanted = np.float32(np.arange(1100).repeat(1000).reshape(1100, 1000) % 97 / 8)
            checks.check(same(arrays["repeating.weight"], wanted), f"{path.name}: repeating.weight")
            checks.check(arrays["repeating.weight"].nbytes > 4 << 20, "one array has more than one block")
    check_known_values(checks)
    checks.end_group("golden files, read by read_ingot")


def published_names(rules, name):
    """Names in the checkpoint of a net's array: of the first layout rule whose left side fits."""
    words = name.split(".")
    for rule in rules:
        pattern = rule["net"].split(".")
        if len(pattern) != len(words) or any(left != right for left, right in zip(pattern, words) if left[0] != "{"):
            continue
        filled = dict(zip(pattern, words))
        sources = rule["from"] if isinstance(rule["from"], list) else [rule["from"]]
        return [".".join(filled.get(word, word) if word[0] == "{" else word for word in source.split("."))
                for source in sources]
    return []


def rounded_to_bfloat16(values):
    """To nearest, ties to even; for finite values."""
    bits = values.view(np.uint32).astype(np.uint64)
    upper, lower = bits >> np.uint64(16), bits & np.uint64(0xFFFF)
    up = (lower > 0x8000) | ((lower == 0x8000) & (upper % 2 == 1))
    return ((upper + up) << np.uint64(16)).astype(np.uint32).view(np.float32)


def check_conversions(checks, conversions):
    source = {name: expected_values(dtype, data).reshape(shape)
              for name, (dtype, shape, data) in safetensors_arrays(DEMO / "model.safetensors").items()}
    layout = json.loads((SCHEMAS / "families" / "blip-vqa.json").read_text())["layouts"]["huggingface"]["nets"]
    convert = {"float32": lambda values: values, "float16": lambda values: values.astype("f2"),
               "bfloat16": rounded_to_bfloat16}
    for options, report in conversions.items():
        used, encodings = [], set()
        for net in report["nets"]:
            header, arrays = read_ingot.read(net["file"])
            checks.check(header["parameters"] == net["parameters"], f"{net['file']}: parameters")
            for entry in header["arrays"]:
                names = published_names(layout[header["net"]], entry["name"])
                values = np.concatenate([source[name] for name in names]).reshape(entry["shape"])
                wanted = convert[entry["elementType"]](values)
                checks.check(same(arrays[entry["name"]], wanted), f"{net['file']}: {entry['name']} is not {names}")
                used += names
                encodings.add(entry.get("encoding"))
        checks.check(sorted(used) == sorted(source), f"convert {options}: every published array is used once")
        wanted = {"zstd-planes" if "--compress" in options else None}
        checks.check(encodings == wanted, f"convert {options}: encodings {encodings}")
    for net in conversions[()]["nets"]:
        header, arrays = read_ingot.read(net["file"])
        entries = [fixtures.entry(entry["name"], entry["elementType"], entry["shape"], arrays[entry["name"]].tobytes())
                   for entry in header["arrays"]]
        again = fixtures.plain_file(header, entries)
        checks.check(again == pathlib.Path(net["file"]).read_bytes(), f"{net['file']}: written again by fixtures.py")
    checks.end_group("conversions of the demo net, read by read_ingot")


# -------------------------------------------------------------------------------------------------------------- refusal


def refused(path, data):
    """Whether read_ingot raises what it promises."""
    path.write_bytes(data)
    try:
        read_ingot.read(path)
    except ValueError:
        return True
    return False


def places_to_damage(path):
    """Bytes all over the file: the prologue's, the header's, of every array the first and last, and padding."""
    data, header = path.read_bytes(), read_header(path)
    end = 64 + struct.unpack_from("<Q", data, 16)[0]
    places = {*range(0, 64, 3), *range(8, 32), 64, end - 1, *range(64, end, end // 12)}
    for entry in header["arrays"]:
        places |= set(range(end, entry["offset"])[::40])
        end = entry["offset"] + entry.get("storedBytes", entry["bytes"])
        if end > entry["offset"]:
            places |= {entry["offset"], (entry["offset"] + end) // 2, end - 1}
    return sorted(places)


def check_statistics(checks, errors, program):
    """What `inspect --statistics` measures, against NumPy."""
    shelf = program.folder / "shelf"
    files = sorted(shelf.glob("blip-vqa/*Release=demo.ingot"))
    checks.check(any("int8" in path.name for path in files), "there are int8 nets")
    for path in [*files, *sorted((program.folder / "shelf---compress").glob("blip-vqa/*.ingot"))]:
        report = program.report(checks, errors, "inspect", "inspect", path, "--statistics")
        header, arrays = read_ingot.read(path)
        for line in report["arrays"]:
            values = read_ingot.dequantized(header, arrays, line["name"]) if (
                arrays[line["name"]].dtype == np.int8) else arrays[line["name"]]
            numpy_checks.check_measured(checks, f"{path.name}: {line['name']}", line["statistics"], values)
    report = program.report(checks, errors, "inspect", "inspect", DEMO, "--check")
    checks.check(report["check"] == {"arrays": len(report["arrays"]), "findings": []}, "the demo net's values")
    report = program.report(checks, errors, "inspect", "inspect", EVERY_TYPE, "--statistics")
    source = safetensors_arrays(EVERY_TYPE)
    for line in report["arrays"]:
        dtype, shape, data = source[line["name"]]
        numpy_checks.check_measured(checks, line["name"], line["statistics"], expected_values(dtype, data).reshape(shape))
    checks.end_group("statistics of arrays, against NumPy")


def check_damage(checks, program):
    target = program.folder / "changed.ingot"
    for path in GOLDEN:
        data = path.read_bytes()
        checks.check(not refused(target, data), f"{path.name} as it is")
        for place in places_to_damage(path):
            changed = flipped(data, place, place % 8)
            checks.check(refused(target, changed), f"{path.name}: bit {place % 8} of byte {place}")
        for length in [0, 1, 8, 63, 64, 65, 200, len(data) // 2, len(data) - 64, len(data) - 1]:
            checks.check(refused(target, data[:length]), f"{path.name}: cut to {length} bytes")
        for more in [b"\0", b"x", bytes(64), bytes(4096)]:
            checks.check(refused(target, data + more), f"{path.name}: {len(more)} bytes more")
    checks.end_group("damaged golden files, refused by read_ingot")


def check_wrong_files(checks, program):
    target = program.folder / "wrong.ingot"
    for right, what, data in wrong_files(*GOLDEN):
        checks.check(refused(target, data) != right, f"read_ingot {'refuses' if right else 'takes'}: {what}")
        done = program.run("verify", target)
        checks.check(
            done.returncode == 0 if right else done.returncode in (1, 65),
            f"ingot verify: exit status {done.returncode}: {what}\n{done.stderr}")
    checks.end_group("files against the rules, refused by read_ingot and by the program")


def main():
    parser = argparse.ArgumentParser(description="Holds the program, its schemas and its format against each other.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    program = parser.parse_args().program.resolve()
    checks, errors = Checks(), schema_checker()
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
        program = Program(program, pathlib.Path(folder))
        try:
            check_family_files(checks, errors)
            check_header_schema(checks, errors)
            conversions = check_reports(checks, errors, program)
            check_golden(checks)
            check_conversions(checks, conversions)
            check_statistics(checks, errors, program)
            check_damage(checks, program)
            check_wrong_files(checks, program)
        except Exception:  # what follows can't be checked, but the sum is still printed
            traceback.print_exc()
            checks.check(False, "the checks could not go on")
    checks.exit()


if __name__ == "__main__":
    main()
