"""Made by tools/make_results.py from caption.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._record import Record

__all__ = ["Caption", "CaptionFrame", "CaptionSeconds"]


@dataclass(frozen=True, kw_only=True)
class CaptionFrame(Record):
    """Part of what `ingot caption --json` prints.

    Attributes:
        time: Seconds since the first frame.
        index: Number of the frame, from 0, by time.
    """

    time: float
    index: int

    @classmethod
    def from_json(cls, value: Any) -> CaptionFrame:
        return cls(
            raw=value, time=value["time"], index=value["index"])


@dataclass(frozen=True, kw_only=True)
class CaptionSeconds(Record):
    """Of each stage. image is 0 where the image had been looked at before."""

    image: float
    caption: float

    @classmethod
    def from_json(cls, value: Any) -> CaptionSeconds:
        return cls(
            raw=value, image=value["image"], caption=value["caption"])


@dataclass(frozen=True, kw_only=True)
class Caption(Record):
    """Part of what `ingot caption --json` prints.

    Attributes:
        image: Path of an image or video, as it was given.
        prompt: What it was to begin with; missing where that is nothing.
        prompt_tokens: Ids of the start token and the prompt.
        tokens: Ids after those; the last one is the end token unless the caption was cut.
        log_probability: Natural logarithm of the probability that the nets give these tokens; by beams with a
            repetition penalty, of the penalized ones.
        frames: Where the image is a video: the frames that were looked at, in the order of their times; one that was
            taken several times is there as often. What the nets see is the mean of their features.
        seconds: Of each stage. image is 0 where the image had been looked at before.
    """

    image: str
    caption: str
    prompt: str | None
    prompt_tokens: tuple[int, ...]
    tokens: tuple[int, ...]
    log_probability: float
    frames: tuple[CaptionFrame, ...] | None
    seconds: CaptionSeconds

    @classmethod
    def from_json(cls, value: Any) -> Caption:
        return cls(
            raw=value, image=value["image"], caption=value["caption"], prompt=value.get("prompt"),
            prompt_tokens=tuple(value["promptTokens"]), tokens=tuple(value["tokens"]),
            log_probability=value["logProbability"],
            frames=None if value.get("frames") is None else tuple(CaptionFrame.from_json(item) for item in
                value.get("frames")), seconds=CaptionSeconds.from_json(value["seconds"]))
