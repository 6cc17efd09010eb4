"""Checks of the ranges and faults of tools/hub: curl, which knows nothing of them, must say what is right and wrong."""

import dataclasses
import email.utils
import gzip
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from running_hub import RunningHub

# curl's exit statuses, by its manual.
PROTOCOL, PARTIAL, TIMEOUT, TOO_MANY_REDIRECTS, EMPTY, RECEIVE, CERTIFICATE = 1, 18, 28, 47, 52, 56, 60
FILE = "/samples/large/resolve/main/model.bin"
RULE = {"port": "content", "path": "samples/large/*"}


@dataclasses.dataclass
class Answer:
    """What curl got: its exit status; the last response's HTTP status, headers and body; counts of redirects."""

    exit: int
    status: int
    headers: dict
    body: bytes
    redirects: int
    connects: int


def curl(work, url, *options):
    """Asks by the command curl. It follows redirects; more `options` may be URLs too."""
    heads, body = pathlib.Path(work, "heads"), pathlib.Path(work, "body")
    for file in (heads, body):
        file.write_bytes(b"")
    command = ["curl", "-q", "-s", "-L", "--noproxy", "*", "-D", heads, "-o", body, "-w", "%{json}\n", *options, url]
    run = subprocess.run(command, capture_output=True, text=True)
    told = json.loads(run.stdout.splitlines()[-1])
    last = heads.read_bytes().decode("latin-1").rstrip("\r\n").split("\r\n\r\n")[-1]
    pairs = (line.partition(": ") for line in last.split("\r\n")[1:])
    headers = {name.lower(): value for name, _, value in pairs}
    return Answer(
        run.returncode, told["http_code"], headers, body.read_bytes(), told["num_redirects"], told["num_connects"]
    )


def check_ranges(checks, work, hub, data):
    """Ranges as RFC 9110 has them."""
    size = len(data)
    for text, first, end in (
        ("0-0", 0, 1),
        ("5-104", 5, 105),
        (f"{size - 10}-", size - 10, size),
        ("-7", size - 7, size),
        (f"-{size * 2}", 0, size),
        (f"100-{size * 2}", 100, size),
    ):
        answer = curl(work, hub.hub + FILE, "-r", text)
        told = answer.status, answer.headers.get("content-range"), answer.body == data[first:end]
        checks.check(told == (206, f"bytes {first}-{end - 1}/{size}", True), f"range {text}: {told}")
    for text in (f"{size}-", f"{size + 5}-{size + 9}", "-0"):
        answer = curl(work, hub.hub + FILE, "-H", f"Range: bytes={text}")
        checks.check((answer.status, answer.headers.get("content-range")) == (416, f"bytes */{size}"), f"range {text}")
    for text in ("bytes=9-5", "bytes=0-1,5-6", "lines=1-2", "bytes=-"):
        answer = curl(work, hub.hub + FILE, "-H", f"Range: {text}")
        checks.check(answer.status == 200 and answer.body == data, f"{text} is ignored")
    whole = curl(work, hub.hub + FILE)
    for condition, status in ((whole.headers["etag"], 206), (whole.headers["last-modified"], 206), ('"other"', 200)):
        answer = curl(work, hub.hub + FILE, "-r", "1-2", "-H", f"If-Range: {condition}")
        checks.check(answer.status == status, f"If-Range: {condition}: {answer.status}")
    answer = curl(work, hub.hub + FILE, "-H", f"If-None-Match: {whole.headers['etag']}")
    checks.check(answer.status == 304 and not answer.body, "If-None-Match")
    plain = curl(work, hub.content + "/files/samples/large/model.bin", "-r", "7-9")
    checks.check(plain.status == 206 and plain.body == data[7:10], "a file without a hub")
    outside = curl(work, hub.content + "/files/../../../../../etc/passwd", "--path-as-is")
    checks.check(outside.status == 404, "no file outside of the folder")
    small = hub.hub + "/samples/both/resolve/main/README.md"
    packed, loose = curl(work, small, "-H", "Accept-Encoding: gzip"), curl(work, small)
    same = packed.headers.get("content-encoding") == "gzip" and gzip.decompress(packed.body) == loose.body
    checks.check(same and "content-encoding" not in loose.headers, "small files are compressed for who asks for it")
    two = curl(work, hub.hub + "/api/models/samples/both", "-I", hub.hub + "/api/models/samples/both")
    checks.check(two.connects == 0 and two.status == 200, "a HEAD, and another by the same connection")
    checks.end_group("ranges")


def check_answers(checks, work, hub, data):
    """Faults that change what is answered."""

    def asked(rule, *options, port="content", path=FILE):
        hub.faults(RULE | {"port": port} | rule)
        return curl(work, hub.hub + path, *options)

    for status in (401, 403, 404, 416, 429, 500, 502, 503):
        rule = {"fault": "status", "status": status, "code": "GatedRepo", "message": "why", "port": "hub"}
        answer = asked(rule, port="hub")
        told = answer.status, answer.headers["x-error-code"], answer.headers["x-error-message"]
        checks.check(told == (status, "GatedRepo", "why"), f"status {status}: {told}")
    answer = asked({"fault": "status", "status": 429, "retry_after": 7})
    checks.check(answer.headers["retry-after"] == "7", "Retry-After in seconds")
    answer = asked({"fault": "status", "status": 503, "retry_after_date": 100})
    left = email.utils.parsedate_to_datetime(answer.headers["retry-after"]).timestamp() - time.time()
    checks.check(0 < left <= 100, f"Retry-After as a date: {left}")
    size = len(data)
    answer = asked({"fault": "flip", "offset": 1000, "mask": 128})
    wrong = [place for place in range(size) if answer.body[place] != data[place]] if answer.body != data else []
    checks.check(wrong == [1000] and answer.body[1000] == data[1000] ^ 128, f"a flipped byte: {wrong[:3]}")
    for text, flipped in (("0-999", False), ("1000-1005", True), ("1001-", False), ("990-1000", True)):
        answer = asked({"fault": "flip", "offset": 1000, "times": 1}, "-r", text)
        first, _, last = text.partition("-")
        right = answer.body == data[int(first) : int(last or size) + 1]
        checks.check(right != flipped and hub.rules()[0]["hits"] == flipped, f"a flipped byte and the range {text}")
    answer = asked({"fault": "ignore_range"}, "-r", "5-9")
    checks.check(answer.status == 200 and answer.body == data, "ranges ignored")
    for values, wanted in (
        ({"by": 3}, f"bytes 8-12/{size}"),
        ({"total": 77}, "bytes 5-9/77"),
        ({"value": "bytes nonsense"}, "bytes nonsense"),
    ):
        answer = asked({"fault": "content_range", **values}, "-r", "5-9")
        checks.check(answer.headers["content-range"] == wanted and answer.body == data[5:10], f"Content-Range {values}")
    before = curl(work, hub.hub + FILE, "--max-redirs", "0").headers
    for by in (1000, -1000):
        answer = asked({"fault": "changed", "by": by}, "-r", "5-9")
        told = answer.headers["content-range"], answer.headers["etag"] != before.get("etag")
        checks.check(told == (f"bytes 5-9/{size + by}", True), f"a size that changes: {told}")
        answer = asked({"fault": "changed", "by": by}, "--max-redirs", "0", port="hub")
        checks.check(answer.headers["x-linked-size"] == str(size + by), "a size that changes, at the hub")
        differ = [name for name in ("x-linked-etag", "x-repo-commit") if answer.headers[name] != before[name]]
        checks.check(len(differ) == 2 and len(answer.headers["x-linked-etag"]) == 66, f"and its names: {differ}")
    longer = asked({"fault": "changed", "by": 1000})
    checks.check(longer.exit == 0 and longer.body == data + bytes(1000), "a file that has grown")
    answer = asked({"fault": "gzip"}, "-H", "Accept-Encoding: identity")
    checks.check(answer.headers["content-encoding"] == "gzip" and gzip.decompress(answer.body) == data, "gzip unasked")
    answer = asked({"fault": "chunked"})
    checks.check("content-length" not in answer.headers and answer.body == data, "chunks without a length")
    answer = asked({"fault": "headers", "bytes": 200_000, "lines": 100})
    checks.check(answer.exit == 0 and sum(map(len, answer.headers.values())) > 200_000, "200 kB of headers")
    for lines in (1, 1000):
        answer = asked({"fault": "headers", "bytes": 1_000_000, "lines": lines})
        checks.check(answer.exit != 0 and not answer.body, f"1 MB of headers in {lines} lines is too much for curl")
    checks.end_group("answers that are wrong")


def check_lines(checks, work, hub, data):
    """Faults of the line."""
    half = len(data) // 2

    def asked(rule, *options):
        hub.faults(RULE | rule)
        return curl(work, hub.hub + FILE, *options)

    for rule, status, length in (
        ({"fault": "close"}, EMPTY, 0),
        ({"fault": "close", "at": half}, PARTIAL, half),
        ({"fault": "close", "at": 0}, PARTIAL, 0),
        ({"fault": "reset"}, RECEIVE, 0),
        ({"fault": "reset", "at": "headers"}, RECEIVE, 0),
        ({"fault": "reset", "at": half}, RECEIVE, half),
        ({"fault": "length", "by": 1000}, PARTIAL, len(data)),
        ({"fault": "length", "by": -1000}, 0, len(data) - 1000),
        ({"fault": "length", "none": True}, 0, len(data)),
        ({"fault": "stall", "seconds": 60, "at": half}, TIMEOUT, half),
        ({"fault": "stall", "seconds": 60}, TIMEOUT, 0),
        ({"fault": "latency", "ms": 60_000}, TIMEOUT, 0),
    ):
        answer = asked(rule, "--speed-time", "2", "--speed-limit", "1")
        told = answer.exit, len(answer.body), answer.body == data[: len(answer.body)]
        checks.check(told == (status, length, True), f"{rule}: {told}")
        checks.check(hub.log(port="content")[0]["fault"] == [rule["fault"]], f"{rule} in the log")
    hub.faults({"port": "content", "fault": "close", "at": "headers"})
    host, port = hub.content.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(b"GET /files/samples/large/model.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = b"".join(iter(lambda: line.recv(1 << 16), b""))
    checks.check(head.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\n\r\n" not in head, f"closed within headers: {head}")
    hub.faults()
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
        line.connect((host, int(port)))
        line.sendall(b"GET /files/samples/large/model.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = len(line.recv(1 << 10))
        time.sleep(0.2)  # until as much has come as will
    sent = hub.log(port="content")[0]["sent"]
    checks.check(got <= sent < 1 << 18, f"what a client that has gone will never get isn't counted: {sent}")
    answer = asked({"fault": "rate", "bytes_per_second": 100_000}, "--max-time", "1")
    checks.check(answer.exit == TIMEOUT and 0 < len(answer.body) < len(data) // 10, f"a trickle: {len(answer.body)}")
    hub.faults(RULE | {"fault": "close", "skip": 1, "times": 2}, RULE | {"fault": "flip", "offset": 5})
    told = [(answer.exit, answer.body == data) for answer in (curl(work, hub.hub + FILE) for _ in range(4))]
    checks.check(
        told == [(0, False), (EMPTY, False), (EMPTY, False), (0, False)], f"the second and third of four: {told}"
    )
    hub.faults(RULE | {"fault": "close", "with_range": True, "method": "GET"})
    told = [curl(work, hub.hub + FILE, *options).exit for options in ((), ("-r", "0-5"), ("-r", "0-5", "-I"))]
    checks.check(told == [0, EMPTY, 0], f"only a GET with a range: {told}")
    checks.end_group("lines that break")


def check_redirects(checks, work, hub):
    token = ("-H", "Authorization: Bearer hf_reader")
    hub.faults(RULE | {"fault": "redirect"})
    checks.check(curl(work, hub.hub + FILE, "--max-redirs", "30").exit == TOO_MANY_REDIRECTS, "endless redirects")
    checks.check(len(hub.log(port="content")) == 30, f"30 of them: {len(hub.log(port='content'))}")
    hub.faults(RULE | {"fault": "redirect", "to": "file:///etc/passwd"})
    checks.check(curl(work, hub.hub + FILE).exit == PROTOCOL, "a redirect to a file of this machine")
    rule = RULE | {"fault": "redirect", "to": "{third}{target}"}
    for options, seen in (((), None), (("--location-trusted",), "Bearer hf_re")):
        hub.faults(rule)
        answer = curl(work, hub.hub + FILE, *token, *options)
        third = [record["authorization"] for record in hub.log(port="third")]
        checks.check(answer.status == 200 and third == [seen], f"a third host, {options}: {third}")
    with RunningHub(hub.folder, "--lifetime", "0") as short:
        checks.check(curl(work, short.hub + FILE).status == 403, "an address whose time is over")
    checks.check(curl(work, hub.content + "/xet-bridge/a/b?X-Amz-Signature=c").status == 403, "a wrong signature")
    checks.end_group("redirects")


def check_proxy(checks, work, hub, data, *options):
    """A proxy carries requests to both ports; of https it sees only where they go."""
    hub.faults()
    command = ["--noproxy", "", "-x", hub.proxy, *options]
    checks.check(curl(work, hub.hub + FILE, *command).body == data, "by a proxy")
    methods = {record["method"] for record in hub.log(port="proxy")}
    checks.check(methods == ({"CONNECT"} if hub.hub.startswith("https") else {"GET"}), f"by a proxy: {methods}")
    checks.check(len(hub.log(port="content")) == 1, "the content network, by a proxy")


def check_tls(checks, work, folder, data):
    with RunningHub(folder, "--tls") as hub:
        trusted = ("--cacert", hub.authority)
        certificates = pathlib.Path(hub.authority).parent
        checks.check(curl(work, hub.hub + FILE, *trusted).body == data, "https")
        check_proxy(checks, work, hub, data, *trusted)
        checks.check(curl(work, hub.hub + FILE).exit == CERTIFICATE, "an authority that isn't trusted")
        for kind in ("self-signed", "wrong-name", "expired", "not-yet-valid"):
            hub.faults({"fault": "certificate", "certificate": kind, "port": "content", "times": 1})
            told = [curl(work, hub.hub + FILE, *trusted).exit for _ in range(2)]
            checks.check(told == [CERTIFICATE, 0], f"{kind}: {told}")
        hub.faults(RULE | {"fault": "redirect", "to": "{plain}{target}"})
        checks.check(curl(work, hub.hub + FILE, *trusted).body == data, "a redirect from https to http")
        refused = curl(work, hub.hub + FILE, *trusted, "--proto-redir", "=https")
        checks.check(refused.exit == PROTOCOL, "which curl may refuse")
    checks.check(not certificates.exists(), "certificates are removed")
    with RunningHub(folder, "--tls", "--without-xet") as hub:
        environment = os.environ | {"HF_HOME": f"{work}/tls", "HF_ENDPOINT": hub.hub, "SSL_CERT_FILE": hub.authority}
        environment.pop("HF_HUB_DISABLE_XET", None)
        run = subprocess.run(
            ["hf", "download", "samples/large", "--local-dir", f"{work}/tls/large"],
            env=environment,
            capture_output=True,
        )
        checks.check(run.returncode == 0, f"hf download by https: {run.stderr.decode()[-500:]}")
        checks.check(pathlib.Path(work, "tls/large/model.bin").read_bytes() == data, "what it downloads by https")
        os.kill(hub.addresses["pid"], signal.SIGTERM)
        checks.check(hub.process.wait() == 0, "SIGTERM ends the hub well")
    checks.end_group("TLS")


def check_swap(checks, work, hub, data):
    """A file that is replaced after the second range of it: what follows is of the new file."""
    other = hashlib.shake_128(b"other").digest(len(data) // 2)
    pathlib.Path(hub.folder, "other").write_bytes(other)
    pathlib.Path(hub.folder, "keep").write_bytes(data)
    swap = {"fault": "swap", "file": "samples/large/model.bin", "with": "other", "skip": 1, "times": 1}
    hub.faults({"port": "hub", "path": FILE} | swap)
    told = [curl(work, hub.hub + FILE, "--max-redirs", "0").headers["x-linked-etag"].strip('"') for _ in range(3)]
    wanted = [hashlib.sha256(part).hexdigest() for part in (data, data, other)]
    checks.check(told == wanted and curl(work, hub.hub + FILE).body == other, "a file that is replaced")
    os.replace(f"{hub.folder}/keep", f"{hub.folder}/samples/large/model.bin")
    checks.check(curl(work, hub.hub + FILE).body == data, "and put back")
    checks.end_group("a file that is replaced")


def check_faults(checks, folder, work):
    data = pathlib.Path(folder, "samples/large/model.bin").read_bytes()
    with RunningHub(folder) as hub:
        hub.folder = folder
        check_ranges(checks, work, hub, data)
        check_answers(checks, work, hub, data)
        check_lines(checks, work, hub, data)
        check_redirects(checks, work, hub)
        check_proxy(checks, work, hub, data)
        checks.end_group("a proxy")
        check_swap(checks, work, hub, data)
    check_tls(checks, work, folder, data)
