"""Net files: what is read is what other readers read, and what breaks a rule is refused."""

from __future__ import annotations

import gc
import hashlib
import json
import pathlib
import pickle
import struct
from typing import Any

import numpy as np
import pytest
import read_ingot
import wrong_net_files
from conftest import FIXTURES

import ingot

GOLDEN = FIXTURES / "golden-v1.ingot"
COMPRESSED = FIXTURES / "golden-v1-compressed.ingot"
WRONG = list(wrong_net_files.wrong_files(GOLDEN, COMPRESSED))


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.ingot")), ids=lambda path: path.name)
def test_every_type_is_what_the_other_reader_reads(path: pathlib.Path) -> None:
    header, arrays = read_ingot.read(path)
    with ingot.open(path) as net:
        net.verify()
        assert net.header == header
        assert list(net.arrays) == list(arrays)
        for name, wanted in arrays.items():
            if net.arrays[name].scales is not None:
                assert np.array_equal(net.arrays[name].raw(), wanted)
                wanted = read_ingot.dequantized(header, arrays, name)
            found = net.arrays[name].numpy()
            assert found.shape == wanted.shape == net.arrays[name].shape
            assert np.array_equal(found.astype(wanted.dtype), wanted, equal_nan=wanted.dtype.kind in "fc"), name


def test_bits_are_those_of_safetensors_own_reader() -> None:
    # safetensors' reader for NumPy knows no bfloat16 and no 8-bit floats; its bytes are compared for those.
    data = (FIXTURES / "every-type.safetensors").read_bytes()
    length = struct.unpack_from("<Q", data)[0]
    described = json.loads(data[8:8 + length])
    described.pop("__metadata__", None)
    net = ingot.open(GOLDEN)
    compared = 0
    for name, entry in described.items():
        if name in net.arrays and entry["dtype"] != "BOOL":
            start, end = entry["data_offsets"]
            assert net.arrays[name].raw().tobytes() == data[8 + length + start:8 + length + end], name
            compared += 1
    assert compared > 10


@pytest.mark.parametrize(("is_right", "what", "data"), WRONG, ids=[what for _, what, _ in WRONG])
def test_rules(tmp_path: pathlib.Path, is_right: bool, what: str, data: bytes) -> None:
    path = tmp_path / "net.ingot"
    path.write_bytes(data)
    if is_right:
        ingot.open(path).verify()
        return
    with pytest.raises((ingot.BadDataError, ingot.VerificationError)) as caught:
        ingot.open(path).verify()
    assert caught.value.file == str(path)
    assert caught.value.place
    assert caught.value.hint
    assert caught.value.status in (1, 65)


def refusal(path: pathlib.Path, header: bytes, **prologue: int) -> ingot.BadDataError:
    """The error of a file with such a header, whose digest is right."""
    start = struct.pack("<8sHHIQQ", b"\x89INGOT\r\n", 1, 0, 0, len(header), 64 + len(header))
    path.write_bytes(start + hashlib.sha256(start + header).digest() + header)
    with pytest.raises(ingot.BadDataError) as caught:
        ingot.open(path)
    return caught.value


@pytest.mark.parametrize(("header", "reason"), [
    (b"[" * 100_000, "nested more than 16"),
    (b'{"a":' + b"[" * 16 + b"]" * 16 + b"}", "nested more than 16"),
    (b"[" + b"{}," * 500_000 + b"{}]", "more than 500000 JSON values"),
    (b'{"a": NaN}', "'NaN' is no JSON"),
    (b'{"a": 1e999}', "is too large"),
    (b'{"a": 9223372036854775808}', "does not fit 64 bits"),
    (b'{"a": ' + b"9" * 5000 + b"}", "does not fit 64 bits"),
    (b'{"a": "\\ud800"}', "surrogate"),
    (b'{"a": "\xff"}', "is not UTF-8"),
    (b'\xef\xbb\xbf{"a": 1}', "is no JSON"),
    (b'{"a": "\n"}', "is no JSON"),
    (b'{"a": 1, "\\u0061": 1}', "duplicate key 'a'"),
    (b"[]", "is no JSON object"),
    (b"", "is no JSON"),
])
def test_headers_that_are_refused(tmp_path: pathlib.Path, header: bytes, reason: str) -> None:
    assert reason in refusal(tmp_path / "net.ingot", header).reason


def test_a_comma_in_a_text_is_no_value(tmp_path: pathlib.Path) -> None:
    header = wrong_net_files.read_header(GOLDEN)
    header["profile"] = {"text": "," * 600_000 + '\\"[{'}
    assert "starts at byte" in refusal(tmp_path / "net.ingot", json.dumps(header).encode()).reason


def test_a_small_file_cannot_ask_for_much_memory(tmp_path: pathlib.Path) -> None:
    def huge(header: dict[str, Any]) -> None:
        header["arrays"][-1] |= {"shape": [1 << 40], "bytes": 1 << 42}
        header["arrays"] = [entry for entry in header["arrays"] if "scales" not in entry]

    path = tmp_path / "net.ingot"
    data = wrong_net_files.rewritten(COMPRESSED.read_bytes(), huge)
    path.write_bytes(data)
    with pytest.raises(ingot.BadDataError):
        ingot.open(path)
    # What the rules of the whole allow is still looked at, frame by frame, before memory is taken.
    def large(header: dict[str, Any]) -> None:
        header["arrays"][-1] |= {"shape": [1 << 27], "bytes": 1 << 29}

    path.write_bytes(wrong_net_files.rewritten(COMPRESSED.read_bytes(), large))
    net = ingot.open(path)
    with pytest.raises(ingot.BadDataError, match="no zstd frame of 4194304 bytes"):
        net[list(net.arrays)[-1]]


@pytest.mark.parametrize("source", [GOLDEN, COMPRESSED])
def test_every_flipped_bit_is_found(tmp_path: pathlib.Path, source: pathlib.Path) -> None:
    data = source.read_bytes()
    path = tmp_path / "net.ingot"
    # The minor version is covered by the header's digest, as the rest of the prologue is.
    for position in [*range(64), *range(64, len(data), 37)]:
        path.write_bytes(data[:position] + bytes([data[position] ^ 1 << position % 8]) + data[position + 1:])
        with pytest.raises((ingot.BadDataError, ingot.VerificationError)):
            ingot.open(path).verify()


@pytest.mark.parametrize("length", [0, 1, 63, 64, 1000, GOLDEN.stat().st_size - 1])
def test_a_file_cut_short(tmp_path: pathlib.Path, length: int) -> None:
    path = tmp_path / "net.ingot"
    path.write_bytes(GOLDEN.read_bytes()[:length])
    with pytest.raises(ingot.BadDataError):
        ingot.open(path)


def test_no_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        ingot.open(tmp_path / "none.ingot")
    assert isinstance(caught.value, ingot.NoInputError)
    assert caught.value.status == 66
    with pytest.raises(ingot.InputOutputError):
        ingot.open(tmp_path)


def test_damage_is_named(tmp_path: pathlib.Path) -> None:
    with ingot.open(GOLDEN) as net:
        array = net.arrays["values.float32"]
        data = bytearray(GOLDEN.read_bytes())
        data[array.offset] ^= 1
    path = tmp_path / "net.ingot"
    path.write_bytes(data)
    with pytest.raises(ingot.VerificationError) as caught:
        ingot.open(path).verify()
    assert [damage.array for damage in caught.value.damage] == ["values.float32"]
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.damage == caught.value.damage


def test_arrays_outlive_the_file() -> None:
    net = ingot.open(GOLDEN)
    array = net["values.float32"]
    before = array.copy()
    net.close()
    with pytest.raises(ValueError, match="was closed"):
        net["values.float32"]
    del net
    gc.collect()
    assert np.array_equal(array, before, equal_nan=True)


def test_what_is_handed_out_is_the_mapped_file() -> None:
    net = ingot.open(GOLDEN)
    assert np.shares_memory(net["values.float32"], net.arrays["values.float32"].raw())
    with pytest.raises(ValueError, match="read-only"):
        net["values.float32"][0] = 0
    copy_on_write = ingot.open(GOLDEN, mode="c")
    copy_on_write["values.float32"][0] = 17
    assert not np.array_equal(copy_on_write["values.float32"], net["values.float32"], equal_nan=True)
    net.verify()


def test_ties_are_second_names(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "net.ingot"
    tie = [{"name": "second", "same": "values.float32"}]
    short = wrong_net_files.rewritten(
        GOLDEN.read_bytes(), lambda header: header.update(ties=tie, tokenizer=header["tokenizer"] | {"vocabulary": []}))
    path.write_bytes(short)
    net = ingot.open(path)
    assert "second" in net and "second" in list(net) and "second" not in net.arrays
    assert np.shares_memory(net["second"], net["values.float32"])
    with pytest.raises(KeyError):
        net["third"]


def test_numpy_and_dlpack_take_arrays() -> None:
    net = ingot.open(GOLDEN, mode="c")
    array = net.arrays["values.float32"]
    assert np.shares_memory(np.asarray(array), net["values.float32"])
    assert np.shares_memory(np.from_dlpack(array), net["values.float32"])
    assert np.asarray(array, np.float64).dtype == np.float64


def test_torch_takes_arrays_in_place() -> None:
    torch = pytest.importorskip("torch")
    net = ingot.open(GOLDEN, mode="c")
    for name, array in net.arrays.items():
        if array.element_type in ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"):
            tensor = torch.from_dlpack(array)
            assert np.array_equal(tensor.numpy(), array.numpy(), equal_nan=tensor.is_floating_point()), name
            if array.scales is None and array.size:
                assert tensor.data_ptr() == array.raw().ctypes.data, name
    bits = next(array for array in net.arrays.values() if array.element_type == "bfloat16")
    tensor = torch.from_dlpack(bits.raw().view(np.int16)).view(torch.bfloat16)
    assert np.array_equal(tensor.float().numpy(), bits.numpy(), equal_nan=True)


def test_a_shape_that_numpy_cannot_have(tmp_path: pathlib.Path) -> None:
    def immense(header: dict[str, Any]) -> None:
        entry = next(entry for entry in header["arrays"] if entry["shape"] == [2, 0, 3])
        entry["shape"] = [0, 1 << 40, 1 << 40]
        header["tokenizer"]["vocabulary"] = []  # which makes room

    path = tmp_path / "net.ingot"
    path.write_bytes(wrong_net_files.rewritten(GOLDEN.read_bytes(), immense))
    net = ingot.open(path)
    net.verify()
    for get in (net.arrays["shapes.empty"].raw, net.arrays["shapes.empty"].numpy):
        with pytest.raises(ingot.BadDataError, match="which NumPy can't have"):
            get()
