"""A child process that answers lines: docs/PROTOCOL.md as a client.

One thread owns the child, writes lines to it and reads its answers, so that neither can wait for the other. When the
child dies, another is started. Lines that it had been given and had not answered are given again, one at a time; one
during which two children died so gets the error, and the others their answers.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import selectors
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from . import _program
from ._child import GRACE, READY, Child, Item
from .errors import IngotError, IngotTimeoutError, InputOutputError, ProtocolError, UsageError, error_of_reply

#: Most lines that are given to a child before they are answered.
_WINDOW = 256
#: Children that may be ended, one after the other, before their nets are open.
_MOST_STARTS = 3
#: Children that a line may have alone when they die, until it is the one that is to blame: others end processes too.
_SOLO_DEATHS = 2


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
        self._queue: deque[Item] = deque()
        self._numbers = itertools.count(1)
        self._is_closing = self._is_forked = self._is_ended = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._child: Child | None = None
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
        return self._add(Item(READY, {}))

    def submit(self, request: dict[str, Any]) -> Future[dict[str, Any]]:
        """What will be answered to a line; fails with the line's error.

        Raises:
            UsageError: the worker was closed, or belongs to another process.
        """
        return self._add(Item(next(self._numbers), request))

    def _add(self, item: Item) -> Future[dict[str, Any]]:
        with self._lock:
            if self._is_forked:
                raise UsageError("was opened before this process was forked off", hint="open it in each process")
            if self._is_closing:
                raise UsageError("was closed")
            self._queue.append(item)
            if len(self._queue) == 1:  # else it is awake, or has more than it can take
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
                    child = Child(self._command)
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
                    patience = 0 if child.given else GRACE
                    self._give_back(child)
                    child.end(patience)
        self._fail_all(UsageError("was closed before this was answered"))
        with self._lock:
            os.close(self._wake_read)
            os.close(self._wake_write)
            # What is opened now may get these numbers.
            self._is_ended = True
        _workers.discard(self)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 1 << 16)

    def _fail_all(self, error: IngotError) -> None:
        with self._lock:
            items = list(self._queue)
            self._queue.clear()
        for item in items:
            item.fail(error)

    def _give_back(self, child: Child) -> None:
        """Puts what the child had been given to the front of the queue again."""
        with self._lock:
            self._queue.extendleft(item for item in reversed(child.given) if item is not child.probe)
        child.given.clear()

    def _serve(self, child: Child) -> None:
        """Lets a child answer until it ends, or is to end."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._wake_read, selectors.EVENT_READ)
            waiting.register(child.stdout, selectors.EVENT_READ)
            waiting.register(child.stderr, selectors.EVENT_READ)
            is_writing = is_gathering = False
            while not self._is_closing:
                self._give(child)
                if not is_writing:
                    child.write()
                if is_writing != bool(child.unsent):
                    is_writing = not is_writing
                    if is_writing:
                        waiting.register(child.stdin, selectors.EVENT_WRITE)
                    else:
                        waiting.unregister(child.stdin)
                gathering = child.gathers_until - time.monotonic()
                if is_gathering != (gathering > 0):
                    is_gathering = not is_gathering
                    if is_gathering:
                        waiting.unregister(child.stdout)
                    else:
                        waiting.register(child.stdout, selectors.EVENT_READ)
                limit = self._timeout if child.is_ready else self._start_timeout
                left = None if limit is None or not child.given else child.since + limit - time.monotonic()
                patience = left if not is_gathering else gathering
                ready = waiting.select(patience if patience is None else max(patience, 0))
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
                # What has gathered is looked at first: it may be the answer.
                is_late = left is not None and time.monotonic() >= child.since + (limit or 0)
                if is_late and not ready and not is_gathering:
                    self._took_too_long(child, limit or 0)
                    return

    def _give(self, child: Child) -> None:
        """Gives the child lines to answer, those that may have made another die one at a time."""
        done: list[Item] = []
        with self._lock:
            while self._queue and child.is_ready:
                item = self._queue[0]
                if item.number == READY or item.future.cancelled():
                    done.append(self._queue.popleft())
                    continue
                # Suspects come first, and one of them is given alone.
                suspects = item.is_suspect or bool(child.given) and child.given[0].is_suspect
                if len(child.given) >= (1 if suspects else _WINDOW):
                    break
                child.give(self._queue.popleft())
        for item in done:
            item.answer({})

    def _read(self, child: Child) -> bool:
        """Takes what the child says; False at its end."""
        lines = child.read_lines()
        if lines is None:
            return False
        if lines:
            child.gather(len(lines))
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
                item.fail(error_of_reply(error, str(reply.get("image", ""))))
            else:
                item.answer(reply)
        return True

    def _died(self, child: Child) -> None:
        status = child.end(GRACE)
        error = _program.failure(status, child.stderr_text(), self._files)
        if not child.is_ready:
            self._failed_starts += 1
            self._give_back(child)
            # One that somebody ended while it opened its nets is not the lines' fault.
            if status >= 0 or self._failed_starts >= _MOST_STARTS:
                self._fail_all(error)
            return
        if len(child.given) == 1:
            child.given[0].solo_deaths += 1
            if child.given[0].solo_deaths == _SOLO_DEATHS:
                child.given.popleft().fail(error)
        for item in child.given:
            item.is_suspect = True

    def _took_too_long(self, child: Child, limit: float) -> None:
        error = IngotTimeoutError(f"took more than {limit:g} seconds")
        child.process.kill()
        child.end(GRACE)
        if not child.is_ready:
            self._give_back(child)
            self._fail_all(error)
            return
        child.given.popleft().fail(error)
        for item in child.given:
            item.is_suspect = True

    def _forked(self) -> None:
        """In a process that was forked off: its copies of the pipes would keep the child alive."""
        self._is_forked, self._lock = True, threading.Lock()
        if self._is_ended:
            return
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
