"""Made by tools/make_results.py from embed.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._record import Record

__all__ = ["Vector"]


@dataclass(frozen=True, kw_only=True)
class Vector(Record):
    """Part of what `ingot embed --json` prints.

    Attributes:
        embedding: In the fewest digits that give the same float32.
    """

    embedding: tuple[float, ...]

    @classmethod
    def from_json(cls, value: Any) -> Vector:
        return cls(
            raw=value, embedding=tuple(value["embedding"]))
