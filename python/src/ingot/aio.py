"""The same nets for asyncio: ``async with ingot.aio.VQA() as vqa: answer = await vqa.ask(image, question)``.

What they take, what pictures are and what happens when the child dies: see ``ingot.tasks``. A task that is cancelled
gives up its own answer only.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from ._pictures import Picture
from ._requests import (
    ASKING, CAPTIONING, CLASSIFYING, EMBEDDING, MATCHING, Parameters, Path, Result, Task, Vectors)
from ._worker import Worker
from .errors import IngotError, UsageError
from .results import Answer, Caption, Classification, Match

__all__ = ["VQA", "Captioner", "Classifier", "Embedder", "Matcher"]

_Self = TypeVar("_Self", bound="_Net[Any]")
Errors = Literal["raise", "return"]


class _Net(Generic[Result]):
    """A child process that runs nets."""

    _task: Task[Result]

    def __init__(
        self, parameters: Parameters | None = None, *, family: str | None = None, shelf: Path | None = None,
        threads: int | None = None, kernels: str | None = None, limits: Mapping[str, int] | None = None,
        program: Path | None = None, timeout: float | None = None, start_timeout: float | None = 300, **options: Any,
    ) -> None:
        self._options = options | {"threads": threads, "kernels": kernels}
        self._settings: dict[str, Any] = {
            "parameters": parameters, "family": family, "shelf": shelf, "limits": limits, "program": program,
            "timeout": timeout, "start_timeout": start_timeout}
        self._opened: Worker | None = None
        self._closing: weakref.finalize[Any, Any] | None = None

    async def open(self) -> None:
        """Starts the child; ends when the nets are open. ``async with`` does it.

        Raises:
            IngotError: they can't be.
        """
        if self._opened is None:
            worker = self._task.worker(self._options, **self._settings)
            self._opened, self._closing = worker, weakref.finalize(self, worker.close)
        try:
            await asyncio.wrap_future(self._opened.ready())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Ends the child. What is under way is given up."""
        closing, self._opened, self._closing = self._closing, None, None
        if closing is not None:
            await asyncio.get_running_loop().run_in_executor(None, closing)

    @property
    def pid(self) -> int | None:
        """The child's process id; None where there is none."""
        return self._opened.pid if self._opened else None

    async def __aenter__(self: _Self) -> _Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _submit(self, item: Any) -> asyncio.Future[dict[str, Any]]:
        if self._opened is None:
            raise UsageError("is not open", hint="async with opens it")
        return asyncio.wrap_future(self._opened.submit(self._task.request(item)))

    async def _one(self, item: Any) -> Result:
        return self._task.result(await self._submit(item))

    async def _many(self, items: Iterable[Any] | AsyncIterable[Any], errors: Errors) -> AsyncIterator[Any]:
        waiting: deque[asyncio.Future[dict[str, Any]] | IngotError] = deque()
        try:
            async for item in _each(items):
                try:
                    waiting.append(self._submit(item))
                except IngotError as error:
                    waiting.append(error)
                # Answers that are there are handed out at once; else many items are given together.
                least = self._task.window // 2 if len(waiting) >= self._task.window else len(waiting)
                while waiting and (len(waiting) > least or _is_there(waiting[0])):
                    yield await self._taken(waiting.popleft(), errors)
            while waiting:
                yield await self._taken(waiting.popleft(), errors)
        finally:
            for future in waiting:
                if not isinstance(future, IngotError):
                    future.cancel()

    async def _taken(self, future: asyncio.Future[dict[str, Any]] | IngotError, errors: Errors) -> Result | IngotError:
        try:
            if isinstance(future, IngotError):
                raise future
            return self._task.result(await future)
        except IngotError as error:
            if errors == "raise":
                raise
            return error


def _is_there(future: asyncio.Future[dict[str, Any]] | IngotError) -> bool:
    return isinstance(future, IngotError) or future.done()


async def _each(items: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


class VQA(_Net[Answer]):
    """Answers questions about pictures and videos: see ``ingot.VQA``."""

    _task = ASKING

    async def ask(self, image: Picture, question: str) -> Answer:
        """The answer to a question about a picture or a video."""
        return await self._one((image, question))

    def ask_many(
        self, items: Iterable[tuple[Picture, str]] | AsyncIterable[tuple[Picture, str]], *, errors: Errors = "raise",
    ) -> AsyncIterator[Any]:
        """Answers in the order of the items; with ``errors="return"``, errors in the place of answers."""
        return self._many(items, errors)


class Captioner(_Net[Caption]):
    """Says what pictures and videos show: see ``ingot.Captioner``."""

    _task = CAPTIONING

    async def caption(self, image: Picture, prompt: str | None = None) -> Caption:
        """A caption, which begins with the prompt."""
        return await self._one((image, prompt))

    def caption_many(
        self, items: Iterable[Any] | AsyncIterable[Any], *, errors: Errors = "raise") -> AsyncIterator[Any]:
        """Captions in the order of the items: pictures, or pairs of a picture and a prompt."""
        return self._many(items, errors)


class Matcher(_Net[tuple[Match, ...]]):
    """Says how well texts match pictures and videos: see ``ingot.Matcher``."""

    _task = MATCHING

    async def match(self, image: Picture, texts: str | Sequence[str]) -> tuple[Match, ...]:
        """A match for each text, in their order."""
        return await self._one((image, texts))

    def match_many(self, items: Iterable[Any] | AsyncIterable[Any], *, errors: Errors = "raise") -> AsyncIterator[Any]:
        """Matches in the order of the items: pairs of a picture and texts."""
        return self._many(items, errors)


class Embedder(_Net[Vectors]):
    """Makes vectors of texts and pictures: see ``ingot.Embedder``."""

    _task = EMBEDDING

    async def embed(self, item: Picture) -> Vectors:
        """The vector of a text (a str) or a picture (anything else), of shape [elements]."""
        return await self._one(item)

    async def embed_all(self, items: Iterable[Picture] | AsyncIterable[Picture]) -> Vectors:
        """The vectors of all of them, of shape [items, elements]; of none, [0, 0]."""
        vectors = [vector async for vector in self.embed_many(items)]
        return np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    def embed_many(self, items: Iterable[Any] | AsyncIterable[Any], *, errors: Errors = "raise") -> AsyncIterator[Any]:
        """Vectors in the order of the items."""
        return self._many(items, errors)


class Classifier(_Net[Classification]):
    """Says what pictures show: see ``ingot.Classifier``."""

    _task = CLASSIFYING

    async def classify(self, image: Picture, labels: Sequence[str] | None = None) -> Classification:
        """The likeliest classes, or the labels that fit best."""
        return await self._one((image, labels))

    def classify_many(
        self, items: Iterable[Any] | AsyncIterable[Any], *, errors: Errors = "raise") -> AsyncIterator[Any]:
        """Classes in the order of the items: pictures, or pairs of a picture and labels."""
        return self._many(items, errors)
