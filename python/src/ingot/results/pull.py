"""Made by tools/make_results.py from pull.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._record import Record

__all__ = ["Fetched", "PullFile", "PullLeft", "PullReport"]


@dataclass(frozen=True, kw_only=True)
class Fetched(Record):
    """Part of what `ingot pull --json` prints.

    Attributes:
        requests: Requests that were answered; redirects on the way are part of one.
        redirects: Answers that named another address.
        bytes: Bytes of all answers' bodies.
    """

    requests: int
    redirects: int
    bytes: int

    @classmethod
    def from_json(cls, value: Any) -> Fetched:
        return cls(
            raw=value, requests=value["requests"], redirects=value["redirects"], bytes=value["bytes"])


@dataclass(frozen=True, kw_only=True)
class PullFile(Record):
    """Part of what `ingot pull --json` prints.

    Attributes:
        path: In the repository.
        was_there: Whether it was in the cache already.
    """

    path: str
    bytes: int
    was_there: bool

    @classmethod
    def from_json(cls, value: Any) -> PullFile:
        return cls(
            raw=value, path=value["path"], bytes=value["bytes"], was_there=value["wasThere"])


@dataclass(frozen=True, kw_only=True)
class PullLeft(Record):
    """Part of what `ingot pull --json` prints."""

    path: str
    bytes: int

    @classmethod
    def from_json(cls, value: Any) -> PullLeft:
        return cls(
            raw=value, path=value["path"], bytes=value["bytes"])


@dataclass(frozen=True, kw_only=True)
class PullReport(Record):
    """What ingot pull --json prints

    Attributes:
        place: The folder or file in the cache, for transformers and for ingot convert.
        commit: The commit that the revision is at.
        dry_run: Whether nothing was to be fetched.
        files: The files that are wanted.
        left: The repository's other files.
    """

    place: str
    commit: str
    dry_run: bool
    files: tuple[PullFile, ...]
    left: tuple[PullLeft, ...]
    fetched: Fetched

    @classmethod
    def from_json(cls, value: Any) -> PullReport:
        return cls(
            raw=value, place=value["place"], commit=value["commit"], dry_run=value["dryRun"],
            files=tuple(PullFile.from_json(item) for item in value["files"]),
            left=tuple(PullLeft.from_json(item) for item in value["left"]),
            fetched=Fetched.from_json(value["fetched"]))
