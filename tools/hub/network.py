"""The content network: large files by their digest, at signed addresses; and files as any server has them."""

import hashlib
import hmac
import os
import re
import secrets
import time
import urllib.parse

from hub_api import repository_id, xet_hash
from messages import Content, file_response, http_date, text_response


class ContentNetwork:
    """`lifetime`: seconds for which an address is good. No address is given twice, and none needs a token."""

    def __init__(self, store, lifetime=3600):
        self.store = store
        self.lifetime = lifetime
        self.address = ""
        self.key = secrets.token_bytes(32)

    def signature(self, path, signed):
        return hmac.new(self.key, f"{path}?{signed}".encode(), hashlib.sha256).hexdigest()

    def address_of(self, repository, entry):
        path = f"/xet-bridge/{repository_id(repository)}/{entry.sha256}"
        now = time.time()
        name = urllib.parse.quote(entry.path.rpartition("/")[2], errors="surrogateescape")
        signed = urllib.parse.urlencode(
            {
                "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
                "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)),
                "X-Amz-Expires": str(self.lifetime),
                "X-Amz-SignedHeaders": "host",
                "response-content-disposition": f"inline; filename*=UTF-8''{name}",
                "x-id": "GetObject",
                "Expires": f"{now + self.lifetime:.3f}",
                "Nonce": secrets.token_hex(8),
            }
        )
        return f"{self.address}{path}?{signed}&X-Amz-Signature={self.signature(path, signed)}"

    def answer(self, request):
        if request.method not in ("GET", "HEAD"):
            return problem(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        if request.path.startswith("/files/"):
            return self.plain_file(request)
        # An endless redirect (faults.py) counts before what is signed.
        signed, _, signature = re.sub(r"^hop=\d+&", "", request.query_text).rpartition("&X-Amz-Signature=")
        if not hmac.compare_digest(self.signature(request.path, signed), signature):
            return problem(403, "SignatureDoesNotMatch", "The request signature does not match.")
        if float(request.parameter("Expires")) < time.time():
            return problem(403, "AccessDenied", "Request has expired")
        entry = self.store.content(request.path.rpartition("/")[2])
        if entry is None:
            return problem(404, "NoSuchKey", "The specified key does not exist.")
        headers = [
            ("Content-Type", "application/octet-stream"),
            ("Content-Disposition", request.parameter("response-content-disposition", "inline")),
            ("Last-Modified", http_date(entry.state[1] // 10**9)),
            ("Cache-Control", "public, max-age=31536000"),
        ]
        response = file_response(request, Content(entry.size, f'"{xet_hash(entry)}"', entry.file, headers=headers))
        response.label = os.path.relpath(entry.file, self.store.folder)
        return response

    def plain_file(self, request):
        """/files/org/name/…: no hub, no signature; the ETag is made of time and size, as web servers do."""
        path = os.path.normpath(os.path.join(self.store.folder, urllib.parse.unquote(request.path[len("/files/") :])))
        if not path.startswith(self.store.folder + os.sep) or not os.path.isfile(path):
            return text_response(404, "Not Found")
        status = os.stat(path)
        headers = [
            ("Content-Type", "application/octet-stream"),
            ("Last-Modified", http_date(status.st_mtime_ns // 10**9)),
        ]
        etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        response = file_response(request, Content(status.st_size, etag, path, headers=headers))
        response.label = os.path.relpath(path, self.store.folder)
        return response


def problem(status, code, message):
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return text_response(status, text, kind="application/xml")
