"""Checks of tools/hub by huggingface_hub: metadata of safetensors files, errors, and lines that break."""

import json
import os
import pathlib
import time

import httpx2
from hub_download_checks import file_digest
from huggingface_hub import errors


def check_metadata(checks, client, folder):
    """get_safetensors_metadata, of one file and of shards, finds what the files' headers say."""
    for name in ("samples/both", "samples/blip-vqa", "samples/shards"):
        metadata = client.get_safetensors_metadata(name)
        wanted = {}
        for file in pathlib.Path(folder, name).glob("*.safetensors"):
            with open(file, "rb") as stream:
                header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
            wanted |= {
                key: (file.name, value["dtype"], value["shape"]) for key, value in header.items() if key[0] != "_"
            }
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
    raises(
        errors.RemoteEntryNotFoundError,
        404,
        lambda *arguments: list(client.list_repo_tree(*arguments)),
        "samples/both",
        "none",
    )
    raises(errors.HfHubHTTPError, 401, info, "samples/both", words="Invalid credentials", token="hf_nobody")
    raises(errors.NotASafetensorsRepoError, None, lambda: ask_status(client.get_safetensors_metadata, "samples/gguf"))
    checks.check(client.whoami(token="hf_reader")["name"] == "reader", "whoami")
    checks.check(client.auth_check("samples/gated", token="hf_reader") is None, "auth_check")
    for name in ("samples/private", "samples/gated"):
        checks.check(os.path.exists(file(name, "model.safetensors", token="hf_reader")), f"{name} with a token")
    hub.faults(
        {
            "fault": "status",
            "status": 429,
            "retry_after": 1,
            "times": 1,
            "path": "samples/both/pytorch_model.bin",
            "port": "content",
        }
    )
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
    source, rule = f"{folder}/samples/large/model.bin", {"port": "content", "path": "samples/large/*"}
    wanted, size = file_digest(source), os.path.getsize(source)

    def fetched():
        return file_digest(client.hf_hub_download("samples/large", "model.bin", force_download=True, token="hf_reader"))

    hub.faults(rule | {"fault": "close", "at": size * 3 // 5, "times": 1})
    checks.check(fetched() == wanted, "a line that breaks: resumed")
    first, second = hub.log(port="content")
    # The client keeps whole chunks; what it had of the next one is asked for again.
    start = int((second["range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    checks.check(first["sent"] == size * 3 // 5 and 0 < start <= first["sent"], f"resumed at {start}: {first}")
    checks.check(second["status"] == 206 and second["sent"] == size - start, f"resumed: {second}")
    hub.faults(rule | {"fault": "reset", "at": size // 2, "times": 1})
    try:
        fetched()
        checks.fail("a reset passes the client")
    except httpx2.ReadError as problem:  # which it doesn't resume after
        checks.check("reset" in str(problem), f"a reset: {problem}")
    hub.faults(rule | {"fault": "flip", "offset": 12_345_678, "times": 1})
    checks.check(fetched() != wanted and hub.rules()[0]["hits"] == 1, "a flipped byte passes the client")
    checks.check(fetched() == wanted, "the byte is flipped once")
    tokens = {(record["port"], record["authorization"]) for record in hub.log()}
    checks.check(tokens == {("hub", "Bearer hf_re"), ("content", None)}, f"tokens: {tokens}")
    hub.faults({"fault": "latency", "ms": 120})
    started = time.monotonic()
    client.model_info("samples/both")
    checks.check(time.monotonic() - started >= 0.12, "latency")
    hub.faults(rule | {"fault": "rate", "bytes_per_second": size * 2})
    started = time.monotonic()
    checks.check(fetched() == wanted, "slow, and right")
    checks.check(time.monotonic() - started >= 0.45, "a rate")
    hub.faults()
    checks.end_group("lines")
