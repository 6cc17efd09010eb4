"""Checks of TLS: what is trusted, and that no redirect leads out of it."""

import hashlib
import pathlib

from address_fault_checks import fits
from hub_command import UNAVAILABLE, Command
from running_hub import RunningHub

CERTIFICATES = ["self-signed", "wrong-name", "expired", "not-yet-valid"]
HINT = (
    "don't trust it; where a proxy of your own stands between, name the file with its certificate in $SSL_CERT_FILE"
)
NET, FILE = "hf://samples/medium", "samples/medium/*"


def check_tls(checks, ingot, folder, work):
    wanted = hashlib.sha256((folder / "samples/medium/model.bin").read_bytes()).digest()
    with RunningHub(folder, "--tls") as hub:
        command = Command(ingot, hub, f"{work}/tls")

        def refused(what, pattern, hint, *arguments, **variables):
            done = command.run(*arguments, **variables)
            right = done.status == UNAVAILABLE and fits(done.error, pattern, hub) and fits(done.hint, hint, hub)
            checks.check(right and len(done.lines) == 2, f"{what}: {done.status}, {done.errors}")

        def fetched(what, name, **variables):
            done = Command(ingot, hub, f"{work}/{name}").run("pull", NET, "--include", "*", **variables)
            place = pathlib.Path(done.output.strip() or "/nowhere", "model.bin")
            right = done.status == 0 and hashlib.sha256(place.read_bytes()).digest() == wanted
            checks.check(right, f"{what}: {done.status}, {done.errors}")

        for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            fetched(f"${name}", f"tls-{name}", **({"SSL_CERT_FILE": ""} | {name: hub.authority}))
        refused("an authority that isn't trusted", "{hub}/api/…: can't show that it is 127.0.0.1: …", HINT,
                "pull", NET, "--include", "*", SSL_CERT_FILE="")  # fmt: skip
        refused("no authorities", "{hub}/api/…: can't …", "…SSL_CERT_FILE…",
                "pull", NET, "--include", "*", SSL_CERT_FILE="/dev/null")  # fmt: skip
        for kind in CERTIFICATES:
            for port, host in (("hub", "127.0.0.1"), ("content", "localhost")):
                # Setting the rule ends with a request of its own, to the hub's port.
                rule = {"fault": "certificate", "certificate": kind, "port": port}
                hub.faults(rule | ({"skip": 1, "times": 1} if port == "hub" else {}))
                where = "{%s}/…" % port
                refused(f"{kind}, {port}", f"{where}: can't show that it is {host}: …", HINT,
                        "pull", NET, "--include", "*")  # fmt: skip
                bodies = [record for record in hub.log(port="content") if record["sent"]]
                checks.check(not bodies, f"{kind}, {port}: bytes were sent")
        for place in (hub.plain, "http://evil.invalid"):
            hub.faults({"fault": "redirect", "to": place + "{target}", "port": "content", "path": FILE})
            told = f"{{content}}/…: leads to {place}/…, whose answer anybody between could change"
            refused(f"from https to {place}", told, "…", "pull", NET, "--include", "*")
            checks.check(not hub.log(port="plain"), "a redirect from https to http is followed")
        hub.faults({"fault": "redirect", "to": "{plain}{target}", "port": "hub", "path": "/api/models/*"})
        refused("a list by http", "{hub}/…: leads to http://…", "…", "inspect", NET, HF_TOKEN="hf_reader")
        checks.check(not hub.log(port="plain"), "a redirect of a list from https to http is followed")
        hub.faults()
        fetched("a proxy", "tls-proxy", https_proxy=hub.proxy, no_proxy="")
        proxied = {record["method"] for record in hub.log(port="proxy")}
        checks.check(proxied == {"CONNECT"}, f"a proxy sees {proxied}")
        refused("https of a port without", hub.plain.replace("http:", "https:") + "/…: can't show that it is …", "…",
                "inspect", hub.plain.replace("http:", "https:") + "/files/x")  # fmt: skip
    checks.end_group("TLS")
