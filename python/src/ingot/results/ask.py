"""Made by tools/make_results.py from ask.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._record import Record

__all__ = ["Answer", "AnswerFrame", "AnswerRanking", "AnswerSeconds"]


@dataclass(frozen=True, kw_only=True)
class AnswerRanking(Record):
    """Part of what `ingot ask --json` prints.

    Attributes:
        loss: Sum over the tokens of the cross-entropy with label smoothing 0.1.
    """

    answer: str
    loss: float

    @classmethod
    def from_json(cls, value: Any) -> AnswerRanking:
        return cls(
            raw=value, answer=value["answer"], loss=value["loss"])


@dataclass(frozen=True, kw_only=True)
class AnswerFrame(Record):
    """Part of what `ingot ask --json` prints.

    Attributes:
        time: Seconds since the first frame.
        index: Number of the frame, from 0, by time.
    """

    time: float
    index: int

    @classmethod
    def from_json(cls, value: Any) -> AnswerFrame:
        return cls(
            raw=value, time=value["time"], index=value["index"])


@dataclass(frozen=True, kw_only=True)
class AnswerSeconds(Record):
    """Of each stage; questions that were run together share their time equally. image is 0 where the image had been
    looked at before."""

    image: float
    question: float
    answer: float

    @classmethod
    def from_json(cls, value: Any) -> AnswerSeconds:
        return cls(
            raw=value, image=value["image"], question=value["question"], answer=value["answer"])


@dataclass(frozen=True, kw_only=True)
class Answer(Record):
    """Part of what `ingot ask --json` prints.

    Attributes:
        image: Path of an image or video, as it was given.
        tokens: Ids after the start token; the last one is the end token unless the answer was cut.
        log_probability: Natural logarithm of the probability that the nets give these tokens.
        ranking: The best answers of a closed list, best first.
        frames: Where the image is a video: the frames that were looked at, in the order of their times; one that was
            taken several times is there as often. What the nets see is the mean of their features.
        seconds: Of each stage; questions that were run together share their time equally. image is 0 where the image
            had been looked at before.
    """

    image: str
    question: str
    answer: str
    tokens: tuple[int, ...]
    log_probability: float
    ranking: tuple[AnswerRanking, ...] | None
    frames: tuple[AnswerFrame, ...] | None
    seconds: AnswerSeconds

    @classmethod
    def from_json(cls, value: Any) -> Answer:
        return cls(
            raw=value, image=value["image"], question=value["question"], answer=value["answer"],
            tokens=tuple(value["tokens"]), log_probability=value["logProbability"],
            ranking=None if value.get("ranking") is None else tuple(AnswerRanking.from_json(item) for item in
                value.get("ranking")),
            frames=None if value.get("frames") is None else tuple(AnswerFrame.from_json(item) for item in
                value.get("frames")), seconds=AnswerSeconds.from_json(value["seconds"]))
