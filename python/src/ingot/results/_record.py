"""What all records have in common that the program's JSON becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import ProtocolError


@dataclass(frozen=True, kw_only=True)
class Record:
    """An object of the program's JSON. Newer programs may tell more than there are attributes for: ``raw`` has all.

    Attributes:
        raw: the object as it was printed.
    """

    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, value: Any) -> Record:
        """The record of a JSON object."""
        raise NotImplementedError


_Made = TypeVar("_Made", bound=Record)


def made(kind: type[_Made], value: Any) -> _Made:
    """The record of what the program printed.

    Raises:
        ProtocolError: it isn't such a thing.
    """
    try:
        record = kind.from_json(value)
    except (KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(
            f"the program printed no {kind.__name__}: {error!r}",
            hint="the program and this package are of different versions") from error
    assert isinstance(record, kind)
    return record
