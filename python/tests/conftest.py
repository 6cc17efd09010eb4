"""What the tests share: the checkout, the program, and a shelf with the demo nets."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Iterator

import pytest

import ingot

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "weights" / "demo"
FIXTURES = ROOT / "Tests" / "NetFileTests" / "Fixtures"
# The other reader of net files, and files that both have to refuse.
sys.path += [str(ROOT / "tools"), str(ROOT / "tools" / "checks")]


@pytest.fixture(scope="session")
def program() -> str:
    """The program's path: INGOT's, the checkout's release build, or that of PATH."""
    built = ROOT / ".build" / "release" / "ingot"
    try:
        return ingot.find_program(None if os.environ.get("INGOT") or not built.exists() else built)
    except ingot.ProgramNotFoundError as error:
        pytest.skip(f"the program is not here: {error}; set INGOT, or build it")


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the machine's own shelf."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INGOT_SHELF", str(tmp_path_factory.mktemp("empty")))
        yield


@pytest.fixture(scope="session")
def shelf(program: str, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The demo nets, converted by the program."""
    folder = tmp_path_factory.mktemp("shelf")
    for name in ("demo", "demo-caption", "demo-match", "demo-digits"):
        parameters = {"Release": name} if name == "demo-digits" else None
        ingot.convert(ROOT / "weights" / name, shelf=folder, parameters=parameters, program=program)
    return folder
