#!/usr/bin/env python3
"""Is the hub for tests (tools/hub) true to the real one? Asks the official client, huggingface_hub, and git and curl.

    pip install huggingface_hub transformers torch safetensors gguf      (and git, curl and openssl on the system)
    python3 tools/checks/check_hub_server.py

1. Its sample weights are what they say: safetensors, torch, gguf and transformers read them.
2. Commits, folders and blobs have the names that git gives them.
3. huggingface_hub, pointed at it by HF_ENDPOINT, downloads, finds what it has, resolves branches, lists, reads the
   metadata of safetensors files, and raises the exceptions that it has for each error. HF_HUB_DISABLE_XET=1 is set
   throughout: the hub for tests says of large files, as the real one does, that they are in Xet storage, but has none.
4. Tokens stay with the hub; latency and rates are kept.
5. Every fault is what curl calls by its name (hub_fault_checks.py).

Prints a line per group and the sum; exits with status 1 if anything failed.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from checks import Checks

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(TOOLS / "hub"))

import repositories  # noqa: E402
from hub_fault_checks import check_faults  # noqa: E402
from running_hub import RunningHub  # noqa: E402

LARGE = 40_000_000


def files_of(folder):
    """SHA-256 of all files of a folder, by path."""
    found = pathlib.Path(folder).rglob("*")
    return {str(file.relative_to(folder)): digest(file) for file in found if file.is_file()}


def digest(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_downloads(checks, client, hub, folder, work):
    """Single files, whole repositories, and the command; what is there isn't fetched again."""
    for name in ("samples/both", "samples/gguf", "samples/nested", "_/small"):
        repository, source = name.removeprefix("_/"), files_of(f"{folder}/{name}")
        for path, wanted in list(source.items())[:8]:
            file = client.hf_hub_download(repository, path)
            checks.check(digest(file) == wanted, f"{repository}: {path} as hf_hub_download has it")
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

    model = client.hf_hub_download("gpt2", "config.json")
    checks.check(digest(model) == digest(f"{folder}/samples/moved/config.json"), "a repository that has moved")
    for revision in ("dev", "refs/pr/1"):
        told = json.loads(pathlib.Path(client.hf_hub_download("samples/both", "config.json", revision=revision)).read_text())
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
    paths = client.get_paths_info("samples/nested", ["unet", "many/03.txt", "text_encoder/a b/ü+%/weights.safetensors", "no"])
    checks.check(sorted(entry.path for entry in paths) == sorted(["unet", "many/03.txt", "text_encoder/a b/ü+%/weights.safetensors"]), "paths")
    refs = client.list_repo_refs("samples/both", include_pull_requests=True)
    names = [[ref.name for ref in kind] for kind in (refs.branches, refs.tags, refs.pull_requests)]
    checks.check(names == [["dev", "main"], ["v1.0"], ["refs/pr/1"]], f"refs: {names}")
    hostile = {entry.path for entry in client.list_repo_tree("samples/hostile", recursive=True) if hasattr(entry, "size")}
    checks.check(set(repositories.HOSTILE) <= hostile, f"hostile names: {set(repositories.HOSTILE) - hostile}")
    checks.end_group("lists")


def check_metadata(checks, client, folder):
    """get_safetensors_metadata, of one file and of shards, finds what the files' headers say."""
    for name in ("samples/both", "samples/blip-vqa", "samples/shards"):
        metadata = client.get_safetensors_metadata(name)
        wanted = {}
        for file in pathlib.Path(folder, name).glob("*.safetensors"):
            with open(file, "rb") as stream:
                header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
            wanted |= {key: (file.name, value["dtype"], value["shape"]) for key, value in header.items() if key[0] != "_"}
        found = {
            key: (file, value.dtype, list(value.shape))
            for file, of_file in metadata.files_metadata.items()
            for key, value in of_file.tensors.items()
        }
        checks.same(found, wanted, f"metadata of {name}")
        checks.check(len(metadata.weight_map) == len(wanted), f"weight map of {name}")
    checks.check(len(metadata.files_metadata) == 163, "163 shards")
    checks.end_group("metadata of safetensors files")


def check_errors(checks, client, hub):
    """Each error is raised as the client's own exception, with the status that the real hub has."""
    from huggingface_hub import errors

    def raises(error, status, call, *arguments, words="", **options):
        what = f"{call.__name__}{arguments} {options}"
        try:
            call(*arguments, **options)
        except Exception as problem:
            same = type(problem) is error and problem.response.status_code == status and words in str(problem)
            checks.check(same, f"{what} raises {type(problem).__name__}: {problem}")
        else:
            checks.fail(f"{what} raises nothing")

    file, info, stranger = client.hf_hub_download, client.model_info, {"token": "hf_stranger"}
    raises(errors.RepositoryNotFoundError, 401, file, "samples/none", "config.json")
    raises(errors.RepositoryNotFoundError, 401, info, "samples/none")
    raises(errors.RepositoryNotFoundError, 404, info, "samples/none", **stranger)
    raises(errors.RepositoryNotFoundError, 401, info, "samples/private")
    raises(errors.RepositoryNotFoundError, 404, file, "samples/private", "config.json", **stranger)
    raises(errors.GatedRepoError, 401, file, "samples/gated", "config.json", words="Please log in")
    raises(errors.GatedRepoError, 403, file, "samples/gated", "model.safetensors", words="authorized list", **stranger)
    raises(errors.GatedRepoError, 403, client.auth_check, "samples/gated", **stranger)
    raises(errors.DisabledRepoError, 403, info, "samples/disabled")
    raises(errors.RevisionNotFoundError, 404, file, "samples/both", "config.json", revision="none")
    raises(errors.RevisionNotFoundError, 404, info, "samples/both", revision="0" * 40)
    raises(errors.RemoteEntryNotFoundError, 404, file, "samples/both", "none.json")
    raises(errors.RemoteEntryNotFoundError, 404, lambda *arguments: list(client.list_repo_tree(*arguments)), "samples/both", "none")
    raises(errors.HfHubHTTPError, 401, info, "samples/both", words="Invalid credentials", token="hf_nobody")
    raises(errors.NotASafetensorsRepoError, None, lambda: ask_status(client.get_safetensors_metadata, "samples/gguf"))
    checks.check(client.whoami(token="hf_reader")["name"] == "reader", "whoami")
    checks.check(client.auth_check("samples/gated", token="hf_reader") is None, "auth_check")
    for name in ("samples/private", "samples/gated"):
        checks.check(os.path.exists(file(name, "model.safetensors", token="hf_reader")), f"{name} with a token")
    hub.faults({"fault": "status", "status": 429, "retry_after": 1, "times": 1, "path": "samples/both/pytorch_model.bin", "port": "content"})
    file("samples/both", "pytorch_model.bin", force_download=True)
    asked = hub.log(port="content")
    checks.check([record["status"] for record in asked] == [429, 200], "429, then again")
    checks.check(asked[1]["time"] - asked[0]["time"] >= 1, "Retry-After is kept")
    checks.end_group("errors")


def ask_status(call, *arguments):
    """Calls; an error that has no response gets one without a status."""
    try:
        call(*arguments)
    except Exception as problem:
        problem.response = type("None", (), {"status_code": None})
        raise


def check_lines(checks, client, hub, folder):
    """Lines that break, damage bytes and are slow, as the client sees them; and to whom tokens go."""
    import httpx2

    wanted, hidden = digest(f"{folder}/samples/large/model.bin"), {"port": "content", "path": "samples/large/*"}

    def fetched():
        return digest(client.hf_hub_download("samples/large", "model.bin", force_download=True, token="hf_reader"))

    hub.faults(hidden | {"fault": "close", "at": LARGE * 3 // 5, "times": 1})
    checks.check(fetched() == wanted, "a line that breaks: resumed")
    first, second = hub.log(port="content")
    # The client keeps whole chunks; what it had of the next one is asked for again.
    start = int((second["range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    checks.check(first["sent"] == LARGE * 3 // 5 and 0 < start <= first["sent"], f"resumed at {start}: {first}")
    checks.check(second["status"] == 206 and second["sent"] == LARGE - start, f"resumed: {second}")
    hub.faults(hidden | {"fault": "reset", "at": LARGE // 2, "times": 1})
    try:
        fetched()
        checks.fail("a reset passes the client")
    except httpx2.ReadError as problem:  # which it doesn't resume after
        checks.check("reset" in str(problem), f"a reset: {problem}")
    hub.faults(hidden | {"fault": "flip", "offset": 12_345_678, "times": 1})
    checks.check(fetched() != wanted and hub.rules()[0]["hits"] == 1, "a flipped byte passes the client")
    checks.check(fetched() == wanted, "the byte is flipped once")
    tokens = {(record["port"], record["authorization"]) for record in hub.log()}
    checks.check(tokens == {("hub", "Bearer hf_re"), ("content", None)}, f"tokens: {tokens}")
    hub.faults({"fault": "latency", "ms": 120})
    started = time.monotonic()
    client.model_info("samples/both")
    checks.check(time.monotonic() - started >= 0.12, "latency")
    hub.faults(hidden | {"fault": "rate", "bytes_per_second": LARGE * 2})
    started = time.monotonic()
    checks.check(fetched() == wanted, "slow, and right")
    checks.check(time.monotonic() - started >= 0.45, "a rate")
    hub.faults()
    checks.end_group("lines")


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as work:
        folder = f"{work}/repositories"
        repositories.make(folder, large_size=LARGE)
        os.environ |= {"HF_HOME": f"{work}/home", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
            os.environ.pop(name, None)
        with RunningHub(folder, "--page", "25") as hub:
            os.environ["HF_ENDPOINT"] = hub.hub
            # What reads HF_ENDPOINT does so when it is imported.
            import huggingface_hub
            from hub_sample_checks import check_git, check_samples

            client = huggingface_hub.HfApi()
            check_samples(checks, folder)
            check_git(checks, client, folder, work)
            check_downloads(checks, client, hub, folder, work)
            check_lists(checks, client, hub, folder)
            check_metadata(checks, client, folder)
            check_errors(checks, client, hub)
            check_lines(checks, client, hub, folder)
            check_changes(checks, client, folder)
            checks.check(hub.stop() == 0, "the hub ends well")
        check_faults(checks, folder, work)
    checks.exit()


if __name__ == "__main__":
    main()
