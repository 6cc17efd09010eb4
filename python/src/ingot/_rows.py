"""Columns of rows in, columns of what nets make of them out: what `ingot.ray`, `ingot.spark` and `ingot.daft` share. A
row that gives an error has that in place of results; no row is left out, and none comes twice."""

from __future__ import annotations

import atexit
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import tasks
from .errors import IngotError, UsageError
from .results import Answer, Caption, Classification, Match


@dataclass(frozen=True)
class Kind:
    """A task over rows.

    Attributes:
        net: the class that does it.
        inputs: names of what it takes of a row; those that end in a question mark may be left out.
        outputs: names of what it makes of one, with their types as Spark has them; the errors' not among them.
    """

    net: type[tasks._Net[Any]]
    inputs: tuple[str, ...]
    outputs: Mapping[str, str]

    def values(self, result: Any) -> tuple[Any, ...]:
        """The outputs of a row."""
        if isinstance(result, Answer):
            return result.answer, result.log_probability
        if isinstance(result, Caption):
            return result.caption, result.log_probability
        if isinstance(result, Classification):
            best = result.classes[0]
            return best.label, best.class_, best.score if best.probability is None else best.probability
        if isinstance(result, tuple):
            match: Match = result[0]
            return match.probability, match.cosine
        return (result,)


KINDS: dict[str, Kind] = {
    "ask": Kind(tasks.VQA, ("image", "question"), {"answer": "string", "log_probability": "double"}),
    "caption": Kind(tasks.Captioner, ("image", "prompt?"), {"caption": "string", "log_probability": "double"}),
    "match": Kind(tasks.Matcher, ("image", "text"), {"probability": "double", "cosine": "double"}),
    "embed": Kind(tasks.Embedder, ("item",), {"embedding": "array<float>"}),
    "classify": Kind(tasks.Classifier, ("image",), {"label": "string", "class": "int", "score": "double"})}
#: Of every kind: None where there is none.
ERRORS = {"error": "string", "error_status": "int"}

_opened: dict[str, Any] = {}


def net(kind: str, options: Mapping[str, Any]) -> Any:
    """The nets of a kind, opened once in each process."""
    key = json.dumps([kind, options], sort_keys=True, default=str)
    if key not in _opened:
        _opened[key] = KINDS[kind].net(**options)
    return _opened[key]


@atexit.register
def _close() -> None:
    for item in _opened.values():
        item.close()


def columns_of(kind: str, given: Mapping[str, str]) -> list[str]:
    """The columns that a kind reads, in the order of its inputs.

    Args:
        given: names of columns by inputs; what isn't there has the input's own name, or is not read where it may be
        left out.

    Raises:
        UsageError: there is no such input.
    """
    known = [name.rstrip("?") for name in KINDS[kind].inputs]
    unknown = set(given) - set(known)
    if unknown:
        raise UsageError(f"{kind} takes {', '.join(known)} of a row, not {', '.join(sorted(unknown))}")
    return [given.get(name.rstrip("?"), name) for name in KINDS[kind].inputs
            if not name.endswith("?") or name.rstrip("?") in given]


def results(kind: str, options: Mapping[str, Any], columns: Sequence[Iterable[Any]]) -> dict[str, list[Any]]:
    """Columns of outputs and errors, as many rows as came.

    Args:
        kind: one of ``KINDS``.
        options: of its class: ``parameters``, ``shelf``, ``threads`` and so on.
        columns: inputs, in their order.
    """
    outputs = list(KINDS[kind].outputs)
    made: dict[str, list[Any]] = {name: [] for name in [*outputs, *ERRORS]}
    items = (row[0] if len(row) == 1 else row for row in zip(*columns, strict=True))
    for result in net(kind, options)._many(items, "return"):
        if isinstance(result, IngotError):
            values: tuple[Any, ...] = (None,) * len(outputs)
            errors: tuple[Any, ...] = (str(result), result.status)
        else:
            values, errors = KINDS[kind].values(result), (None, None)
        for name, value in zip(made, (*values, *errors), strict=True):
            made[name].append(value)
    return made
