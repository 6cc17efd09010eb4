"""HTTP/1.1: requests as they come, responses as they are to be sent, and which bytes of a file a request asks for."""

import dataclasses
import email.utils
import http
import json
import os
import re
import time
import urllib.parse

MAXIMUM_HEAD = 1 << 16
MAXIMUM_BODY = 1 << 24
CONTROL = re.compile("[\x00-\x1f]")


class BadRequest(Exception):
    """The client doesn't speak HTTP/1.1 as it ought to."""


@dataclasses.dataclass
class Request:
    """`target` is what stands in the request line; `path` its path, still quoted; header names are in lower case."""

    method: str
    target: str
    version: str
    headers: dict
    body: bytes = b""

    def __post_init__(self):
        self.path, _, self.query_text = self.target.partition("?")
        self.query = urllib.parse.parse_qs(self.query_text, keep_blank_values=True)

    def parameter(self, name, default=None):
        return self.query.get(name, [default])[-1]

    def keeps_connection(self):
        wish = self.headers.get("connection", "").lower()
        return "close" not in wish if self.version == "HTTP/1.1" else "keep-alive" in wish


def read_request(stream):
    """The next request of a connection's buffered `stream`, or None at its end."""
    line = stream.readline(MAXIMUM_HEAD)
    if not line.strip():
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("request line")
    headers, size = {}, 0
    while (line := stream.readline(MAXIMUM_HEAD)) not in (b"\r\n", b"\n"):
        size += len(line)
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or size > MAXIMUM_HEAD:
            raise BadRequest("headers")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    length = int(length) if length.isdecimal() else -1
    if "transfer-encoding" in headers or not 0 <= length <= MAXIMUM_BODY:
        raise BadRequest("body")
    return Request(words[0], words[1], words[2], headers, stream.read(length) if length else b"")


@dataclasses.dataclass(frozen=True)
class FilePart:
    """`count` bytes of a file from `offset`."""

    path: str
    offset: int
    count: int

    def __len__(self):
        return self.count

    def part(self, start, count):
        return FilePart(self.path, self.offset + start, count)

    def read(self):
        with open(self.path, "rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.count)


def part(piece, start, count):
    """Some bytes of a piece of a body."""
    return piece[start : start + count] if isinstance(piece, bytes) else piece.part(start, count)


@dataclasses.dataclass
class Content:
    """What a response serves ranges of: a file or `data`, its ETag (with its quotation marks) and other headers."""

    size: int
    etag: str
    file: str | None = None
    data: bytes | None = None
    headers: list = dataclasses.field(default_factory=list)
    compressible: bool = False

    def pieces(self, first, count):
        """A list of bytes and file parts; what lies past the file's end, if it is said to be larger, is zero."""
        true_size = len(self.data) if self.file is None else os.stat(self.file).st_size
        here = max(0, min(count, true_size - first))
        piece = self.data[first : first + here] if self.file is None else FilePart(self.file, first, here)
        return [piece] + ([bytes(count - here)] if count > here else [])


@dataclasses.dataclass
class Response:
    """What is to be sent.

    `body` is a list of bytes and file parts. `length` is what Content-Length tells: the body's if it is None, nothing
    if it is "none". `stops` are places in the body as sent, each with what happens there (see sending.py).
    """

    status: int
    headers: list
    body: list = dataclasses.field(default_factory=list)
    length: object = None
    content: Content | None = None
    first: int = 0
    encoding: str | None = None  # "chunked", "gzip" (which is chunked too)
    rate: float | None = None
    latency: float = 0
    stops: list = dataclasses.field(default_factory=list)
    close: bool = False
    label: str = ""

    def set_header(self, name, value):
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        if value is not None:
            self.headers.append((name, str(value)))

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def size(self):
        return sum(len(piece) for piece in self.body)

    def head(self):
        lines = [f"HTTP/1.1 {self.status} {reason(self.status)}"]
        lines += [f"{name}: {CONTROL.sub(' ', value)}" for name, value in self.headers]
        if self.encoding == "gzip":
            lines.append("Content-Encoding: gzip")
        if self.encoding:
            lines.append("Transfer-Encoding: chunked")
        elif self.length != "none" and self.status not in (204, 304):
            lines.append(f"Content-Length: {self.size if self.length is None else self.length}")
        if self.close:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def reason(status):
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def http_date(seconds=None):
    return email.utils.formatdate(time.time() if seconds is None else seconds, usegmt=True)


def text_response(status, text, headers=(), kind="text/plain; charset=utf-8"):
    return Response(status, [("Content-Type", kind), *headers], [text.encode("utf-8", "surrogateescape")])


def json_response(value, status=200, headers=()):
    return text_response(status, json.dumps(value), headers, "application/json; charset=utf-8")


def asked_range(text, size):
    """The first byte of a Range header's value, and one past the last; None: ignore it; "beyond": nothing is there.

    More than one range is ignored, which a server may.
    """
    match = re.fullmatch(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", text, re.IGNORECASE)
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) and size else "beyond"
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return "beyond"
    return int(first), min(int(last) + 1 if last else size, size)


def file_response(request, content, ranges=True):
    """What answers a GET or HEAD of a content: 200, 206, 304 or 416; not `ranges`: the whole, whatever is asked."""
    headers = [("Accept-Ranges", "bytes"), ("ETag", content.etag), *content.headers]
    if content.etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(304, headers, content=content)
    asked, condition = request.headers.get("range"), request.headers.get("if-range")
    last_modified = next((value for name, value in content.headers if name == "Last-Modified"), None)
    if condition and condition not in (content.etag, last_modified):
        asked = None
    # A network that compresses what it sends ignores ranges of that.
    compressed = (
        content.compressible and "gzip" in request.headers.get("accept-encoding", "") and request.method == "GET"
    )
    span = asked_range(asked, content.size) if asked and ranges and not compressed else None
    if span == "beyond":
        headers = [("Content-Type", "text/plain"), ("Content-Range", f"bytes */{content.size}")]
        return Response(416, headers, [b"Range Not Satisfiable"], content=content)
    first, end = span or (0, content.size)
    response = Response(206 if span else 200, headers, content.pieces(first, end - first), content=content, first=first)
    if span:
        response.set_header("Content-Range", f"bytes {first}-{end - 1}/{content.size}")
    if compressed:
        response.encoding = "gzip"
        response.set_header("ETag", "W/" + content.etag)
    return response
