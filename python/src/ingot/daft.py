"""Nets over Daft's data frames: one process of the program for each of Daft's instances of the class.

    answers = ingot.daft.ask(frame, processes=8, parameters={"Release": "demo"}, shelf="/nets")

Each function takes a data frame and what its class in `ingot.tasks` takes; ``threads`` is 1 unless given. ``columns``
says which columns are read, where they aren't called as the inputs: ``columns={"image": "path"}``. All columns stay;
added are the outputs, and ``error`` and ``error_status``, which are null where there was none. Pictures are paths
(strings), or bytes of files (binary). Of Daft's own runner: a process that dies ends the query with an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _rows
from ._rows import ERRORS, KINDS

__all__ = ["ask", "caption", "classify", "embed", "match"]

Columns = Mapping[str, str]


def _dtype(name: str) -> Any:
    import daft
    types = {"string": daft.DataType.string(), "double": daft.DataType.float64(), "int": daft.DataType.int32(),
             "array<float>": daft.DataType.list(daft.DataType.float32())}
    return types[name]


def _mapped(
    kind: str, frame: Any, columns: Columns | None, batch: int, processes: int | None, options: Mapping[str, Any],
) -> Any:
    import daft
    names = _rows.columns_of(kind, columns or {})
    outputs = {**KINDS[kind].outputs, **ERRORS}
    made = daft.DataType.struct({name: _dtype(type_) for name, type_ in outputs.items()})

    class Net:
        def __init__(self, options: dict[str, Any]) -> None:
            self.options = options
            _rows.net(kind, options)

        def rows(self, *inputs: Any) -> list[dict[str, Any]]:
            found = _rows.results(kind, self.options, [series.to_pylist() for series in inputs])
            return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]

    # A decorator would leave the method without a type where Daft isn't installed.
    Net.rows = daft.method.batch(return_dtype=made, unnest=True, batch_size=batch)(Net.rows)  # type: ignore[method-assign]
    # Instances in one process would share its child of the program.
    net = daft.cls(Net, use_process=True, max_concurrency=processes)({"threads": 1, **options})
    return frame.select(*frame.column_names, net.rows(*(daft.col(name) for name in names)))


def ask(
    frame: Any, *, columns: Columns | None = None, batch: int = 64, processes: int | None = None, **options: Any,
) -> Any:
    """Reads ``image`` and ``question``; adds ``answer`` and ``log_probability``.

    Args:
        frame: a lazy data frame; what is returned is one too.
        columns: names of columns by inputs.
        batch: rows that go to a process together.
        processes: how many there are; None: as Daft has it.
        options: of `ingot.VQA`.
    """
    return _mapped("ask", frame, columns, batch, processes, options)


def caption(
    frame: Any, *, columns: Columns | None = None, batch: int = 64, processes: int | None = None, **options: Any,
) -> Any:
    """Reads ``image``, and ``prompt`` where ``columns`` names it; adds ``caption`` and ``log_probability``."""
    return _mapped("caption", frame, columns, batch, processes, options)


def match(
    frame: Any, *, columns: Columns | None = None, batch: int = 64, processes: int | None = None, **options: Any,
) -> Any:
    """Reads ``image`` and ``text``; adds ``probability`` and ``cosine``."""
    return _mapped("match", frame, columns, batch, processes, options)


def embed(
    frame: Any, *, columns: Columns | None = None, batch: int = 512, processes: int | None = None, **options: Any,
) -> Any:
    """Reads ``item``, a text (string) or a picture (binary); adds ``embedding``."""
    return _mapped("embed", frame, columns, batch, processes, options)


def classify(
    frame: Any, *, columns: Columns | None = None, batch: int = 64, processes: int | None = None, **options: Any,
) -> Any:
    """Reads ``image``; adds ``label``, ``class`` and ``score`` of the likeliest."""
    return _mapped("classify", frame, columns, batch, processes, options)
