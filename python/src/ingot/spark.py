"""Nets over Spark's data frames, by `mapInPandas`: one process of the program for each of Spark's Python workers.

    answers = ingot.spark.ask(frame, parameters={"Release": "demo"}, shelf="/nets")

Each function takes a data frame and what its class in `ingot.tasks` takes; ``threads`` is 1 unless given, as
``spark.task.cpus`` is. ``columns`` says which columns are read, where they aren't called as the inputs:
``columns={"image": "path"}``. All columns stay; added are the outputs, and ``error`` and ``error_status``, which are
null where there was none. Pictures are paths (strings), or bytes of files (binary). Spark's workers are used again for
the next partition, and keep their nets open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import _rows
from ._rows import ERRORS, KINDS

__all__ = ["ask", "caption", "classify", "embed", "mapper", "match"]

Columns = Mapping[str, str]


def mapper(kind: str, *, columns: Columns | None = None, threads: int = 1, **options: Any) -> Callable[[Any], Any]:
    """What `mapInPandas` calls: of pandas' data frames others, with the outputs' columns and the errors' added.

    Args:
        kind: ``ask``, ``caption``, ``match``, ``embed`` or ``classify``.
        columns: names of columns by inputs.
        threads: of each process.
        options: of the kind's class.
    """
    names = _rows.columns_of(kind, columns or {})
    given = {"threads": threads, **options}

    def run(frames: Iterator[Any]) -> Iterator[Any]:
        for frame in frames:
            # Arrow gives pandas a bytearray or bytes for binary columns, and None for null.
            made = _rows.results(kind, given, [frame[name] for name in names])
            yield frame.assign(**{
                name: _series(values, frame.index, [*KINDS[kind].outputs.values(), *ERRORS.values()][place])
                for place, (name, values) in enumerate(made.items())})

    return run


def _series(values: list[Any], index: Any, kind: str) -> Any:
    import pandas
    return pandas.Series(values, index=index, dtype="Int32" if kind == "int" else object)


def _mapped(kind: str, frame: Any, columns: Columns | None, options: Mapping[str, Any]) -> Any:
    from pyspark.sql.types import StructType
    added = ", ".join(f"`{name}` {type_}" for name, type_ in {**KINDS[kind].outputs, **ERRORS}.items())
    outputs: Any = StructType.fromDDL(added)
    schema = StructType([*frame.schema.fields, *outputs.fields])
    return frame.mapInPandas(mapper(kind, columns=columns, **options), schema)


def ask(frame: Any, *, columns: Columns | None = None, **options: Any) -> Any:
    """Reads ``image`` and ``question``; adds ``answer`` and ``log_probability``."""
    return _mapped("ask", frame, columns, options)


def caption(frame: Any, *, columns: Columns | None = None, **options: Any) -> Any:
    """Reads ``image``, and ``prompt`` where ``columns`` names it; adds ``caption`` and ``log_probability``."""
    return _mapped("caption", frame, columns, options)


def match(frame: Any, *, columns: Columns | None = None, **options: Any) -> Any:
    """Reads ``image`` and ``text``; adds ``probability`` and ``cosine``."""
    return _mapped("match", frame, columns, options)


def embed(frame: Any, *, columns: Columns | None = None, **options: Any) -> Any:
    """Reads ``item``, a text (string) or a picture (binary); adds ``embedding``."""
    return _mapped("embed", frame, columns, options)


def classify(frame: Any, *, columns: Columns | None = None, **options: Any) -> Any:
    """Reads ``image``; adds ``label``, ``class`` and ``score`` of the likeliest."""
    return _mapped("classify", frame, columns, options)
