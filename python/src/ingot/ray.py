"""Nets over Ray Data: classes for `map_batches`, one process of the program for each actor.

    dataset.map_batches(
        ingot.ray.Ask, concurrency=8, num_cpus=1, batch_size=256,
        fn_constructor_kwargs={"parameters": {"Release": "demo"}, "shelf": "/nets"})

Each takes what its class in `ingot.tasks` takes; ``threads`` is 1 unless given, as ``num_cpus`` should be. ``columns``
says which columns are read, where they aren't called as the inputs: ``columns={"image": "path"}``. All columns of the
batch stay; added are the outputs, and ``error`` and ``error_status``, which are null where there was none. Pictures are
paths, bytes of files or arrays of pixels, as `ray.data.read_images` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from . import _rows

__all__ = ["Ask", "Caption", "Classify", "Embed", "Match"]

Batch = dict[str, npt.NDArray[Any]]


class _Map:
    kind: ClassVar[str]

    def __init__(self, *, columns: Mapping[str, str] | None = None, threads: int = 1, **options: Any) -> None:
        self._columns = _rows.columns_of(self.kind, columns or {})
        self._options = {"threads": threads, **options}
        # So that an actor that can't work says so at once.
        _rows.net(self.kind, self._options)

    def __call__(self, batch: Batch) -> Batch:
        made = _rows.results(self.kind, self._options, [batch[name] for name in self._columns])
        return {**batch, **{name: _column(values) for name, values in made.items()}}


def _column(values: list[Any]) -> npt.NDArray[Any]:
    column = np.empty(len(values), object)
    for place, value in enumerate(values):
        column[place] = value.tolist() if isinstance(value, np.ndarray) else value
    return column


class Ask(_Map):
    """Reads ``image`` and ``question``; adds ``answer`` and ``log_probability``."""

    kind = "ask"


class Caption(_Map):
    """Reads ``image``, and ``prompt`` where ``columns`` names it; adds ``caption`` and ``log_probability``."""

    kind = "caption"


class Match(_Map):
    """Reads ``image`` and ``text``; adds ``probability`` and ``cosine``."""

    kind = "match"


class Embed(_Map):
    """Reads ``item``, a text (str) or a picture (bytes or pixels); adds ``embedding``."""

    kind = "embed"


class Classify(_Map):
    """Reads ``image``; adds ``label``, ``class`` and ``score`` of the likeliest."""

    kind = "classify"
