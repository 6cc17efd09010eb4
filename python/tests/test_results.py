"""The dataclasses are those of the schemas, and the documentation's examples hold."""

from __future__ import annotations

import doctest
import importlib
import os
import pathlib
import pkgutil
import subprocess
import sys

import pytest
from conftest import ROOT

import ingot


def test_the_generated_files_are_current() -> None:
    script = ROOT / "python" / "tools" / "make_results.py"
    ended = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


MODULES = [module.name for module in pkgutil.walk_packages(ingot.__path__, "ingot.") if module.name != "ingot.__main__"]


@pytest.mark.parametrize("name", ["ingot", *MODULES])
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    # Tracebacks name exceptions with their modules.
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def test_readmes_examples(program: str, shelf: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("torch", "PIL"):
        pytest.importorskip(library)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("INGOT", program)
    monkeypatch.setenv("INGOT_SHELF", str(shelf))
    found = doctest.testfile(str(ROOT / "python" / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.failed == 0 and found.attempted > 10


def test_the_version_is_the_programs() -> None:
    source = (ROOT / "Sources" / "Families" / "Tool.swift").read_text()
    assert f'version = "{ingot.__version__}"' in source


def test_types_are_strict() -> None:
    api = pytest.importorskip("mypy.api")
    folder = pathlib.Path(ROOT) / "python"
    before = os.getcwd()
    os.chdir(folder)
    try:
        out, _, status = api.run(["--config-file", "pyproject.toml"])
    finally:
        os.chdir(before)
    assert status == 0, out
