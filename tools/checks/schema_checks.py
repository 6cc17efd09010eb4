"""That family files and headers of net files obey the schemas, and that the schemas refuse what is wrong."""

import copy
import json
import pathlib

import jsonschema
from format_files import GOLDEN, GOLDEN_AXES, SCHEMAS
from referencing import Registry, Resource
from wrong_net_files import REMOVE, put, read_header


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
