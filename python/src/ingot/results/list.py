"""Made by tools/make_results.py from list.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ._record import Record

__all__ = ["ListAxis", "ListFamily", "ListFamilyUnreadable", "ListNet", "ListPublication", "ListPublicationFile",
    "ListReport"]


@dataclass(frozen=True, kw_only=True)
class ListAxis(Record):
    """Part of what `ingot list --json` prints.

    Attributes:
        open: Whether values that are not listed may be given.
    """

    name: str
    values: tuple[str | bool | int, ...]
    default: str | bool | int
    open: bool

    @classmethod
    def from_json(cls, value: Any) -> ListAxis:
        return cls(
            raw=value, name=value["name"], values=tuple(value["values"]), default=value["default"],
            open=value["open"])


@dataclass(frozen=True, kw_only=True)
class ListPublicationFile(Record):
    """Part of what `ingot list --json` prints."""

    name: str
    bytes: int | None
    sha256: str | None

    @classmethod
    def from_json(cls, value: Any) -> ListPublicationFile:
        return cls(
            raw=value, name=value["name"], bytes=value.get("bytes"), sha256=value.get("sha256"))


@dataclass(frozen=True, kw_only=True)
class ListPublication(Record):
    """Where the weights can be had.

    Attributes:
        cached: The folder in the cache of the hub's clients, where it is there.
    """

    repository: str
    revision: str | None
    cached: str | None
    licence: str
    note: str | None
    files: tuple[ListPublicationFile, ...]

    @classmethod
    def from_json(cls, value: Any) -> ListPublication:
        return cls(
            raw=value, repository=value["repository"], revision=value.get("revision"), cached=value.get("cached"),
            licence=value["licence"], note=value.get("note"),
            files=tuple(ListPublicationFile.from_json(item) for item in value["files"]))


@dataclass(frozen=True, kw_only=True)
class ListNet(Record):
    """Part of what `ingot list --json` prints.

    Attributes:
        file: Path of the net file; null when there is none.
        bytes: Size of the net file.
    """

    parameters: dict[str, str | bool | int]
    status: Literal["on shelf", "published", "uninitialized"]
    file: str | None
    bytes: int | None
    published: ListPublication | None

    @classmethod
    def from_json(cls, value: Any) -> ListNet:
        return cls(
            raw=value, parameters=dict(value["parameters"]), status=value["status"], file=value["file"],
            bytes=value.get("bytes"),
            published=None if value.get("published") is None else ListPublication.from_json(value.get("published")))


@dataclass(frozen=True, kw_only=True)
class ListFamilyUnreadable(Record):
    """Part of what `ingot list --json` prints."""

    file: str
    error: str

    @classmethod
    def from_json(cls, value: Any) -> ListFamilyUnreadable:
        return cls(
            raw=value, file=value["file"], error=value["error"])


@dataclass(frozen=True, kw_only=True)
class ListFamily(Record):
    """Part of what `ingot list --json` prints.

    Attributes:
        nets: The nets on the shelf, then every other combination of the axes' listed values.
        unreadable: Net files on the shelf that can't be opened.
    """

    family: str
    title: str
    axes: tuple[ListAxis, ...]
    nets: tuple[ListNet, ...]
    unreadable: tuple[ListFamilyUnreadable, ...]

    @classmethod
    def from_json(cls, value: Any) -> ListFamily:
        return cls(
            raw=value, family=value["family"], title=value["title"],
            axes=tuple(ListAxis.from_json(item) for item in value["axes"]),
            nets=tuple(ListNet.from_json(item) for item in value["nets"]),
            unreadable=tuple(ListFamilyUnreadable.from_json(item) for item in value["unreadable"]))


@dataclass(frozen=True, kw_only=True)
class ListReport(Record):
    """What ingot list --json prints

    Attributes:
        shelf: The folder of net files.
    """

    shelf: str
    families: tuple[ListFamily, ...]

    @classmethod
    def from_json(cls, value: Any) -> ListReport:
        return cls(
            raw=value, shelf=value["shelf"], families=tuple(ListFamily.from_json(item) for item in value["families"]))
