"""Checks of addresses in place of paths: inspect, scan, diff, verify --source, convert, and what they fetch for it."""

import json
import pathlib

from hub_command import NO_INPUT, UNAVAILABLE, USAGE, Command, answered, asked

# Of a report on files, what must be the same of those files at an address: the rest tells of where they are, and of how
# the net is run, for which nothing is fetched.
SAME = ["kind", "family", "layout", "parameters", "arrays", "totals", "configuration", "coverage", "tied", "container"]
# Most requests, redirects apart, and bytes.
MOST = {
    "hf://samples/blip-vqa": (3, 120_000),
    "hf://samples/shards": (170, 600_000),
    "hf://samples/both": (3, 90_000),
    # Two of them for files that most repositories have, and this one hasn't.
    "hf://samples/gguf": (4, 5_000),
    "hf://samples/both/pytorch_model.bin": (4, 150_000),
    "hf://samples/more/arrays.npz": (4, 140_000),
}


def check_reports(checks, command, folder):
    """The report of an address is that of the files here."""
    content = command.hub.content
    for address, (requests, most) in MOST.items():
        local = folder / address.removeprefix("hf://")
        command.hub.faults()
        done = command.run("inspect", address, "--json")
        records = answered(command.hub.log())
        sent = sum(record["sent"] for record in records)
        checks.check(len(records) <= requests, f"{address}: {len(records)} requests")
        checks.check(sent <= most, f"{address}: {sent} bytes")
        if done.status:
            checks.fail(f"{address}: status {done.status}, {done.errors}")
            continue
        told = done.json["fetched"]
        checks.check(told["requests"] == len(records), f"{address}: says {told} of {len(records)} requests")
        bodies = sum(record["sent"] for record in command.hub.log() if (record["status"] or 0) // 100 != 3)
        checks.check(told["bytes"] == bodies, f"{address}: says {told} of {bodies} bytes")
        here = command.run("inspect", local, "--json").json
        checks.check(len(here["arrays"]) > 0, f"{local} has arrays")
        for key in SAME:
            checks.check(done.json.get(key) == here.get(key), f"{address}: {key} differ from those of the files here")
    for place in ("both/model.safetensors", "both/pytorch_model.bin", "gguf/sample-f16.gguf", "more/arrays.npz",
                  "blip-vqa/model.safetensors"):
        done = command.run("inspect", f"{content}/files/samples/{place}", "--json")
        here = command.run("inspect", folder / "samples" / place, "--json")
        same = not done.status and done.json["arrays"] == here.json["arrays"]
        checks.check(same, f"{place} of a server that is no hub: {done.status} {done.errors}")
    checks.end_group("inspect")


def check_names(checks, command):
    """Revisions, pages of the hub, repositories without an organization, and those that have moved."""
    hub, run = command.hub.hub, command.run
    both = run("inspect", "hf://samples/both", "--json").json["arrays"]
    moved = run("inspect", "hf://samples/moved", "--json").json["arrays"]
    commit = run("pull", "hf://samples/both", "--dry-run", "--json").json["commit"]
    for address, wanted in (
        (f"{hub}/samples/both", both),
        (f"{hub}/samples/both/tree/main", both),
        (f"{hub}/samples/both/blob/main/model.safetensors", both),
        (f"{hub}/samples/both/resolve/main/model.safetensors", both),
        ("hf://samples/both@main", both),
        (f"hf://samples/both@{commit}", both),
        ("hf://gpt2", moved),
        ("hf://samples/old-name", moved),
    ):
        done = run("inspect", address, "--json")
        checks.check(not done.status and done.json["arrays"] == wanted, f"{address}: {done.status} {done.errors}")
    done = run("inspect", "hf://small", "--json")
    checks.check(not done.status and done.json["arrays"], f"hf://small: {done.errors}")
    for revision, branch in (("dev", "dev"), ("v1.0", "v1.0"), ("refs%2Fpr%2F1", "refs%2Fpr%2F1")):
        done = run("pull", f"hf://samples/both@{revision}", "--include", "config.json")
        place = pathlib.Path(done.output.strip() or "/nowhere", "config.json")
        right = place.exists() and json.loads(place.read_text())["branch"] == branch
        checks.check(right, f"the branch {revision}: {done.status} {done.errors}")
    done = run("inspect", "hf://samples/nested/text_encoder/a b/ü+%", "--json")
    names = [] if done.status else [array["name"] for array in done.json["arrays"]]
    checks.check(names == ["text_encoder/a b/ü+%/w"], f"a folder whose name must be quoted: {done.errors}")
    for address, status, error in (
        ("hf://", USAGE, "hf://: names no repository"),
        ("hf://datasets/a/b", USAGE, "hf://datasets/a/b: is of datasets, not of nets"),
        ("hf://a b/c", USAGE, "hf://a b/c: names no repository"),
        ("hf://a/../c", USAGE, "hf://a/../c: names no repository"),
        ("hf://a/b/../c", USAGE, "hf://a/b/../c: names no file of a repository"),
        ("http://user:secret@localhost/x", USAGE, "http://…: has a name and a password in it"),
        (f"{command.hub.content}/files/none", NO_INPUT, f"{command.hub.content}/files/none: there is no such file"),
    ):
        done = run("inspect", address)
        checks.check(done.status == status and done.error.startswith(error), f"{address}: {done.status} {done.errors}")
        checks.check("secret" not in done.errors, f"{address}: a password is told")
        checks.check(done.hint != "", f"{address}: no hint")
    checks.end_group("names")


def check_commands(checks, command, folder, work):
    """scan, diff, verify --source, convert."""
    run, content = command.run, command.hub.content
    for address in ("hf://samples/more/harmful.bin", f"{content}/files/samples/more/harmful.bin"):
        done, here = run("scan", address, "--json"), run("scan", folder / "samples/more/harmful.bin", "--json")
        checks.check(done.status == here.status == 1, f"scan {address}: {done.status} {done.errors}")
        found = [[{k: v for k, v in item.items() if k not in ("path", "file")} for item in report.get("findings", [])]
                 for report in ((done.json, here.json) if done.status == 1 else ({}, {}))]
        checks.check(found[0] == found[1], f"scan {address}: {found[0]}, here {found[1]}")
    done = run("scan", "hf://samples/both")
    checks.check(done.status == 0, f"scan of a repository: {done.status} {done.errors}")
    other = folder / "samples/both/pytorch_model.bin"
    for a, b, status in (
        ("hf://samples/both", other, 0),
        (other, "hf://samples/both", 0),
        ("hf://samples/both", "hf://samples/both/pytorch_model.bin", 0),
        ("hf://samples/both", "hf://samples/gguf", 1),
        ("hf://samples/both", f"{content}/files/samples/both/model.safetensors", 0),
    ):
        done = run("diff", a, b)
        checks.check(done.status == status, f"diff {a} {b}: {done.status} {done.errors}")
    shelves = [pathlib.Path(work, name) for name in ("from-hub", "from-here")]
    for source, shelf in zip(("hf://samples/both", folder / "samples/both"), shelves):
        done = run("convert", source, "--shelf", shelf)
        checks.check(done.status == 0, f"convert {source}: {done.status} {done.errors}")
    nets = [sorted(shelf.rglob("*.ingot")) for shelf in shelves]
    checks.check(len(nets[0]) == len(nets[1]) == 1, f"nets: {nets}")
    if nets[0] and nets[1]:
        done = run("diff", nets[0][0], nets[1][0])
        checks.check(done.status == 0, f"nets of an address and of files here differ: {done.output}{done.errors}")
    sources = {"hf://samples/both": 0, "hf://samples/both/pytorch_model.bin": 0, "hf://samples/other": 1}
    for source, status in sources.items():
        done = run("verify", "--set", "Release=both", "--shelf", shelves[0], "--source", source)
        checks.check(done.status == status, f"verify --source {source}: {done.status} {done.output}{done.errors}")
    checks.end_group("scan, diff, convert, verify")


def check_inspect(checks, ingot, hub, folder, work):
    command = Command(ingot, hub, f"{work}/inspect")
    check_reports(checks, command, folder)
    check_names(checks, command)
    check_commands(checks, command, folder, work)
    checks.check(asked(hub.log(port="third")) == 0, "a third host is asked")
