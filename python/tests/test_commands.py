"""Reports as dataclasses: all that `--json` prints is in them, and what goes wrong is an exception."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
from typing import Any

import pytest
from conftest import DEMO, FIXTURES, ROOT

import ingot
from ingot.errors import error_of_status


def printed(program: str, *words: object) -> Any:
    return json.loads(subprocess.run(
        [program, *map(str, words), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout)


def plain(value: Any) -> Any:
    """A record as JSON has it, by its attributes: those that are None are left out on both sides."""
    if dataclasses.is_dataclass(value):
        out = {}
        for field in dataclasses.fields(value):
            if field.name != "raw" and getattr(value, field.name) is not None:
                first, *rest = field.name.rstrip("_").split("_")
                out[first + "".join(word.capitalize() for word in rest)] = plain(getattr(value, field.name))
        return out
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_null(item) for key, item in value.items() if item is not None}
    return [without_null(item) for item in value] if isinstance(value, list) else value


def same(report: Any, json_value: Any) -> None:
    assert report.raw == json_value
    assert without_null(plain(report)) == without_null(json_value)


def test_inspect(program: str, shelf: pathlib.Path) -> None:
    options = {"Release": "demo", "Part": "TextDecoder"}
    report = ingot.inspect(
        parameters=options, shelf=shelf, program=program, statistics=True, layers=True, check=True)
    same(report, printed(
        program, "inspect", "--set=Release=demo", "--set=Part=TextDecoder", f"--shelf={shelf}", "--statistics",
        "--layers", "--check"))
    assert report.path is not None and report.kind == "net file"
    net = ingot.open(report.path)
    hidden = {array.scales for array in net.arrays.values()}
    assert {array.name: array.shape for array in report.arrays} == {
        name: array.shape for name, array in net.arrays.items() if name not in hidden}
    for array in report.arrays:
        assert array.statistics is not None
        assert array.statistics.max == pytest.approx(float(net[array.name].max()), rel=1e-6)
    same(ingot.inspect(DEMO, program=program), printed(program, "inspect", DEMO))
    same(ingot.inspect(FIXTURES / "every-type.safetensors", program=program), printed(
        program, "inspect", FIXTURES / "every-type.safetensors"))


def test_convert_quantize_verify_diff(program: str, tmp_path: pathlib.Path) -> None:
    common: dict[str, Any] = {"shelf": tmp_path, "program": program}
    converted = ingot.convert(DEMO, **common)
    same(converted, printed(program, "convert", DEMO, f"--shelf={tmp_path}"))
    assert len(converted.nets) == 3 and converted.coverage.used == converted.coverage.arrays
    for net in converted.nets:
        with ingot.open(net.file) as opened:
            opened.verify()
            assert sum(array.size for array in opened.arrays.values()) == net.totals.elements
    compressed = ingot.convert(DEMO, compress=True, force=True, shelf=tmp_path / "compressed", program=program)
    for net, packed in zip(converted.nets, compressed.nets, strict=True):
        with ingot.open(net.file) as opened, ingot.open(packed.file) as other:
            other.verify()
            assert any(array.is_compressed for array in other.arrays.values())
            assert all((other.arrays[name].raw() == array.raw()).all() for name, array in opened.arrays.items())
    quantized = ingot.quantize(parameters={"Release": "demo"}, **common)
    same(quantized, printed(program, "quantize", "--set=Release=demo", f"--shelf={tmp_path}"))
    for before, after in zip(converted.nets, quantized.nets, strict=True):
        with ingot.open(before.file) as floats, ingot.open(after.file) as small:
            small.verify()
            for name, array in small.arrays.items():
                if array.scales is not None and array.shape == floats.arrays[name].shape:
                    step = array.scales.reshape(-1, *[1] * (len(array.shape) - 1))
                    assert array.raw().dtype.name == "int8"
                    # By an int8 step at most where elements were rounded along directions, else half of one.
                    assert (abs(array.numpy() - floats[name]) <= 64 * step).all()
    verified = ingot.verify(*(net.file for net in converted.nets), source=DEMO, program=program)
    assert verified.verified and verified.arrays.checked == converted.nets[0].totals.arrays + sum(
        net.totals.arrays for net in converted.nets[1:])
    same(verified, printed(program, "verify", *(net.file for net in converted.nets), f"--source={DEMO}"))
    same(ingot.diff(converted.nets[0].file, quantized.nets[0].file, program=program), printed(
        program, "diff", converted.nets[0].file, quantized.nets[0].file))
    damaged = tmp_path / "damaged.ingot"
    shutil.copy(converted.nets[0].file, damaged)
    with ingot.open(damaged) as net:
        array = list(net.arrays.values())[-1]
    with open(damaged, "r+b") as file:
        file.seek(array.offset)
        file.write(b"\xff\x01")
    report = ingot.verify(damaged, program=program)
    assert not report.verified and [failure.name for failure in report.arrays.failed] == [array.name]
    assert [damage.array for damage in ingot.open(damaged).damage()] == [array.name]


def test_scan_and_list(program: str, shelf: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "evil.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    report = ingot.scan(tmp_path / "evil.pkl", DEMO, program=program)
    assert report.verdict == "something" and report.files[0].findings[0].severity == "harmful"
    same(report, printed(program, "scan", tmp_path / "evil.pkl", DEMO))
    listed = ingot.list(shelf=shelf, program=program)
    same(listed, printed(program, "list", f"--shelf={shelf}"))
    assert any(net.status == "on shelf" for net in listed.families[0].nets)
    assert [family.family for family in ingot.list("clip", shelf=shelf, program=program).families] == ["clip"]


def test_errors(program: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ingot.NoInputError) as caught:
        ingot.inspect(tmp_path / "none", program=program)
    assert (caught.value.file, caught.value.status) == (str(tmp_path / "none"), 66)
    (tmp_path / "-x.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError) as wrong:
        ingot.convert("-x.safetensors", program=program)
    assert isinstance(wrong.value, ingot.BadDataError) and wrong.value.file == "-x.safetensors"
    with pytest.raises(ingot.UsageError):
        ingot.inspect(DEMO, program=program, no_such_option=1)
    with pytest.raises(ingot.IngotTimeoutError):
        ingot.inspect(DEMO, program=program, timeout=1e-4)
    with pytest.raises(ingot.BadDataError):
        ingot.inspect(DEMO, program=program, limits={"arrays": 1})


@pytest.mark.parametrize(("message", "file", "place", "reason"), [
    ("a b.png: there is no such file", "a b.png", None, "there is no such file"),
    ('x: array "a": wrong', "x", 'array "a"', "wrong"),
    ("x: byte 12: wrong: very", "x", "byte 12", "wrong: very"),
    ("something else: wrong", None, None, "something else: wrong"),
])
def test_messages_are_divided(message: str, file: str | None, place: str | None, reason: str) -> None:
    error = error_of_status(65, message, "hint", ["a b.png", "x"])
    assert (error.file, error.place, error.reason, str(error)) == (file, place, reason, message)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.hint) == (ingot.BadDataError, message, "hint")


def test_pull(program: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the hub for tests, which the official client downloads from too (tools/checks/check_hub_server.py)."""
    repository = tmp_path / "repositories" / "acme" / "net"
    shutil.copytree(ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "layouts" / "huggingface", repository)
    sys.path.insert(0, str(ROOT / "tools" / "hub"))
    from running_hub import RunningHub  # type: ignore[import-not-found]
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with RunningHub(tmp_path / "repositories") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.hub)
        planned = ingot.pull("hf://acme/net", dry_run=True, program=program)
        assert planned.dry_run and not os.path.exists(planned.place)
        pulled = ingot.pull("hf://acme/net", program=program)
        assert {file.path for file in pulled.files} == {item.name for item in repository.iterdir()}
        for file in pulled.files:
            assert (pathlib.Path(pulled.place) / file.path).read_bytes() == (repository / file.path).read_bytes()
        assert ingot.inspect("hf://acme/net", program=program).fetched is not None
        with pytest.raises(ingot.NoInputError):
            ingot.pull("hf://acme/net", revision="none", program=program)
        with pytest.raises(ingot.UnavailableError):
            ingot.pull("hf://acme/nothing", program=program)


def test_where_the_program_is_looked_for(
    program: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INGOT", raising=False)
    (tmp_path / "ingot").symlink_to(os.path.realpath(program))
    monkeypatch.setenv("PATH", str(tmp_path))
    if not (pathlib.Path(ingot.__file__).parent / "bin" / "ingot").exists():
        assert ingot.find_program() == str(tmp_path / "ingot")
    monkeypatch.setenv("INGOT", program)
    assert ingot.find_program() == program
    ended = subprocess.run([sys.executable, "-m", "ingot", "--version"], capture_output=True, text=True, check=False)
    assert ended.stdout.strip() == ingot.__version__


def test_signatures(program: str, tmp_path: pathlib.Path) -> None:
    keys = ROOT / "Tests" / "SigningTests" / "Fixtures"
    net = tmp_path / "net"
    net.mkdir()
    (net / "a").write_bytes(b"1")
    made = ingot.sign(net, key=keys / "p256.pem", program=program)
    assert made.signatures[0].files == 1 and made.signatures[0].signer.curve == "P-256"
    assert ingot.verify(net, key=keys / "p256.pub", program=program).verified
    (net / "a").write_bytes(b"2")
    found = ingot.verify(net, key=keys / "p256.pub", program=program)
    assert found.signatures and not found.verified
    assert [(one.name, one.kind) for one in found.signatures[0].differences] == [("a", "changed")]
    with pytest.raises(ingot.MismatchError, match="another key"):
        ingot.verify(net, key=keys / "p384.pub", program=program)
    place = tmp_path / "by-certificate.sig"
    ingot.sign(net, key=keys / "signer.pem", certificate=keys / "signer.crt", certificate_chain=[keys / "between.crt"],
               signature=place, ignore=["model.sig"], program=program)
    found = ingot.verify(net, certificate_chain=[keys / "root.crt"], signature=place, program=program)
    assert found.verified and found.signatures and found.signatures[0].signer.issuer == "CN=Between,O=Tests"
