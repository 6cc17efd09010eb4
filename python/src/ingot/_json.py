"""The JSON text of a header, by the rules of schemas/FORMAT.md, which are stricter than Python's reader."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from .errors import BadDataError

_MOST_VALUES, _DEEPEST = 500_000, 16
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parsed(data: bytes) -> dict[str, Any]:
    """The object that a header's text stands for.

    Raises:
        BadDataError: it breaks a rule; without a file.

    >>> parsed(b' {"a": [1, 2.5]} ')
    {'a': [1, 2.5]}
    >>> parsed(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ingot.errors.BadDataError: header: duplicate key 'a'
    """
    # Whatever the text holds, there can't be more values than these signs tell.
    if 1 + data.count(b",") + data.count(b"[") + data.count(b"{") > _MOST_VALUES:
        _check_count(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _failure(f"is not UTF-8 at its byte {error.start}") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_members, parse_int=_integer, parse_float=_number, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise _failure(f"is no JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _failure(f"nested more than {_DEEPEST} deep") from None
    _check_nesting(value)
    if _SURROGATE.search(text):
        _check_surrogates(value)
    if not isinstance(value, dict):
        raise _failure("is no JSON object")
    return value


def _failure(reason: str) -> BadDataError:
    return BadDataError(reason, place="header")


def _check_count(data: bytes) -> None:
    """Counts values before any is made: a header may be 64 MiB of them."""
    marks = _STRING.sub(b"0", data).translate(None, b" \t\n\r")
    containers = marks.count(b"[") + marks.count(b"{") - marks.count(b"[]") - marks.count(b"{}")
    if 1 + marks.count(b",") + containers > _MOST_VALUES:
        raise _failure(f"more than {_MOST_VALUES} JSON values")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _failure(f'duplicate key {twice[:80]!r}')
    return members


def _integer(text: str) -> int:
    # Python refuses to read thousands of digits, and needs time for hundreds.
    value = int(text) if len(text) <= 20 else 1 << 64
    if not -(1 << 63) <= value < 1 << 63:
        raise _failure(f"the integer {text[:24]} does not fit 64 bits")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _failure(f"the number {text[:24]} is too large")
    return value


def _constant(text: str) -> Any:
    raise _failure(f"'{text}' is no JSON")


def _check_nesting(value: Any) -> None:
    level, depth = [value] if isinstance(value, (dict, list)) else [], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise _failure(f"nested more than {_DEEPEST} deep")
        level = [
            inner for outer in level for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list]


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _failure("half of a surrogate pair") from None
