"""That receipts obey their schema, that their digests are those of what is there, and that `verify` computes them again."""

import hashlib
import json
import pathlib
import struct

from format_files import CLIP, DEMO, EMBEDDER, TINY
from schema_checks import check_refused, check_valid
from wrong_net_files import REMOVE

PICTURES = [DEMO / "pictures" / name for name in ("red-circle-0004.png", "black-rectangle-0011.png")]
# Where a net file states the digest of its head (schemas/FORMAT.md).
DIGEST = slice(32, 64)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def receipt_of(checks, errors, program, shelf, name, *arguments):
    """The receipt of a command, whose parts are looked at without the program; and what the command prints."""
    path = program.folder / f"{name}.receipt"
    done = program.run(*arguments, "--shelf", shelf, "--receipt", path, "--json")
    checks.check(done.returncode == 0, f"{name} --receipt: {done.stderr}")
    receipt = json.loads(path.read_text())
    check_valid(checks, errors, "receipt", receipt, f"receipt of {name}")
    heads = {net.read_bytes()[DIGEST].hex() for net in pathlib.Path(shelf).glob("*/*.ingot")}
    for net in receipt["nets"]:
        checks.check(net["sha256"] in heads, f"receipt of {name}: no net file has the digest of its {net['net']}")
    for item in receipt["items"]:
        if "image" in item:
            checks.check(item["imageSHA256"] == sha256(pathlib.Path(item["image"]).read_bytes()), f"{name}: an image's SHA-256")
    whole = b"".join(bytes.fromhex(item["scoresSHA256"]) for item in receipt["items"])
    checks.check(receipt["scoresSHA256"] == sha256(whole), f"receipt of {name}: SHA-256 of all scores")

    # Computed again, by other kernels and threads too; and what was changed is found.
    for options in (), ("--kernels", "portable", "--threads", "3"):
        found = program.report(checks, errors, "verify", "verify", "--receipt", path, "--shelf", shelf, *options)
        checks.check(found["receipt"]["results"] == len(receipt["items"]), f"receipt of {name}: verified results")
    other = json.loads(json.dumps(receipt))
    other["items"][0]["scoresSHA256"] = "0" * 64
    whole = b"".join(bytes.fromhex(item["scoresSHA256"]) for item in other["items"])
    other["scoresSHA256"] = sha256(whole)
    path.write_text(json.dumps(other))
    found = program.report(checks, errors, "verify", "verify", "--receipt", path, "--shelf", shelf, status=1)
    checks.check(len(found["receipt"]["different"]) == 1, f"receipt of {name}: {found['receipt']}")
    return receipt, json.loads(done.stdout)


def check_receipts(checks, errors, program, shelf):
    """Of the demo net's answers on a shelf, of a classifier and of both kinds of embedders."""
    asked = ["ask", PICTURES[0], "what shape is present?", "is there a blue triangle?", "--image", PICTURES[1]]
    receipt, _ = receipt_of(checks, errors, program, shelf, "ask", *asked, "--set", "Release=demo", "--set", "Precision=float32")
    checks.check(len(receipt["items"]) == 4 and receipt["items"][0]["result"] == "circle", "a receipt of answers")
    check_refused(checks, errors, "receipt", receipt, [
        ["receipt", 2], ["task", "sing"], ["nets", []], ["nets", 0, "sha256", "x"], ["settings", "x", 1],
        ["items", 0, "imageSHA256", REMOVE], ["items", 0, "scoresSHA256", REMOVE], ["scoresSHA256", REMOVE]])

    shelf = program.folder / "receipts"
    for source, release in ((TINY[1], "classes"), (CLIP, "both"), (EMBEDDER, "texts")):
        done = program.run("convert", source, "--set", f"Release={release}", "--shelf", shelf)
        checks.check(done.returncode == 0, f"{source}: {done.stderr}")
    receipt, report = receipt_of(checks, errors, program, shelf, "classify", "classify", PICTURES[0], "--set",
                                 "Release=classes", "--top", "1000")
    classes = report["images"][0]["classes"]
    scores = b"".join(struct.pack("<id", found["class"], found["probability"]) for found in classes)
    checks.check(receipt["items"][0]["scoresSHA256"] == sha256(scores), "classes are not what their receipt is of")
    for release, given in (("texts", ["a cat", "two dogs"]), ("both", ["a cat", PICTURES[0]])):
        vectors = program.folder / f"{release}.npy"
        receipt, _ = receipt_of(checks, errors, program, shelf, f"embed-{release}", "embed", *given, "--set",
                                f"Release={release}", "--output", vectors)
        data = vectors.read_bytes()
        size = (len(data) - 10 - int.from_bytes(data[8:10], "little")) // len(given)
        for number, item in enumerate(receipt["items"]):
            row = data[len(data) - size * (len(given) - number):][:size]
            checks.check(item["scoresSHA256"] == sha256(row), f"vector {number} of {release} is not what its receipt is of")
    checks.end_group("receipts")
