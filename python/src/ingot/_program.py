"""Where the program is, and running it for one report."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import (
    IngotError, IngotTimeoutError, ProgramDiedError, ProgramNotFoundError, ProtocolError, error_of_status)

log = logging.getLogger("ingot")

_HINT = "install the program `ingot`, or set INGOT to its path"


def find(program: str | os.PathLike[str] | None = None) -> str:
    """The path of the program: the one that is given, else that of the environment's ``INGOT``, else the one that came
    with this package, else the first on ``PATH``.

    Raises:
        ProgramNotFoundError: there is none, or it can't be run.
    """
    given = os.fspath(program) if program is not None else os.environ.get("INGOT") or None
    if given is not None:
        found = shutil.which(given)
        if found is None:
            raise ProgramNotFoundError("is no program that can be run", file=given, hint=_HINT)
        return found
    beside = Path(__file__).parent / "bin" / "ingot"
    if os.access(beside, os.X_OK):
        return str(beside)
    found = shutil.which("ingot")
    if found is None:
        raise ProgramNotFoundError("the program `ingot` is not here", hint=_HINT)
    return found


def failure(status: int, stderr: str, files: Iterable[str] = ()) -> IngotError:
    """The error of a program that has ended.

    Args:
        status: as ``Popen.returncode``: negative for a signal.
        stderr: what it said.
        files: those that were given to it.
    """
    lines = stderr.splitlines()
    message = next((line for line in reversed(lines) if line.startswith("ingot: error: ")), None)
    if status < 0 or message is None:
        said = f": {lines[-1]}" if lines else ""
        if status < 0:
            return ProgramDiedError(f"the program was ended by signal {-status}{said}")
        hint = "it needs libraries of the system, whose packages docs/INSTALLING.md names" if status == 127 else None
        return ProgramDiedError(f"the program ended with status {status}{said}", hint=hint)
    place = lines.index(message) + 1
    hint = lines[place][len("hint: "):] if place < len(lines) and lines[place].startswith("hint: ") else None
    return error_of_status(status, message[len("ingot: error: "):], hint, files)


def note(line: str) -> None:
    """A line of the program's standard error that is no error of the whole."""
    log.info("%s", line.removeprefix("ingot: "))


def report(
    command: str, options: Sequence[str] = (), inputs: Sequence[str] = (), *,
    program: str | os.PathLike[str] | None = None, timeout: float | None = None, answers: Iterable[int] = (0,),
) -> dict[str, Any]:
    """What the program prints with ``--json``.

    Args:
        command: its name.
        options: of the command.
        inputs: paths and whatever else is no option, even where it begins with a hyphen.
        program: see ``find``.
        timeout: seconds; None: none. A program that takes longer is ended.
        answers: exit statuses with which there may be a report.

    Raises:
        IngotError: the program's error; or it isn't there, took too long, or was ended.
    """
    path = find(program)
    try:
        ended = subprocess.run(
            [path, command, *options, "--json", *(["--", *inputs] if inputs else [])], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise IngotTimeoutError(f"`ingot {command}` took more than {timeout} seconds") from error
    except OSError as error:
        raise ProgramNotFoundError(f"can't be run: {error.strerror}", file=path, hint=_HINT) from error
    stderr = ended.stderr.decode("utf-8", "replace")
    if ended.returncode in answers and ended.stdout.strip():
        for line in stderr.splitlines():
            note(line)
        try:
            value = json.loads(ended.stdout)
        except ValueError as error:
            raise ProtocolError(f"`ingot {command}` printed no JSON: {error}") from error
        if isinstance(value, dict):
            return value
        raise ProtocolError(f"`ingot {command}` printed no JSON object")
    raise failure(ended.returncode, stderr, inputs)


def flags(**values: object) -> list[str]:
    """Options of the command line: of ``max_tokens=3``, ``--max-tokens 3``. None and False are left out; True is a
    flag; a list gives the option once for each.

    >>> flags(beams=3, upright=True, frames=None, set=["A=1", "B=2"])
    ['--beams=3', '--upright', '--set=A=1', '--set=B=2']
    """
    out: list[str] = []
    for name, value in values.items():
        option = "--" + name.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            out.append(option)
        elif isinstance(value, (list, tuple)):
            out += [f"{option}={_text(item)}" for item in value]
        else:
            out.append(f"{option}={_text(value)}")
    return out


def _text(value: object) -> str:
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def settings(parameters: Mapping[str, object] | None) -> list[str]:
    """The values of ``--set`` and ``--allow``.

    >>> settings({"Release": "demo", "CapFilt": True})
    ['Release=demo', 'CapFilt=true']
    """
    return [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in (parameters or {}).items()]
