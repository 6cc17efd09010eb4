"""Sends a response over a connection: fast, or with the faults it was given."""

import fcntl
import os
import select
import socket
import ssl
import struct
import termios
import time
import zlib

from messages import FilePart, part

SLICE = 1 << 22
TLS_SLICE = 1 << 18
FEED = 1 << 16


class Ended(Exception):
    """The connection is at its end."""


class Connection:
    """A socket, with or without TLS; `open_files` keeps the files that it sends from open."""

    def __init__(self, plain):
        self.socket = plain
        self.open_files = {}
        self.closed = False

    @property
    def encrypted(self):
        return isinstance(self.socket, ssl.SSLSocket)

    def wait(self, seconds):
        """Waits; raises Ended as soon as the other side has gone, which one that has closed its half is taken for."""
        if seconds <= 0:
            return
        poll = select.poll()
        poll.register(self.socket.fileno(), select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        if poll.poll(seconds * 1000):
            raise Ended

    def write(self, piece, limit, more=False):
        """Sends at most `limit` bytes of a piece; how many it were."""
        if isinstance(piece, FilePart):
            file = self.open_files.get(piece.path)
            if file is None:
                file = self.open_files[piece.path] = os.open(piece.path, os.O_RDONLY | os.O_CLOEXEC)
            if not self.encrypted:
                sent = os.sendfile(self.socket.fileno(), file, piece.offset, min(limit, len(piece)))
                if not sent:  # the file was cut short meanwhile
                    raise Ended
                return sent
            piece = os.pread(file, min(limit, len(piece), TLS_SLICE), piece.offset)
            if not piece:
                raise Ended
        view = memoryview(piece)[:limit]
        return self.socket.send(view) if self.encrypted else self.socket.send(view, socket.MSG_MORE if more else 0)

    def write_all(self, data, more=False):
        position = 0
        while position < len(data):
            position += self.write(data[position:], len(data) - position, more)

    def close(self, reset=False):
        self.closed = True
        for file in self.open_files.values():
            os.close(file)
        self.open_files = {}
        try:
            if reset:
                self.drain()
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif not self.encrypted:
                self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def drain(self):
        """Waits a while until the other side's system has what was sent: a reset throws away the rest."""
        for _ in range(100):
            if not self.waiting():
                return
            time.sleep(0.01)

    def waiting(self):
        """Bytes that were sent and that the other side's system hasn't got."""
        try:
            return struct.unpack("i", fcntl.ioctl(self.socket.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
        except (OSError, ValueError):
            return 0

    def forget_files(self):
        """Closes files: one that is replaced by another must be opened anew."""
        for file in self.open_files.values():
            os.close(file)
        self.open_files = {}


def encoded(pieces, gzip):
    """The pieces in chunks, compressed if `gzip`."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, 31) if gzip else None
    for piece in pieces:
        for start in range(0, len(piece), FEED):
            data = part(piece, start, min(FEED, len(piece) - start))
            data = data if isinstance(data, bytes) else data.read()
            data = compressor.compress(data) if compressor else data
            if data:
                yield b"%x\r\n%s\r\n" % (len(data), data)
    if compressor:
        data = compressor.flush()
        yield b"%x\r\n%s\r\n" % (len(data), data)
    yield b"0\r\n\r\n"


def send(connection, response, record, without_body):
    """Sends all of a response; raises Ended if nothing may follow. `record.sent` counts bytes of the body.

    What happens at a stop: ("close",), ("reset",) or ("stall", seconds). Those at "start" and "headers" come before the
    response and within its head.
    """
    stops = list(response.stops)
    early = [stop for stop in stops if stop[0] == "start"]
    head = response.head()
    for _, action, *values in early:
        stop(connection, action, values)
    for _, action, *values in [stop for stop in stops if stop[0] == "headers"]:
        connection.write_all(head[: len(head) // 2])
        head = head[len(head) // 2 :]
        stop(connection, action, values)
    body = [] if without_body or response.status in (204, 304) else response.body
    # Short bodies go with their head, in one segment.
    if (
        body
        and not stops
        and not response.encoding
        and not response.rate
        and all(isinstance(piece, bytes) for piece in body)
    ):
        data = b"".join(body)
        connection.write_all(head + data)
        record.sent += len(data)
        return
    connection.write_all(head, more=bool(body) and not stops)
    send_body(connection, response, body, [stop for stop in stops if isinstance(stop[0], int)], record, without_body)


def send_body(connection, response, body, stops, record, without_body):
    stops.sort(key=lambda stop: stop[0])
    pieces = encoded(body, response.encoding == "gzip") if response.encoding and not without_body else iter(body)
    limit = SLICE if not response.rate else max(1, min(SLICE, int(response.rate / 20)))
    position, started = 0, time.monotonic()
    for piece in pieces:
        while len(piece):
            while stops and stops[0][0] <= position:
                _, action, *values = stops.pop(0)
                stop(connection, action, values)
            sent = connection.write(piece, min(limit, stops[0][0] - position) if stops else limit)
            piece = part(piece, sent, len(piece) - sent)
            position += sent
            record.sent = position
            if response.rate:
                connection.wait(position / response.rate - (time.monotonic() - started))
    for _, action, *values in stops:  # those at or past the end
        stop(connection, action, values)


def stop(connection, action, values):
    if action == "stall":
        connection.wait(values[0])
    else:
        connection.close(reset=action == "reset")
        raise Ended
