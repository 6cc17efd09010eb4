"""What becomes of answers when the child dies, hangs or can't start, and that nothing of it is left."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import DEMO

import ingot
from ingot import _child

PICTURE = DEMO / "pictures" / "red-circle-0004.png"
QUESTION = "what shape is present?"


@pytest.fixture
def proxy(program: str, tmp_path: pathlib.Path) -> pathlib.Path:
    """A program that dies where a line says so."""
    script = pathlib.Path(__file__).parent / "proxy.py"
    path = tmp_path / "proxy"
    words = [sys.executable, str(script), str(tmp_path / "log"), program]
    path.write_text(f"#!/bin/sh\nexec {shlex.join(words)} \"$@\"\n")
    path.chmod(0o755)
    return path


def is_alive(pid: int | None) -> bool:
    assert pid is not None
    return os.path.exists(f"/proc/{pid}")


def ask(vqa: ingot.VQA, questions: list[str]) -> list[str]:
    """Answers, or the errors' class names."""
    return [
        type(answer).__name__ if isinstance(answer, ingot.IngotError) else answer.answer
        for answer in vqa.ask_many([(PICTURE, question) for question in questions], errors="return")]


def test_an_item_that_kills_every_child_is_the_only_one_lost(proxy: pathlib.Path, shelf: pathlib.Path) -> None:
    questions = [QUESTION] * 20
    questions[3] = questions[11] = "poison"
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=proxy) as vqa:
        answers = ask(vqa, questions)
        assert [number for number, answer in enumerate(answers) if answer == "ProgramDiedError"] == [3, 11]
        assert {answer for answer in answers if answer != "ProgramDiedError"} == {"circle"}
        with pytest.raises(ingot.ProgramDiedError, match="signal 9"):
            vqa.ask(PICTURE, "poison")
        assert vqa.ask(PICTURE, QUESTION).answer == "circle"


def test_an_item_during_which_the_child_dies_once_is_answered(proxy: pathlib.Path, shelf: pathlib.Path) -> None:
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=proxy) as vqa:
        answers = ask(vqa, [QUESTION] * 5 + ["is there a poison once circle?"] + [QUESTION] * 5)
        assert "ProgramDiedError" not in answers and len(answers) == 11


def test_a_child_that_others_kill_again_and_again(program: str, shelf: pathlib.Path) -> None:
    pictures = sorted((DEMO / "pictures").glob("*.png"))
    items = [(pictures[number % len(pictures)], f"what shape is present, {number}?") for number in range(600)]
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        wanted = [answer.tokens for answer in vqa.ask_many(items)]
        pids = set()
        found = []
        for answer in vqa.ask_many(items):
            found.append(answer)
            if len(found) in (100, 300) and vqa.pid:
                pids.add(vqa.pid)
                os.kill(vqa.pid, signal.SIGKILL)
        assert [answer.tokens for answer in found] == wanted
        assert [answer.question for answer in found] == [question for _, question in items]
        assert len(pids) == 2 and not any(map(is_alive, pids))


def test_an_item_that_takes_too_long(proxy: pathlib.Path, shelf: pathlib.Path) -> None:
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=proxy, timeout=3) as vqa:
        assert ask(vqa, [QUESTION, "slow", QUESTION]) == ["circle", "IngotTimeoutError", "circle"]
        with pytest.raises(TimeoutError):
            vqa.ask(PICTURE, "slow")


def test_a_program_that_never_gets_ready(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "hangs"
    path.write_text("#!/bin/sh\nexec sleep 3600\n")
    path.chmod(0o755)
    with pytest.raises(ingot.IngotTimeoutError):
        ingot.VQA(program=path, start_timeout=0.3)


@pytest.mark.parametrize(("text", "error"), [
    ("echo hello; cat >/dev/null", ingot.ProtocolError),
    ("echo '{\"id\": 5}'; cat >/dev/null", ingot.ProtocolError),
    ("exit 3", ingot.ProgramDiedError),
    ("echo 'ingot: error: a: b' >&2; echo 'hint: c' >&2; exit 65", ingot.BadDataError),
    ("kill -9 $$", ingot.ProgramDiedError),
])
def test_a_program_that_is_another(tmp_path: pathlib.Path, text: str, error: type[ingot.IngotError]) -> None:
    path = tmp_path / "other"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    with pytest.raises(error):
        ingot.VQA(program=path)


def test_nets_that_are_not_there(program: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(ingot.NoInputError) as caught:
        ingot.VQA({"Release": "none"}, shelf=tmp_path, program=program)
    assert caught.value.status == 66 and caught.value.hint


def test_an_option_that_there_is_not(program: str, shelf: pathlib.Path) -> None:
    with pytest.raises(ingot.UsageError, match="--no-such-option"):
        ingot.VQA({"Release": "demo"}, shelf=shelf, program=program, no_such_option=True)


def test_no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    with pytest.raises(ingot.ProgramNotFoundError):
        ingot.VQA(program=tmp_path / "none")
    monkeypatch.setenv("INGOT", str(tmp_path / "none"))
    with pytest.raises(ingot.ProgramNotFoundError, match="none"):
        ingot.find_program()


def test_nothing_is_left_after_close(program: str, shelf: pathlib.Path) -> None:
    ends = set(os.listdir("/proc/self/fd"))
    threads = threading.active_count()
    vqa = ingot.VQA({"Release": "demo"}, shelf=shelf, program=program)
    pid = vqa.pid
    assert is_alive(pid)
    # An iterator that nobody goes on with.
    next(vqa.ask_many([(PICTURE, QUESTION)] * 200))
    vqa.close()
    vqa.close()
    assert not is_alive(pid)
    assert threading.active_count() == threads
    assert set(os.listdir("/proc/self/fd")) == ends
    with pytest.raises(ingot.UsageError, match="closed"):
        vqa.ask(PICTURE, QUESTION)


def test_nothing_is_left_of_what_was_forgotten(program: str, shelf: pathlib.Path) -> None:
    vqa = ingot.VQA({"Release": "demo"}, shelf=shelf, program=program)
    pid = vqa.pid
    del vqa
    assert not is_alive(pid)


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), 9)", "raise SystemExit(3)"])
def test_the_child_ends_with_its_parent(program: str, shelf: pathlib.Path, end: str) -> None:
    code = (
        "import os, sys, ingot\n"
        f"vqa = ingot.VQA({{'Release': 'demo'}}, shelf={str(shelf)!r}, program={program!r})\n"
        f"print(vqa.pid, flush=True)\n{end}\n")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(ended.stdout)
    for _ in range(200):
        if not is_alive(pid):
            return
        time.sleep(0.05)
    pytest.fail(f"{pid} goes on")


def test_a_process_that_is_forked_off(program: str, shelf: pathlib.Path) -> None:
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        read, write = os.pipe()
        forked = os.fork()
        if forked == 0:
            try:
                vqa.ask(PICTURE, QUESTION)
            except ingot.UsageError as error:
                os.write(write, str(error).encode())
            finally:
                os._exit(0)
        os.close(write)
        os.waitpid(forked, 0)
        with os.fdopen(read) as told:
            assert "forked" in told.read()
        assert vqa.ask(PICTURE, QUESTION).answer == "circle"


def test_what_was_closed_closes_nothing_when_processes_are_forked_off(program: str, shelf: pathlib.Path) -> None:
    vqa = ingot.VQA({"Release": "demo"}, shelf=shelf, program=program)
    vqa.close()
    # A function to be called there makes subprocess fork as os.fork does; its own pipe gets the numbers of those closed.
    for _ in range(5):
        subprocess.run(["true"], preexec_fn=lambda: None, check=True)
    assert vqa.pid is None


def test_several_threads_at_once(program: str, shelf: pathlib.Path) -> None:
    pictures = sorted((DEMO / "pictures").glob("*.png"))[:4]
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        wanted = [vqa.ask(picture, QUESTION).tokens for picture in pictures]
        found: list[list[object]] = [[] for _ in pictures]

        def run(place: int) -> None:
            found[place] = [vqa.ask(pictures[place], QUESTION).tokens for _ in range(25)]

        threads = [threading.Thread(target=run, args=[place]) for place in range(len(pictures))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [[tokens] * 25 for tokens in wanted]


def test_what_python_adds_is_what_the_program_said(program: str, shelf: pathlib.Path) -> None:
    """The lines themselves, without this package."""
    request = json.dumps({"id": [1, {"a": None}], "image": str(PICTURE), "question": QUESTION}) + "\n\n{}\n"
    ended = subprocess.run(
        [program, "ask", "--set=Release=demo", f"--shelf={shelf}"], input=request, capture_output=True, text=True,
        check=False)
    answer, error = map(json.loads, ended.stdout.splitlines())
    assert ended.returncode == 1 and answer.pop("id") == [1, {"a": None}] and error["line"] == 3
    with ingot.VQA({"Release": "demo"}, shelf=shelf, program=program) as vqa:
        raw = dict(vqa.ask(PICTURE, QUESTION).raw)
    assert {**raw, "seconds": None} == {**answer, "seconds": None}


def test_answers_gather_only_while_the_child_has_more_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """No longer than a quarter of that takes at its pace, and not where somebody may wait for the next answer."""
    clock = [100.0]
    monkeypatch.setattr(_child.time, "monotonic", lambda: clock[0])
    child = _child.Child(["true"])
    try:
        for count, seconds, given, most in [
            (1, 0.004, 64, 0.02), (1, 0.0001, 64, 0.0016), (32, 0.001, 64, 0.0003), (1, 0.5, 64, 0.02), (1, 1.0, 8, 0.0),
            (1, 1.0, 16, 0.0),
        ]:
            child.given.clear()
            child.given.extend(_child.Item(number, {}) for number in range(given))
            clock[0] += seconds
            child.gather(count)
            pause = child.gathers_until - clock[0]
            assert pause <= most + 1e-9 and (pause > 0) == (most > 0)
    finally:
        child.end(5)
