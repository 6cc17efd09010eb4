"""Checks of tools/hub by huggingface_hub and transformers: downloads, changes, lists."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import repositories
import torch
import transformers


def files_of(folder):
    """SHA-256 of all files of a folder, by path."""
    found = pathlib.Path(folder).rglob("*")
    return {str(file.relative_to(folder)): file_digest(file) for file in found if file.is_file()}


def file_digest(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_downloads(checks, client, hub, folder, work):
    """Single files, whole repositories, and the command; what is there isn't fetched again."""
    for name in ("samples/both", "samples/gguf", "samples/nested", "_/small"):
        repository, source = name.removeprefix("_/"), files_of(f"{folder}/{name}")
        for path, wanted in list(source.items())[:8]:
            file = client.hf_hub_download(repository, path)
            checks.check(file_digest(file) == wanted, f"{repository}: {path} as hf_hub_download has it")
        checks.same(files_of(client.snapshot_download(repository)), source, f"{repository} as snapshot_download has it")
    hub.faults()
    client.snapshot_download("samples/both")
    methods = {(record["method"], record["path"].split("/")[1]) for record in hub.log()}
    checks.check(("GET", "samples") not in methods and not hub.log(port="content"), f"nothing fetched twice: {methods}")

    environment = os.environ | {"HF_HOME": f"{work}/command"}
    command = [f"{sys.prefix}/bin/hf", "download", "samples/both", "--revision", "v1.0", "--quiet"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    checks.check(result.returncode == 0, f"hf download: {result.stderr}")
    downloaded = files_of(result.stdout.strip().splitlines()[-1].removeprefix("path: ").strip())
    checks.same(downloaded, files_of(f"{folder}/samples/both@v1.0"), "hf download of a tag")

    net = transformers.AutoModel.from_pretrained("samples/both")
    ids = transformers.AutoTokenizer.from_pretrained("samples/both")("the cat sits.", return_tensors="pt")
    local = transformers.AutoModel.from_pretrained(f"{folder}/samples/both")
    same = torch.equal(net(**ids).pooler_output, local(**ids).pooler_output)
    checks.check(same and ids["input_ids"].shape[1] == 6, "transformers loads a net by its name")

    model = client.hf_hub_download("gpt2", "config.json")
    checks.check(
        file_digest(model) == file_digest(f"{folder}/samples/moved/config.json"), "a repository that has moved"
    )
    for revision in ("dev", "refs/pr/1"):
        told = json.loads(
            pathlib.Path(client.hf_hub_download("samples/both", "config.json", revision=revision)).read_text()
        )
        checks.check(told["branch"] == revision.replace("/", "%2F"), f"the branch {revision}")
    commit = client.model_info("samples/both", revision="dev").sha
    path = client.hf_hub_download("samples/both", "config.json", revision=commit, force_download=True)
    checks.check(commit in path and json.loads(pathlib.Path(path).read_text())["branch"] == "dev", "a commit")
    checks.end_group("downloads")


def check_changes(checks, client, folder):
    """A file that changes has another commit, and the client gets it."""
    before = client.hf_hub_download("samples/moved", "config.json")
    file = pathlib.Path(folder, "samples/moved/config.json")
    for text in ("{}", '{"a": 1}', '{"a": 2}'):
        file.write_text(text)  # in place: its folder doesn't change
        after = client.hf_hub_download("samples/moved", "config.json")
        checks.check(after != before and pathlib.Path(after).read_text() == text, f"a change to {text}")
        before = after
    other = file.with_suffix(".new")
    other.write_text('{"a": 3}')
    other.replace(file)
    after = client.hf_hub_download("samples/moved", "config.json")
    checks.check(after != before and pathlib.Path(after).read_text() == '{"a": 3}', "a file replaced")
    checks.end_group("changes")


def check_lists(checks, client, hub, folder):
    source = files_of(f"{folder}/samples/nested")
    hub.faults()
    entries = list(client.list_repo_tree("samples/nested", recursive=True, expand=True))
    pages = len(hub.log())
    checks.check(pages > 2, f"pages: {pages}")
    found = [entry for entry in entries if hasattr(entry, "size")]
    folders = {entry.path for entry in entries if not hasattr(entry, "size")}
    checks.check(len(found) == len(source) and {entry.path for entry in found} == set(source), "files of a tree")
    parents = {str(parent) for path in source for parent in pathlib.PurePath(path).parents} - {"."}
    checks.check(folders == parents, f"folders of a tree: {folders ^ parents}")
    checks.check(all(entry.last_commit.oid for entry in entries), "commits of a tree that is expanded")
    checks.same(
        {entry.path: entry.lfs.sha256 for entry in found if entry.lfs},
        {path: wanted for path, wanted in source.items() if path.endswith("safetensors")},
        "SHA-256 in a tree",
    )
    top = {entry.path for entry in client.list_repo_tree("samples/nested", "unet")}
    checks.check(top == {"unet/weights.safetensors"}, f"one folder: {top}")
    info = client.model_info("samples/both", files_metadata=True)
    sizes = {str(file.name): file.stat().st_size for file in pathlib.Path(folder, "samples/both").iterdir()}
    checks.same({sibling.rfilename: sibling.size for sibling in info.siblings}, sizes, "sizes in model_info")
    checks.check(info.config["model_type"] == "bert" and info.gated is False and info.private is False, "model_info")
    expanded = client.model_info("samples/gated", expand=["sha", "gated"])
    checks.check(expanded.gated == "manual" and expanded.sha and expanded.siblings is None, "model_info with expand")
    paths = client.get_paths_info(
        "samples/nested", ["unet", "many/03.txt", "text_encoder/a b/ü+%/weights.safetensors", "no"]
    )
    checks.check(
        sorted(entry.path for entry in paths)
        == sorted(["unet", "many/03.txt", "text_encoder/a b/ü+%/weights.safetensors"]),
        "paths",
    )
    refs = client.list_repo_refs("samples/both", include_pull_requests=True)
    names = [[ref.name for ref in kind] for kind in (refs.branches, refs.tags, refs.pull_requests)]
    checks.check(names == [["dev", "main"], ["v1.0"], ["refs/pr/1"]], f"refs: {names}")
    hostile = {
        entry.path for entry in client.list_repo_tree("samples/hostile", recursive=True) if hasattr(entry, "size")
    }
    checks.check(set(repositories.HOSTILE) <= hostile, f"hostile names: {set(repositories.HOSTILE) - hostile}")
    checks.end_group("lists")
