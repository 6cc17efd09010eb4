"""What each task asks the program, and what is made of its answers: shared by `tasks` and `aio`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from ._pictures import Picture, as_line
from ._program import flags, settings
from ._worker import Worker
from .errors import UsageError
from .results import Answer, Caption, Classification, Match, Matches, Vector, made

Result = TypeVar("Result")
Path = str | os.PathLike[str]
Parameters = Mapping[str, str | bool | int]
Vectors = npt.NDArray[np.float32]

# Lines come from this process, and hold pictures: the program's own limits on these stand.
_LINE_BYTES = {"line-bytes": 1 << 32}


@dataclass(frozen=True)
class Task(Generic[Result]):
    """A command that answers lines.

    Attributes:
        command: its name.
        window: how many items are under way at once.
    """

    command: str
    window: int = 64

    def worker(
        self, options: Mapping[str, Any], *, parameters: Parameters | None, family: str | None, shelf: Path | None,
        limits: Mapping[str, int] | None, program: Path | None, timeout: float | None, start_timeout: float | None,
    ) -> Worker:
        """The process that runs it."""
        arguments = flags(
            set=settings(parameters), family=family, shelf=shelf, allow=settings(_LINE_BYTES | dict(limits or {})),
            **options)
        return Worker([self.command, *arguments], program=program, timeout=timeout, start_timeout=start_timeout)

    def request(self, item: Any) -> dict[str, Any]:
        """The members of the line that asks for an item."""
        raise NotImplementedError

    def result(self, reply: dict[str, Any]) -> Result:
        """What the line that came for it says."""
        raise NotImplementedError


class Asking(Task[Answer]):
    """Items are pairs of a picture and a question."""

    def request(self, item: tuple[Picture, str]) -> dict[str, Any]:
        picture, question = _pair(item, "a picture and a question")
        return {"image": as_line(picture), "question": _text(question)}

    def result(self, reply: dict[str, Any]) -> Answer:
        return made(Answer, reply)


class Captioning(Task[Caption]):
    """Items are pictures, or pairs of a picture and a prompt."""

    def request(self, item: Picture | tuple[Picture, str | None]) -> dict[str, Any]:
        picture, prompt = item if isinstance(item, tuple) else (item, None)
        request = {"image": as_line(picture)}
        return request if prompt is None else request | {"prompt": _text(prompt)}

    def result(self, reply: dict[str, Any]) -> Caption:
        return made(Caption, reply)


class Matching(Task[tuple[Match, ...]]):
    """Items are pairs of a picture and texts."""

    def request(self, item: tuple[Picture, Sequence[str]]) -> dict[str, Any]:
        picture, texts = _pair(item, "a picture and texts")
        if isinstance(texts, str):
            texts = [texts]
        return {"image": as_line(picture), "texts": [_text(text) for text in texts]}

    def result(self, reply: dict[str, Any]) -> tuple[Match, ...]:
        return made(Matches, reply).matches


class Embedding(Task[Vectors]):
    """Items are texts, given as str, or pictures, given as anything else."""

    def request(self, item: Picture) -> dict[str, Any]:
        return {"text": item} if isinstance(item, str) else {"image": as_line(item)}

    def result(self, reply: dict[str, Any]) -> Vectors:
        return np.array(made(Vector, reply).embedding, np.float32)


class Classifying(Task[Classification]):
    """Items are pictures, or pairs of a picture and labels."""

    def request(self, item: Picture | tuple[Picture, Sequence[str] | None]) -> dict[str, Any]:
        picture, labels = item if isinstance(item, tuple) else (item, None)
        request: dict[str, Any] = {"image": as_line(picture)}
        return request if labels is None else request | {"labels": [_text(label) for label in labels]}

    def result(self, reply: dict[str, Any]) -> Classification:
        return made(Classification, reply)


def _pair(item: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(item, tuple) or len(item) != 2:
        raise UsageError(f"an item is a pair of {what}, not {type(item).__name__}")
    return item


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"a text is needed, not {type(value).__name__}")
    return value


ASKING, CAPTIONING, MATCHING = Asking("ask"), Captioning("caption"), Matching("match")
EMBEDDING, CLASSIFYING = Embedding("embed", window=512), Classifying("classify")
