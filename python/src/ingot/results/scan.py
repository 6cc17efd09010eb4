"""Made by tools/make_results.py from scan.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ._record import Record
from .pull import Fetched

__all__ = ["Finding", "ScanReport", "ScannedFile", "ScannedFileGlobal"]


@dataclass(frozen=True, kw_only=True)
class Finding(Record):
    """Part of what `ingot scan --json` prints.

    Attributes:
        severity: note: nothing runs because of it; unreadable: a part that could not be looked at; unknown: it could
            run what isn't known to be harmless; harmful: it runs what is known to start programs, run code, open
            files or connections.
        place: Entries of archives that lead to it, from the outermost; empty for the file itself.
        offset: The byte of the file, or of the unpacked entry.
        subject: What is named or called.
        count: How often.
    """

    severity: Literal["note", "unreadable", "unknown", "harmful"]
    rule: Literal[
        "pickle-call", "pickle-global", "pickle-computed", "pickle-extension", "pickle-change", "pickle-hidden",
        "pickle-broken", "keras-lambda", "keras-object", "torchscript-operation", "graph-operation", "outside-path",
        "template", "remote-code", "configuration-object", "archive-disagreement", "unread"
    ]
    place: tuple[str, ...]
    offset: int
    subject: str
    message: str
    count: int

    @classmethod
    def from_json(cls, value: Any) -> Finding:
        return cls(
            raw=value, severity=value["severity"], rule=value["rule"], place=tuple(value["place"]),
            offset=value["offset"], subject=value["subject"], message=value["message"], count=value["count"])


@dataclass(frozen=True, kw_only=True)
class ScannedFileGlobal(Record):
    """Part of what `ingot scan --json` prints.

    Attributes:
        called: Whether it is called in a way that isn't known to be harmless.
    """

    name: str
    standing: Literal["harmless", "unknown", "harmful"]
    called: bool
    count: int

    @classmethod
    def from_json(cls, value: Any) -> ScannedFileGlobal:
        return cls(
            raw=value, name=value["name"], standing=value["standing"], called=value["called"], count=value["count"])


@dataclass(frozen=True, kw_only=True)
class ScannedFile(Record):
    """Part of what `ingot scan --json` prints.

    Attributes:
        kind: What sort of file it is, for people.
        pickles: Pickles that were walked through.
        findings: Worst first.
        globals: Functions and classes that pickles name, by name.
    """

    path: str
    kind: str
    verdict: Literal["nothing", "cannot-tell", "something"]
    pickles: int
    findings: tuple[Finding, ...]
    globals: tuple[ScannedFileGlobal, ...]

    @classmethod
    def from_json(cls, value: Any) -> ScannedFile:
        return cls(
            raw=value, path=value["path"], kind=value["kind"], verdict=value["verdict"], pickles=value["pickles"],
            findings=tuple(Finding.from_json(item) for item in value["findings"]),
            globals=tuple(ScannedFileGlobal.from_json(item) for item in value["globals"]))


@dataclass(frozen=True, kw_only=True)
class ScanReport(Record):
    """What ingot scan --json prints

    Attributes:
        verdict: The worst of the files'.
        fetched: What was fetched of the last address.
        files: Files in the order of the arguments; those of a folder by their names.
    """

    verdict: Literal["nothing", "cannot-tell", "something"]
    fetched: Fetched | None
    files: tuple[ScannedFile, ...]

    @classmethod
    def from_json(cls, value: Any) -> ScanReport:
        return cls(
            raw=value, verdict=value["verdict"],
            fetched=None if value.get("fetched") is None else Fetched.from_json(value.get("fetched")),
            files=tuple(ScannedFile.from_json(item) for item in value["files"]))
