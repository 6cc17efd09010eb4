"""Made by tools/make_results.py from net-file.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._record import Record

__all__ = ["Tie"]


@dataclass(frozen=True, kw_only=True)
class Tie(Record):
    """Part of what `ingot net-file --json` prints."""

    name: str
    same: str

    @classmethod
    def from_json(cls, value: Any) -> Tie:
        return cls(
            raw=value, name=value["name"], same=value["same"])
