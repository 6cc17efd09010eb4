"""What can go wrong, as exceptions: one class for each exit status of the program, and three for the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

__all__ = [
    "BadDataError", "CannotCreateError", "IngotError", "IngotTimeoutError", "InputOutputError", "MismatchError",
    "NoInputError", "ProgramDiedError", "ProgramNotFoundError", "ProtocolError", "UnavailableError", "UsageError",
    "error_of_reply", "error_of_status"]

#: What the program puts before a reason, where that is neither the file nor the reason itself.
_PLACE = re.compile(r'((?:byte \d+|line \d+|header|array "[^"]*")(?:, [^:]{1,80})?): (?=.)', re.DOTALL)


class IngotError(Exception):
    """Base of all errors of this package.

    Attributes:
        kind: what sort of failure it is: ``mismatch``, ``usage``, ``bad-data``, ``no-input``, ``unavailable``,
            ``cannot-create``, ``io``; of the program itself ``not-found``, ``died``, ``timeout``, ``protocol``.
        status: the program's exit status for it (after sysexits.h); None where it has none.
        file: the file concerned, or None.
        place: where in the file: ``byte 24``, ``array "x"``, ``line 3``; or None.
        reason: what is wrong.
        hint: what to do about it, or None.

    >>> error = BadDataError("reserved bytes are not zero", file="a.ingot", place="byte 12")
    >>> str(error), error.status
    ('a.ingot: byte 12: reserved bytes are not zero', 65)
    """

    kind: ClassVar[str] = "io"
    status: ClassVar[int | None] = None

    def __init__(
        self, reason: str, *, file: str | None = None, place: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.file = file
        self.place = place
        self.hint = hint
        if hint and hasattr(self, "add_note"):
            self.add_note(f"hint: {hint}")

    @property
    def message(self) -> str:
        """``file: place: reason``, as the program prints it."""
        return ": ".join(part for part in (self.file, self.place, self.reason) if part)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross processes, in pools and on clusters.
        return _restored, (type(self), self.reason, self.file, self.place, self.hint)


def _restored(
    kind: type[IngotError], reason: str, file: str | None, place: str | None, hint: str | None
) -> IngotError:
    return kind(reason, file=file, place=place, hint=hint)


class MismatchError(IngotError):
    """It ran, and the answer is no: a digest that doesn't fit, a budget that can't be met."""

    kind, status = "mismatch", 1


class UsageError(IngotError):
    """What was asked for makes no sense: an option that there isn't, values that contradict each other."""

    kind, status = "usage", 64


class BadDataError(IngotError, ValueError):
    """The bytes of an input are not what they should be, or can't be used for this."""

    kind, status = "bad-data", 65


class NoInputError(IngotError, FileNotFoundError):
    """There is no such file, or no such net on the shelf."""

    kind, status = "no-input", 66


class UnavailableError(IngotError):
    """Another machine doesn't give what it was asked for, or a library that is needed isn't here."""

    kind, status = "unavailable", 69


class CannotCreateError(IngotError):
    """The output can't be created."""

    kind, status = "cannot-create", 73


class InputOutputError(IngotError):
    """Reading or writing failed."""

    kind, status = "io", 74


class ProgramNotFoundError(IngotError):
    """The program ``ingot`` is not where it is looked for, or can't be started."""

    kind = "not-found"


class ProgramDiedError(IngotError):
    """The program ended without an answer: by a signal, or with a status that isn't one of its own."""

    kind = "died"


class IngotTimeoutError(IngotError, TimeoutError):
    """An answer took longer than was allowed."""

    kind = "timeout"


class ProtocolError(IngotError):
    """The program said something that this package doesn't understand: the two are of different versions."""

    kind = "protocol"


_BY_STATUS: dict[int, type[IngotError]] = {
    1: MismatchError, 64: UsageError, 65: BadDataError, 66: NoInputError, 69: UnavailableError,
    73: CannotCreateError, 74: InputOutputError}


def error_of_status(
    status: int, message: str, hint: str | None = None, files: Iterable[str] = ()
) -> IngotError:
    """The error that the program told of.

    Args:
        status: its exit status.
        message: ``file: place: reason``; which of these are there, it doesn't say.
        hint: what is to be done.
        files: those that were given to it, one of which may be meant.

    >>> error = error_of_status(66, "a.png: there is no such file", files=["a.png"])
    >>> error.file, error.reason
    ('a.png', 'there is no such file')
    """
    kind = _BY_STATUS.get(status, ProgramDiedError)
    file = next((file for file in files if file and message.startswith(f"{file}: ")), None)
    reason = message[len(file) + 2:] if file else message
    place = _PLACE.match(reason)
    if place:
        reason = reason[place.end():]
    return kind(reason, file=file, place=place.group(1) if place else None, hint=hint)


def error_of_reply(error: Mapping[str, Any], image: str) -> IngotError:
    """The error of a line, as docs/PROTOCOL.md has it.

    Args:
        error: its member ``error``.
        image: that of the line; programs before 0.2 don't tell which file is meant.
    """
    status, message, hint = int(error.get("status", 65)), str(error.get("message", "")), error.get("hint")
    if "reason" not in error:
        return error_of_status(status, message, hint, [image])
    kind = _BY_STATUS.get(status, ProgramDiedError)
    return kind(str(error["reason"]), file=error.get("file"), place=error.get("place"), hint=hint)
