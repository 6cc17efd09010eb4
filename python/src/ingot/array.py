"""An array of a net file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._header import Entry
from .errors import BadDataError

if TYPE_CHECKING:
    from .netfile import NetFile

__all__ = ["Array"]


class Array:
    """An array of a net file. Nothing of its data is read before ``raw`` or ``numpy`` are called.

    ``np.asarray(array)`` and ``torch.from_dlpack(array)`` take what ``numpy()`` gives.
    """

    __slots__ = ("_entry", "_net")

    def __init__(self, net: NetFile, entry: Entry) -> None:
        self._net, self._entry = net, entry

    @property
    def name(self) -> str:
        """Under which it is stored."""
        return self._entry.name

    @property
    def element_type(self) -> str:
        """As in the file: ``float32``, ``bfloat16``, ``int8``, …"""
        return self._entry.element_type.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions, outermost first."""
        return self._entry.shape

    @property
    def size(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the unpacked data."""
        return self._entry.bytes

    @property
    def stored_nbytes(self) -> int:
        """Bytes that it takes in the file."""
        return self._entry.stored_bytes

    @property
    def offset(self) -> int:
        """Byte of the file where its data starts."""
        return self._entry.offset

    @property
    def is_compressed(self) -> bool:
        """Whether it has to be unpacked; what isn't is used in place, in the mapped file."""
        return self._entry.encoding is not None

    @property
    def sha256(self) -> str:
        """Of the unpacked data."""
        return self._entry.sha256

    @property
    def scale_axis(self) -> int | None:
        """The dimension that an int8 array's scales go along; None where it has none."""
        return None if self._entry.scales is None else self._entry.scale_axis or 0

    @property
    def scales(self) -> npt.NDArray[np.float32] | None:
        """One scale for each row of an int8 array, float32 of shape [rows]; None where it has none."""
        return None if self._entry.scales is None else self._net.arrays[self._entry.scales].raw()

    def raw(self) -> npt.NDArray[Any]:
        """The elements as they are stored, in place where they are not compressed.

        Of ``bfloat16`` and ``complex32`` their bits as uint16 and uint32, of the 8-bit floats as uint8; ``bool`` is
        bool; int8 with scales is int8. Of packed types, whose elements share bytes, the bytes, of one dimension.

        Raises:
            BadDataError: compressed data doesn't unpack; a bool is neither 0 nor 1.
        """
        stored = self._net._unpacked(self._entry)
        kind = self._entry.element_type
        if kind.is_packed:
            return stored
        elements = stored.view(kind.meant if kind.name == "bool" else kind.stored)
        return self._shaped(elements)

    def numpy(self) -> npt.NDArray[Any]:
        """The numbers that are meant.

        What NumPy has a type for has that type, in place where it is not compressed. ``bfloat16`` and all smaller
        floats become float32, ``complex32`` complex64, packed integers int8 or uint8: all exactly. int8 with scales
        becomes float32, each row times its scale.

        Raises:
            BadDataError: compressed data doesn't unpack.
        """
        if self._entry.scales is None:
            kind = self._entry.element_type
            return self._shaped(kind.values(self._net._unpacked(self._entry).view(kind.stored), self.size))
        scales = self.scales
        assert scales is not None
        behind = len(self.shape) - 1 - (self.scale_axis or 0)
        values: npt.NDArray[np.float32] = np.multiply(self.raw(), scales.reshape(-1, *[1] * behind))
        return values

    def _shaped(self, elements: npt.NDArray[Any]) -> npt.NDArray[Any]:
        try:
            return elements.reshape(self.shape)
        except ValueError:
            # Of an array without elements, whose other dimensions are immense.
            raise BadDataError(
                f"has the shape {list(self.shape)}, which NumPy can't have", file=self._net.path,
                place=f'array "{self.name}"') from None

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        values = self.numpy()
        if dtype is not None and values.dtype != dtype:
            if copy is False:
                raise ValueError(f"{self.element_type} can't be {np.dtype(dtype)} without a copy")
            with np.errstate(invalid="ignore"):  # a signalling NaN
                return values.astype(dtype)
        return values.copy() if copy else values

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar has no length")
        return self.shape[0]

    def __repr__(self) -> str:
        sizes = "×".join(map(str, self.shape)) or "scalar"
        return f"<ingot.Array {self.name!r} {self.element_type} {sizes}>"
