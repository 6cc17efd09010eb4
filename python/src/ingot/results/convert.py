"""Made by tools/make_results.py from convert.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._record import Record
from .net_file import Tie

__all__ = ["ConvertPublished", "ConvertReport", "Coverage", "CoverageIgnored", "Totals", "WrittenNet"]


@dataclass(frozen=True, kw_only=True)
class CoverageIgnored(Record):
    """Part of what `ingot convert --json` prints."""

    name: str
    reason: str

    @classmethod
    def from_json(cls, value: Any) -> CoverageIgnored:
        return cls(
            raw=value, name=value["name"], reason=value["reason"])


@dataclass(frozen=True, kw_only=True)
class Coverage(Record):
    """The proof that every array of the checkpoint was used once and every array of the nets filled.

    Attributes:
        arrays: Arrays of the checkpoint.
        used: Those whose elements are in the nets.
        tied: Those that hold the same elements as another one.
        ignored: Those that are no weights.
        missing: Always empty: where arrays are missing, there is an error and no report.
    """

    arrays: int
    used: int
    tied: tuple[Tie, ...]
    ignored: tuple[CoverageIgnored, ...]
    missing: tuple[Any, ...]

    @classmethod
    def from_json(cls, value: Any) -> Coverage:
        return cls(
            raw=value, arrays=value["arrays"], used=value["used"],
            tied=tuple(Tie.from_json(item) for item in value["tied"]),
            ignored=tuple(CoverageIgnored.from_json(item) for item in value["ignored"]),
            missing=tuple(value["missing"]))


@dataclass(frozen=True, kw_only=True)
class Totals(Record):
    """Part of what `ingot convert --json` prints.

    Attributes:
        elements: Elements stored.
        parameters: Elements that training sets.
        bytes: Of the arrays, as stored.
    """

    arrays: int
    elements: int
    parameters: int
    bytes: int

    @classmethod
    def from_json(cls, value: Any) -> Totals:
        return cls(
            raw=value, arrays=value["arrays"], elements=value["elements"], parameters=value["parameters"],
            bytes=value["bytes"])


@dataclass(frozen=True, kw_only=True)
class WrittenNet(Record):
    """A net file that was written.

    Attributes:
        file: Its path.
    """

    file: str
    parameters: dict[str, str | bool | int]
    totals: Totals

    @classmethod
    def from_json(cls, value: Any) -> WrittenNet:
        return cls(
            raw=value, file=value["file"], parameters=dict(value["parameters"]),
            totals=Totals.from_json(value["totals"]))


@dataclass(frozen=True, kw_only=True)
class ConvertPublished(Record):
    """The published file that was converted, if its SHA-256 is that of one."""

    repository: str
    file: str

    @classmethod
    def from_json(cls, value: Any) -> ConvertPublished:
        return cls(
            raw=value, repository=value["repository"], file=value["file"])


@dataclass(frozen=True, kw_only=True)
class ConvertReport(Record):
    """What ingot convert --json prints

    Attributes:
        nets: The net files that were written.
        published: The published file that was converted, if its SHA-256 is that of one.
        notes: What the user should know.
    """

    nets: tuple[WrittenNet, ...]
    coverage: Coverage
    published: ConvertPublished | None
    notes: tuple[str, ...]

    @classmethod
    def from_json(cls, value: Any) -> ConvertReport:
        return cls(
            raw=value, nets=tuple(WrittenNet.from_json(item) for item in value["nets"]),
            coverage=Coverage.from_json(value["coverage"]),
            published=None if value.get("published") is None else ConvertPublished.from_json(value.get("published")),
            notes=tuple(value["notes"]))
