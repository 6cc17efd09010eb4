"""What was asked of the hub and its other ports, and what was sent."""

import dataclasses
import itertools
import threading
import time

TOKEN_LETTERS = 12


@dataclasses.dataclass
class Record:
    """A request.

    `connection` counts connections, `sent` the bytes of the body, as sent (in chunks or compressed, where it is);
    `fault` is the kinds of the faults that it met. Times are in seconds.
    """

    port: str
    connection: int
    method: str
    path: str
    host: str | None
    range: str | None
    authorization: str | None
    user_agent: str | None
    accept_encoding: str | None
    time: float
    status: int | None = None
    sent: int = 0
    fault: list = dataclasses.field(default_factory=list)
    seconds: float | None = None
    complete: bool = False


class RequestLog:
    def __init__(self):
        self.condition = threading.Condition()
        self.records = []
        self.running = 0
        self.connections = itertools.count(1)

    def begin(self, port, connection, request):
        token = request.headers.get("authorization")
        record = Record(
            port=port,
            connection=connection,
            method=request.method,
            path=request.target,
            host=request.headers.get("host"),
            range=request.headers.get("range"),
            authorization=token and token[:TOKEN_LETTERS],
            user_agent=request.headers.get("user-agent"),
            accept_encoding=request.headers.get("accept-encoding"),
            time=time.time(),
        )
        with self.condition:
            self.records.append(record)
            self.running += 1
        return record

    def end(self, record, complete):
        """`complete`: all that was to be sent has been sent."""
        with self.condition:
            record.seconds, record.complete = time.time() - record.time, complete
            self.running -= 1
            self.condition.notify_all()

    def all(self, patience=0.5):
        """Every request, in order. A client may ask while the last thread has still to note what it sent: `patience` is
        how long to wait for those that run."""
        with self.condition:
            self.condition.wait_for(lambda: not self.running, patience)
            return [dataclasses.asdict(record) for record in self.records]

    def clear(self):
        with self.condition:
            self.records = []
