"""Nets that are run: answers of the demo nets are the publisher's library's, whatever way pictures go in."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from conftest import DEMO, ROOT

import ingot

PICTURES = sorted((DEMO / "pictures").glob("*.png"))
QUESTIONS = [json.loads(line) for line in (DEMO / "questions.jsonl").read_text().splitlines()]
ITEMS = [(DEMO / item["image"], item["question"]) for item in QUESTIONS]
PAIRS = [json.loads(line) for line in (ROOT / "weights/demo-match/pairs.jsonl").read_text().splitlines()]
MATCH_FOLDER = ROOT / "weights" / "demo-match"


def transformers_of(name: str, kind: str) -> tuple[Any, Any, Any]:
    """A demo net in the publisher's library, its processor and its tokenizer."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    folder = ROOT / "weights" / name
    net = getattr(transformers, kind).from_pretrained(folder, dtype=torch.float32).eval()
    side = getattr(net.config, "vision_config", net.config).image_size
    processor = transformers.ViTImageProcessorPil if "ViT" in kind else transformers.BlipImageProcessorPil
    return (
        net, processor.from_pretrained(folder, size={"height": side, "width": side}),
        None if "ViT" in kind else transformers.BertTokenizerFast.from_pretrained(folder))


def pixels(processor: Any, paths: list[pathlib.Path]) -> Any:
    from PIL import Image
    return processor([Image.open(path).convert("RGB") for path in paths], return_tensors="pt").pixel_values


def cut(ids: list[int], end: int) -> tuple[int, ...]:
    return tuple(ids[:ids.index(end) + 1] if end in ids else ids)


def test_answers_are_transformers(program: str, shelf: pathlib.Path) -> None:
    net, processor, tokenizer = transformers_of("demo", "BlipForQuestionAnswering")
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        found = list(vqa.ask_many(ITEMS))
    end = net.config.text_config.sep_token_id
    for (path, question), answer in zip(ITEMS, found, strict=True):
        ids = net.generate(
            input_ids=tokenizer(question, return_tensors="pt").input_ids, pixel_values=pixels(processor, [path]),
            max_new_tokens=25)
        assert answer.tokens == cut(ids[0].tolist()[1:], end), (path, question)
        assert answer.answer == tokenizer.decode(ids[0], skip_special_tokens=True)


def test_captions_are_transformers(program: str, shelf: pathlib.Path) -> None:
    net, processor, tokenizer = transformers_of("demo-caption", "BlipForConditionalGeneration")
    with ingot.Captioner({"Release": "demo-caption"}, shelf=shelf, program=program) as captioner:
        found = list(captioner.caption_many(PICTURES))
    ids = net.generate(pixel_values=pixels(processor, PICTURES), max_new_tokens=20).tolist()
    for caption, wanted in zip(found, ids, strict=True):
        assert caption.tokens == cut(wanted[1:], net.config.text_config.sep_token_id)
        assert caption.caption == tokenizer.decode(wanted, skip_special_tokens=True)


def test_matches_are_transformers(program: str, shelf: pathlib.Path) -> None:
    torch = pytest.importorskip("torch")
    net, processor, tokenizer = transformers_of("demo-match", "BlipForImageTextRetrieval")
    with ingot.Matcher({"Release": "demo-match"}, shelf=shelf, program=program) as matcher:
        found = list(matcher.match_many([(MATCH_FOLDER / pair["image"], pair["text"]) for pair in PAIRS]))
        several = matcher.match(MATCH_FOLDER / PAIRS[0]["image"], [PAIRS[0]["text"], PAIRS[1]["text"]])
    for pair, (match,) in zip(PAIRS, found, strict=True):
        inputs = tokenizer(pair["text"], return_tensors="pt")
        inputs = {
            "input_ids": inputs.input_ids, "attention_mask": inputs.attention_mask,
            "pixel_values": pixels(processor, [MATCH_FOLDER / pair["image"]])}
        with torch.no_grad():
            logits = net(**inputs).itm_score[0]
            cosine = net(**inputs, use_itm_head=False).itm_score[0, 0]
        assert np.allclose([*match.logits, match.cosine], [*logits.tolist(), cosine.item()], rtol=0, atol=1e-4)
    assert [match.text for match in several] == [PAIRS[0]["text"], PAIRS[1]["text"]]


def test_classes_are_transformers(program: str, shelf: pathlib.Path) -> None:
    torch = pytest.importorskip("torch")
    net, processor, _ = transformers_of("demo-digits", "ViTForImageClassification")
    paths = sorted((ROOT / "weights" / "demo-digits" / "pictures").glob("*/*.png"))
    with ingot.Classifier({"Release": "demo-digits"}, shelf=shelf, program=program, top=10) as classifier:
        found = list(classifier.classify_many(paths))
    with torch.no_grad():
        wanted = net(pixels(processor, paths)).logits.softmax(1).tolist()
    for one, probabilities in zip(found, wanted, strict=True):
        told = {item.class_: item.probability for item in one.classes}
        assert one.function == "softmax"
        assert np.allclose([told[index] for index in range(10)], probabilities, rtol=0, atol=1e-4)


def test_every_form_of_a_picture(program: str, shelf: pathlib.Path) -> None:
    image = pytest.importorskip("PIL.Image")
    path = PICTURES[0]
    opened = image.open(path)
    # A picture of more than the program's usual longest line.
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
    data = io.BytesIO()
    image.fromarray(noise).save(data, "PNG")
    forms = [
        str(path), path, path.read_bytes(), memoryview(path.read_bytes()), opened, opened.convert("RGBA"),
        np.asarray(opened.convert("RGB"))]
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        tokens = {vqa.ask(form, "what shape is present?").tokens for form in forms}
        log = {round(vqa.ask(form, "what shape is present?").log_probability, 9) for form in forms}
        assert len(tokens) == len(log) == 1
        assert vqa.ask(noise, "what is it?").tokens == vqa.ask(data.getvalue(), "what is it?").tokens
        for wrong in (None, 3, noise.astype(np.float32), noise[..., :2], noise[:0]):
            with pytest.raises(ingot.UsageError):
                vqa.ask(wrong, "what is it?")  # type: ignore[arg-type]


def test_errors_are_told_of_each_item(program: str, shelf: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "no.png").write_bytes(b"no picture")
    items: list[tuple[Any, Any]] = [
        ITEMS[0], (tmp_path / "none.png", "what?"), (tmp_path / "no.png", "what?"), (b"nothing", "what?"),
        ("a\ud800.png", "what?"), (ITEMS[0][0], "\ud800"), ITEMS[1]]
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        found = list(vqa.ask_many(items, errors="return"))
        assert [type(item).__name__ for item in found] == [
            "Answer", "NoInputError", "BadDataError", "BadDataError", "UsageError", "UsageError", "Answer"]
        assert isinstance(found[1], ingot.NoInputError)
        assert (found[1].file, found[1].status) == (str(tmp_path / "none.png"), 66)
        assert found[1].hint and found[1].reason
        with pytest.raises(FileNotFoundError):
            list(vqa.ask_many(items))
        with pytest.raises(ingot.UsageError):
            vqa.ask_many(items, errors="ignore")  # type: ignore[call-overload]
        # One item's error costs nobody else anything.
        assert vqa.ask(*ITEMS[0]).answer == found[0].answer


def test_items_are_taken_as_they_are_needed(program: str, shelf: pathlib.Path) -> None:
    taken = 0

    def items() -> Any:
        nonlocal taken
        for number in range(10**9):
            taken = number
            yield ITEMS[number % len(ITEMS)]

    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        answers = vqa.ask_many(items())
        found = [next(answers).question for _ in range(20)]
    assert found == [ITEMS[number % len(ITEMS)][1] for number in range(20)]
    assert taken < 200


def test_options_reach_the_program(program: str, shelf: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "answers.txt").write_text("red\nblue\n")
    with ingot.VQA(
        {"Release": "demo"}, shelf=shelf, program=program, answers=tmp_path / "answers.txt", threads=1,
        kernels="portable",
    ) as vqa:
        answer = vqa.ask(PICTURES[0], "what is the color?")
        assert answer.ranking is not None and {item.answer for item in answer.ranking} == {"red", "blue"}
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program, limits={"image-bytes": 10}) as vqa:
        with pytest.raises(ingot.BadDataError, match="at most 10"):
            vqa.ask(PICTURES[0], "what?")


def test_notes_are_logged(program: str, shelf: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    image = pytest.importorskip("PIL.Image")
    data, exif = io.BytesIO(), image.Exif()
    exif[0x0112] = 6
    image.new("RGB", (64, 64), "red").save(data, "JPEG", exif=exif)
    with caplog.at_level(logging.INFO, "ingot"):
        with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
            vqa.ask(data.getvalue(), "what is the color?")
    assert "taken with the camera turned" in caplog.text


def test_asyncio(program: str, shelf: pathlib.Path) -> None:
    async def later() -> AsyncIterator[Any]:
        for item in ITEMS:
            await asyncio.sleep(0)
            yield item

    async def main() -> None:
        with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
            wanted = [answer.tokens for answer in vqa.ask_many(ITEMS)]
        async with ingot.aio.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
            assert [answer.tokens async for answer in vqa.ask_many(ITEMS)] == wanted
            assert [answer.tokens async for answer in vqa.ask_many(later())] == wanted
            together = await asyncio.gather(*(vqa.ask(*item) for item in ITEMS))
            assert [answer.tokens for answer in together] == wanted
            # Those that are given up cost the others nothing.
            tasks = [asyncio.create_task(vqa.ask(*item)) for item in ITEMS]
            await asyncio.sleep(0)
            tasks[0].cancel()
            told = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(told[0], asyncio.CancelledError)
            assert [answer.tokens for answer in told[1:]] == wanted[1:]  # type: ignore[union-attr]
            with pytest.raises(FileNotFoundError):
                await vqa.ask("none.png", "what?")
            errors = [item async for item in vqa.ask_many([("none.png", "what?"), ITEMS[0]], errors="return")]
            assert isinstance(errors[0], ingot.NoInputError) and errors[1].tokens == wanted[0]
        with pytest.raises(ingot.UsageError):
            await vqa.ask(*ITEMS[0])
        with pytest.raises(ingot.NoInputError):
            async with ingot.aio.VQA({"Release": "none"}, shelf=shelf, program=program):
                pass

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_vectors_of_pictures_are_transformers(program: str, kind: str, shelf: pathlib.Path) -> None:
    torch = pytest.importorskip("torch")
    net, processor, _ = transformers_of("demo-digits", "ViTForImageClassification")
    paths = sorted((ROOT / "weights" / "demo-digits" / "pictures").glob("*/*.png"))[:8]
    with torch.no_grad():
        wanted = net.vit(pixels(processor, paths)).last_hidden_state[:, 0].numpy()
    options: dict[str, Any] = {"family": "vit-imagenet", "shelf": shelf, "program": program}

    async def asynchronously() -> Any:
        async with ingot.aio.Embedder({"Release": "demo-digits"}, **options) as embedder:
            return await embedder.embed_all(paths)

    if kind == "async":
        found = asyncio.run(asynchronously())
    else:
        with ingot.Embedder({"Release": "demo-digits"}, **options) as embedder:
            found = embedder.embed_all(paths)
            assert embedder.embed_all([]).shape == (0, 0)
            with pytest.raises(ingot.UsageError, match="no texts"):
                embedder.embed("a text, of which this net makes nothing")
    assert found.dtype == np.float32
    assert np.allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
