#!/usr/bin/env python3
"""Addresses and `pull`: the command against the hub for tests (tools/hub), and against the official client.

    pip install huggingface_hub transformers torch      (and curl, openssl, strace and unshare on the system)
    python3 tools/checks/check_hub.py .build/release/ingot [--kills 25] [--only PART…]

inspect    What inspect says of an address is what it says of the files here, within so many requests and bytes; scan,
           diff, verify --source and convert; revisions, pages of the hub, malformed addresses.
caches     What `pull` fetches, huggingface_hub, `hf download` and transformers find, and the other way round.
convert    What is cast while it arrives, and the tasks' --pull; HDF5 files; damage, kills and refusals.
kills      SIGKILL at random moments of a pull, gone on with until it is done; two pulls at once.
faults     Every fault that a server or a line can have: what is repaired, and the exact error where nothing helps.
tls        Certificates, and redirects from https to http.
tokens     Which host is sent one, and where it is read.
local      Commands on files here open no socket and load no libcurl; without libcurl, they work, and addresses don't.

Prints a line per group and the sum; exits with status 1 if anything failed.
"""

import argparse
import os
import pathlib
import sys
import tempfile

from checks import Checks

TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(TOOLS / "hub"))

import address_convert_checks  # noqa: E402
import address_samples  # noqa: E402
from address_cache_checks import check_caches  # noqa: E402
from address_fault_checks import check_faults  # noqa: E402
from address_inspect_checks import check_inspect  # noqa: E402
from address_kill_checks import check_kills  # noqa: E402
from address_local_checks import check_local  # noqa: E402
from address_tls_checks import check_tls  # noqa: E402
from address_token_checks import check_tokens  # noqa: E402
from running_hub import RunningHub  # noqa: E402

PARTS = ["inspect", "caches", "convert", "kills", "faults", "tls", "tokens", "local"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ingot", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    options = parser.parse_args()
    # The official client's commands stand beside this interpreter.
    os.environ["PATH"] = f"{sys.prefix}/bin:{os.environ['PATH']}"
    checks, ingot = Checks(), options.ingot.resolve()
    with tempfile.TemporaryDirectory() as work:
        folder = address_samples.make(f"{work}/repositories")
        address_convert_checks.make(folder)
        with RunningHub(folder) as hub:
            if "inspect" in options.only:
                check_inspect(checks, ingot, hub, folder, work)
            if "caches" in options.only:
                check_caches(checks, ingot, hub, folder, work)
            if "convert" in options.only:
                address_convert_checks.check_conversions(checks, ingot, hub, folder, work, options.kills)
            if "kills" in options.only:
                check_kills(checks, ingot, hub, folder, work, options.kills)
            if "tokens" in options.only:
                check_tokens(checks, ingot, hub, folder, work)
        if "faults" in options.only:
            check_faults(checks, ingot, folder, work)
        if "tls" in options.only:
            check_tls(checks, ingot, folder, work)
        if "local" in options.only:
            check_local(checks, ingot, folder, work)
    checks.exit()


if __name__ == "__main__":
    main()
