"""Made by tools/make_results.py from inspect.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ._record import Record
from .convert import Coverage
from .net_file import Tie
from .pull import Fetched

__all__ = ["InspectCheck", "InspectCheckFinding", "InspectElementType", "InspectInferredLayers",
    "InspectInferredLayersOther", "InspectInferredLayersType", "InspectLeftover", "InspectNet", "InspectNetContext",
    "InspectQuantization", "InspectQuantizationScheme", "InspectReport", "InspectTotals", "InspectedArray",
    "InspectedArrayPacking", "Layer", "Statistics"]


@dataclass(frozen=True, kw_only=True)
class InspectedArrayPacking(Record):
    """What stands in the file for the array's values, where these are made of it: a type of the container's own, as
    Q4_K."""

    type: str
    bytes: int

    @classmethod
    def from_json(cls, value: Any) -> InspectedArrayPacking:
        return cls(
            raw=value, type=value["type"], bytes=value["bytes"])


@dataclass(frozen=True, kw_only=True)
class Statistics(Record):
    """With --statistics. Of finite values; int8 weights of a net file are multiplied by their scales.

    Attributes:
        min: null where no value is finite.
        std: Of all values, not of a sample.
        rows: Of arrays of two dimensions and more.
        zero_rows: Rows that are all zeros.
        histogram: Counts in equal ranges from min to max; empty where no value is finite.
    """

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    zeros: int
    nan: int
    inf: int
    rows: int
    zero_rows: int
    histogram: tuple[int, ...]

    @classmethod
    def from_json(cls, value: Any) -> Statistics:
        return cls(
            raw=value, min=value["min"], max=value["max"], mean=value["mean"], std=value["std"], zeros=value["zeros"],
            nan=value["nan"], inf=value["inf"], rows=value["rows"], zero_rows=value["zeroRows"],
            histogram=tuple(value["histogram"]))


@dataclass(frozen=True, kw_only=True)
class InspectedArray(Record):
    """Part of what `ingot inspect --json` prints.

    Attributes:
        name: In a checkpoint any text, elsewhere as in a net file.
        bytes: As stored; 0 where there is no data.
        packing: What stands in the file for the array's values, where these are made of it: a type of the container's
            own, as Q4_K.
    """

    name: str
    shape: tuple[int, ...]
    element_type: Literal[
        "float64", "float32", "float16", "bfloat16", "float8E4M3", "float8E5M2", "float8E4M3FNUZ", "float8E5M2FNUZ",
        "float8E8M0", "float6E2M3", "float6E3M2", "float4E2M1", "complex32", "complex64", "complex128", "int64",
        "int32", "int16", "int8", "int4", "int2", "uint64", "uint32", "uint16", "uint8", "uint4", "uint2", "bool"
    ]
    elements: int
    bytes: int
    packing: InspectedArrayPacking | None
    statistics: Statistics | None

    @classmethod
    def from_json(cls, value: Any) -> InspectedArray:
        return cls(
            raw=value, name=value["name"], shape=tuple(value["shape"]), element_type=value["elementType"],
            elements=value["elements"], bytes=value["bytes"],
            packing=None if value.get("packing") is None else InspectedArrayPacking.from_json(value.get("packing")),
            statistics=None if value.get("statistics") is None else Statistics.from_json(value.get("statistics")))


@dataclass(frozen=True, kw_only=True)
class InspectTotals(Record):
    """Part of what `ingot inspect --json` prints.

    Attributes:
        parameters: Elements that training sets, each tied array once; null when the nets are not known.
        bytes: As stored.
        packed_bytes: Of all arrays in the file, where some have a packing.
    """

    arrays: int
    elements: int
    parameters: int | None
    bytes: int
    packed_bytes: int | None

    @classmethod
    def from_json(cls, value: Any) -> InspectTotals:
        return cls(
            raw=value, arrays=value["arrays"], elements=value["elements"], parameters=value["parameters"],
            bytes=value["bytes"], packed_bytes=value.get("packedBytes"))


@dataclass(frozen=True, kw_only=True)
class InspectElementType(Record):
    """Part of what `ingot inspect --json` prints."""

    arrays: int
    elements: int
    bytes: int

    @classmethod
    def from_json(cls, value: Any) -> InspectElementType:
        return cls(
            raw=value, arrays=value["arrays"], elements=value["elements"], bytes=value["bytes"])


@dataclass(frozen=True, kw_only=True)
class InspectQuantizationScheme(Record):
    """Part of what `ingot inspect --json` prints.

    Attributes:
        name: As its makers call it; where several do the same, what it is.
        bits: Of a weight; null where nothing tells.
        group: Weights that have a scale together: those of an array, of a row, so many of a row, or of so many rows
            and columns.
        arrays: Of the float net that are quantized so.
        weights: Elements of these.
    """

    name: str
    bits: int | None
    group: Literal["array", "row"] | tuple[int, ...]
    arrays: int
    weights: int

    @classmethod
    def from_json(cls, value: Any) -> InspectQuantizationScheme:
        return cls(
            raw=value, name=value["name"], bits=value["bits"],
            group=tuple(value["group"]) if isinstance(value["group"], list) else value["group"],
            arrays=value["arrays"], weights=value["weights"])


@dataclass(frozen=True, kw_only=True)
class InspectQuantization(Record):
    """Of weights that were published quantized in a way that is known, by arrays whose names, types and shapes fit.

    Attributes:
        parameters: Elements of the float net's arrays: weights one by one, scales and the like not at all.
        float_type: What the weights were; null where nothing tells.
        float_bytes: Of the float net in that type, or in float16 where it is not known.
    """

    schemes: tuple[InspectQuantizationScheme, ...]
    parameters: int
    float_type: Literal["float32", "float16", "bfloat16"] | None
    float_bytes: int

    @classmethod
    def from_json(cls, value: Any) -> InspectQuantization:
        return cls(
            raw=value, schemes=tuple(InspectQuantizationScheme.from_json(item) for item in value["schemes"]),
            parameters=value["parameters"], float_type=value["floatType"], float_bytes=value["floatBytes"])


@dataclass(frozen=True, kw_only=True)
class InspectInferredLayersType(Record):
    """Part of what `ingot inspect --json` prints.

    Attributes:
        parameters: Elements that training sets: none of running statistics and other buffers.
    """

    layers: int
    arrays: int
    parameters: int

    @classmethod
    def from_json(cls, value: Any) -> InspectInferredLayersType:
        return cls(
            raw=value, layers=value["layers"], arrays=value["arrays"], parameters=value["parameters"])


@dataclass(frozen=True, kw_only=True)
class InspectInferredLayersOther(Record):
    """Arrays that no layer was inferred from, and their elements, whatever they are for."""

    arrays: int
    elements: int

    @classmethod
    def from_json(cls, value: Any) -> InspectInferredLayersOther:
        return cls(
            raw=value, arrays=value["arrays"], elements=value["elements"])


@dataclass(frozen=True, kw_only=True)
class InspectInferredLayers(Record):
    """Where the family is not known: layers by type, told by the names and shapes of the arrays alone. The types are
    those of PyTorch; BatchNorm has running statistics, Normalization is any other.

    Attributes:
        types: Types that occur; more may be added.
        other: Arrays that no layer was inferred from, and their elements, whatever they are for.
    """

    types: dict[str, InspectInferredLayersType]
    other: InspectInferredLayersOther

    @classmethod
    def from_json(cls, value: Any) -> InspectInferredLayers:
        return cls(
            raw=value, types={key: InspectInferredLayersType.from_json(item) for key, item in value["types"].items()},
            other=InspectInferredLayersOther.from_json(value["other"]))


@dataclass(frozen=True, kw_only=True)
class Layer(Record):
    """Part of what `ingot inspect --json` prints.

    Attributes:
        path: Where it stands in the net, as its arrays' names begin.
        type: null: an array that belongs to no layer, such as positions that are added as a whole.
        input: Shape of what goes in; of attention, that of the queries.
        over: Keys and values that attention is over.
        output: Shape of what comes out.
        multiply_adds: Multiplications, each with an addition, of matrix products, convolutions and attention, for the
            net's tokens and context.
        is_run: Whether running the net runs it.
    """

    path: str
    type: str | None
    input: tuple[int | Literal["T", "C"], ...]
    over: int | Literal["T", "C"] | None
    output: tuple[int | Literal["T", "C"], ...]
    parameters: int
    multiply_adds: int
    is_run: bool

    @classmethod
    def from_json(cls, value: Any) -> Layer:
        return cls(
            raw=value, path=value["path"], type=value["type"], input=tuple(value["input"]), over=value.get("over"),
            output=tuple(value["output"]), parameters=value["parameters"], multiply_adds=value["multiplyAdds"],
            is_run=value["isRun"])


@dataclass(frozen=True, kw_only=True)
class InspectNetContext(Record):
    """With --layers: what C is; absent for a net that attends over its own vectors only.

    Attributes:
        net: The net whose vectors they are.
    """

    net: str
    vectors: int

    @classmethod
    def from_json(cls, value: Any) -> InspectNetContext:
        return cls(
            raw=value, net=value["net"], vectors=value["vectors"])


@dataclass(frozen=True, kw_only=True)
class InspectNet(Record):
    """Part of what `ingot inspect --json` prints.

    Attributes:
        layers: With --layers: layers in the order in which they run, and arrays that belong to none.
        multiply_adds: With --layers: of all layers.
        tokens: With --layers: what T is; absent for a net that reads no text.
        context: With --layers: what C is; absent for a net that attends over its own vectors only.
    """

    net: str
    arrays: int
    parameters: int
    layer_types: dict[str, int]
    layers: tuple[Layer, ...] | None
    multiply_adds: int | None
    tokens: int | None
    context: InspectNetContext | None

    @classmethod
    def from_json(cls, value: Any) -> InspectNet:
        return cls(
            raw=value, net=value["net"], arrays=value["arrays"], parameters=value["parameters"],
            layer_types=dict(value["layerTypes"]),
            layers=None if value.get("layers") is None else tuple(Layer.from_json(item) for item in
                value.get("layers")), multiply_adds=value.get("multiplyAdds"), tokens=value.get("tokens"),
            context=None if value.get("context") is None else InspectNetContext.from_json(value.get("context")))


@dataclass(frozen=True, kw_only=True)
class InspectCheckFinding(Record):
    """Part of what `ingot inspect --json` prints.

    Attributes:
        all_zeros: Several floats, all of them zero.
    """

    array: str
    elements: int
    not_numbers: int
    infinities: int
    all_zeros: bool

    @classmethod
    def from_json(cls, value: Any) -> InspectCheckFinding:
        return cls(
            raw=value, array=value["array"], elements=value["elements"], not_numbers=value["notNumbers"],
            infinities=value["infinities"], all_zeros=value["allZeros"])


@dataclass(frozen=True, kw_only=True)
class InspectCheck(Record):
    """With --check: arrays whose values can't be right.

    Attributes:
        arrays: How many were looked at.
    """

    arrays: int
    findings: tuple[InspectCheckFinding, ...]

    @classmethod
    def from_json(cls, value: Any) -> InspectCheck:
        return cls(
            raw=value, arrays=value["arrays"],
            findings=tuple(InspectCheckFinding.from_json(item) for item in value["findings"]))


@dataclass(frozen=True, kw_only=True)
class InspectLeftover(Record):
    """Part of what `ingot inspect --json` prints.

    Attributes:
        name: Its path in the file.
        what: What it is, or why it is none of the arrays.
    """

    name: str
    what: str

    @classmethod
    def from_json(cls, value: Any) -> InspectLeftover:
        return cls(
            raw=value, name=value["name"], what=value["what"])


@dataclass(frozen=True, kw_only=True)
class InspectReport(Record):
    """What ingot inspect --json prints

    Attributes:
        path: What was inspected; null for a combination that is not on the shelf.
        kind: A file with weights or without, a checkpoint, or the status of a combination that is not on the shelf.
        family: null: the arrays are of no known family.
        layout: Of a checkpoint of a known family.
        parameters: What is known of the parameter combination; a checkpoint leaves the net open.
        element_types: Arrays, elements and bytes by element type.
        layer_types: Layers of each type in all nets; null when the nets are not known.
        quantization: Of weights that were published quantized in a way that is known, by arrays whose names, types
            and shapes fit.
        inferred_layers: Where the family is not known: layers by type, told by the names and shapes of the arrays
            alone. The types are those of PyTorch; BatchNorm has running statistics, Normalization is any other.
        nets: The nets of a checkpoint, or the one that was inspected; empty when they are not known.
        coverage: Of a checkpoint that can be converted.
        check: With --check: arrays whose values can't be right.
        leftovers: Of a checkpoint: what the file holds beside the arrays, a line each.
        calls: Of a checkpoint: functions and classes that loading it in Python would call or import, beyond those
            that make arrays.
        fetched: Of an address: what was fetched to know this.
        notes: What the user should know.
    """

    path: str | None
    kind: Literal["net file", "uninitialized net file", "checkpoint", "published", "uninitialized"]
    family: str | None
    layout: str | None
    parameters: dict[str, str | bool | int]
    arrays: tuple[InspectedArray, ...]
    totals: InspectTotals
    element_types: dict[str, InspectElementType]
    layer_types: dict[str, int] | None
    quantization: InspectQuantization | None
    inferred_layers: InspectInferredLayers | None
    nets: tuple[InspectNet, ...]
    ties: tuple[Tie, ...]
    coverage: Coverage | None
    configuration: dict[str, Any]
    profile: dict[str, Any] | None
    provenance: dict[str, Any] | None
    check: InspectCheck | None
    leftovers: tuple[InspectLeftover, ...] | None
    calls: tuple[str, ...] | None
    fetched: Fetched | None
    notes: tuple[str, ...]

    @classmethod
    def from_json(cls, value: Any) -> InspectReport:
        return cls(
            raw=value, path=value["path"], kind=value["kind"], family=value["family"], layout=value.get("layout"),
            parameters=dict(value["parameters"]),
            arrays=tuple(InspectedArray.from_json(item) for item in value["arrays"]),
            totals=InspectTotals.from_json(value["totals"]),
            element_types={key: InspectElementType.from_json(item) for key, item in value["elementTypes"].items()},
            layer_types=None if value["layerTypes"] is None else dict(value["layerTypes"]),
            quantization=None if value.get("quantization") is None else
                InspectQuantization.from_json(value.get("quantization")),
            inferred_layers=None if value.get("inferredLayers") is None else
                InspectInferredLayers.from_json(value.get("inferredLayers")),
            nets=tuple(InspectNet.from_json(item) for item in value["nets"]),
            ties=tuple(Tie.from_json(item) for item in value["ties"]),
            coverage=None if value.get("coverage") is None else Coverage.from_json(value.get("coverage")),
            configuration=dict(value["configuration"]),
            profile=None if value["profile"] is None else dict(value["profile"]),
            provenance=None if value["provenance"] is None else dict(value["provenance"]),
            check=None if value.get("check") is None else InspectCheck.from_json(value.get("check")),
            leftovers=None if value.get("leftovers") is None else tuple(InspectLeftover.from_json(item) for item in
                value.get("leftovers")), calls=None if value.get("calls") is None else tuple(value.get("calls")),
            fetched=None if value.get("fetched") is None else Fetched.from_json(value.get("fetched")),
            notes=tuple(value["notes"]))
