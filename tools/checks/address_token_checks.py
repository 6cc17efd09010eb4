"""Checks of tokens: where one is read, to whom it is sent, and that no message tells it."""

import pathlib

from hub_command import NO_INPUT, UNAVAILABLE, Command
from running_hub import RunningHub

TOKEN, SEEN = "hf_reader", "Bearer hf_re"
PRIVATE = "hf://samples/private"


def senders(hub):
    """What the log has of tokens, by port."""
    return {(record["port"], record["authorization"]) for record in hub.log()}


def check_places(checks, ingot, hub, work):
    """The variable comes before the file; each way, a private repository is read."""
    home = pathlib.Path(work, "tokens")
    home.mkdir()
    command = Command(ingot, hub, home)
    other = pathlib.Path(work, "other-token")
    other.write_text(f"  {TOKEN}\n")

    def readable(what, is_one, **variables):
        hub.faults()
        done = command.run("inspect", PRIVATE, "--json", **variables)
        checks.check((done.status == 0) == is_one, f"{what}: {done.status}, {done.errors}")
        sent = {seen for port, seen in senders(hub) if port == "hub"}
        checks.check(sent == {SEEN if is_one else None}, f"{what}: sent {senders(hub)}")
        checks.check(TOKEN not in done.output + done.errors, f"{what}: tells the token")

    readable("no token", False)
    readable("HF_TOKEN", True, HF_TOKEN=TOKEN)
    readable("HF_TOKEN_PATH", True, HF_TOKEN_PATH=str(other))
    readable("HF_TOKEN_PATH of nothing", False, HF_TOKEN_PATH=f"{work}/none")
    (home / "token").write_text(TOKEN + "\n")
    readable("the file of HF_HOME", True)
    readable("HF_HUB_DISABLE_IMPLICIT_TOKEN", False, HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
    (home / "token").write_text("hf_stranger")
    readable("HF_TOKEN before the file", True, HF_TOKEN=TOKEN)
    for token, status, error in (
        ("hf_stranger", NO_INPUT, f"{PRIVATE}: there is no such repository: Repository not found"),
        ("hf_nobody", UNAVAILABLE, f"{PRIVATE}: may not be read by whoever asks (status 401): Invalid credentials in "
                                   "Authorization header"),
    ):  # fmt: skip
        done = command.run("inspect", PRIVATE, HF_TOKEN=token)
        checks.check((done.status, done.error) == (status, error), f"{token}: {done.status}, {done.errors}")
        checks.check("token" in done.hint and token not in done.errors, f"{token}: hint: {done.hint}")
    done = command.run("pull", "hf://samples/gated", HF_TOKEN="hf_stranger")
    right = done.status == UNAVAILABLE and f"{hub.hub}/samples/gated" in done.hint and "token" in done.hint
    checks.check(right, f"gated: {done.status}, {done.errors}")
    done = command.run("pull", "hf://samples/gated", HF_TOKEN=TOKEN)
    checks.check(done.status == 0, f"gated, with a token: {done.status}, {done.errors}")
    for token in ("hf_\u00fc", "hf_x\ty"):
        hub.faults()
        done = command.run("inspect", PRIVATE, HF_TOKEN=token)
        checks.check(done.status == 64 and not hub.log(), f"a token that is none: {done.status}, {done.errors}")
    hub.faults()
    done = command.run("inspect", "hf://samples/both", HF_TOKEN=f"{TOKEN}\r\nX-Other: 1")
    checks.check({seen for _, seen in senders(hub)} <= {None, SEEN}, f"a token with another line: {senders(hub)}")
    checks.check("X-Other" not in done.errors, "a token with another line is told")


def check_hosts(checks, ingot, hub, folder, work):
    """A token goes to the hub alone, whatever leads elsewhere."""
    hosts = Command(ingot, hub, f"{work}/hosts", HF_TOKEN=TOKEN)
    pull = ("pull", "hf://samples/medium", "--include", "*")
    rules = [
        ([], 0),
        ([{"port": "content", "fault": "redirect", "to": "{third}{target}"}], 0),
        ([{"port": "hub", "path": "/samples/*", "fault": "redirect", "to": "{third}{target}"}], None),
        ([{"port": "hub", "path": "/api/models/*", "fault": "redirect", "to": "{third}{target}"}], None),
        ([{"port": "hub", "path": "/api/models/*", "fault": "redirect", "to": "{content}/files/none"}], None),
        # There and back again: the last request is the hub's own, and may have it.
        ([{"port": "content", "fault": "redirect", "to": "{hub}/samples/both/resolve/main/README.md"}], None),
    ]
    for index, (faults, status) in enumerate(rules):
        hub.faults(*faults)
        done = hosts.run(*pull, HF_HUB_CACHE=f"{work}/hosts-{index}")
        checks.check(status in (None, done.status), f"{faults}: {done.status}, {done.errors}")
        wrong = [item for item in senders(hub) if item[0] != "hub" and item[1]]
        checks.check(not wrong and ("hub", SEEN) in senders(hub), f"{faults}: tokens {senders(hub)}")
        checks.check(not faults or hub.rules()[0]["hits"], f"{faults}: never hit")
        checks.check(TOKEN not in done.output + done.errors, f"{faults}: the token is told")
    hub.faults()
    done = hosts.run("inspect", f"{hub.content}/files/samples/both/model.safetensors")
    checks.check(done.status == 0 and senders(hub) == {("content", None)}, f"a server that is no hub: {senders(hub)}")
    # A proxy is told it, as everything of http is; nobody else.
    hub.faults()
    done = hosts.run(*pull, HF_HUB_CACHE=f"{work}/hosts-proxy", http_proxy=hub.proxy, no_proxy="")
    wrong = [item for item in senders(hub) if item[0] == "content" and item[1]]
    checks.check(done.status == 0 and not wrong, f"by a proxy: {done.status}, {senders(hub)}")
    with RunningHub(folder, "--tls") as tls:
        command = Command(ingot, tls, f"{work}/tokens-tls", HF_TOKEN=TOKEN)
        done = command.run(*pull)
        checks.check(done.status == 0 and senders(tls) == {("hub", SEEN), ("content", None)}, f"TLS: {senders(tls)}")
        for path in ("/api/models/*", "/samples/*"):
            tls.faults({"port": "hub", "path": path, "fault": "redirect", "to": "{plain}{target}"})
            done = command.run("inspect", "hf://samples/blip-vqa")
            # Files that are asked for early may come from the content network, without a token.
            wrong = [item for item in senders(tls) if item[0] != "hub" and item != ("content", None)]
            checks.check(done.status == UNAVAILABLE and not wrong, f"https to http: {done.status}, {senders(tls)}")
        tls.faults()
        proxied = {"https_proxy": tls.proxy, "no_proxy": ""}
        done = command.run(*pull, HF_HUB_CACHE=f"{work}/hosts-tls", **proxied)
        wrong = [item for item in senders(tls) if item[0] != "hub" and item[1]]
        checks.check(done.status == 0 and not wrong, f"TLS by a proxy: {done.status}, {senders(tls)}")


def check_tokens(checks, ingot, hub, folder, work):
    check_places(checks, ingot, hub, work)
    check_hosts(checks, ingot, hub, folder, work)
    checks.end_group("tokens")
