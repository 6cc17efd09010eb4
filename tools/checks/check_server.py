#!/usr/bin/env python3
"""Is the server (ingot serve) what its clients expect, and does it stand what strangers send?

    python3 -m venv .venv-server; .venv-server/bin/pip install openai ollama 'tritonclient[http]' prometheus-client schemathesis
    .venv-server/bin/python tools/checks/check_server.py INGOT INGOT_SERVE [--kills N] [--load SECONDS] [--trickling N] [--examples N] [--only PART]

The two programs must stand beside each other. The parts:

clients   the official clients ask, caption, embed and stream; answers are those of the command, vectors to the bit
requests  some hundred wrong requests by name, each with the error of its interface
page      a browser uses the page (where tools/setup --browser has brought one)
life      killed under load, told to end under load, full, cut off, slow clients, nets that change on the shelf
load      twice what it can do, for some time; many that trickle: only 503, memory bounded, answers as alone
openapi   schemathesis makes requests of /openapi.json: 0 failures

Prints a line per group and the sum; exits with status 1 if anything failed.
"""

import argparse
import pathlib
import shutil
import tempfile

from check_server_clients import check_clients
from check_server_life import check_life
from check_server_load import check_sustained
from check_server_openapi import check_openapi
from check_server_page import check_page
from check_server_requests import check_requests
from checks import Checks
from server_running import Server, make_shelf

PARTS = ["clients", "requests", "openapi", "page", "life", "load"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ingot", type=pathlib.Path)
    parser.add_argument("server", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--load", type=float, default=10, help="seconds at twice what it can do")
    parser.add_argument("--trickling", type=int, default=300, help="connections")
    parser.add_argument("--examples", type=int, default=20, help="of each path, that schemathesis makes")
    parser.add_argument("--screenshots", type=pathlib.Path, help="folder for pictures of the page")
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    checks = Checks()
    parts = [options.only] if options.only else PARTS
    with tempfile.TemporaryDirectory() as work:
        shelf = f"{work}/shelf"
        make_shelf(options.ingot, shelf)
        if "clients" in parts:
            with Server(options.server, shelf) as server:
                check_clients(checks, server, options.ingot, shelf)
        if "requests" in parts:
            with Server(options.server, shelf, "--log", "warning") as server:
                check_requests(checks, server, shelf)
        if "openapi" in parts:
            with Server(options.server, shelf, "--log", "warning") as server:
                check_openapi(checks, server, options.examples)
        if "page" in parts:
            if shutil.which("chromium") or shutil.which("google-chrome"):
                with Server(options.server, shelf, "--log", "warning") as server:
                    check_page(checks, server, options.screenshots)
            else:
                print("skipped: the page, because there is no browser here")
        if "life" in parts:
            check_life(checks, options.ingot, options.server, shelf, work, options.kills)
        if "load" in parts:
            check_sustained(checks, options.server, shelf, options.load, options.trickling)
    checks.exit()


if __name__ == "__main__":
    main()
