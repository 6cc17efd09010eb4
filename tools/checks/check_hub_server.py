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

import os
import pathlib
import sys
import tempfile

from checks import Checks

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(TOOLS / "hub"))

import repositories  # noqa: E402
from hub_fault_checks import check_faults  # noqa: E402
from running_hub import RunningHub  # noqa: E402

LARGE = 40_000_000


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as work:
        folder = f"{work}/repositories"
        repositories.make(folder, large_size=LARGE)
        os.environ |= {"HF_HOME": f"{work}/home", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        for name in list(os.environ):
            if name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE") or name.lower().endswith("_proxy"):
                del os.environ[name]
        with RunningHub(folder, "--page", "25") as hub:
            os.environ["HF_ENDPOINT"] = hub.hub
            # What reads HF_ENDPOINT does so when it is imported.
            import huggingface_hub
            from hub_client_checks import check_errors, check_lines, check_metadata
            from hub_download_checks import check_changes, check_downloads, check_lists
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
