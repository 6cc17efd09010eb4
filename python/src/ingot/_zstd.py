"""Unpacks `zstd-planes` (schemas/FORMAT.md) by the system's libzstd, which is loaded when an array needs it."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools

import numpy as np
import numpy.typing as npt

from .errors import BadDataError, ProgramNotFoundError

_BLOCK = 4 << 20


@functools.cache
def _library() -> ctypes.CDLL:
    for name in ("libzstd.so.1", "libzstd.1.dylib", ctypes.util.find_library("zstd")):
        try:
            library = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if library is not None:
            break
    else:
        raise ProgramNotFoundError(
            "the array is compressed, and libzstd is not here", hint="Debian's package is libzstd1")
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    library.ZSTD_findFrameCompressedSize.argtypes = [pointer, size]
    library.ZSTD_findFrameCompressedSize.restype = size
    library.ZSTD_getFrameContentSize.argtypes = [pointer, size]
    library.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    library.ZSTD_decompress.argtypes = [pointer, size, pointer, size]
    library.ZSTD_decompress.restype = size
    library.ZSTD_isError.argtypes = [size]
    return library


def unpacked(stored: npt.NDArray[np.uint8], size: int, element_size: int) -> npt.NDArray[np.uint8]:
    """The bytes of an array in their original order.

    Args:
        stored: the frames, one after the other.
        size: bytes that the header states. All frames are looked at before memory is taken for these.
        element_size: bytes of an element, whose planes the blocks hold; 1 for packed ones.

    Raises:
        BadDataError: the frames are not those of so many bytes; without a file.
    """
    library = _library()
    address = stored.ctypes.data
    frames: list[tuple[int, int, int]] = []
    position = done = 0
    while done < size:
        block = min(_BLOCK, size - done)
        place = (address + position, len(stored) - position)
        if library.ZSTD_getFrameContentSize(*place) != block:
            raise BadDataError(f"there is no zstd frame of {block} bytes at its byte {position}")
        length = library.ZSTD_findFrameCompressedSize(*place)
        if library.ZSTD_isError(length):
            raise BadDataError(f"the zstd frame at its byte {position} is cut short or damaged")
        frames.append((position, length, block))
        position, done = position + length, done + block
    if position != len(stored):
        raise BadDataError("there are bytes after its last zstd frame")
    out = np.empty(size, np.uint8)
    planes = np.empty(min(_BLOCK, size), np.uint8)
    done = 0
    for position, length, block in frames:
        if library.ZSTD_decompress(planes.ctypes.data, block, address + position, length) != block:
            raise BadDataError(f"the zstd frame at its byte {position} is damaged")
        out[done:done + block].reshape(-1, element_size)[:] = planes[:block].reshape(element_size, -1).T
        done += block
    return out
