"""A forward proxy for tests of clients that are told to use one: CONNECT, and plain requests; to this machine only."""

import contextlib
import select
import socket
import threading
import urllib.parse

from messages import Request, text_response
from sending import Connection

HERE = {"127.0.0.1", "127.0.0.2", "localhost"}
BLOCK = 1 << 16


def pump(left, right, record):
    """Carries bytes both ways until either side ends; counts those from right to left."""
    while True:
        for source in select.select([left, right], [], [])[0]:
            data = source.recv(BLOCK)
            if not data:
                return
            (right if source is left else left).sendall(data)
            record.sent += len(data) if source is right else 0


class Proxy:
    """A port that isn't the hub's, whose requests the log has as those of the port "proxy"."""

    def __init__(self, log):
        self.log = log
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def start(self):
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, contextlib.suppress(OSError, ValueError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = b""
            while b"\r\n\r\n" not in data:
                block = client.recv(BLOCK)
                if not block:
                    return
                data += block
            head, _, rest = data.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, version = first.split()
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            headers["authorization"] = headers.pop("proxy-authorization", None)
            record = self.log.begin("proxy", next(self.log.connections), Request(method, target, version, headers))
            try:
                self.carry(client, method, target, lines, rest, record)
            finally:
                self.log.end(record, True)

    def carry(self, client, method, target, lines, rest, record):
        url = urllib.parse.urlsplit("//" + target if method == "CONNECT" else target)
        if url.hostname not in HERE:
            record.status = 403
            response = text_response(403, "this proxy is for tests on this machine")
            Connection(client).write_all(response.head() + response.body[0])
            return
        with socket.create_connection((url.hostname, url.port)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            record.status = 200
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                server.sendall(rest)
            else:
                # Its answer ends the connection, so that the next request comes to the proxy as a request.
                kept = [line for line in lines if not line.lower().startswith(("connection:", "proxy-"))]
                path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
                head = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""])
                server.sendall(head.encode("latin-1") + rest)
            pump(client, server, record)
