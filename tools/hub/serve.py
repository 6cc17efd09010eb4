#!/usr/bin/env python3
"""A hub for tests, on this machine: repositories of a folder as the Hugging Face hub serves them, and faults on demand.

    python3 tools/hub/serve.py --repositories FOLDER [--latency MS] [--rate BYTES_PER_S] [--tls] …

Prints a line of JSON with its addresses once it answers, and serves until SIGTERM or SIGINT, or, with --until-eof,
until its standard input ends. README.md tells what is where.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading

from access import Access
from certificates import Certificates
from control import Control
from faults import Faults
from hub import Hub
from hub_api import PAGE, HubAPI
from listeners import Listener
from network import ContentNetwork
from proxy import Proxy
from request_log import RequestLog
from store import Store

HOSTS = {"hub": "127.0.0.1", "content": "localhost", "third": "127.0.0.2"}


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", required=True, metavar="FOLDER", help="FOLDER/org/name[@branch]/…")
    parser.add_argument(
        "--settings", metavar="FILE", help="tokens, private, gated, disabled, moved, tags, more (FOLDER/hub.json)"
    )
    parser.add_argument(
        "--token", action="append", default=[], metavar="hf_…", help="a token that opens every repository"
    )
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="added to every request")
    parser.add_argument("--rate", type=float, metavar="BYTES_PER_S", help="of each connection; else as fast as can be")
    parser.add_argument(
        "--tls", action="store_true", help="https, by an authority made for this run; and a port without"
    )
    parser.add_argument("--page", type=int, default=PAGE, metavar="N", help="files a page of lists (%(default)s)")
    parser.add_argument(
        "--lfs-from", type=int, default=10_000_000, metavar="BYTES", help="larger files are LFS's (%(default)s)"
    )
    parser.add_argument("--lifetime", type=float, default=3600, metavar="S", help="of content addresses (%(default)s)")
    parser.add_argument("--without-xet", action="store_true", help="large files aren't said to be in Xet storage")
    parser.add_argument("--without-resolve-cache", action="store_true", help="small files come without a redirect")
    parser.add_argument("--until-eof", action="store_true", help="ends when standard input does")
    return parser.parse_args()


def read_settings(arguments):
    file = arguments.settings or os.path.join(arguments.repositories, "hub.json")
    if not arguments.settings and not os.path.exists(file):
        return {}
    with open(file, encoding="utf-8") as stream:
        return json.load(stream)


def listeners(arguments, certificates):
    """All ports by name; those of the hub and the content network know each other's addresses."""
    settings = read_settings(arguments)
    store = Store(arguments.repositories, arguments.lfs_from, settings.get("more"))
    access = Access(settings, arguments.token)
    network = ContentNetwork(store, arguments.lifetime)
    api = HubAPI(access, "", not arguments.without_xet, arguments.page)
    hub = Hub(store, access, api, network, settings, not arguments.without_resolve_cache)
    faults, log = Faults(store.folder), RequestLog()
    common = {"faults": faults, "log": log, "latency": arguments.latency / 1000, "rate": arguments.rate}
    found = {}
    for name, host in HOSTS.items():
        answer, control = (hub.answer, Control(faults, log)) if name == "hub" else (network.answer, None)
        found[name] = Listener(name, host, answer, certificates=certificates, control=control, **common)
    if certificates:
        found["plain"] = Listener("plain", HOSTS["content"], network.answer, **common)
    api.address, network.address = found["hub"].address, found["content"].address
    store.list_all()
    found["proxy"] = Proxy(log)
    faults.addresses = {name: listener.address for name, listener in found.items()}
    return found


def wait_for_eof(ended):
    # Not by sys.stdin, whose lock this thread would hold when another one ends the program.
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    ended.set()


def main():
    arguments = parsed_arguments()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    folder = tempfile.mkdtemp(prefix="hub-certificates-") if arguments.tls else None
    try:
        certificates = Certificates(folder) if folder else None
        ports = listeners(arguments, certificates)
        for listener in ports.values():
            listener.start()
        told = {name: listener.address for name, listener in ports.items()}
        print(
            json.dumps({**told, "authority": certificates and certificates.authority, "pid": os.getpid()}), flush=True
        )
        if arguments.until_eof:
            threading.Thread(target=wait_for_eof, args=(ended,), daemon=True).start()
        ended.wait()
        for listener in ports.values():
            listener.close()
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
