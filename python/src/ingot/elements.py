"""Element types of net files, and what their bits stand for as NumPy arrays (schemas/FORMAT.md, "Element types")."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ELEMENT_TYPES", "ElementType"]


@dataclass(frozen=True)
class ElementType:
    """An element type of net files.

    Attributes:
        name: as in the file, e.g. ``bfloat16``.
        bits: of an element.
        stored: NumPy's type of what is stored: of types that NumPy hasn't got the bits, as unsigned integers; of packed
            ones bytes.
        meant: NumPy's type of the numbers that are meant, which holds each of them exactly.
    """

    name: str
    bits: int
    stored: np.dtype[Any]
    meant: np.dtype[Any]

    @property
    def is_packed(self) -> bool:
        """Whether elements share bytes."""
        return self.bits < 8

    def byte_count(self, elements: int) -> int:
        """Bytes of so many elements, rounded up to whole ones."""
        return -(-elements * self.bits // 8)

    def values(self, stored: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
        """The numbers that are meant, of one dimension, without a copy where these are what is stored.

        Args:
            stored: of type ``stored``.
            count: of elements, which packed ones don't tell.

        >>> bits = np.array([0x3FC0, 0xC000], "<u2")
        >>> ELEMENT_TYPES["bfloat16"].values(bits, 2).tolist()
        [1.5, -2.0]
        """
        if self.name == "bfloat16":
            return (stored.astype(np.uint32) << 16).view(np.float32)
        if self.name == "complex32":
            return stored.view("<f2").astype(np.float32).view(np.complex64)
        if self.is_packed:
            return np.take(_packed_values(self.name, self.bits), _codes(stored, self.bits)[:count])
        if self.name.startswith("float8"):
            return np.take(_float8_values(self.name), stored)
        return stored.view(self.meant)


def _type(name: str, stored: str, meant: str | None = None, bits: int | None = None) -> ElementType:
    dtype = np.dtype(stored)
    return ElementType(name, bits or 8 * dtype.itemsize, dtype, np.dtype(meant or stored))


#: By name.
ELEMENT_TYPES: dict[str, ElementType] = {
    kind.name: kind
    for kind in [
        _type("float64", "<f8"), _type("float32", "<f4"), _type("float16", "<f2"), _type("bfloat16", "<u2", "<f4"),
        _type("float8E4M3", "u1", "<f4"), _type("float8E5M2", "u1", "<f4"), _type("float8E4M3FNUZ", "u1", "<f4"),
        _type("float8E5M2FNUZ", "u1", "<f4"), _type("float8E8M0", "u1", "<f4"),
        _type("float6E2M3", "u1", "<f4", 6), _type("float6E3M2", "u1", "<f4", 6), _type("float4E2M1", "u1", "<f4", 4),
        _type("complex32", "<u4", "<c8"), _type("complex64", "<c8"), _type("complex128", "<c16"),
        _type("int64", "<i8"), _type("int32", "<i4"), _type("int16", "<i2"), _type("int8", "i1"),
        _type("int4", "u1", "i1", 4), _type("int2", "u1", "i1", 2),
        _type("uint64", "<u8"), _type("uint32", "<u4"), _type("uint16", "<u2"), _type("uint8", "u1"),
        _type("uint4", "u1", "u1", 4), _type("uint2", "u1", "u1", 2), _type("bool", "u1", "?")]}


def _codes(data: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """The pattern of bits of each packed element; the last ones may be none."""
    stream = np.unpackbits(data, bitorder="little")
    whole = stream[:len(stream) // bits * bits].reshape(-1, bits)
    return np.packbits(whole, axis=1, bitorder="little").reshape(-1)


#: Bits of exponent and of fraction, and the bias.
_FLOATS = {
    "float6E2M3": (2, 3, 1), "float6E3M2": (3, 2, 3), "float4E2M1": (2, 1, 1), "float8E4M3": (4, 3, 7),
    "float8E5M2": (5, 2, 15), "float8E4M3FNUZ": (4, 3, 8), "float8E5M2FNUZ": (5, 2, 16)}


def _positive(name: str) -> npt.NDArray[np.float64]:
    """Of each pattern without a sign, by the rule that all small floats share."""
    exponent_bits, fraction_bits, bias = _FLOATS[name]
    patterns = np.arange(1 << exponent_bits + fraction_bits)
    exponent, fraction = patterns >> fraction_bits, patterns % (1 << fraction_bits) / (1 << fraction_bits)
    return np.where(exponent > 0, np.ldexp(1 + fraction, exponent - bias), np.ldexp(fraction, 1 - bias))


@functools.cache
def _packed_values(name: str, bits: int) -> npt.NDArray[Any]:
    """The value of each pattern of bits."""
    if name in _FLOATS:
        values = _positive(name)
        return np.concatenate([values, -values]).astype(np.float32)
    patterns = np.arange(1 << bits)
    if name.startswith("uint"):
        return patterns.astype(np.uint8)
    return np.where(patterns >= len(patterns) // 2, patterns - len(patterns), patterns).astype(np.int8)


@functools.cache
def _float8_values(name: str) -> npt.NDArray[np.float32]:
    """The value of each of the 256 bytes."""
    if name == "float8E8M0":
        return np.append(np.ldexp(1.0, np.arange(255) - 127), np.nan).astype(np.float32)
    values = _positive(name)
    if name.endswith("FNUZ"):
        values = np.concatenate([values, -values])
        values[0x80] = np.nan
        return values.astype(np.float32)
    values[0x7F] = np.nan
    if name == "float8E5M2":
        values[0x7C:] = [np.inf, np.nan, np.nan, np.nan]
    return np.concatenate([values, -values]).astype(np.float32)
