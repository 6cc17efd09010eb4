"""Pictures as the program takes them: a path, or a ``data:`` address that holds the file's bytes."""

from __future__ import annotations

import base64
import io
import os
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from .errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

#: A path; the bytes of a picture's file; a picture of Pillow; uint8 pixels of shape [height, width, 3], or [height,
#: width].
Picture = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, "Image", npt.NDArray[np.uint8]]


def as_line(picture: Any) -> str:
    """What stands for a picture in a line.

    Raises:
        UsageError: it is none of what a picture can be.
    """
    if isinstance(picture, (str, os.PathLike)):
        path = os.fspath(picture)
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError("the picture's path is not UTF-8", hint="give the picture's bytes") from None
        return path
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return _address(bytes(picture))
    if isinstance(picture, np.ndarray):
        picture = _of_pixels(picture)
    if hasattr(picture, "save") and hasattr(picture, "mode"):
        return _address(_png(picture))
    raise UsageError(
        f"a picture is a path, bytes, a picture of Pillow or pixels, not {type(picture).__name__}")


def _address(data: bytes) -> str:
    return "data:;base64," + base64.b64encode(data).decode("ascii")


def _of_pixels(pixels: npt.NDArray[Any]) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise UsageError("pixels need Pillow", hint="pip install pillow") from None
    grey = pixels.ndim == 2
    if pixels.dtype != np.uint8 or not (grey or pixels.ndim == 3 and pixels.shape[2] == 3) or 0 in pixels.shape:
        raise UsageError(
            f"pixels are uint8 of shape [height, width, 3] or [height, width], not {pixels.dtype} of {pixels.shape}")
    return Image.fromarray(np.ascontiguousarray(pixels))


def _png(picture: Any) -> bytes:
    """Lossless, and hardly compressed: it goes to the next process only."""
    if picture.mode not in ("L", "RGB"):
        picture = picture.convert("RGB")
    out = io.BytesIO()
    # Only pixels: a profile or EXIF data would ask for more than what the picture shows.
    picture.save(out, "PNG", compress_level=1, exif=b"", icc_profile=None)
    return out.getvalue()
