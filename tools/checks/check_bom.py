#!/usr/bin/env python3
"""Checks the bills of materials of `ingot inspect --bom` with CycloneDX's own library and schema.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_bom.py .build/release/ingot

Of net files, float and int8, of checkpoints in each container that the tests have, in one file and in shards, and of folders
with model cards: the bill obeys CycloneDX's schema, strictly; the library reads it, and writes it again; the SHA-256 of every
file is right, and the counts are those of the file; the same bytes elsewhere give the same bill, others another serial number.

Prints a line per group and the sum; exits with status 1 if anything failed.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy as np
from checks import Checks
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import ComponentType
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.output import make_outputter
from cyclonedx.validation.json import JsonStrictValidator
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "weights" / "demo"
CONTAINERS = ROOT / "Tests" / "CheckpointsTests" / "Fixtures"
LAYOUTS = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "layouts"
CARDS = {
    "license: mit": {"id": "MIT"}, "license: 'bsd-3-clause'   # as it was": {"id": "BSD-3-Clause"},
    'license: "Apache-2.0"': {"id": "Apache-2.0"}, "license: openrail": {"name": "openrail"},
    "license: other\nlicense_name: our-own": {"name": "our-own"}, "tags: [x]": None,
}


class Bills:
    def __init__(self, program, folder, checks):
        self.program, self.folder, self.checks = program, folder, checks
        self.validator = JsonStrictValidator(SchemaVersion.V1_6)

    def run(self, *arguments, status=0, **environment):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              env={**os.environ, **environment})
        shown = " ".join(map(str, arguments))
        self.checks.check(done.returncode == status, f"ingot {shown}: exit status {done.returncode}, not {status}\n{done.stderr}")
        return done

    def bill(self, what, *arguments, **environment):
        """The bill, once it is known to be one."""
        done = self.run("inspect", what, "--bom", "-", *arguments, **environment)
        problem = self.validator.validate_str(done.stdout)
        self.checks.check(problem is None, f"the schema against the bill of {what}: {str(problem)[:300]}")
        bill = json.loads(done.stdout)
        read = Bom.from_json(bill)
        self.checks.check(read.metadata.component.type == ComponentType.MACHINE_LEARNING_MODEL, f"of {what}: no model")
        if CONTAINERS in pathlib.Path(what).parents:  # of which there are many
            return bill
        again = make_outputter(read, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
        self.checks.check(self.validator.validate_str(again) is None, f"the library can't write the bill of {what} again")
        self.checks.check("/" not in bill["metadata"]["component"]["name"], f"of {what}: a name with a folder")
        self.checks.check("timestamp" not in bill["metadata"] or environment, f"of {what}: a time that nobody gave")
        return bill

    def check_files(self, bill, paths):
        """The files of a bill are those, with their SHA-256."""
        model = bill["metadata"]["component"]
        found = {part["name"]: part["hashes"] for part in model["components"]}
        wanted = {path.name: [{"alg": "SHA-256", "content": digest(path)}] for path in paths}
        self.checks.same(found, wanted, f"files of {model['name']}")
        if len(paths) == 1:
            self.checks.check(model["hashes"] == wanted[paths[0].name], f"the SHA-256 of {model['name']}")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def properties(bill):
    return {one["name"].removeprefix("ingot:"): one["value"] for one in bill["metadata"]["component"]["properties"]}


def check_containers(bills):
    """Whatever the tests have of sound files."""
    checks, count = bills.checks, 0
    for path in sorted(CONTAINERS.glob("*/*")):
        if path.suffix in (".json", ".txt", ".py") or path.is_dir():
            continue
        if subprocess.run([bills.program, "inspect", path], capture_output=True, timeout=120).returncode:
            continue
        bill = bills.bill(path)
        if len(bill["metadata"]["component"]["components"]) == 1:
            bills.check_files(bill, [path])
        count += 1
    checks.check(count > 40, f"{count} files only")
    checks.end_group(f"{count} files of the tests")


def check_checkpoints(bills):
    checks, folder = bills.checks, bills.folder
    bill = bills.bill(DEMO)
    bills.check_files(bill, [DEMO / "model.safetensors"])
    arrays = load_file(DEMO / "model.safetensors")
    told = properties(bill)
    checks.check(told["arrays"] == str(len(arrays)) and told["family"] == "blip-vqa", f"of weights/demo: {told}")
    checks.check(told["elements"] == str(sum(array.size for array in arrays.values())), f"elements of weights/demo: {told}")
    card = bill["metadata"]["component"]["modelCard"]["modelParameters"]
    checks.check(card["task"] == "visual-question-answering", f"the model card: {card}")
    for layout in sorted(LAYOUTS.iterdir()):
        if layout.is_dir() and subprocess.run([bills.program, "inspect", layout], capture_output=True).returncode == 0:
            bills.bill(layout)
    shards = folder / "shards"
    shards.mkdir()
    names = {}
    for number in (1, 2):
        file = f"model-0000{number}-of-00002.safetensors"
        save_file({f"a{number}": np.full((2, 3), number, "f4")}, shards / file)
        names[f"a{number}"] = file
    (shards / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 48}, "weight_map": names}))
    bill = bills.bill(shards)
    bills.check_files(bill, [shards / name for name in names.values()])
    checks.check("hashes" not in bill["metadata"]["component"] and properties(bill)["elements"] == "12", "of shards")
    checks.end_group("checkpoints")


def check_nets(bills):
    checks, folder = bills.checks, bills.folder
    shelf = folder / "shelf"
    bills.run("convert", DEMO, "--shelf", shelf)
    bills.run("quantize", "--set", "Release=demo", "--shelf", shelf)
    nets = sorted(shelf.rglob("*.ingot"))
    checks.check(len(nets) == 6, f"{len(nets)} nets")
    for net in nets:
        bill = bills.bill(net)
        bills.check_files(bill, [net])
        model = bill["metadata"]["component"]
        ancestors = {one["name"]: one["hashes"][0]["content"] for one in model["pedigree"]["ancestors"]}
        if "int8" not in net.name:
            checks.check("model.safetensors" in ancestors, f"what {net.name} came from: {ancestors}")
            checks.same(ancestors, {name: digest(DEMO / name) for name in ancestors}, f"what {net.name} came from")
        told = properties(bill)
        checks.check(told["parameter:Precision"] == ("int8" if "int8" in net.name else "float32"), f"of {net.name}: {told}")
        inspected = json.loads(bills.run("inspect", net, "--json").stdout)
        checks.check(told["parameters"] == str(inspected["totals"]["parameters"]), f"parameters of {net.name}")
    by_parameters = bills.run("inspect", "--set", "Release=demo", "--set", "Part=TextDecoder", "--shelf", shelf, "--bom", "-")
    chosen = next(net for net in nets if "Part=TextDecoder,Precision=float32" in net.name)
    checks.check(json.loads(by_parameters.stdout) == bills.bill(chosen), "the bill of a net by its parameters is another")
    bills.run("inspect", "--set", "Release=none", "--shelf", shelf, "--bom", "-", status=64)
    checks.end_group("nets of the shelf")


def check_licences(bills):
    for number, (card, licence) in enumerate(CARDS.items()):
        folder = bills.folder / f"card{number}"
        folder.mkdir()
        save_file({"a": np.zeros(3, "f4")}, folder / "model.safetensors")
        (folder / "README.md").write_text(f"---\nlanguage: en\n{card}\n---\nlicense: gpl-3.0\n")
        found = bills.bill(folder)["metadata"]["component"].get("licenses")
        wanted = licence and [{"license": {**licence, "acknowledgement": "declared"}}]
        bills.checks.check(found == wanted, f"the licence of {card!r}: {found}")
        alone = bills.bill(folder / "model.safetensors")["metadata"]["component"].get("licenses")
        bills.checks.check(alone is None, f"the licence of a file beside {card!r}: {alone}")
    bills.checks.end_group("licences of model cards")


def check_determinism(bills):
    checks, folder = bills.checks, bills.folder
    first, second = folder / "here" / "net", folder / "there" / "deep" / "net"
    for place in (first, second):
        shutil.copytree(DEMO, place)
    checks.check(bills.bill(first) == bills.bill(second) == bills.bill(first), "the same bytes give two bills")
    number = bills.bill(first)["serialNumber"]
    checks.check(re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", number), number)
    dated = bills.bill(first, SOURCE_DATE_EPOCH="1700000000")
    checks.check(dated["metadata"]["timestamp"] == "2023-11-14T22:13:20Z", dated["metadata"].get("timestamp"))
    checks.check(dated["serialNumber"] == number, "the time changes the serial number")
    for epoch, text in (("0", "1970-01-01T00:00:00Z"), ("951782400", "2000-02-29T00:00:00Z"),
                        ("4107542399", "2100-02-28T23:59:59Z"), ("253402300799", "9999-12-31T23:59:59Z")):
        dated = bills.bill(first, SOURCE_DATE_EPOCH=epoch)
        checks.check(dated["metadata"]["timestamp"] == text, f"{epoch}: {dated['metadata']['timestamp']}")
    bills.run("inspect", first, "--bom", "-", status=64, SOURCE_DATE_EPOCH="yesterday")
    bills.run("inspect", first, "--bom", folder / "bill.json")
    checks.check(json.loads((folder / "bill.json").read_text()) == bills.bill(first), "the file has another bill")
    content = bytearray((second / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (second / "model.safetensors").write_bytes(content)
    checks.check(bills.bill(second)["serialNumber"] != number, "other bytes give the same serial number")
    bills.run("inspect", first, "--bom", "-", "--json", status=64)
    checks.end_group("the same bytes give the same bill")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    program = os.path.realpath(parser.parse_args().program)
    for name in ("INGOT_SHELF", "SOURCE_DATE_EPOCH"):
        os.environ.pop(name, None)
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        bills = Bills(program, pathlib.Path(folder).resolve(), checks)
        check_checkpoints(bills)
        check_nets(bills)
        check_licences(bills)
        check_determinism(bills)
        check_containers(bills)
    checks.exit()


if __name__ == "__main__":
    main()
