"""Made by tools/make_results.py from diff.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ._record import Record

__all__ = ["DiffConfiguration", "DiffDifference", "DiffEquivalent", "DiffReport", "DiffTy"]


@dataclass(frozen=True, kw_only=True)
class DiffDifference(Record):
    """Counts and errors are left out where values were not compared; a number is null when it is not finite.

    Attributes:
        count: Elements that differ.
        sqnr: Signal to noise in dB, where one side's numbers are the other's in int8 or a narrower type; null where
            nothing was lost.
    """

    name: str
    kind: Literal["shape", "elementType", "values"]
    count: int | None
    max_error: float | None
    mean_error: float | None
    sqnr: float | None
    shapes: tuple[tuple[int, ...], ...]
    element_types: tuple[str, ...]

    @classmethod
    def from_json(cls, value: Any) -> DiffDifference:
        return cls(
            raw=value, name=value["name"], kind=value["kind"], count=value.get("count"),
            max_error=value.get("maxError"), mean_error=value.get("meanError"), sqnr=value.get("sqnr"),
            shapes=tuple(tuple(item) for item in value["shapes"]), element_types=tuple(value["elementTypes"]))


@dataclass(frozen=True, kw_only=True)
class DiffEquivalent(Record):
    """Part of what `ingot diff --json` prints."""

    name: str
    how: Literal["transposed", "resized", "rearranged"]

    @classmethod
    def from_json(cls, value: Any) -> DiffEquivalent:
        return cls(
            raw=value, name=value["name"], how=value["how"])


@dataclass(frozen=True, kw_only=True)
class DiffTy(Record):
    """Part of what `ingot diff --json` prints."""

    name: str
    same: str

    @classmethod
    def from_json(cls, value: Any) -> DiffTy:
        return cls(
            raw=value, name=value["name"], same=value["same"])


@dataclass(frozen=True, kw_only=True)
class DiffConfiguration(Record):
    """Part of what `ingot diff --json` prints."""

    field: str

    @classmethod
    def from_json(cls, value: Any) -> DiffConfiguration:
        return cls(
            raw=value, field=value["field"])


@dataclass(frozen=True, kw_only=True)
class DiffReport(Record):
    """What ingot diff --json prints

    Attributes:
        identical: Whether both hold the same arrays.
        equal: Arrays that both hold alike.
        equivalent: Those of the equal arrays to which a layout had to do something first.
        configuration: Configuration fields that differ; null where a side has none.
    """

    identical: bool
    equal: int
    only_in_a: tuple[str, ...]
    only_in_b: tuple[str, ...]
    different: tuple[DiffDifference, ...]
    equivalent: tuple[DiffEquivalent, ...]
    tied_in_a: tuple[DiffTy, ...]
    tied_in_b: tuple[DiffTy, ...]
    configuration: tuple[DiffConfiguration, ...]

    @classmethod
    def from_json(cls, value: Any) -> DiffReport:
        return cls(
            raw=value, identical=value["identical"], equal=value["equal"], only_in_a=tuple(value["onlyInA"]),
            only_in_b=tuple(value["onlyInB"]),
            different=tuple(DiffDifference.from_json(item) for item in value["different"]),
            equivalent=tuple(DiffEquivalent.from_json(item) for item in value["equivalent"]),
            tied_in_a=tuple(DiffTy.from_json(item) for item in value["tiedInA"]),
            tied_in_b=tuple(DiffTy.from_json(item) for item in value["tiedInB"]),
            configuration=tuple(DiffConfiguration.from_json(item) for item in value["configuration"]))
