"""A running program that answers lines, and the lines that it has been given."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import time
from collections import deque
from concurrent.futures import Future
from typing import Any

from . import _program
from .errors import ProgramNotFoundError, UsageError

#: What a line is called by which a child tells that its nets are open.
READY = "ready"
#: Seconds until the end of a child that is to end is hurried.
GRACE = 2.0
_STDERR_KEPT = 64 << 10
#: From so many lines under way on, answers gather before they are taken: to wake for each costs as much as small nets do.
_MANY = 16
#: Seconds that they gather at most.
_MOST_GATHERING = 0.02
# json.dumps makes an encoder each time that it is told how to write.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Item:
    """A line, and who waits for its answer."""

    __slots__ = ("data", "future", "is_suspect", "number", "solo_deaths")

    def __init__(self, number: int | str, request: dict[str, Any]) -> None:
        self.number = number
        try:
            self.data = _encode({"id": number, **request}).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise UsageError("a text has half of a surrogate pair, which UTF-8 can't say") from error
        self.future: Future[dict[str, Any]] = Future()
        #: Whether a child died that had been given it and hadn't answered.
        self.is_suspect = False
        #: Of children that had been given nothing else.
        self.solo_deaths = 0

    def answer(self, reply: dict[str, Any]) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(reply)

    def fail(self, error: BaseException) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Child:
    """A running program, and what it has been given and hasn't answered."""

    def __init__(self, command: list[str]) -> None:
        try:
            # A session of its own: Ctrl-C in a terminal is for this process, which ends the child then.
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                start_new_session=True)
        except OSError as error:
            raise ProgramNotFoundError(f"can't be run: {error.strerror}", file=command[0]) from error
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self.stdin, self.stdout, self.stderr = (
            pipe.fileno() for pipe in (self.process.stdin, self.process.stdout, self.process.stderr))
        for end in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(end, False)
        self.given: deque[Item] = deque()
        self.unsent: deque[memoryview] = deque()
        self.since = time.monotonic()
        self.is_ready = False
        self.gathers_until = 0.0
        self._read_at = self.since
        self._stdout_rest = bytearray()
        self._stderr = bytearray()
        # A line that asks for nothing: its error comes as soon as the nets are open.
        self.probe = Item(READY, {})
        self.give(self.probe)

    def give(self, item: Item) -> None:
        if not self.given:
            self.since = time.monotonic()
        self.given.append(item)
        self.unsent.append(memoryview(item.data))

    def write(self) -> None:
        """Writes as much as the pipe takes. That nobody reads it any more is told by the end of standard output."""
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                try:
                    count = os.write(self.stdin, self.unsent[0])
                except BrokenPipeError:
                    self.unsent.clear()
                    return
                rest = self.unsent[0][count:]
                if rest:
                    self.unsent[0] = rest
                else:
                    self.unsent.popleft()

    def read_lines(self) -> list[bytes] | None:
        """Whole lines that have come; None at the end."""
        try:
            data = os.read(self.stdout, 1 << 16)
        except BlockingIOError:
            return []
        if not data:
            return None
        end = data.rfind(b"\n")
        if end < 0:
            self._stdout_rest += data
            return []
        lines = (bytes(self._stdout_rest) + data[:end]).split(b"\n")
        self._stdout_rest = bytearray(data[end + 1:])
        return lines

    def gather(self, count: int) -> None:
        """After so many lines were read: says until when the next ones may gather. It is never so long that the child
        might have nothing left to do; at its pace, it would be done with a quarter of what it has been given."""
        now = time.monotonic()
        left = len(self.given) - count
        pause = min(_MOST_GATHERING, (now - self._read_at) / count * left / 4) if left >= _MANY else 0
        self._read_at, self.gathers_until = now, now + pause

    def read_stderr(self) -> bool:
        """Keeps the last of what is said there; False at the end."""
        try:
            data = os.read(self.stderr, 1 << 16)
        except BlockingIOError:
            return True
        self._stderr += data
        del self._stderr[:-_STDERR_KEPT]
        for line in data.decode("utf-8", "replace").splitlines():
            _program.note(line)
        return bool(data)

    def stderr_text(self) -> str:
        return self._stderr.decode("utf-8", "replace")

    def end(self, patience: float) -> int:
        """Closes its standard input and waits for its end, which is hurried after so many seconds.

        Returns:
            The exit status, negative for a signal.
        """
        process = self.process
        assert process.stdin and process.stdout and process.stderr
        process.stdin.close()
        for hurry in (process.terminate, process.kill):
            if _has_ended(process, patience):
                break
            hurry()
            patience = GRACE
        status = process.wait()
        if not process.stderr.closed:
            while _is_readable(self.stderr) and self.read_stderr():
                pass
        process.stderr.close()
        process.stdout.close()
        return status

    def forget(self) -> None:
        """Leaves the child to the process whose child it is."""
        self.process.returncode = 0
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()


def _has_ended(process: subprocess.Popen[bytes], patience: float) -> bool:
    """Waits for a process's end for so many seconds. Popen would only look now and then, up to 50 ms too late."""
    if process.poll() is not None:
        return True
    try:
        end = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # not Linux, or an old one
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        return process.returncode is not None
    try:
        return _is_readable(end, patience)
    finally:
        os.close(end)


def _is_readable(end: int, patience: float = 0) -> bool:
    """Whether something can be read there now, or within so many seconds."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(end, selectors.EVENT_READ)
        return bool(waiting.select(patience))
