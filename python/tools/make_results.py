#!/usr/bin/env python3
"""Makes the dataclasses of src/ingot/results from schemas/reports, which say what the program prints with --json.

    python3 python/tools/make_results.py           writes the files
    python3 python/tools/make_results.py --check   says whether they are what it would write; exit status 1 where not
"""

import argparse
import json
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS, TARGET = ROOT / "schemas", ROOT / "python" / "src" / "ingot" / "results"

#: Reports, as their commands are called, and the definitions of lines that are wanted too.
REPORTS = {
    "inspect": [], "convert": [], "quantize": [], "verify": [], "diff": [], "scan": [], "list": [], "pull": [],
    "sign": [],
    "ask": ["answer"], "caption": ["caption"], "match": ["match", "several"], "classify": ["line"], "embed": ["vector"]}
#: Of these only lines.
LINES = {"ask", "caption", "match", "classify", "embed"}
#: Names that are better than those that follow from where the definition stands.
NAMES = {
    ("ask", "answer"): "Answer", ("caption", "caption"): "Caption", ("match", "match"): "Match",
    ("match", "several"): "Matches", ("classify", "line"): "Classification", ("embed", "vector"): "Vector",
    ("convert", "net"): "WrittenNet", ("convert", "totals"): "Totals", ("convert", "coverage"): "Coverage",
    ("net-file", "tie"): "Tie", ("pull", "fetched"): "Fetched",
    ("sign", "signature"): "Signature", ("sign", "signer"): "Signer", ("verify", "signature"): "VerifiedSignature",
    ("scan", "finding"): "Finding", ("scan", "file"): "ScannedFile",
    ("inspect", "array"): "InspectedArray", ("inspect", "statistics"): "Statistics", ("inspect", "layer"): "Layer"}
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
KEYWORDS = {"class", "from", "global"}


def camel(text):
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_ ]", text))


def singular(text):
    if text.endswith("ies"):
        return text[:-3] + "y"
    return text.removesuffix("es") if text.endswith("sses") else text.removesuffix("s")


def snake(text):
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()
    return name + "_" if name in KEYWORDS else name


class Module:
    """A file of dataclasses, made of one schema."""

    def __init__(self, maker, report):
        self.maker, self.report = maker, report
        self.imports, self.classes, self.known = {}, [], {}
        path = (SCHEMAS if report == "net-file" else SCHEMAS / "reports") / f"{report}.schema.json"
        self.schema = json.loads(path.read_text(encoding="utf-8"))

    def definition(self, name):
        """The class or the type of a definition: an annotation, and code that makes it of the JSON value `{}`."""
        schema = self.schema["$defs"][name]
        if name == "line":  # what isn't a failure
            schema = merged(schema["oneOf"][0], self)
        return self.type_of(schema, NAMES.get((self.report, name)) or camel(self.report) + camel(name))

    def reference(self, target):
        file, _, path = target.partition("#/")
        other = self.maker.module(pathlib.PurePath(file).name.removesuffix(".schema.json")) if file else self
        kind, name = path.split("/")
        if kind == "$defs":
            annotation, code = other.definition(name)
        else:
            annotation, code = other.type_of(other.schema[kind][name], camel(other.report) + camel(name))
        if other is not self:
            for word in re.findall(r"[A-Z]\w+", annotation):
                if word in other.known:
                    self.imports[word] = other.report.replace("-", "_")
        return annotation, code

    def type_of(self, schema, name):
        """`name` is that of the class, where it is one."""
        if "$ref" in schema:
            return self.reference(schema["$ref"])
        if "enum" in schema:
            values = [value for value in schema["enum"] if value is not None]
            text = f"Literal[{', '.join(json.dumps(value) for value in values)}]"
            return text + (" | None" if None in schema["enum"] else ""), "{}"
        for word in ("anyOf", "oneOf"):
            if word in schema and "type" not in schema:
                return union([self.type_of(item, name) for item in schema[word]])
        kinds = schema.get("type")
        if kinds is None:
            return "Any", "{}"
        if isinstance(kinds, list):
            return union([self.type_of(schema | {"type": kind}, name) for kind in kinds])
        if kinds == "array":
            inner, code = self.type_of(schema.get("items", {}), singular(name))
            each = "" if code == "{}" else f"{code.format('item')} for item in "
            return f"tuple[{inner}, ...]", f"tuple({each}{{}})"
        if kinds != "object":
            return PLAIN[kinds], "{}"
        if "properties" in schema:
            return self.made_class(schema, name), f"{name}.from_json({{}})"
        inner, code = self.type_of(schema.get("additionalProperties", {}), singular(name))
        if code == "{}":
            return f"dict[str, {inner}]", "dict({})"
        return f"dict[str, {inner}]", f"{{{{key: {code.format('item')} for key, item in {{}}.items()}}}}"

    def made_class(self, schema, name):
        if name in self.known:
            return name
        self.known[name] = None
        fields, attributes = [], []
        for key, member in schema["properties"].items():
            annotation, code = self.type_of(member, name.removesuffix("Report") + camel(key))
            value = f'value["{key}"]'
            if key not in schema.get("required", []):
                value = f'value.get("{key}")'
                code = code if code == "{}" else f'None if {value} is None else {code}'
                annotation += "" if annotation == "Any" or annotation.endswith("| None") else " | None"
            fields.append((snake(key), annotation, code.replace("{}", value).replace("{{", "{").replace("}}", "}")
                           if code != "{}" else value))
            if member.get("description"):
                attributes.append((snake(key), member["description"]))
        usual = f"Part of what `ingot {self.report} --json` prints."
        self.classes.append((name, schema.get("title") or schema.get("description") or usual, attributes, fields))
        return name

    def text(self):
        body = "\n\n\n".join(class_text(*item) for item in self.classes)
        lines = [f'"""Made by tools/make_results.py from {self.report}.schema.json: change that, not this."""', "",
                 "from __future__ import annotations", "", "from dataclasses import dataclass"]
        typing = [word for word in ("Any", "Literal") if re.search(rf"\b{word}\b", body)]
        lines += [f"from typing import {', '.join(typing)}"] if typing else []
        lines += ["", "from ._record import Record"]
        for report in sorted(set(self.imports.values())):
            names = sorted(name for name, place in self.imports.items() if place == report)
            lines.append(f"from .{report} import {', '.join(names)}")
        everything = ", ".join(f'"{name}"' for name, *_ in sorted(self.classes))
        lines += ["", *textwrap.wrap(f"__all__ = [{everything}]", 118, subsequent_indent="    "), "", "", body, ""]
        return "\n".join(lines)


def merged(schema, module):
    """An object that all of some schemas describe together."""
    out = {"type": "object", "required": schema.get("required", []), "properties": schema.get("properties", {})}
    parts = [*schema.get("allOf", []), *([schema] if "$ref" in schema else [])]
    for part in parts:
        part = module.schema["$defs"][part["$ref"].rpartition("/")[2]]
        out["required"] = part.get("required", []) + out["required"]
        out["properties"] = part["properties"] | out["properties"]
    return out


def union(kinds):
    annotations = sorted(dict.fromkeys(annotation for annotation, _ in kinds), key=lambda text: text == "None")
    made = [code for annotation, code in kinds if annotation != "None"]
    if len(made) == 1 and made[0] != "{}":
        return " | ".join(annotations), f"None if {{}} is None else {made[0]}"
    if "tuple({})" in made and all(code in ("tuple({})", "{}") for code in made):
        return " | ".join(annotations), "tuple({}) if isinstance({}, list) else {}"
    if any(".from_json" in code for code in made):
        return "Any", "{}"  # which of them it is, only the reader can tell
    return " | ".join(annotations), "{}"


def class_text(name, description, attributes, fields):
    def wrapped(text, first, rest):
        return textwrap.wrap(text, 118, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)

    first = description.replace("\\", "\\\\")
    lines = ["@dataclass(frozen=True, kw_only=True)", f"class {name}(Record):"]
    document = wrapped(f'"""{first}', "    ", "    ")
    if attributes:
        document += ["", "    Attributes:"]
        for key, text in attributes:
            document += wrapped(f"{key}: {text}".replace("\\", "\\\\"), "        ", "            ")
        document.append('    """')
    else:
        document[-1] += '"""'
    lines += [*document, ""]
    for key, annotation, _ in fields:
        line = f"    {key}: {annotation}"
        lines += [line] if len(line) <= 120 else literal_lines(key, annotation)
    lines += ["", "    @classmethod", f"    def from_json(cls, value: Any) -> {name}:", "        return cls("]
    lines += packed(["raw=value", *(f"{key}={code}" for key, _, code in fields)])
    return "\n".join(lines)


def packed(arguments):
    """As many of them on each line as there is room for."""
    lines = []
    for number, argument in enumerate(arguments):
        argument += ")" if number == len(arguments) - 1 else ","
        if lines and len(lines[-1]) + 1 + len(argument) <= 118:
            lines[-1] += " " + argument
        else:
            lines += textwrap.wrap(argument, 118, initial_indent=" " * 12, subsequent_indent=" " * 16,
                                   break_long_words=False, break_on_hyphens=False)
    return lines


def literal_lines(key, annotation):
    wrapped = textwrap.wrap(annotation, 112, break_on_hyphens=False, break_long_words=False)
    return [f"    {key}: (", *("        " + line for line in wrapped), "    )"] if "Literal" not in annotation else [
        f"    {key}: Literal[", *("        " + line for line in textwrap.wrap(
            annotation.removeprefix("Literal[").removesuffix("]"), 112, break_on_hyphens=False)), "    ]"]


class Maker:
    def __init__(self):
        self.modules = {}

    def module(self, report):
        if report not in self.modules:
            self.modules[report] = Module(self, report)
        return self.modules[report]

    def files(self):
        for report, definitions in REPORTS.items():
            module = self.module(report)
            if report not in LINES:
                module.type_of({"type": "object"} | module.schema, camel(report) + "Report")
            for name in definitions:
                module.definition(name)
        for report, module in self.modules.items():
            yield f"{report.replace('-', '_')}.py", module.text()
        lines = ['"""What the program\'s JSON becomes. Made by tools/make_results.py: change that, not this."""', ""]
        modules = {report.replace("-", "_"): sorted(name for name, *_ in module.classes)
                   for report, module in sorted(self.modules.items())}
        lines += ["from ._record import Record, made"]
        for report, names in modules.items():
            text = f"from .{report} import {', '.join(names)}"
            lines += [text] if len(text) <= 118 else [f"from .{report} import (", *textwrap.wrap(
                ", ".join(names), 118, initial_indent="    ", subsequent_indent="    "), ")"]
        names = sorted(["Record", "made", *(name for names in modules.values() for name in names)])
        lines += ["", "__all__ = [", *textwrap.wrap(
            ", ".join(f'"{name}"' for name in names), 118, initial_indent="    ", subsequent_indent="    "), "]", ""]
        yield "__init__.py", "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    files = dict(Maker().files())
    stale = [name for name, text in files.items()
             if not (TARGET / name).exists() or (TARGET / name).read_text(encoding="utf-8") != text]
    stale += [path.name for path in TARGET.glob("*.py") if path.name not in {*files, "_record.py"}]
    if check:
        for name in stale:
            print(f"make_results.py: src/ingot/results/{name} is not what the schemas say: run tools/make_results.py")
        sys.exit(bool(stale))
    for name, text in files.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    for name in set(stale) - set(files):
        (TARGET / name).unlink()


if __name__ == "__main__":
    main()
