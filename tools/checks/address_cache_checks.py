"""Checks of `pull` beside the official client, huggingface_hub: each finds what the other fetched, and the cache that
they leave is the same."""

import os
import pathlib
import re
import subprocess
import sys

from hub_command import Command, litter

# Loaded by transformers without a network: its answer must be that of the folder's own files.
LOADS = """
import sys, torch, transformers
nets = [transformers.AutoModel.from_pretrained(place) for place in sys.argv[1:]]
words = transformers.AutoTokenizer.from_pretrained(sys.argv[1])("the cat sits.", return_tensors="pt")
outputs = [net(**words).pooler_output for net in nets]
assert words["input_ids"].shape[1] == 6 and torch.equal(*outputs)
"""
# Repository, revision, and what is fetched of it; nothing: what `pull` chooses.
PULLS = [
    ("samples/both", "main", []),
    ("samples/both", "v1.0", ["*.json"]),
    ("samples/both", "refs/pr/1", ["*.json"]),
    ("samples/gguf", "main", ["*"]),
    ("samples/nested", "main", ["*"]),
    ("samples/medium", "main", ["model.bin"]),
    ("small", "main", []),
]

# Those that the command `hf download` has its turn with; the others are fetched by its library, which is faster.
BY_COMMAND = (0, 4)


def tree(folder):
    """Every file and link of a repository in a cache: content, or where it leads; but for the client's own lists."""
    found = {}
    for place in sorted(pathlib.Path(folder).rglob("*")):
        name = str(place.relative_to(folder))
        if name.startswith("trees/"):
            continue
        if place.is_symlink():
            found[name] = ("link", os.readlink(place))
        elif place.is_file():
            found[name] = ("file", place.read_bytes())
    return found


BODIES = re.compile("/resolve/|/resolve-cache/|/xet-bridge/")


def client(command, *arguments, **variables):
    return subprocess.run(
        arguments, env=command.environment | variables, capture_output=True, text=True, errors="replace"
    )


def pull(command, repository, revision, patterns):
    address = f"hf://{repository}@{revision.replace('/', '%2F')}" if revision != "main" else f"hf://{repository}"
    return command.run("pull", address, *(word for pattern in patterns for word in ("--include", pattern)))


def chosen(command, repository, revision):
    """What `pull` chooses by itself."""
    done = command.run("pull", f"hf://{repository}", "--revision", revision, "--dry-run", "--json")
    return [file["path"] for file in done.json["files"]]


def bodies(hub):
    """Requests that gave bytes of files."""
    return [record for record in hub.log() if record["method"] == "GET" and BODIES.search(record["path"])]


def check_both_ways(checks, ingot, hub, work):
    # Reads its settings from the environment when it is imported.
    os.environ |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HOME": f"{work}/client"}
    import huggingface_hub

    api = huggingface_hub.HfApi(endpoint=hub.hub)
    for index, (repository, revision, patterns) in enumerate(PULLS):
        what = f"{repository}@{revision}"
        ours = Command(ingot, hub, f"{work}/ours-{index}")
        theirs = Command(ingot, hub, f"{work}/theirs-{index}")
        patterns = patterns or chosen(ours, repository, revision)
        # Ours first.
        done = pull(ours, repository, revision, patterns)
        checks.check(done.status == 0, f"pull of {what}: {done.errors}")
        hub.faults()
        options = {"revision": revision, "allow_patterns": patterns}
        found = api.snapshot_download(repository, cache_dir=ours.cache, local_files_only=True, **options)
        checks.check(found == done.output.strip(), f"{what}: {found}, pull: {done.output}")
        checks.check(not hub.log(), f"{what}: the client asked the hub for what is here")
        before = tree(ours.folder(repository))
        download = ["hf", "download", repository, "--revision", revision]
        download += [word for pattern in patterns for word in ("--include", pattern)]
        if index in BY_COMMAND:
            run = client(ours, *download)
            checks.check(run.returncode == 0, f"hf download of {what}: {run.stderr[-300:]}")
        else:
            api.snapshot_download(repository, cache_dir=ours.cache, **options)
        checks.check(not bodies(hub) and hub.log(), f"{what}: the client fetches {[r['path'] for r in bodies(hub)]}")
        checks.same(tree(ours.folder(repository)), before, f"{what} after the client's download")
        # Theirs first.
        if index in BY_COMMAND:
            run = client(theirs, *download)
            checks.check(run.returncode == 0, f"hf download of {what}: {run.stderr[-300:]}")
        else:
            api.snapshot_download(repository, cache_dir=theirs.cache, **options)
        checks.same(before, tree(theirs.folder(repository)), f"{what}: the caches")
        hub.faults()
        done = pull(theirs, repository, revision, patterns)
        checks.check(done.status == 0 and not bodies(hub), f"pull of what the client has, {what}: {done.errors}")
        checks.check(len(hub.log()) == 1, f"pull of what the client has, {what}: {len(hub.log())} requests")
        checks.same(tree(theirs.folder(repository)), before, f"{what} after pull")
        checks.check(not litter(ours.home) + litter(theirs.home), f"litter of {what}")
    checks.end_group("caches")


def check_content(checks, ingot, hub, folder, work):
    """What is in the cache is what the hub's folder holds; transformers and ingot load it without a network."""
    command = Command(ingot, hub, f"{work}/content")
    done = pull(command, "samples/both", "main", [])
    place = pathlib.Path(done.output.strip())
    source = folder / "samples/both"
    wanted = {file.name: file.read_bytes() for file in source.iterdir() if file.name != "pytorch_model.bin"}
    checks.same({file.name: file.read_bytes() for file in place.iterdir()}, wanted, "files of samples/both")
    hub.faults()
    offline = {"HF_HUB_OFFLINE": "1"}
    run = client(command, sys.executable, "-c", LOADS, "samples/both", str(source), **offline)
    checks.check(run.returncode == 0, f"transformers, offline: {run.stderr[-500:]}")
    done = command.run("inspect", place, "--json", **offline)
    here = command.run("inspect", source, "--json")
    checks.check(not done.status and done.json["arrays"] == here.json["arrays"], f"inspect of it: {done.errors}")
    checks.check(not hub.log(), "the hub was asked though offline")
    # A file whose length is another one isn't taken for the hub's.
    blob = (place / "model.safetensors").resolve()
    blob.write_bytes(blob.read_bytes()[:-1])
    done = pull(command, "samples/both", "main", [])
    right = (place / "model.safetensors").read_bytes() == wanted["model.safetensors"]
    checks.check(not done.status and right, f"a blob that was cut short: {done.errors}")
    # The branch goes on: what is the same is kept, the rest is fetched.
    changed = source / "config.json"
    text = changed.read_text()
    try:
        changed.write_text(text.replace("\n", "\n\n", 1))
        hub.faults()
        done = pull(command, "samples/both", "main", [])
        fetched = [record["path"].split("?")[0].rpartition("/")[2] for record in bodies(hub)]
        checks.check(set(fetched) == {"config.json"}, f"a new commit: fetched {fetched}")
        new = pathlib.Path(done.output.strip())
        checks.check(new != place and (new / "config.json").read_text() != text, "a new commit: its configuration")
        checks.check((place / "config.json").read_text() == text, "the commit before is as it was")
        checks.check((command.folder("samples/both") / "refs/main").read_text() == new.name, "refs/main")
    finally:
        changed.write_text(text)
    # Cache by its variables.
    for variables, cache in (
        ({"HF_HUB_CACHE": f"{work}/elsewhere"}, f"{work}/elsewhere"),
        ({"HF_HOME": f"{work}/home"}, f"{work}/home/hub"),
        ({"HF_HOME": "", "XDG_CACHE_HOME": f"{work}/xdg"}, f"{work}/xdg/huggingface/hub"),
        ({"HF_HOME": "", "XDG_CACHE_HOME": "", "HOME": f"{work}/user"}, f"{work}/user/.cache/huggingface/hub"),
    ):
        done = command.run("pull", "hf://samples/gguf", **variables)
        checks.check(done.output.startswith(f"{cache}/models--samples--gguf/"), f"{variables}: {done.output}")
    checks.end_group("what is in the cache")


def check_caches(checks, ingot, hub, folder, work):
    check_both_ways(checks, ingot, hub, work)
    check_content(checks, ingot, hub, folder, work)
