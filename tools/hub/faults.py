"""Faults on demand: rules that say which responses go wrong, and how (the list of them is in README.md)."""

import dataclasses
import fnmatch
import hashlib
import os
import re
import threading
import time
import urllib.parse

from messages import Response, file_response, http_date, json_response, part, text_response

CONDITIONS = {"port", "path", "method", "covers", "with_range", "skip", "times", "fault"}
# What each kind must be told, and what it may.
VALUES = {
    "status": ({"status"}, {"code", "message", "headers", "body", "retry_after", "retry_after_date"}),
    "close": (set(), {"at"}),
    "reset": (set(), {"at"}),
    "stall": ({"seconds"}, {"at"}),
    "rate": ({"bytes_per_second"}, set()),
    "latency": ({"ms"}, set()),
    "length": (set(), {"by", "none"}),
    "flip": ({"offset"}, {"mask"}),
    "ignore_range": (set(), set()),
    "content_range": (set(), {"by", "total", "value"}),
    "changed": ({"by"}, set()),
    "swap": ({"file", "with"}, set()),
    "redirect": (set(), {"to", "status"}),
    "headers": ({"bytes"}, {"lines"}),
    "gzip": (set(), set()),
    "chunked": (set(), set()),
    "certificate": ({"certificate"}, set()),
}


def holds(response, place):
    """Whether a byte of a file is in the response."""
    return response.content is not None and 0 <= place - response.first < response.size


@dataclasses.dataclass
class Rule:
    conditions: dict
    seen: int = 0
    hits: int = 0

    def __post_init__(self):
        kind = self.conditions.get("fault")
        if kind not in VALUES:
            raise ValueError(f"no such fault: {kind}")
        needed, possible = VALUES[kind]
        unknown, missing = set(self.conditions) - CONDITIONS - needed - possible, needed - set(self.conditions)
        if unknown or missing:
            raise ValueError(f"{kind}: unknown: {sorted(unknown)}, missing: {sorted(missing)}")

    def fits(self, port, request, response):
        wanted = self.conditions
        covered = wanted.get("covers", wanted.get("offset") if wanted["fault"] == "flip" else None)
        names = (request.target, urllib.parse.unquote(request.path), response.label)
        return (
            wanted.get("port", port) == port
            and wanted.get("method", request.method) == request.method
            and ("path" not in wanted or any(fnmatch.fnmatchcase(name, wanted["path"]) for name in names))
            and wanted.get("with_range", "range" in request.headers) == ("range" in request.headers)
            and (covered is None or (request.method == "GET" and holds(response, covered)))
        )

    def counts(self):
        """Counts a request that fits; whether it is one to hit."""
        self.seen += 1
        skip = self.conditions.get("skip", 0)
        hit = self.seen > skip and self.hits < self.conditions.get("times", float("inf"))
        self.hits += hit
        return hit


class Faults:
    """`addresses`: what {hub}, {content}, {third} and {plain} mean in redirects. `folder`: that of swap's files."""

    def __init__(self, folder):
        self.folder = folder
        self.addresses = {}
        self.rules = []
        self.lock = threading.Lock()

    def set(self, rules, keep=False):
        rules = [Rule(rule) for rule in rules]
        with self.lock:
            self.rules = (self.rules if keep else []) + rules

    def list(self):
        with self.lock:
            return [{**rule.conditions, "seen": rule.seen, "hits": rule.hits} for rule in self.rules]

    def certificate(self, port):
        """Which certificate a new connection to this port is to see; None: the good one."""
        with self.lock:
            for rule in self.rules:
                wanted = rule.conditions
                if wanted["fault"] == "certificate" and wanted.get("port", port) == port and rule.counts():
                    return wanted["certificate"]
        return None

    def applied(self, port, request, response, record):
        """The response, after all rules that fit it, in their order."""
        with self.lock:
            rules = [rule for rule in self.rules if rule.conditions["fault"] != "certificate"]
            hit = [rule.conditions for rule in rules if rule.fits(port, request, response) and rule.counts()]
        for values in hit:
            record.fault.append(values["fault"])
            label, content = response.label, response.content
            response = getattr(self, values["fault"])(values, request, response) or response
            response.label, response.content = label, response.content or content
        return response

    # ----------------------------------------------------------------------------- one function for each kind of fault

    def status(self, values, request, response):
        status, message = values["status"], values.get("message")
        body = values.get("body")
        other = (
            json_response({"error": message or f"Error {status}"}, status)
            if body is None
            else text_response(status, body)
        )
        if message:
            other.set_header("X-Error-Message", message)
        if "code" in values:
            other.set_header("X-Error-Code", values["code"])
        if "retry_after" in values:
            other.set_header("Retry-After", values["retry_after"])
        if "retry_after_date" in values:  # so many seconds from now
            other.set_header("Retry-After", http_date(time.time() + values["retry_after_date"]))
        if status == 416 and response.content:
            other.set_header("Content-Range", f"bytes */{response.content.size}")
        for name, value in values.get("headers", {}).items():
            other.set_header(name, value)
        return other

    def close(self, values, request, response):
        response.stops.append((values.get("at", "start"), values["fault"]))

    reset = close

    def stall(self, values, request, response):
        response.stops.append((values.get("at", "start"), "stall", values["seconds"]))

    def rate(self, values, request, response):
        response.rate = values["bytes_per_second"]

    def latency(self, values, request, response):
        response.latency += values["ms"] / 1000

    def length(self, values, request, response):
        response.length = "none" if values.get("none") else response.size + values.get("by", 0)
        response.close = True

    def flip(self, values, request, response):
        place, body = values["offset"] - response.first, []
        for piece in response.body:
            if 0 <= place < len(piece):
                wrong = part(piece, place, 1)
                wrong = wrong if isinstance(wrong, bytes) else wrong.read()
                wrong = bytes([wrong[0] ^ values.get("mask", 1)])
                body += [part(piece, 0, place), wrong, part(piece, place + 1, len(piece) - place - 1)]
            else:
                body.append(piece)
            place -= len(piece)
        response.body = body

    def ignore_range(self, values, request, response):
        if response.content and response.status in (206, 416):
            return file_response(request, response.content, ranges=False)

    def content_range(self, values, request, response):
        if response.status == 206:
            by, total = values.get("by", 0), values.get("total", response.content.size)
            first, last = response.first + by, response.first + response.size - 1 + by
            response.set_header("Content-Range", values.get("value", f"bytes {first}-{last}/{total}"))

    def changed(self, values, request, response):
        """Another size and another ETag than before, though nothing has changed."""
        other = hashlib.sha256(f"changed by {values['by']}".encode()).hexdigest()
        if response.header("X-Linked-Size"):
            etag = response.header("X-Linked-ETag").strip('"')
            response.set_header("X-Linked-Size", int(response.header("X-Linked-Size")) + values["by"])
            response.set_header("X-Linked-ETag", f'"{other[: len(etag)]}"')
            response.set_header("X-Repo-Commit", other[:40])
        elif response.content and response.status in (200, 206, 304, 416):
            content = response.content
            content = dataclasses.replace(content, size=max(0, content.size + values["by"]), etag=f'"{other}"')
            return file_response(request, content)

    def swap(self, values, request, response):
        """A file of the repositories becomes another one: this response is of the old one, the next of the new."""
        os.replace(os.path.join(self.folder, values["with"]), os.path.join(self.folder, values["file"]))

    def redirect(self, values, request, response):
        target = values.get("to", "self")
        if target == "self":
            query = re.sub(r"^hop=\d+&?", "", request.query_text)
            target = f"{request.path}?hop={int(request.parameter('hop', 0)) + 1}&{query}"
        else:
            target = target.replace("{target}", request.target).replace("{path}", request.path)
            for name, address in self.addresses.items():
                target = target.replace("{" + name + "}", address or "")
        return Response(values.get("status", 302), [("Location", target)])

    def headers(self, values, request, response):
        lines = values.get("lines", 1)
        for line in range(lines):
            response.headers.append((f"X-Padding-{line}", "a" * (values["bytes"] // lines)))

    def gzip(self, values, request, response):
        response.encoding = "gzip"

    def chunked(self, values, request, response):
        response.encoding = "chunked"
