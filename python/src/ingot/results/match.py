"""Made by tools/make_results.py from match.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._record import Record

__all__ = ["Match", "MatchFrame", "MatchSeconds", "Matches"]


@dataclass(frozen=True, kw_only=True)
class MatchFrame(Record):
    """Part of what `ingot match --json` prints.

    Attributes:
        time: Seconds since the first frame.
        index: Number of the frame, from 0, by time.
    """

    time: float
    index: int

    @classmethod
    def from_json(cls, value: Any) -> MatchFrame:
        return cls(
            raw=value, time=value["time"], index=value["index"])


@dataclass(frozen=True, kw_only=True)
class MatchSeconds(Record):
    """Of each stage; texts that were matched together share their time equally. image is 0 where the image had been
    looked at before."""

    image: float
    text: float

    @classmethod
    def from_json(cls, value: Any) -> MatchSeconds:
        return cls(
            raw=value, image=value["image"], text=value["text"])


@dataclass(frozen=True, kw_only=True)
class Match(Record):
    """Part of what `ingot match --json` prints.

    Attributes:
        image: Path of an image or video, as it was given.
        probability: That the text is about the image: softmax of the logits.
        cosine: Of the angle between the vectors of the image and of the text.
        logits: Scores that they don't match, and that they do.
        tokens: Ids of the text, the first and the last token included.
        frames: Where the image is a video: the frames that were looked at, in the order of their times; one that was
            taken several times is there as often. What the nets see is the mean of their features.
        seconds: Of each stage; texts that were matched together share their time equally. image is 0 where the image
            had been looked at before.
    """

    image: str
    text: str
    probability: float
    cosine: float
    logits: tuple[float, ...]
    tokens: tuple[int, ...]
    frames: tuple[MatchFrame, ...] | None
    seconds: MatchSeconds

    @classmethod
    def from_json(cls, value: Any) -> Match:
        return cls(
            raw=value, image=value["image"], text=value["text"], probability=value["probability"],
            cosine=value["cosine"], logits=tuple(value["logits"]), tokens=tuple(value["tokens"]),
            frames=None if value.get("frames") is None else tuple(MatchFrame.from_json(item) for item in
                value.get("frames")), seconds=MatchSeconds.from_json(value["seconds"]))


@dataclass(frozen=True, kw_only=True)
class Matches(Record):
    """Of a line with several texts.

    Attributes:
        image: Path of an image or video, as it was given.
    """

    image: str
    matches: tuple[Match, ...]

    @classmethod
    def from_json(cls, value: Any) -> Matches:
        return cls(
            raw=value, image=value["image"], matches=tuple(Match.from_json(item) for item in value["matches"]))
