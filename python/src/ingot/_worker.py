"""A child process that answers lines: docs/PROTOCOL.md as a client.

One thread owns the child, writes lines to it and reads its answers, so that neither can wait for the other. When the child dies,
another is started. Lines that it had been given and had not answered are given again, one at a time; one during which a child
dies again gets the error, and the others their answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from . import _program
from .errors import (
    IngotError, IngotTimeoutError, InputOutputError, ProgramNotFoundError, ProtocolError, UsageError, error_of_status)

#: Most lines that are given to a child before they are answered.
_WINDOW = 256
_STDERR_KEPT = 64 << 10
_GRACE = 2.0
_READY = "ready"
#: Children that may be ended, one after the other, before their nets are open.
_MOST_STARTS = 3


class _Item:
    """A line, and who waits for its answer."""

    __slots__ = ("data", "deaths", "future", "number")

    def __init__(self, number: int | str, request: dict[str, Any]) -> None:
        self.number = number
        text = json.dumps({"id": number, **request}, ensure_ascii=False, separators=(",", ":"))
        try:
            self.data = text.encode() + b"\n"
        except UnicodeEncodeError as error:
            raise UsageError("a text has half of a surrogate pair, which UTF-8 can't say") from error
        self.future: Future[dict[str, Any]] = Future()
        #: Of children that had been given it and hadn't answered.
        self.deaths = 0

    def answer(self, reply: dict[str, Any]) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(reply)

    def fail(self, error: BaseException) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Worker:
    """Gives lines to a child and hands out what it answers.

    Args:
        arguments: the command line behind the program's path.
        program: see ``_program.find``.
        timeout: seconds that an answer may take from the one before it; None: no limit.
        start_timeout: seconds until the child has opened its nets.
    """

    def __init__(
        self, arguments: Sequence[str], *, program: str | os.PathLike[str] | None = None, timeout: float | None = None,
        start_timeout: float | None = 300,
    ) -> None:
        self._command = [_program.find(program), *arguments]
        self._files = [argument.rpartition("=")[2] for argument in arguments]
        self._timeout, self._start_timeout = timeout, start_timeout
        self._lock = threading.Lock()
        self._queue: deque[_Item] = deque()
        self._count = 0
        self._is_closing = self._is_forked = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._child: _Child | None = None
        self._starts = self._failed_starts = 0
        self._thread = threading.Thread(target=self._run, name="ingot", daemon=True)
        self._thread.start()
        _workers.add(self)

    @property
    def pid(self) -> int | None:
        """Of the child; None where there is none."""
        child = self._child
        return child.process.pid if child else None

    @property
    def starts(self) -> int:
        """How many children there have been."""
        return self._starts

    def ready(self) -> Future[dict[str, Any]]:
        """Ends when a child has opened its nets; fails with the error of one that can't."""
        return self._add(_Item(_READY, {}))

    def submit(self, request: dict[str, Any]) -> Future[dict[str, Any]]:
        """What will be answered to a line; fails with the line's error.

        Raises:
            UsageError: the worker was closed, or belongs to another process.
        """
        with self._lock:
            self._count += 1
            number = self._count
        return self._add(_Item(number, request))

    def _add(self, item: _Item) -> Future[dict[str, Any]]:
        with self._lock:
            if self._is_forked:
                raise UsageError("was opened before this process was forked off", hint="open it in each process")
            if self._is_closing:
                raise UsageError("was closed")
            self._queue.append(item)
            self._wake()
        return item.future

    def _wake(self) -> None:
        """With the lock held: the thread closes the pipe under it."""
        with contextlib.suppress(BlockingIOError):  # it is full: who reads it will wake anyway
            os.write(self._wake_write, b"\0")

    def close(self) -> None:
        """Ends the child and waits for its end. What isn't answered fails with ``UsageError``."""
        with self._lock:
            if self._is_closing or self._is_forked:
                return
            self._is_closing = True
            self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    # From here on everything is the thread's own.

    def _run(self) -> None:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._wake_read, selectors.EVENT_READ)
            while not self._is_closing:
                if not self._queue:
                    waiting.select()
                    self._drain()
                    continue
                try:
                    child = _Child(self._command)
                except IngotError as error:
                    self._fail_all(error)
                    continue
                self._starts += 1
                self._child = child
                try:
                    self._serve(child)
                except Exception as error:  # whoever waits has to be told, whatever it is
                    self._give_back(child)
                    self._fail_all(error if isinstance(error, IngotError) else InputOutputError(repr(error)))
                finally:
                    self._child = None
                    # Nobody waits for what it may still be at.
                    patience = 0 if child.given else _GRACE
                    self._give_back(child)
                    child.end(patience)
        self._fail_all(UsageError("was closed before this was answered"))
        with self._lock:
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 4096):
                pass

    def _fail_all(self, error: IngotError) -> None:
        with self._lock:
            items = list(self._queue)
            self._queue.clear()
        for item in items:
            item.fail(error)

    def _give_back(self, child: _Child) -> None:
        """Puts what the child had been given to the front of the queue again."""
        with self._lock:
            self._queue.extendleft(item for item in reversed(child.given) if item is not child.probe)
        child.given.clear()

    def _serve(self, child: _Child) -> None:
        """Lets a child answer until it ends, or is to end."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._wake_read, selectors.EVENT_READ)
            waiting.register(child.stdout, selectors.EVENT_READ)
            waiting.register(child.stderr, selectors.EVENT_READ)
            is_writing = False
            while not self._is_closing:
                self._give(child)
                if is_writing != bool(child.unsent):
                    is_writing = not is_writing
                    if is_writing:
                        waiting.register(child.stdin, selectors.EVENT_WRITE)
                    else:
                        waiting.unregister(child.stdin)
                limit = self._timeout if child.is_ready else self._start_timeout
                left = None if limit is None or not child.given else child.since + limit - time.monotonic()
                ready = waiting.select(left if left is None else max(left, 0))
                for key, _ in ready:
                    if key.fd == self._wake_read:
                        self._drain()
                    elif key.fd == child.stdin:
                        child.write()
                    elif key.fd == child.stderr:
                        if not child.read_stderr():
                            waiting.unregister(child.stderr)
                    elif not self._read(child):
                        self._died(child)
                        return
                if not ready and left is not None and time.monotonic() >= child.since + (limit or 0):
                    self._took_too_long(child, limit or 0)
                    return

    def _give(self, child: _Child) -> None:
        """Gives the child lines to answer, those that may have made another die one at a time."""
        done: list[_Item] = []
        with self._lock:
            while self._queue and child.is_ready:
                item = self._queue[0]
                if item.number == _READY or item.future.cancelled():
                    done.append(self._queue.popleft())
                    continue
                suspects = item.deaths > 0 or any(given.deaths > 0 for given in child.given)
                if len(child.given) >= (1 if suspects else _WINDOW):
                    break
                child.give(self._queue.popleft())
        for item in done:
            item.answer({})

    def _read(self, child: _Child) -> bool:
        """Takes what the child says; False at its end."""
        lines = child.read_lines()
        if lines is None:
            return False
        for line in lines:
            try:
                reply = json.loads(line)
            except ValueError:
                reply = None
            if not isinstance(reply, dict) or not child.given or reply.pop("id", None) != child.given[0].number:
                raise ProtocolError(
                    f"the program answered what wasn't asked: {line[:200]!r}",
                    hint="the program and this package are of different versions")
            item = child.given.popleft()
            child.since = time.monotonic()
            if item is child.probe:
                child.is_ready, self._failed_starts = True, 0
                continue
            error = reply.get("error")
            if isinstance(error, dict):
                item.fail(error_of_status(
                    int(error.get("status", 65)), str(error.get("message", "")), error.get("hint"),
                    [str(reply.get("image", ""))]))
            else:
                item.answer(reply)
        return True

    def _died(self, child: _Child) -> None:
        status = child.end(_GRACE)
        error = _program.failure(status, child.stderr_text(), self._files)
        if not child.is_ready:
            self._failed_starts += 1
            self._give_back(child)
            # One that somebody ended while it opened its nets is not the lines' fault.
            if status >= 0 or self._failed_starts >= _MOST_STARTS:
                self._fail_all(error)
            return
        if len(child.given) == 1 and child.given[0].deaths > 0:
            child.given.popleft().fail(error)
        for item in child.given:
            item.deaths += 1

    def _took_too_long(self, child: _Child, limit: float) -> None:
        error = IngotTimeoutError(f"took more than {limit:g} seconds")
        child.process.kill()
        child.end(_GRACE)
        if not child.is_ready:
            self._give_back(child)
            self._fail_all(error)
            return
        child.given.popleft().fail(error)
        for item in child.given:
            item.deaths += 1

    def _forked(self) -> None:
        """In a process that was forked off: its copies of the pipes would keep the child alive."""
        self._is_forked, self._lock = True, threading.Lock()
        for end in [self._wake_read, self._wake_write]:
            with contextlib.suppress(OSError):
                os.close(end)
        if self._child:
            self._child.forget()


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def _after_fork() -> None:
    for worker in list(_workers):
        worker._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Child:
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
        self.given: deque[_Item] = deque()
        self.unsent: deque[memoryview] = deque()
        self.since = time.monotonic()
        self.is_ready = False
        self._stdout_rest = bytearray()
        self._stderr = bytearray()
        # A line that asks for nothing: its error comes as soon as the nets are open.
        self.probe = _Item(_READY, {})
        self.give(self.probe)

    def give(self, item: _Item) -> None:
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
            data = os.read(self.stdout, 1 << 20)
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
            try:
                process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                hurry()
                patience = _GRACE
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


def _is_readable(end: int) -> bool:
    """Whether something can be read there now."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(end, selectors.EVENT_READ)
        return bool(waiting.select(0))
