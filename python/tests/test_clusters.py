"""Ray, Spark and Daft: every row comes once, equal to what one process says, when workers are killed on the way.

INGOT_ROWS says of how many rows (1,200 unless set).
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import DEMO

import ingot
import ingot.ray
import ingot.spark

ROWS = int(os.environ.get("INGOT_ROWS", "1200"))
SOURCE = str(pathlib.Path(ingot.__file__).resolve().parents[1])
PICTURES = sorted((DEMO / "pictures").glob("*.png"))
QUESTIONS = [json.loads(line)["question"] for line in (DEMO / "questions.jsonl").read_text().splitlines()]


def rows(binary: bool) -> list[dict[str, Any]]:
    """Rows with a key; some of pictures that there are not."""
    data = [picture.read_bytes() if binary else str(picture) for picture in PICTURES]
    missing: Any = b"no picture" if binary else "none.png"
    return [
        {"key": number, "picture": missing if number % 97 == 5 else data[number % len(data)],
         "question": QUESTIONS[number * 7 % len(QUESTIONS)]}
        for number in range(ROWS)]


@pytest.fixture(scope="module")
def options(program: str, shelf: pathlib.Path) -> dict[str, Any]:
    return {"parameters": {"Release": "demo"}, "shelf": str(shelf), "program": program}


def expected(data: list[dict[str, Any]], options: dict[str, Any]) -> dict[int, tuple[Any, ...]]:
    """What one process says of the rows, by their keys."""
    with ingot.VQA(**options) as vqa:
        answers = vqa.ask_many([(row["picture"], row["question"]) for row in data], errors="return")
        return {
            row["key"]: (None, None, str(answer), answer.status) if isinstance(answer, ingot.IngotError)
            else (answer.answer, answer.log_probability, None, None)
            for row, answer in zip(data, answers, strict=True)}


def kill_twice(folder: str, count: int) -> None:
    """Kills this process, of all that call it two, once they have done something."""
    if count < 2:
        return
    for number in range(2):
        try:
            os.close(os.open(f"{folder}/killed-{number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)


def check(found: list[dict[str, Any]], wanted: dict[int, tuple[Any, ...]], folder: pathlib.Path) -> None:
    assert len(list(folder.glob("killed-*"))) == 2
    assert sorted(row["key"] for row in found) == sorted(wanted)
    for row in found:
        # Pandas has NaN for what isn't there.
        status = row["error_status"] if row["error_status"] == row["error_status"] else None
        probability = None if row["error"] else row["log_probability"]
        assert (row["answer"], probability, row["error"], status) == wanted[row["key"]]
    assert any(row["error"] for row in found)


class KilledAsk(ingot.ray.Ask):
    """Dies twice, on the whole."""

    def __init__(self, *, folder: str, **options: Any) -> None:
        super().__init__(**options)
        self.folder, self.count = folder, 0

    def __call__(self, batch: ingot.ray.Batch) -> ingot.ray.Batch:
        out = super().__call__(batch)
        self.count += 1
        kill_twice(self.folder, self.count)
        return out


def test_ray(options: dict[str, Any], tmp_path: pathlib.Path) -> None:
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    data = rows(binary=True)
    wanted = expected(data, options)
    paths = os.pathsep.join([SOURCE, str(pathlib.Path(__file__).parent)])
    ray.init(
        num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False,
        runtime_env={"env_vars": {"PYTHONPATH": paths}})
    try:
        answered = ray.data.from_items(data, override_num_blocks=24).map_batches(
            KilledAsk, batch_size=64, num_cpus=1, compute=ray.data.ActorPoolStrategy(size=2), fn_constructor_kwargs={
                "folder": str(tmp_path), "columns": {"image": "picture"}, **options})
        check(answered.take_all(), wanted, tmp_path)
    finally:
        ray.shutdown()


def test_spark(options: dict[str, Any], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = pytest.importorskip("pyspark.sql")
    pytest.importorskip("pandas")
    data = rows(binary=False)
    wanted = expected(data, options)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([SOURCE, str(pathlib.Path(__file__).parent)]))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    session = (
        sql.SparkSession.builder.master("local-cluster[2,1,1024]").appName("ingot")
        .config("spark.ui.enabled", "false").config("spark.sql.execution.arrow.maxRecordsPerBatch", "50")
        .config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"]).getOrCreate())
    try:
        frame = session.createDataFrame(data, "key long, picture string, question string").repartition(8)
        schema = ingot.spark.ask(frame, columns={"image": "picture"}, **options).schema
        run = killed(ingot.spark.mapper("ask", columns={"image": "picture"}, **options), str(tmp_path))
        check([row.asDict() for row in frame.mapInPandas(run, schema).collect()], wanted, tmp_path)
        # The same without deaths, by the function that users call.
        once = ingot.spark.ask(frame.limit(20), columns={"image": "picture"}, **options).collect()
        assert all(row.answer == wanted[row.key][0] for row in once) and len(once) == 20
    finally:
        session.stop()


def killed(run: Any, folder: str) -> Any:
    """Dies twice, on the whole."""
    def through(frames: Iterator[Any]) -> Iterator[Any]:
        for count, frame in enumerate(run(frames)):
            kill_twice(folder, count + 1)
            yield frame

    return through


def test_daft(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without deaths: Daft's own runner ends a query whose process has died."""
    monkeypatch.setenv("DAFT_PROGRESS_BAR", "0")
    monkeypatch.setenv("PYTHONPATH", SOURCE)
    daft = pytest.importorskip("daft")
    ingot_daft = pytest.importorskip("ingot.daft")
    for binary in (True, False):
        data = rows(binary)[:400]
        wanted = expected(data, options)
        found = ingot_daft.ask(
            daft.from_pylist(data), columns={"image": "picture"}, processes=2, batch=32, **options).to_pylist()
        assert sorted(row["key"] for row in found) == sorted(wanted)
        for row in found:
            assert (row["answer"], row["log_probability"], row["error"], row["error_status"]) == wanted[row["key"]]
    with pytest.raises(ingot.UsageError, match="picture"):
        ingot_daft.ask(daft.from_pylist(data), columns={"picture": "image"}, **options)


def test_rows_without_an_engine(options: dict[str, Any], shelf: pathlib.Path) -> None:
    np = pytest.importorskip("numpy")
    net = ingot.ray.Ask(columns={"image": "picture"}, **options)
    batch = {
        "picture": np.array([str(PICTURES[0]), None, "none.png"], object), "question": np.array(["what is it?"] * 3),
        "key": np.array([3, 4, 5])}
    out = net(batch)
    assert list(out) == ["picture", "question", "key", "answer", "log_probability", "error", "error_status"]
    assert out["key"].tolist() == [3, 4, 5] and out["error_status"].tolist() == [None, 64, 66]
    assert out["answer"][0] and out["answer"][1:].tolist() == [None, None]
    with pytest.raises(ingot.UsageError, match="picture"):
        ingot.ray.Ask(columns={"picture": "image"}, **options)
    with pytest.raises(ingot.NoInputError):
        ingot.ray.Ask(parameters={"Release": "none"}, shelf=str(shelf), program=options["program"])
    digits = {"parameters": {"Release": "demo-digits"}, "shelf": str(shelf), "program": options["program"]}
    pictures = np.array([picture.read_bytes() for picture in PICTURES[:3]], object)
    classes = ingot.ray.Classify(**digits)({"image": pictures})
    assert all(0 < score <= 1 for score in classes["score"]) and classes["label"][0]
    vectors = ingot.ray.Embed(**digits)({"item": pictures})
    assert [len(vector) for vector in vectors["embedding"]] == [64] * 3
    matches = ingot.ray.Match(**{**digits, "parameters": {"Release": "demo-match"}})({
        "image": pictures, "text": np.array(["a red circle"] * 3)})
    assert all(0 <= value <= 1 for value in matches["probability"])
    captions = ingot.ray.Caption(**{**digits, "parameters": {"Release": "demo-caption"}})({"image": pictures})
    assert all(captions["caption"])
