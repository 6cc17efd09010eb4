"""Made by tools/make_results.py from quantize.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ._record import Record
from .convert import WrittenNet

__all__ = ["QuantizeQuantized", "QuantizeQuantizedError", "QuantizeQuantizedErrorWorstRow", "QuantizeQuantizedLeft",
    "QuantizeReport", "QuantizeSearch", "QuantizeSearchHelped", "QuantizeTrial"]


@dataclass(frozen=True, kw_only=True)
class QuantizeQuantizedErrorWorstRow(Record):
    """Of rows with a scale and an error, the one with the least sqnr; null: there is none."""

    row: int
    sqnr: float

    @classmethod
    def from_json(cls, value: Any) -> QuantizeQuantizedErrorWorstRow:
        return cls(
            raw=value, row=value["row"], sqnr=value["sqnr"])


@dataclass(frozen=True, kw_only=True)
class QuantizeQuantizedError(Record):
    """Part of what `ingot quantize --json` prints.

    Attributes:
        sqnr: In dB; null where nothing was lost.
        lost_rows: Rows below 4.3e-37 throughout, but not all zeros, which became zeros.
        worst_row: Of rows with a scale and an error, the one with the least sqnr; null: there is none.
    """

    array: str
    rows: int
    sqnr: float | None
    signal: float
    noise: float
    lost_rows: int
    worst_row: QuantizeQuantizedErrorWorstRow | None

    @classmethod
    def from_json(cls, value: Any) -> QuantizeQuantizedError:
        return cls(
            raw=value, array=value["array"], rows=value["rows"], sqnr=value["sqnr"], signal=value["signal"],
            noise=value["noise"], lost_rows=value["lostRows"],
            worst_row=None if value["worstRow"] is None else
                QuantizeQuantizedErrorWorstRow.from_json(value["worstRow"]))


@dataclass(frozen=True, kw_only=True)
class QuantizeQuantizedLeft(Record):
    """Part of what `ingot quantize --json` prints."""

    array: str
    reason: str

    @classmethod
    def from_json(cls, value: Any) -> QuantizeQuantizedLeft:
        return cls(
            raw=value, array=value["array"], reason=value["reason"])


@dataclass(frozen=True, kw_only=True)
class QuantizeQuantized(Record):
    """Part of what `ingot quantize --json` prints.

    Attributes:
        arrays: Names of those that became int8.
        bytes_before: Of the float net's arrays.
        sqnr: Signal to quantization noise of all int8 arrays together, in dB; null where there are none or nothing
            was lost.
        errors: What int8 cost each array, in the order of the file. With elements w, integers q and scales s, in
            float64: signal is the sum of w^2, noise that of (w - q s)^2, sqnr 10 log10(signal / noise).
        left: Arrays of a plain net that did not become int8, and why.
    """

    file: str
    arrays: tuple[str, ...]
    bytes_before: int
    sqnr: float | None
    errors: tuple[QuantizeQuantizedError, ...] | None
    left: tuple[QuantizeQuantizedLeft, ...] | None

    @classmethod
    def from_json(cls, value: Any) -> QuantizeQuantized:
        return cls(
            raw=value, file=value["file"], arrays=tuple(value["arrays"]), bytes_before=value["bytesBefore"],
            sqnr=value.get("sqnr"),
            errors=None if value.get("errors") is None else tuple(QuantizeQuantizedError.from_json(item) for item in
                value.get("errors")),
            left=None if value.get("left") is None else tuple(QuantizeQuantizedLeft.from_json(item) for item in
                value.get("left")))


@dataclass(frozen=True, kw_only=True)
class QuantizeTrial(Record):
    """Part of what `ingot quantize --json` prints.

    Attributes:
        helped: How many steps of help were taken.
        bytes: Of all arrays of the three nets.
    """

    helped: int
    accuracy: float | None
    agreement: float
    bytes: int
    is_within: bool

    @classmethod
    def from_json(cls, value: Any) -> QuantizeTrial:
        return cls(
            raw=value, helped=value["helped"], accuracy=value.get("accuracy"), agreement=value["agreement"],
            bytes=value["bytes"], is_within=value["isWithin"])


@dataclass(frozen=True, kw_only=True)
class QuantizeSearchHelped(Record):
    """Part of what `ingot quantize --json` prints.

    Attributes:
        divergence: Mean divergence in nats of answers' tokens that this array alone caused before.
    """

    net: str
    array: str
    kind: Literal["floatActivations", "float16", "unchanged"]
    divergence: float

    @classmethod
    def from_json(cls, value: Any) -> QuantizeSearchHelped:
        return cls(
            raw=value, net=value["net"], array=value["array"], kind=value["kind"], divergence=value["divergence"])


@dataclass(frozen=True, kw_only=True)
class QuantizeSearch(Record):
    """With --max-drop or --min-agreement. Accuracies and agreement are from 0 to 1.

    Attributes:
        images: Of a classifier, in place of questions.
        helped: Arrays that are not simply int8, in the order of how much they needed help.
    """

    questions: int | None
    images: int | None
    float_accuracy: float | None
    trials: tuple[QuantizeTrial, ...]
    best: QuantizeTrial
    helped: tuple[QuantizeSearchHelped, ...]

    @classmethod
    def from_json(cls, value: Any) -> QuantizeSearch:
        return cls(
            raw=value, questions=value.get("questions"), images=value.get("images"),
            float_accuracy=value.get("floatAccuracy"),
            trials=tuple(QuantizeTrial.from_json(item) for item in value["trials"]),
            best=QuantizeTrial.from_json(value["best"]),
            helped=tuple(QuantizeSearchHelped.from_json(item) for item in value["helped"]))


@dataclass(frozen=True, kw_only=True)
class QuantizeReport(Record):
    """What ingot quantize --json prints

    Attributes:
        nets: The nets that were written, as in convert.
        search: With --max-drop or --min-agreement. Accuracies and agreement are from 0 to 1.
    """

    nets: tuple[WrittenNet, ...]
    quantized: tuple[QuantizeQuantized, ...]
    search: QuantizeSearch | None

    @classmethod
    def from_json(cls, value: Any) -> QuantizeReport:
        return cls(
            raw=value, nets=tuple(WrittenNet.from_json(item) for item in value["nets"]),
            quantized=tuple(QuantizeQuantized.from_json(item) for item in value["quantized"]),
            search=None if value.get("search") is None else QuantizeSearch.from_json(value.get("search")))
