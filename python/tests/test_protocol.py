"""docs/PROTOCOL.md holds of the program: what goes in and comes out, line by line, without this package between."""

from __future__ import annotations

import base64
import json
import pathlib
import signal
import subprocess
from typing import Any

import pytest
from conftest import DEMO, ROOT

PICTURE = str(DEMO / "pictures" / "red-circle-0004.png")
OTHER = str(DEMO / "pictures" / "teal-rectangle-0048.png")
ADDRESS = "data:;base64," + base64.b64encode(pathlib.Path(PICTURE).read_bytes()).decode()
RELEASES = {
    "ask": "demo", "caption": "demo-caption", "match": "demo-match", "classify": "demo-digits", "embed": "demo-digits"}
#: A line of each command that is answered.
LINES: dict[str, dict[str, Any]] = {
    "ask": {"image": PICTURE, "question": "what shape is present?"},
    "caption": {"image": PICTURE},
    "match": {"image": PICTURE, "texts": ["a red circle", "a blue circle"]},
    "classify": {"image": PICTURE},
    "embed": {"image": PICTURE}}


class Program:
    def __init__(self, path: str, shelf: pathlib.Path) -> None:
        self.path, self.shelf = path, shelf

    def words(self, command: str, *options: str) -> list[str]:
        return [self.path, command, f"--set=Release={RELEASES[command]}", f"--shelf={self.shelf}", *options]

    def run(self, command: str, data: bytes | list[Any], *options: str) -> tuple[list[Any], int, str]:
        """Lines out, the exit status and standard error."""
        if isinstance(data, list):
            data = b"".join(json.dumps(line).encode() + b"\n" for line in data)
        ended = subprocess.run(self.words(command, *options), input=data, capture_output=True, check=False)
        assert not ended.stdout or ended.stdout.endswith(b"\n")
        return [json.loads(line) for line in ended.stdout.splitlines()], ended.returncode, ended.stderr.decode()


@pytest.fixture(scope="module")
def ingot_lines(program: str, shelf: pathlib.Path) -> Program:
    return Program(program, shelf)


def without_time(line: Any) -> Any:
    if isinstance(line, dict):
        return {key: without_time(value) for key, value in line.items() if key != "seconds"}
    return [without_time(item) for item in line] if isinstance(line, list) else line


def validator(command: str) -> Any:
    """Of a line of a command, by its schema."""
    jsonschema = pytest.importorskip("jsonschema")
    registry = pytest.importorskip("referencing")
    folder = ROOT / "schemas"
    found = registry.Registry().with_resources([
        (f"https://schemas/{path.relative_to(folder)}", registry.Resource.from_contents(json.loads(path.read_text())))
        for path in [*folder.glob("*.json"), *folder.glob("reports/*.json")]])
    return jsonschema.Draft202012Validator(
        {"$ref": f"https://schemas/reports/{command}.schema.json#/$defs/line"}, registry=found)


@pytest.mark.parametrize("command", list(LINES))
def test_a_line_for_a_line(ingot_lines: Program, command: str) -> None:
    line = LINES[command]
    ids = [7, None, "x", {"a": [1.5]}, True]
    lines = [{"id": value, **line} for value in ids]
    wrong = [{"id": "no file", **line, "image": "none.png"}, {"id": "nothing"}, {**line, "image": "-", "id": "-"}]
    out, status, stderr = ingot_lines.run(command, [*lines, *wrong, {**line, "a later member": 1}])
    assert status == 1 and len(out) == len(lines) + len(wrong) + 1
    assert [answer.get("id") for answer in out] == [*ids, "no file", "nothing", "-", None]
    assert all(next(iter(answer)) == "id" for answer in out[:-1])
    assert len({json.dumps(without_time({**answer, "id": 0})) for answer in out[:5]}) == 1
    assert without_time({**out[-1], "id": 0}) == without_time({**out[0], "id": 0})
    for number, (answer, code) in enumerate(zip(out[5:8], [66, 65, 65], strict=True), start=6):
        assert answer["line"] == number and answer["error"]["status"] == code
        assert answer["error"]["message"] and answer["error"]["hint"] and "\n" not in answer["error"]["message"]
    missing = out[5]["error"]
    assert (missing["kind"], missing["file"], missing["reason"]) == ("no-input", "none.png", "no such file")
    assert out[6]["error"]["kind"] == "bad-data" and "file" not in out[6]["error"]
    assert "ingot: error" not in stderr
    for answer in out:
        validator(command).validate(answer)


@pytest.mark.parametrize("command", list(LINES))
def test_pictures_in_lines(ingot_lines: Program, command: str) -> None:
    path, address, wrong = ingot_lines.run(command, [
        LINES[command], {**LINES[command], "image": ADDRESS}, {**LINES[command], "image": "data:;base64,%"}])[0]
    assert wrong["error"]["status"] == 65
    if command != "embed":
        assert ADDRESS.startswith(address.pop("image").rstrip("…")) and path.pop("image") == PICTURE
    for match in address.get("matches", []) + path.get("matches", []):
        match.pop("image")
    assert without_time(path) == without_time(address)


def test_what_lines_may_be(ingot_lines: Program) -> None:
    line = json.dumps(LINES["ask"]).encode()
    out, status, _ = ingot_lines.run("ask", b"\xef\xbb\xbf" + line + b"\n\n \t\r\n" + line + b"\r\n{\n" + line)
    assert status == 1 and ["error" in answer for answer in out] == [False, False, True, False]
    assert out[2]["line"] == 5
    for wrong in (b'{"image": "a", "image": "b", "question": "c"}', b"[]", b"\xff", b'{"image": 1, "question": "c"}'):
        out, status, _ = ingot_lines.run("ask", wrong + b"\n")
        assert status == 1 and out[0]["error"]["status"] == 65
    assert ingot_lines.run("ask", b"") == ([], 0, "")
    assert ingot_lines.run("ask", line)[1] == 0


def test_long_lines(ingot_lines: Program) -> None:
    # A line has room for a photograph; what is longer is not held, and the next line is answered.
    fitting = {**LINES["ask"], "more": "x" * (30 << 20)}
    out, status, _ = ingot_lines.run("ask", [fitting])
    assert status == 0 and "answer" in out[0]
    long = {**LINES["ask"], "more": "x" * (32 << 20)}
    out, status, _ = ingot_lines.run("ask", [long, LINES["ask"]])
    assert status == 1 and out[0]["error"]["status"] == 65 and "answer" in out[1]
    out, status, _ = ingot_lines.run("ask", [long], f"--allow=line-bytes={1 << 26}")
    assert status == 0 and "answer" in out[0]


def test_batches(ingot_lines: Program) -> None:
    lines = [{"id": number, **LINES["embed"], "image": image} for number, image in enumerate([PICTURE, OTHER, "none.png"] * 3)]
    usual = ingot_lines.run("embed", lines)
    for batch in (1, 2, 4096):
        assert ingot_lines.run("embed", lines, f"--batch={batch}") == usual
    assert ingot_lines.run("embed", lines, "--batch=0")[1] == 64


@pytest.mark.parametrize("options", [[], ["--temperature=1", "--seed=5"], ["--beams=3"], ["--threads=1"]])
def test_an_answer_is_its_lines_alone(ingot_lines: Program, options: list[str]) -> None:
    lines = [
        {"image": image, "question": question} for image in (PICTURE, OTHER)
        for question in ("what shape is present?", "what is the color?", "is there a blue shape?")]
    together = ingot_lines.run("ask", lines, *options)[0]
    backwards = ingot_lines.run("ask", lines[::-1], *options)[0][::-1]
    alone = [ingot_lines.run("ask", [line], *options)[0][0] for line in lines]
    assert without_time(together) == without_time(backwards) == without_time(alone)
    if options == ["--threads=1"]:
        assert without_time(together) == without_time(ingot_lines.run("ask", lines)[0])


def test_a_picture_is_looked_at_once(ingot_lines: Program) -> None:
    lines = [{"image": PICTURE, "question": f"what is it, {number}?"} for number in range(3)]
    out = ingot_lines.run("ask", [*lines, {"image": OTHER, "question": "what?"}, lines[0]])[0]
    assert [line["seconds"]["image"] > 0 for line in out] == [True, False, False, True, True]


def test_an_answer_comes_before_the_next_line(ingot_lines: Program) -> None:
    with subprocess.Popen(ingot_lines.words("ask"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(b'{"id":"ready"}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == "ready"
        for number in range(5):
            process.stdin.write(json.dumps({"id": number, **LINES["ask"]}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.send_signal(signal.SIGTERM)
        assert process.wait() != 0


def test_nets_that_are_not_there(ingot_lines: Program, program: str, tmp_path: pathlib.Path) -> None:
    out, status, stderr = Program(program, tmp_path).run("ask", [LINES["ask"]])
    error, hint = stderr.splitlines()
    assert not out and status == 66 and error.startswith("ingot: error: ") and hint.startswith("hint: ")


def test_videos(ingot_lines: Program) -> None:
    video = next((DEMO / "videos").iterdir())
    out, status, stderr = ingot_lines.run("ask", [{"image": str(video), "question": "what shape is present?"}])
    if "error" in out[0] and "FFmpeg" in out[0]["error"]["message"]:
        pytest.skip(out[0]["error"]["message"])
    assert status == 0, stderr
    assert out[0]["frames"] and out[0]["answer"]


def test_the_pages_example(ingot_lines: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that the page shows are lines as they come."""
    text = (ROOT / "docs" / "PROTOCOL.md").read_text()
    shown = [line for line in text.splitlines() if line.startswith('{"id":')]
    monkeypatch.chdir(ROOT)
    found = ingot_lines.run("ask", "\n".join(shown[:2]).encode())[0]
    for line, answer in zip(shown[2:], found, strict=True):
        beginning = line.rstrip("…}")
        assert json.dumps(answer, separators=(",", ":"), ensure_ascii=False).startswith(beginning.rstrip(","))
