"""What a net file's header says, checked against every rule of schemas/FORMAT.md that can be checked without the
arrays."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .elements import ELEMENT_TYPES, ElementType
from .errors import BadDataError

ALIGNMENT = 64
_LONGEST_NAME, _MOST_DIMENSIONS, _MOST_DIRECTIONS = 4096, 8, 32
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_DIGEST = re.compile("[0-9a-f]{64}")


class Entry(NamedTuple):
    """An array as the header lists it.

    Attributes:
        name: under which it is stored.
        element_type: of its elements.
        shape: lengths of the dimensions, outermost first.
        offset: byte of the file where its data starts.
        bytes: of the unpacked data.
        sha256: of the unpacked data, 64 hexadecimal digits.
        encoding: ``zstd-planes``, or None where the data is stored as it is.
        stored_bytes: that it takes in the file.
        stored_sha256: of the bytes in the file.
        scales: name of the array with the scales of an int8 array's rows, or None.
        scale_axis: the dimension that the scales go along; None: the first.
        input_means, input_directions: names of arrays that quantization noted, or None.
    """

    name: str
    element_type: ElementType
    shape: tuple[int, ...]
    offset: int
    bytes: int
    sha256: str
    encoding: str | None
    stored_bytes: int
    stored_sha256: str
    scales: str | None
    scale_axis: int | None
    input_means: str | None
    input_directions: str | None


def failure(reason: str, place: str = "header") -> BadDataError:
    return BadDataError(reason, place=place)


_NAMES: dict[type, str] = {
    str: "a string", int: "an integer", bool: "true or false", dict: "an object", list: "an array"}


def member(value: dict[str, Any], key: str, kind: type, place: str = "header") -> Any:
    """A member that has to be there, of a type: str, bool, int, list or dict."""
    if key not in value:
        raise failure(f'has no member "{key}"', place)
    # A boolean is an int in Python, and not here.
    if type(value[key]) is not kind:
        raise failure(f'"{key}": {_NAMES[kind]} is needed', place)
    return value[key]


def optional(value: dict[str, Any], key: str, kind: type, place: str = "header") -> Any:
    """The same of a member that may be left out: then None."""
    return member(value, key, kind, place) if key in value else None


def _size(value: dict[str, Any], key: str, place: str) -> int:
    size: int = member(value, key, int, place)
    if size < 0:
        raise failure(f'"{key}" is {size}, which is negative', place)
    return size


def _digest(value: dict[str, Any], key: str, place: str) -> str:
    digest: str = member(value, key, str, place)
    if not _DIGEST.fullmatch(digest):
        raise failure(f'"{key}": 64 lower-case hexadecimal digits of a SHA-256 are needed', place)
    return digest


def check(header: dict[str, Any], version: int, header_length: int, file_length: int) -> dict[str, Entry]:
    """The header's arrays by name, in their order.

    Args:
        header: as it was read.
        version: the file's major version.
        header_length: bytes of the header's text.
        file_length: bytes of the whole file.

    Raises:
        BadDataError: a rule is broken; without a file.
    """
    if member(header, "format", str) != "ingot":
        raise failure('the format is not "ingot"')
    for key in ("family", "net"):
        member(header, key, str)
    for key in ("parameters", "configuration", "profile"):
        member(header, key, dict)
    _check_tokenizer(optional(header, "tokenizer", dict))
    _check_provenance(member(header, "provenance", dict))
    is_initialized = member(header, "initialized", bool)
    entries: dict[str, Entry] = {}
    for value in member(header, "arrays", list):
        entry = _entry(value, version)
        if entry.name in entries:
            raise failure(f'two arrays are named "{entry.name}"')
        entries[entry.name] = entry
    if entries and not is_initialized:
        raise failure(f"a net without weights lists {len(entries)} arrays")
    for entry in entries.values():
        _check_scales(entry, entries)
    for tie in member(header, "ties", list):
        if type(tie) is not dict:
            raise failure("a tie is no object")
        name, same = member(tie, "name", str), member(tie, "same", str)
        if is_initialized and (same not in entries or name in entries):
            raise failure(f'"{name}" is tied to "{same}", which is not stored apart from it')
    _check_places(list(entries.values()), header_length, file_length)
    return entries


def _entry(value: Any, version: int) -> Entry:
    if type(value) is not dict:
        raise failure("an array is described by no object")
    name = member(value, "name", str)
    if not 1 <= len(name.encode()) <= _LONGEST_NAME or _CONTROL.search(name):
        raise failure(f"array name {name[:80]!r} has control characters, or not 1 to {_LONGEST_NAME} bytes")
    place = f'array "{name}"'
    kind = ELEMENT_TYPES.get(member(value, "elementType", str, place))
    if kind is None:
        raise failure(f'unknown element type "{value["elementType"][:80]}"', place)
    if version < 2 and (kind.is_packed or kind.name == "complex32"):
        raise failure(f"is of {kind.name}, which a file of version {version} has not", place)
    shape = member(value, "shape", list, place)
    if len(shape) > _MOST_DIMENSIONS:
        raise failure(f"has {len(shape)} dimensions; at most {_MOST_DIMENSIONS} are possible", place)
    count = 1
    for length in shape:
        if type(length) is not int or length < 0:
            raise failure("a dimension is no size", place)
        count *= length
        if count >= 1 << 63:
            raise failure("its shape has more elements than can be counted", place)
    size = kind.byte_count(count)
    if _size(value, "bytes", place) != size or size >= 1 << 63:
        raise failure(f"{value['bytes']} bytes stated, but {kind.name} of shape {shape} takes {size}", place)
    sha256 = _digest(value, "sha256", place)
    encoding = optional(value, "encoding", str, place)
    if encoding not in (None, "zstd-planes"):
        raise failure(f'unknown encoding "{encoding[:80]}"', place)
    scale_axis = optional(value, "scaleAxis", int, place)
    if scale_axis is not None and version < 2:
        raise failure(f"has a scale axis, which a file of version {version} has not", place)
    return Entry(
        name, kind, tuple(shape), _size(value, "offset", place), size, sha256, encoding,
        _size(value, "storedBytes", place) if encoding else size,
        _digest(value, "storedSHA256", place) if encoding else sha256,
        optional(value, "scales", str, place), scale_axis,
        optional(value, "inputMeans", str, place), optional(value, "inputDirections", str, place))


def _check_scales(entry: Entry, entries: dict[str, Entry]) -> None:
    place, rank, axis = f'array "{entry.name}"', len(entry.shape), entry.scale_axis
    if entry.scales is None:
        if axis is not None:
            raise failure("has a scale axis but no scales", place)
    else:
        if entry.element_type.name != "int8" or rank == 0:
            raise failure("has scales but is not int8 with rows", place)
        if axis is not None and not 1 <= axis < rank:
            raise failure(
                f"its scale axis is {axis}, but it has {rank} dimensions, of which the first needs none", place)
        if axis is not None and (entry.input_means, entry.input_directions) != (None, None):
            raise failure("has a scale axis, and input means or directions", place)
        rows, scales = entry.shape[axis or 0], entries.get(entry.scales)
        if scales is None or scales.element_type.name != "float32" or scales.shape != (rows,):
            raise failure(f'has no float32 scales "{entry.scales}" of shape [{rows}]', place)
    for what, name in [("means", entry.input_means), ("directions", entry.input_directions)]:
        if name is None:
            continue
        if entry.scales is None or rank != 2:
            raise failure(f"has input {what} but is no int8 matrix with scales", place)
        if name not in entries or not _fits(entries[name], what, entry.shape[1]):
            raise failure(f'has no input {what} "{name}" that fit its {entry.shape[1]} columns', place)


def _fits(entry: Entry, what: str, columns: int) -> bool:
    if what == "means":
        return entry.element_type.name == "float32" and entry.shape == (columns,)
    return (
        entry.element_type.name == "float16" and len(entry.shape) == 2 and entry.shape[0] == columns > 0
        and 1 <= entry.shape[1] <= _MOST_DIRECTIONS)


def _check_places(entries: list[Entry], header_length: int, file_length: int) -> None:
    end = 64 + header_length
    for entry in entries:
        start = -(-end // ALIGNMENT) * ALIGNMENT
        place = f'array "{entry.name}"'
        if entry.offset != start:
            raise failure(
                f"starts at byte {entry.offset}, not at the next multiple of {ALIGNMENT} after byte {end}", place)
        end = start + entry.stored_bytes
        if end > file_length:
            raise failure("goes past the end of the file", place)
    if end != file_length:
        raise failure(f"{file_length - end} bytes after the last array", f"byte {end}")


def _check_tokenizer(tokenizer: dict[str, Any] | None) -> None:
    if tokenizer is None:
        return
    place = "header"
    member(tokenizer, "kind", str, place)
    for key in ("lowercase", "splitCJK"):
        member(tokenizer, key, bool, place)
    optional(tokenizer, "stripAccents", bool, place)
    lists = [member(tokenizer, "vocabulary", list, place)]
    lists += [optional(tokenizer, key, list, place) or [] for key in ("matched", "matchedWords", "merges")]
    if not all(set(map(type, words)) <= {str} for words in lists):
        raise failure("a token of the tokenizer is no string")
    added = _size(tokenizer, "added", place) if "added" in tokenizer else 0
    if added > len(lists[0]):
        raise failure(f"{added} tokens were added, but there are {len(lists[0])}")


def _check_provenance(provenance: dict[str, Any]) -> None:
    member(provenance, "tool", str)
    optional(provenance, "layout", str)
    optional(provenance, "seed", int)
    converted = optional(provenance, "convertedFrom", str)
    if converted is not None and converted not in ELEMENT_TYPES:
        raise failure(f'unknown element type "{converted[:80]}"')
    part = optional(provenance, "part", dict)
    if part is not None:
        at, everything = optional(part, "at", str), optional(part, "all", bool)
        if (at is None) == (everything is None) or everything is False:
            raise failure('a part is not one of "at" and "all"')
    for source in member(provenance, "sources", list):
        if type(source) is not dict:
            raise failure("a source is no object")
        member(source, "file", str)
        _size(source, "bytes", "header")
        _digest(source, "sha256", "header")
