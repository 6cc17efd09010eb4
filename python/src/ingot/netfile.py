"""Net files (``.ingot``) as NumPy arrays: mapped into memory, checked on opening, verified when asked."""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _header, _json, _zstd
from ._header import Entry
from .array import Array
from .errors import BadDataError, IngotError, InputOutputError, MismatchError, NoInputError

__all__ = ["Damage", "NetFile", "VerificationError", "open_net"]

_PROLOGUE, _LARGEST_HEADER, _LATEST = 64, 64 << 20, 2
_MAGIC = b"\x89INGOT\r\n"
_CHUNK = 16 << 20
# What arrays may be in multiples of the file, and from what size of one on: as the program has it by default.
_EXPANSION, _FAIR = 64, 16 << 20
_DAMAGED = "the file was damaged or cut: make it again, or fetch it again"


class Damage(tuple[str, str]):
    """What in a net file isn't as it was written: the array that it is in, or before, and the reason."""

    __slots__ = ()

    @property
    def array(self) -> str:
        return self[0]

    @property
    def reason(self) -> str:
        return self[1]


class VerificationError(MismatchError):
    """Bytes of a net file are not those that were written.

    Attributes:
        damage: all that is wrong, in the order of the file.
    """

    def __init__(
        self, reason: str, *, file: str | None = None, place: str | None = None, hint: str | None = None,
        damage: tuple[Damage, ...] = (),
    ) -> None:
        super().__init__(reason, file=file, place=place, hint=hint)
        self.damage = damage

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.reason, self.file, self.place, self.hint, self.damage)


def _restored(
    reason: str, file: str | None, place: str | None, hint: str | None, damage: tuple[Damage, ...]
) -> VerificationError:
    return VerificationError(reason, file=file, place=place, hint=hint, damage=damage)


class NetFile(Mapping[str, npt.NDArray[Any]]):
    """A net file, mapped into memory.

    As a mapping it gives the numbers of each array (``Array.numpy``) by name, under second names too; ``arrays`` gives
    what is known of them. Arrays that were handed out stay valid when the file is closed: the mapping ends with the
    last of them.

    A file that somebody cuts short while it is mapped ends this process (SIGBUS), as with every mapped file.

    Attributes:
        path: of the file, as it was given.
        version: major and minor version of the format.
        header: the whole header, as it was read.
        arrays: the arrays by the names under which they are stored, in the order of their data.
    """

    def __init__(self, path: str | os.PathLike[str], mode: Literal["r", "c"] = "r") -> None:
        if mode not in ("r", "c"):
            raise ValueError(f"mode is 'r' or 'c', not {mode!r}")
        self.path = os.fspath(path)
        self._map: mmap.mmap | None = None
        try:
            self._open(mode)
        except BadDataError as error:
            raise BadDataError(
                error.reason, file=self.path, place=error.place, hint=error.hint or _DAMAGED) from error.__cause__
        except IngotError:
            raise
        except FileNotFoundError:
            raise NoInputError("there is no such file", file=self.path, hint="check the path's spelling") from None
        except OSError as error:
            raise InputOutputError(error.strerror or str(error), file=self.path) from error
        self.arrays: Mapping[str, Array] = MappingProxyType(
            {name: Array(self, entry) for name, entry in self._entries.items()})

    def _open(self, mode: str) -> None:
        with open(self.path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            prologue = file.read(_PROLOGUE)
            if len(prologue) < _PROLOGUE:
                raise BadDataError(f"has {len(prologue)} bytes, fewer than the {_PROLOGUE} that begin a net file")
            major, minor, length = _read_prologue(prologue, size)
            text = file.read(length)
            if hashlib.sha256(prologue[:32] + text).digest() != prologue[32:]:
                raise BadDataError("does not match its SHA-256", place="header")
            self.version = (major, minor)
            self.header = _json.parsed(text)
            self._entries = _header.check(self.header, major, length, size)
            self._data_start = _PROLOGUE + length
            total = sum(entry.bytes for entry in self._entries.values())
            if total // _EXPANSION > max(size, _FAIR):
                raise BadDataError(f"states arrays of {total} bytes but has {size}")
            access = mmap.ACCESS_READ if mode == "r" else mmap.ACCESS_COPY
            self._map = mmap.mmap(file.fileno(), size, access=access)
        self._bytes = np.frombuffer(self._map, np.uint8)

    @property
    def family(self) -> str:
        """The family of nets, e.g. ``blip-vqa``."""
        return str(self.header["family"])

    @property
    def net(self) -> str:
        """Which net of the family, e.g. ``TextEncoder``."""
        return str(self.header["net"])

    @property
    def parameters(self) -> dict[str, str | bool | int]:
        """The parameter combination."""
        return dict(self.header["parameters"])

    @property
    def configuration(self) -> dict[str, Any]:
        """Dimensions and constants from which the net's layers are made."""
        return dict(self.header["configuration"])

    @property
    def profile(self) -> dict[str, Any]:
        """How the net must be run to be itself."""
        return dict(self.header["profile"])

    @property
    def tokenizer(self) -> dict[str, Any] | None:
        """How text becomes token ids; None for nets that read and write no text."""
        return self.header.get("tokenizer")

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the net came from."""
        return dict(self.header["provenance"])

    @property
    def is_initialized(self) -> bool:
        """Whether there are weights."""
        return bool(self.header["initialized"])

    @property
    def ties(self) -> dict[str, str]:
        """Second names, and the names of the arrays that they mean."""
        return {tie["name"]: tie["same"] for tie in self.header["ties"]}

    def array(self, name: str) -> Array:
        """An array by its name or its second one.

        Raises:
            KeyError: there is none.
        """
        found = self.arrays.get(name)
        return self.arrays[self.ties[name]] if found is None else found

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.array(name).numpy()

    def __iter__(self) -> Iterator[str]:
        yield from self.arrays
        if self.is_initialized:
            yield from self.ties

    def __len__(self) -> int:
        return len(self.arrays) + (len(self.ties) if self.is_initialized else 0)

    def __contains__(self, name: object) -> bool:
        return name in self.arrays or self.is_initialized and name in self.ties

    def _part(self, start: int, end: int) -> npt.NDArray[np.uint8]:
        if self._map is None:
            raise ValueError(f"{self.path} was closed")
        return self._bytes[start:end]

    def _unpacked(self, entry: Entry) -> npt.NDArray[np.uint8]:
        data = self._part(entry.offset, entry.offset + entry.stored_bytes)
        kind, reason = entry.element_type, None
        try:
            if entry.encoding is not None:
                data = _zstd.unpacked(data, entry.bytes, 1 if kind.is_packed else kind.stored.itemsize)
        except BadDataError as error:
            reason = error.reason
        # NumPy takes other bytes for truth values that are neither equal to True nor to False.
        if kind.name == "bool" and (data > 1).any():
            reason = "a bool is neither 0 nor 1"
        if reason is not None:
            raise BadDataError(reason, file=self.path, place=f'array "{entry.name}"', hint=_DAMAGED)
        return data

    def damage(self) -> tuple[Damage, ...]:
        """Reads every byte behind the header.

        Returns:
            What is not as it was written, in the order of the file; nothing for a sound file.
        """
        found: list[Damage] = []
        end = self._data_start
        for entry in self._entries.values():
            if self._part(end, entry.offset).any():
                found.append(Damage((entry.name, "the padding before it is not zero")))
            reason = self._damage(entry)
            if reason:
                found.append(Damage((entry.name, reason)))
            end = entry.offset + entry.stored_bytes
        return tuple(found)

    def _damage(self, entry: Entry) -> str | None:
        stored = self._part(entry.offset, entry.offset + entry.stored_bytes)
        if _sha256(stored) != entry.stored_sha256:
            return f"its {'stored ' if entry.encoding else ''}data does not match its SHA-256"
        if entry.encoding is None:
            return None
        try:
            unpacked = self._unpacked(entry)
        except BadDataError as error:
            return error.reason
        return None if _sha256(unpacked) == entry.sha256 else "its unpacked data does not match its SHA-256"

    def verify(self) -> None:
        """Reads every byte behind the header, and compares it with the digests there.

        Raises:
            VerificationError: something differs; names the first array, and has all in ``damage``.
        """
        damage = self.damage()
        if damage:
            first = damage[0]
            raise VerificationError(
                first.reason, file=self.path, place=f'array "{first.array}"', hint=_DAMAGED, damage=damage)

    def close(self) -> None:
        """Lets go of the file. Arrays that were handed out stay valid."""
        self._map = None
        self._bytes = np.empty(0, np.uint8)

    def __enter__(self) -> NetFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ingot.NetFile {self.path!r}: {self.family} {self.net}, {len(self.arrays)} arrays>"

    # A mapping of arrays can't be compared by their values at a glance.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _read_prologue(prologue: bytes, size: int) -> tuple[int, int, int]:
    magic, major, minor, reserved, length, file_length = struct.unpack_from("<8sHHIQQ", prologue)
    if magic != _MAGIC:
        raise BadDataError(
            "does not begin as a net file does", place="byte 0",
            hint="`ingot.inspect` tells what the file is; `ingot.convert` makes net files from checkpoints")
    if not 1 <= major <= _LATEST:
        raise BadDataError(
            f"is of format version {major}; this package reads versions 1 to {_LATEST}", place="byte 8",
            hint="use a newer version of ingot-nets")
    if reserved:
        raise BadDataError("reserved bytes are not zero", place="byte 12")
    if file_length != size:
        raise BadDataError(f"states a length of {file_length} bytes but has {size}", place="byte 24")
    if length > min(_LARGEST_HEADER, size - _PROLOGUE):
        raise BadDataError(
            f"the header length {length} is over the limit or past the end of the file", place="byte 16")
    return major, minor, length


def _sha256(data: npt.NDArray[np.uint8]) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(data), _CHUNK):
        digest.update(data[start:start + _CHUNK].data)
    return digest.hexdigest()


def open_net(path: str | os.PathLike[str], mode: Literal["r", "c"] = "r") -> NetFile:
    """Maps a net file and checks its header; the arrays are read when they are used.

    Args:
        path: of the file.
        mode: ``r``: arrays can't be written to. ``c``: they can, in this process's memory only (copy on write): for
            libraries that want to write, such as older ones that take DLPack.

    Raises:
        NoInputError: there is no such file.
        BadDataError: it breaks a rule of the format; names the byte or the array.
        InputOutputError: it can't be read.
    """
    return NetFile(path, mode)
