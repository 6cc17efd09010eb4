"""The examples of docs/SCALE.md, as they stand there but for places, numbers of workers and the net's name: Parquet and
WebDataset's tar files by Ray, Parquet by Spark and Daft. Every row comes once, as one process says it."""

from __future__ import annotations

import io
import json
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import DEMO, ROOT

import ingot

SOURCE = str(pathlib.Path(ingot.__file__).resolve().parents[1])
PICTURES = sorted((DEMO / "pictures").glob("*.png"))
QUESTIONS = [json.loads(line)["question"] for line in (DEMO / "questions.jsonl").read_text().splitlines()]
ROWS = 60


def example(title: str, data: pathlib.Path, shelf: pathlib.Path) -> str:
    """The Python below a title, for this machine."""
    text = (ROOT / "docs" / "SCALE.md").read_text()
    found = re.search(rf"^## {title}\n.*?^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found, title
    code = found.group(1)
    for there, here in {
        '"/data': f'"{data}', '"/nets"': f'"{shelf}"', '"my-nets"': '"demo"', ', "Precision": "int8"': "", "max_size=64": "max_size=2",
        "size=16": "size=2", "processes=16": "processes=2",
    }.items():
        code = code.replace(there, here)
    return code


def parquet(folder: pathlib.Path) -> dict[Any, tuple[Any, str]]:
    """Writes the pictures' table; what was written, by key."""
    pyarrow, writing = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = {number: (PICTURES[number % len(PICTURES)].read_bytes() if number % 7 else b"no picture",
                     QUESTIONS[number * 7 % len(QUESTIONS)]) for number in range(ROWS)}
    table = pyarrow.table({
        "key": list(rows), "image": [row[0] for row in rows.values()], "question": [row[1] for row in rows.values()]})
    writing.write_table(table, folder / "pictures.parquet", row_group_size=16)
    return rows


def check(
    folder: pathlib.Path, rows: dict[Any, tuple[Any, str]], key: str, shelf: pathlib.Path, program: str
) -> None:
    """Holds what was written against one process."""
    dataset = pytest.importorskip("pyarrow.dataset")
    found = dataset.dataset(str(folder), format="parquet").to_table().to_pylist()
    assert sorted(row[key] for row in found) == sorted(rows)
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        answers = dict(zip(rows, vqa.ask_many(list(rows.values()), errors="return"), strict=True))
    for row in found:
        wanted = answers[row[key]]
        if isinstance(wanted, ingot.IngotError):
            assert row["answer"] is None and row["error"] == str(wanted)
        else:
            assert row["answer"] == wanted.answer and row["error"] is None


@pytest.fixture
def ray(program: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    # One more than there are actors: reading takes one too.
    ray.init(
        num_cpus=3, include_dashboard=False, log_to_driver=False, configure_logging=False,
        runtime_env={"env_vars": {"PYTHONPATH": SOURCE, "INGOT": program}})
    yield ray
    ray.shutdown()


def test_ray(ray: Any, program: str, shelf: pathlib.Path, tmp_path: pathlib.Path) -> None:
    rows = parquet(tmp_path)
    exec(example("Ray Data", tmp_path, shelf), {})
    check(tmp_path / "answers", rows, "key", shelf, program)


def test_webdataset(ray: Any, program: str, shelf: pathlib.Path, tmp_path: pathlib.Path) -> None:
    webdataset, image = pytest.importorskip("webdataset"), pytest.importorskip("PIL.Image")
    (tmp_path / "shards").mkdir()
    rows: dict[Any, tuple[Any, str]] = {}
    with webdataset.ShardWriter(str(tmp_path / "shards" / "%04d.tar"), maxcount=16, verbose=0) as shards:
        for number in range(ROWS):
            jpeg = io.BytesIO()
            image.open(PICTURES[number % len(PICTURES)]).convert("RGB").save(jpeg, "JPEG", quality=95)
            rows[f"{number:04}"] = jpeg.getvalue(), QUESTIONS[number * 7 % len(QUESTIONS)]
            shards.write({"__key__": f"{number:04}", "jpg": jpeg.getvalue(), "txt": rows[f"{number:04}"][1]})
    exec("import ingot.ray\n" + example("A tar of pictures", tmp_path, shelf), {"ray": ray})
    check(tmp_path / "answers", rows, "__key__", shelf, program)


def test_spark(program: str, shelf: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = pytest.importorskip("pyspark.sql")
    pytest.importorskip("pandas")
    rows = parquet(tmp_path)
    for name, value in {"PYTHONPATH": SOURCE, "PYSPARK_PYTHON": sys.executable, "INGOT": program}.items():
        monkeypatch.setenv(name, value)
    session = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        exec(example("Spark", tmp_path, shelf), {"spark": session})
    finally:
        session.stop()
    check(tmp_path / "answers", rows, "key", shelf, program)


def test_daft(program: str, shelf: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("daft")
    rows = parquet(tmp_path)
    for name, value in {"PYTHONPATH": SOURCE, "INGOT": program, "DAFT_PROGRESS_BAR": "0"}.items():
        monkeypatch.setenv(name, value)
    exec(example("Daft", tmp_path, shelf), {})
    check(tmp_path / "answers", rows, "key", shelf, program)
