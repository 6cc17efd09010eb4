"""Made by tools/make_results.py from classify.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ._record import Record

__all__ = ["Classification", "ClassificationClass"]


@dataclass(frozen=True, kw_only=True)
class ClassificationClass(Record):
    """Part of what `ingot classify --json` prints.

    Attributes:
        class_: Index of its score.
        score: Where the function is none.
    """

    class_: int
    label: str
    probability: float | None
    score: float | None

    @classmethod
    def from_json(cls, value: Any) -> ClassificationClass:
        return cls(
            raw=value, class_=value["class"], label=value["label"], probability=value.get("probability"),
            score=value.get("score"))


@dataclass(frozen=True, kw_only=True)
class Classification(Record):
    """Part of what `ingot classify --json` prints.

    Attributes:
        image: Path as it was given.
        classes: The likeliest first.
    """

    image: str
    classes: tuple[ClassificationClass, ...]
    function: Literal["softmax", "sigmoid", "none"]

    @classmethod
    def from_json(cls, value: Any) -> Classification:
        return cls(
            raw=value, image=value["image"],
            classes=tuple(ClassificationClass.from_json(item) for item in value["classes"]),
            function=value["function"])
