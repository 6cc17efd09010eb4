"""Changed net files: this package refuses those that the program refuses, and takes those that it takes."""

from __future__ import annotations

import copy
import pathlib
import random
import subprocess
from typing import Any

import pytest
import wrong_net_files
from conftest import FIXTURES

import ingot

FILES = sorted(FIXTURES.glob("*.ingot"))
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 7, 1 << 62, (1 << 63) - 1, 1 << 63, -(1 << 63), 1.0, 1e300, "", "int8", "float32",
    "a\0", "é", "\x7f", [], {}, [0], [1 << 40, 1 << 40], [-1], ["x"], {"a": 1}, "zstd-planes", "0" * 64, 64, 128]
SIGNS = '{}[],:"\\0123456789eE.-+tfn \t\n\x01é\u2028'


def paths(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Where the values are that a JSON value is made of."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:40]) if isinstance(value, list) else []
    for key, item in inner:
        yield from paths(item, (*path, key))


def changed(header: dict[str, Any], chance: random.Random) -> None:
    """Takes a value away, puts another in its place, or one that stands elsewhere."""
    places = [path for path in paths(header) if path]
    place, other = chance.choice(places), chance.choice(places)
    value: Any = header
    for key in other:
        value = value[key]
    new = chance.choice([wrong_net_files.REMOVE, copy.deepcopy(value), *[chance.choice(VALUES) for _ in range(3)]])
    wrong_net_files.put(header, place, new)


def respelt(text: str, chance: random.Random) -> str:
    """The header's text with a sign more, less or another."""
    place = chance.randrange(len(text))
    return text[:place] + chance.choice(["", *SIGNS]) + text[place + chance.choice([0, 1]):]


@pytest.mark.parametrize("seed", range(8))
def test_both_refuse_the_same(program: str, tmp_path: pathlib.Path, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "net.ingot"
    for _ in range(40):
        data = chance.choice(FILES).read_bytes()
        if chance.random() < 0.7:
            new = wrong_net_files.rewritten(data, lambda header: changed(header, chance), prologue=(data[8], 0, 0))
        else:
            new = wrong_net_files.rewritten(data, text=lambda text: respelt(text, chance), prologue=(data[8], 0, 0))
        path.write_bytes(new)
        try:
            with ingot.open(path) as net:
                net.verify()
                for array in net.arrays.values():
                    array.numpy()
            mine = ""
        except (ingot.BadDataError, ingot.VerificationError) as error:
            mine = str(error)
        theirs = subprocess.run([program, "verify", path], capture_output=True, text=True, check=False)
        assert theirs.returncode in (0, 1, 65)
        assert bool(mine) == bool(theirs.returncode), (mine, theirs.stderr, theirs.stdout)
