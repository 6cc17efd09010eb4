"""Nets that answer, caption, match, embed and classify: each class runs the program as a child and gives it lines.

What all of them take:

- ``parameters``: the net's, as ``{"Release": "demo"}``; ``family``, ``shelf``: as the program's ``--family`` and
  ``--shelf``.
- ``threads``: that compute together (default: one per core); ``kernels``: ``auto``, ``avx512``, ``avx2``, ``openblas``,
  ``portable``.
- ``limits``: what may be read of files, as ``{"image-pixels": 10**8}``.
- ``program``: the program's path (see ``find_program``).
- ``timeout``: seconds that an answer may take after the one before it; ``start_timeout``: seconds until the nets are
  open.
- further keywords are options of the command: ``upright=True`` is ``--upright``.

Opening one opens the nets, and raises what is wrong with them. They are context managers; what isn't closed is closed
with the last reference, or with the interpreter. They can be used from several threads at once.

A picture is a path, the bytes of a file, a picture of Pillow, or uint8 pixels ([height, width, 3] or [height, width];
needs Pillow).

When the child dies, another one takes its place, and is given again what wasn't answered: nothing is lost, nothing
comes twice. An item alone with which two children died gets ``ProgramDiedError``; one that takes longer than
``timeout``, ``IngotTimeoutError``.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar, overload

import numpy as np

from ._pictures import Picture
from ._requests import (
    ASKING, CAPTIONING, CLASSIFYING, EMBEDDING, MATCHING, Parameters, Path, Result, Task, Vectors)
from .errors import IngotError, UsageError
from .results import Answer, Caption, Classification, Match

__all__ = ["VQA", "Captioner", "Classifier", "Embedder", "Matcher"]

_Self = TypeVar("_Self", bound="_Net[Any]")


class _Net(Generic[Result]):
    """A child process that runs nets."""

    _task: Task[Result]

    def __init__(
        self, parameters: Parameters | None = None, *, family: str | None = None, shelf: Path | None = None,
        threads: int | None = None, kernels: str | None = None, limits: Mapping[str, int] | None = None,
        program: Path | None = None, timeout: float | None = None, start_timeout: float | None = 300, **options: Any,
    ) -> None:
        self._worker = self._task.worker(
            options | {"threads": threads, "kernels": kernels}, parameters=parameters, family=family, shelf=shelf,
            limits=limits, program=program, timeout=timeout, start_timeout=start_timeout)
        self._closing = weakref.finalize(self, self._worker.close)
        try:
            self._worker.ready().result()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the child. What is under way is given up."""
        self._closing()

    @property
    def pid(self) -> int | None:
        """The child's process id; None where there is none."""
        return self._worker.pid

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _one(self, item: Any) -> Result:
        return self._task.result(self._worker.submit(self._task.request(item)).result())

    def _many(self, items: Iterable[Any], errors: str) -> Iterator[Any]:
        if errors not in ("raise", "return"):
            raise UsageError(f'errors is "raise" or "return", not {errors!r}')
        return self._results(items, errors == "return")

    def _results(self, items: Iterable[Any], returns: bool) -> Iterator[Any]:
        waiting: deque[Future[dict[str, Any]] | IngotError] = deque()
        try:
            for item in items:
                try:
                    waiting.append(self._worker.submit(self._task.request(item)))
                except IngotError as error:
                    waiting.append(error)
                # Answers that are there are handed out at once; else many items are given together.
                least = self._task.window // 2 if len(waiting) >= self._task.window else len(waiting)
                while waiting and (len(waiting) > least or _is_there(waiting[0])):
                    yield self._taken(waiting.popleft(), returns)
            while waiting:
                yield self._taken(waiting.popleft(), returns)
        finally:
            for future in waiting:
                if isinstance(future, Future):
                    future.cancel()

    def _taken(self, future: Future[dict[str, Any]] | IngotError, returns: bool) -> Result | IngotError:
        try:
            if isinstance(future, IngotError):
                raise future
            return self._task.result(future.result())
        except IngotError as error:
            if not returns:
                raise
            return error


def _is_there(future: Future[dict[str, Any]] | IngotError) -> bool:
    return isinstance(future, IngotError) or future.done()


class VQA(_Net[Answer]):
    """Answers questions about pictures and videos.

    Options: ``max_tokens``, ``min_tokens``, ``beams``, ``temperature``, ``seed``, ``answers`` (a file with a closed
    list), ``frames``, ``upright``.
    """

    _task = ASKING

    def ask(self, image: Picture, question: str) -> Answer:
        """The answer to a question about a picture or a video.

        Raises:
            IngotError: the picture can't be read, or the question can't be answered.
        """
        return self._one((image, question))

    @overload
    def ask_many(
        self, items: Iterable[tuple[Picture, str]], *, errors: Literal["raise"] = "raise") -> Iterator[Answer]: ...
    @overload
    def ask_many(
        self, items: Iterable[tuple[Picture, str]], *, errors: Literal["return"]) -> Iterator[Answer | IngotError]: ...

    def ask_many(self, items: Iterable[tuple[Picture, str]], *, errors: str = "raise") -> Iterator[Any]:
        """Answers in the order of the items, which are taken as they are needed. Of questions about one picture that
        follow each other, the picture is looked at once.

        Args:
            items: pairs of a picture and a question.
            errors: ``raise`` the first one, or ``return`` them in the place of answers.
        """
        return self._many(items, errors)


class Captioner(_Net[Caption]):
    """Says what pictures and videos show.

    Options: ``prompt``, ``max_tokens``, ``min_tokens``, ``beams``, ``repetition_penalty``, ``temperature``, ``seed``,
    ``frames``, ``upright``.
    """

    _task = CAPTIONING

    def caption(self, image: Picture, prompt: str | None = None) -> Caption:
        """A caption, which begins with the prompt."""
        return self._one((image, prompt))

    @overload
    def caption_many(
        self, items: Iterable[Picture | tuple[Picture, str | None]], *, errors: Literal["raise"] = "raise",
    ) -> Iterator[Caption]: ...
    @overload
    def caption_many(
        self, items: Iterable[Picture | tuple[Picture, str | None]], *, errors: Literal["return"],
    ) -> Iterator[Caption | IngotError]: ...

    def caption_many(
        self, items: Iterable[Picture | tuple[Picture, str | None]], *, errors: str = "raise") -> Iterator[Any]:
        """Captions in the order of the items: pictures, or pairs of a picture and a prompt; ``errors`` as in
        ``VQA``."""
        return self._many(items, errors)


class Matcher(_Net[tuple[Match, ...]]):
    """Says how well texts match pictures and videos. Options: ``frames``, ``upright``."""

    _task = MATCHING

    def match(self, image: Picture, texts: str | Sequence[str]) -> tuple[Match, ...]:
        """A match for each text, in their order."""
        return self._one((image, texts))

    @overload
    def match_many(
        self, items: Iterable[tuple[Picture, str | Sequence[str]]], *, errors: Literal["raise"] = "raise",
    ) -> Iterator[tuple[Match, ...]]: ...
    @overload
    def match_many(
        self, items: Iterable[tuple[Picture, str | Sequence[str]]], *, errors: Literal["return"],
    ) -> Iterator[tuple[Match, ...] | IngotError]: ...

    def match_many(
        self, items: Iterable[tuple[Picture, str | Sequence[str]]], *, errors: str = "raise") -> Iterator[Any]:
        """Matches in the order of the items: pairs of a picture and texts; ``errors`` as in ``VQA``."""
        return self._many(items, errors)


class Embedder(_Net[Vectors]):
    """Makes vectors of texts and pictures, float32. Options: ``net`` (a net file), ``prompt`` (its name), ``side``,
    ``upright``."""

    _task = EMBEDDING

    def embed(self, item: Picture) -> Vectors:
        """The vector of a text (a str) or a picture (anything else: a path as ``pathlib.Path``), of shape
        [elements]."""
        return self._one(item)

    def embed_all(self, items: Iterable[Picture]) -> Vectors:
        """The vectors of all of them, of shape [items, elements]; of none, [0, 0]."""
        vectors = list(self.embed_many(items))
        return np.stack(vectors) if vectors else np.empty((0, 0), np.float32)

    @overload
    def embed_many(
        self, items: Iterable[Picture], *, errors: Literal["raise"] = "raise") -> Iterator[Vectors]: ...
    @overload
    def embed_many(
        self, items: Iterable[Picture], *, errors: Literal["return"]) -> Iterator[Vectors | IngotError]: ...

    def embed_many(self, items: Iterable[Picture], *, errors: str = "raise") -> Iterator[Any]:
        """Vectors in the order of the items; ``errors`` as in ``VQA``."""
        return self._many(items, errors)


class Classifier(_Net[Classification]):
    """Says what pictures show. Options: ``net`` (a net file), ``top`` (how many classes), ``labels`` (a file, for
    CLIP), ``template``, ``side``, ``upright``. With ``family="clip"``, each item can have labels of its own."""

    _task = CLASSIFYING

    def classify(self, image: Picture, labels: Sequence[str] | None = None) -> Classification:
        """The likeliest classes, or the labels that fit best."""
        return self._one((image, labels))

    @overload
    def classify_many(
        self, items: Iterable[Picture | tuple[Picture, Sequence[str] | None]], *, errors: Literal["raise"] = "raise",
    ) -> Iterator[Classification]: ...
    @overload
    def classify_many(
        self, items: Iterable[Picture | tuple[Picture, Sequence[str] | None]], *, errors: Literal["return"],
    ) -> Iterator[Classification | IngotError]: ...

    def classify_many(
        self, items: Iterable[Picture | tuple[Picture, Sequence[str] | None]], *, errors: str = "raise",
    ) -> Iterator[Any]:
        """Classes in the order of the items: pictures, or pairs of a picture and labels; ``errors`` as in ``VQA``."""
        return self._many(items, errors)
