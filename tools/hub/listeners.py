"""Ports: each connection has a thread, which answers request after request."""

import contextlib
import socket
import ssl
import threading
import time
import traceback

from messages import BadRequest, http_date, read_request, text_response
from sending import Connection, Ended, send

SEND_BUFFER = 1 << 20  # what the system holds has been sent, by the log: more of it would blur what a client has got
HANDSHAKE_SECONDS = 10


class Listener:
    """A port on `host`. `answer` makes a Response of a Request; `control`, where there is one, of those under /-/.

    `latency`: seconds before each answer. `rate`: bytes of bodies per second and connection, or None. `certificates`:
    None for plain HTTP.
    """

    def __init__(self, name, host, answer, faults, log, latency=0, rate=None, certificates=None, control=None):
        self.name = name
        self.answer = answer
        self.control = control
        self.faults = faults
        self.log = log
        self.latency = latency
        self.rate = rate
        self.certificates = certificates
        self.socket = socket.create_server(("127.0.0.1" if host == "localhost" else host, 0), backlog=512)
        scheme = "https" if certificates else "http"
        self.address = f"{scheme}://{host}:{self.socket.getsockname()[1]}"

    def start(self):
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self):
        while True:
            try:
                plain, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        connection = Connection(plain)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if self.certificates:
                kind = self.faults.certificate(self.name) or "good"
                plain.settimeout(HANDSHAKE_SECONDS)
                connection.socket = self.certificates.contexts[kind].wrap_socket(plain, server_side=True)
                connection.socket.settimeout(None)
            with connection.socket.makefile("rb", 1 << 16) as stream:
                number = next(self.log.connections)
                while self.exchange(connection, stream, number):
                    pass
        except (OSError, ssl.SSLError, Ended, ValueError):  # the client has gone, or a stop has closed the connection
            pass
        finally:
            with contextlib.suppress(OSError):
                connection.close()

    def exchange(self, connection, stream, number):
        """One request and its answer; whether another may follow."""
        try:
            request = read_request(stream)
        except BadRequest as problem:
            response = text_response(400, str(problem))
            response.close = True
            connection.write_all(response.head() + response.body[0])
            return False
        if request is None:
            return False
        if self.control and request.path.startswith("/-/"):
            response = self.control.answer(request)
            connection.write_all(response.head() + response.body[0])
            return request.keeps_connection()
        record, complete = self.log.begin(self.name, number, request), False
        try:
            response = self.response(request, record)
            record.status = response.status
            connection.wait(response.latency)
            send(connection, response, record, without_body=request.method == "HEAD")
            complete = True
        except (OSError, Ended):
            if not connection.closed:  # it was the other side, which will never get the rest
                record.sent = max(0, record.sent - connection.waiting())
            raise
        finally:
            self.log.end(record, complete)
            connection.forget_files()
        return not response.close

    def response(self, request, record):
        try:
            response = self.answer(request)
            response.rate, response.latency = self.rate, self.latency
            response = self.faults.applied(self.name, request, response, record)
        except Exception:  # a mistake of this program, which a test must not take for a fault that it asked for
            traceback.print_exc()
            response = text_response(500, "the hub for tests has failed: see its standard error")
        response.latency = max(response.latency, self.latency)
        response.rate = response.rate or self.rate
        response.close = response.close or response.length is not None or not request.keeps_connection()
        request_id = f"Root=1-{int(time.time()):x}-{id(record):024x}"
        response.headers = [("Date", http_date()), ("X-Request-Id", request_id), *response.headers]
        return response
