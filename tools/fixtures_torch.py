#!/usr/bin/env python3
"""Makes small PyTorch files for the tests: by torch itself, and by hand what torch would never write.

    python3 -m venv reference && reference/bin/pip install torch numpy
    reference/bin/python tools/fixtures_torch.py [--root DIR]

Below DIR, which is the repository unless given, in Tests/CheckpointsTests/Fixtures/torch/:

    zip.pt, legacy.pth      one state dict in both forms: views of every kind, and every type torch has storages for
    nested.pt               {"epoch": 3, "model": …}
    lightning.pt            {"state_dict": …, "pytorch-lightning_version": …}
    module.pt               the state dict of a real module: an OrderedDict with _metadata
    args.pt                 {"model": …, "args": Namespace(lr=0.1)}
    training.pt, .pth       {"model": …, "optimizer": …, "epoch": 1} in both forms: tensors that are no part of the net
    python2.pth             as Python 2 and torch 0.3 wrote: byte strings, a dictionary made from a list of pairs,
                            storages of a graphics card, views of storages; made of opcodes here, read by torch
    script.pt               a TorchScript program
    hostile-*.pt, *.pth     pickles that would run something when Python loads them, in both forms; made of opcodes here,
                            none is ever loaded
    expected.json           {file: {name: {"type", "shape", "sha256" of the elements in order, little-endian}}} for what
                            can be read, and {file: {"refused": name}} for what has no arrays: the error must hold the name of what
                            loading it would call

A second run makes the same bytes, with torch 2.15; other versions may write other ones around the same elements. The
addresses that the old form holds are replaced, as tools/fixtures_layouts.py does, and script.pt is left without its
debug information, which holds paths. No file has times in it.
"""

import argparse
import hashlib
import io
import json
import pathlib
import pickle
import shutil
import warnings
import zipfile

import numpy as np
import torch
from fixtures_layouts import without_addresses

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = {
    torch.float64: "float64", torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16",
    torch.int64: "int64", torch.int32: "int32", torch.int16: "int16", torch.int8: "int8", torch.uint8: "uint8",
    torch.bool: "bool",
}


# Types that torch has no storages for: bytes, of which each tensor tells the type.
NEW_TYPES = {
    torch.uint16: "uint16", torch.uint32: "uint32", torch.uint64: "uint64", torch.float8_e4m3fn: "float8E4M3",
    torch.float8_e5m2: "float8E5M2",
}


# ---------------------------------------------------------------------------------------------------------- by torch


def numbers(key, *shape):
    """float32 elements, the same ones for the same key wherever NumPy runs."""
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape)))
    return torch.from_numpy(((raw >> np.uint64(40)) / 2.0**24 - 0.5).astype(np.float32).reshape(shape))


def bits(key, kind, count):
    """Elements of a type with any bits, NaN and infinities among them; a bool is 0 or 1."""
    raw = np.random.Philox(key=key).random_raw(count).astype("<u8").tobytes()
    if kind == torch.bool:
        return torch.tensor([byte % 2 == 1 for byte in raw[:count]])
    data = bytearray(raw[:count * torch.empty(0, dtype=kind).element_size()])
    return torch.frombuffer(data, dtype=kind).clone()


def every_kind():
    """A state dict with what may be strange about a tensor."""
    matrix, cube, long = numbers(1, 3, 4), numbers(2, 2, 3, 4), numbers(3, 11)
    state = {
        "contiguous": numbers(4, 3, 4),
        "transposed": matrix.t(),  # shares its storage with the next two
        "transposed.source": matrix,
        "sliced": matrix[1:, 1:3],
        "permuted": cube.permute(2, 0, 1),
        "strided": long[::2],
        "strided.offset": long[1::3],
        "row": long[4:8],  # in order, but not from the start of its storage
        "expanded": numbers(5, 3, 1).expand(3, 4),  # a stride of 0
        "expanded.scalar": numbers(6, 1)[0].expand(2, 3),
        "channelsLast": numbers(7, 2, 3, 4, 5).to(memory_format=torch.channels_last),
        "shared.first": (shared := numbers(8, 5)),
        "shared.second": shared,
        "scalar": torch.tensor(-2.5),
        "scalar.int64": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "empty.inside": torch.zeros(2, 0, 3),
        "ones": numbers(9, 1, 1, 1),
        "parameter": torch.nn.Parameter(numbers(10, 2, 3)),
        "parameter.transposed": torch.nn.Parameter(numbers(11, 2, 3).t()),
        "requiresGrad": numbers(12, 4).requires_grad_(),
        "größe, with spaces/slash": numbers(13, 2),
    }
    for key, (kind, name) in enumerate(TYPES.items(), 20):
        state[f"types.{name}"] = bits(key, kind, 13)
    return state


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)
        self.linear = torch.nn.Linear(3, 2)
        with torch.no_grad():
            for key, tensor in enumerate(self.state_dict().values(), 40):
                if tensor.is_floating_point():
                    tensor.copy_(numbers(key, *tensor.shape))

    def forward(self, x):
        return self.linear(self.norm(x))


class Scale(torch.nn.Module):
    """Without what TorchScript would write in an order that changes."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(numbers(50, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


def after_a_step(net):
    """The state of an optimizer that has tensors of its own."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.0)
    net(numbers(60, 4, 3)).sum().backward()
    optimizer.step()
    # What was computed may round otherwise elsewhere.
    state = optimizer.state_dict()
    for key, moments in enumerate(state["state"].values(), 70):
        for tensor in moments.values():
            tensor.copy_(numbers(key, *tensor.shape))
    return state


def make_torch_files(folder):
    """Returns what must be found in each file."""
    net = Small().eval()
    state = {"weight": numbers(30, 2, 3), "bias": numbers(31, 2)}
    whole = every_kind()
    training = {"model": net.state_dict(), "optimizer": after_a_step(net), "epoch": 1}
    contents = {
        "nested.pt": ({"epoch": 3, "model": state}, state),
        "lightning.pt": ({"epoch": 3, "state_dict": state, "pytorch-lightning_version": "2.5.0"}, state),
        "module.pt": (net.state_dict(), net.state_dict()),
        "args.pt": ({"model": state, "args": argparse.Namespace(lr=0.1)}, state),
        "zip.pt": (whole, whole),
        "training.pt": (training, net.state_dict()),
        "legacy.pth": (whole, whole),
        "training.pth": (training, net.state_dict()),
    }
    for name, (content, _) in contents.items():
        if name.endswith(".pth"):
            file = io.BytesIO()
            torch.save(content, file, _use_new_zipfile_serialization=False)
            write(folder / name, without_addresses(file.getvalue()))
        else:
            torch.save(content, folder / name)
        check_with_torch(folder / name, contents[name][1])
    write(folder / "script.pt", script())
    write(folder / "python2.pth", python2())
    contents["script.pt"] = None, Scale().state_dict()
    contents["python2.pth"] = None, torch.load(folder / "python2.pth", weights_only=True, map_location="cpu")
    return {name: {key: facts(tensor) for key, tensor in arrays.items()} for name, (_, arrays) in contents.items()}


def facts(tensor):
    digest = hashlib.sha256(elements(tensor)).hexdigest()
    return {"type": (TYPES | NEW_TYPES)[tensor.dtype], "shape": list(tensor.shape), "sha256": digest}


def elements(tensor):
    # A copy, so that a tensor without dimensions or elements can be seen as bytes too.
    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8).numpy().tobytes()


def check_with_torch(path, arrays):
    """torch must find the same in the file as it is now, and without running any of it but the argparse.Namespace."""
    with torch.serialization.safe_globals([argparse.Namespace]):
        content = torch.load(path, weights_only=True)
    content = content.get("model", content.get("state_dict", content))
    assert list(content) == list(arrays)
    assert all(facts(content[name]) == facts(arrays[name]) for name in arrays)


def script():
    """A TorchScript archive without the entries that hold paths of this machine, or depend on them."""
    file, out = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.script(Scale()), file)
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(out, "w") as target:
        for entry in source.infolist():
            if not entry.filename.endswith((".debug_pkl", "/serialization_id")):
                add(target, entry.filename, source.read(entry))
    torch.jit.load(io.BytesIO(out.getvalue()))
    return out.getvalue()


# ----------------------------------------------------------------------------------------------------------- by hand


def old_text(value):
    return b"U" + bytes([len(value)]) + value.encode()


def numbers_of(*values):
    return b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"


def python2():
    """Two storages of 12 and 6 elements; a tensor of the first form of all, one of the later one, and one that sees the
    last 4 elements of the first storage as a storage of its own."""
    def storage(key, count, view=b"N"):
        count = pickle.encode_long(count)
        return (b"(" + old_text("storage") + named("torch", "FloatStorage") + old_text(key) + old_text("cuda:0")
                + b"\x8a" + bytes([len(count)]) + count + view + b"tQ")

    def tensor(function, storage, offset, shape, strides, more=b""):
        return (named("torch._utils", function) + b"(" + storage + b"K" + bytes([offset]) + numbers_of(*shape)
                + numbers_of(*strides) + more + b"tR")

    def pairs(items):
        return b"](" + b"".join(b"](" + old_text(key) + value + b"e" for key, value in items.items()) + b"e"

    later = b"\x89N"  # no gradient, no hooks
    view = b"(" + old_text("19337193760") + b"K\x08K\x04t"
    arrays = {
        "lin0.weight": tensor("_rebuild_tensor", storage("1933719376", 12), 0, (3, 4), (4, 1)),
        "lin0.bias": tensor("_rebuild_tensor_v2", storage("1855068736", 6), 1, (2, 2), (1, 3), later),
        "lin1.weight": tensor("_rebuild_tensor_v2", storage("1933719376", 12, view), 1, (3,), (1,), later),
    }
    ordered = named("collections", "OrderedDict")
    metadata = ordered + b"(" + pairs({"": b"}" + old_text("version") + b"K\x01s"}) + b"tR"
    state = b"\x80\x02" + ordered + b"(" + pairs(arrays) + b"tR}" + old_text("_metadata") + metadata + b"sb."
    system = (b"\x80\x02}(" + old_text("protocol_version") + b"M\xe9\x03" + old_text("type_sizes") + b"}("
              + old_text("int") + b"K\x04" + old_text("short") + b"K\x02" + old_text("long") + b"K\x04u"
              + old_text("little_endian") + b"\x88u.")
    listed = b"\x80\x02](" + old_text("1855068736") + old_text("1933719376") + b"e."
    start = [pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001)]
    data = [len(part).to_bytes(8, "little") + part.numpy().tobytes() for part in (numbers(80, 6), numbers(81, 12))]
    return b"".join(start) + system + state + listed + b"".join(data)


COMMAND = "touch /tmp/ingot-pwned"


def text(value):
    return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()


def named(module, name):
    """A global as protocols up to 3 name it."""
    return f"c{module}\n{name}\n".encode()


def stacked(module, name):
    """A global as protocol 4 names it: by two strings on the stack."""
    return text(module) + text(name) + b"\x93"


def recalled(module, name):
    """The same with the strings taken from the memo, the wrong way round, so that no scanner sees them side by side."""
    return text(name) + b"q\x010" + text(module) + b"q\x020" + b"h\x02h\x01\x93"


def call(function, *arguments):
    return function + b"(" + b"".join(arguments) + b"tR"


def state_dict(value, protocol=2, key="weight"):
    return b"\x80" + bytes([protocol]) + b"}" + text(key) + value + b"s."


# What to call it, the pickle, and what the error must name.
HOSTILE = [
    ("system", state_dict(call(named("posix", "system"), text(COMMAND))), "posix.system"),
    ("eval", state_dict(call(stacked("builtins", "eval"), text(f"__import__('os').system('{COMMAND}')")), 4),
     "builtins.eval"),
    ("open", state_dict(call(named("__builtin__", "open"), text("/tmp/ingot-pwned"), text("w"))), "__builtin__.open"),
    ("socket", state_dict(call(stacked("socket", "socket")), 4), "socket.socket"),
    ("popen", state_dict(
        call(named("subprocess", "Popen"), b"]" + text("touch") + b"a" + text("/tmp/ingot-pwned") + b"a")),
     "subprocess.Popen"),
    ("getattr", state_dict(
        call(stacked("builtins", "getattr"), named("collections", "OrderedDict"), text("__class__")), 4),
     "builtins.getattr"),
    ("recalled", state_dict(call(recalled("posix", "system"), text(COMMAND)), 4), "posix.system"),
    # In a member that nobody needs, beside weights that are none.
    ("beside", b"\x80\x02}(" + text("state_dict") + b"}" + text("callbacks")
     + call(named("posix", "system"), text(COMMAND)) + b"u.", "posix.system"),
    # Named but not called: who loads it gets the function as an array.
    ("named", state_dict(named("posix", "system")), "posix.system"),
    # As an object that is made without a call of REDUCE.
    ("newobj", state_dict(named("subprocess", "Popen") + b"(" + text("touch") + b"t\x81"), "subprocess.Popen"),
    # Protocol 0 names, calls and makes in one opcode.
    ("inst", b"(S'" + COMMAND.encode() + b"'\niposix\nsystem\n.", "posix.system"),
]


def make_hostile_files(folder):
    expected = {}
    for name, attack, refused in HOSTILE:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for entry, data in [("data.pkl", attack), ("byteorder", b"little"), ("version", b"3\n")]:
                add(file, f"hostile-{name}/{entry}", data)
        write(folder / f"hostile-{name}.pt", archive.getvalue())
        system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
        start = [pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001, system)]
        write(folder / f"hostile-{name}.pth", b"".join(start) + attack + pickle.dumps([], protocol=2))
        for ending in ("pt", "pth"):
            expected[f"hostile-{name}.{ending}"] = {"refused": refused}
            check_refused(folder / f"hostile-{name}.{ending}")
    return expected


def check_refused(path):
    """torch's own careful reader must refuse it as well, and for what the pickle asks."""
    try:
        torch.load(path, weights_only=True)
    except pickle.UnpicklingError as error:
        assert "Weights only load failed" in str(error), error
    else:
        raise AssertionError(f"torch loads {path}")


def add(archive, name, data):
    """An entry as torch's archives have them: neither packed nor dated."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 0
    archive.writestr(entry, data)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main():
    parser = argparse.ArgumentParser(description="Makes small PyTorch files, sound and hostile, for the tests.")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder")
    folder = parser.parse_args().root / "Tests" / "CheckpointsTests" / "Fixtures" / "torch"
    warnings.simplefilter("ignore")  # TorchScript is deprecated, protocol 4 unusual
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    expected = make_torch_files(folder) | make_hostile_files(folder)
    write(folder / "expected.json", json.dumps(expected, indent=1, ensure_ascii=False).encode() + b"\n")
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size:>9,} bytes  {path}")
    print(f"{sum(path.stat().st_size for path in folder.iterdir()):>9,} bytes in all")


if __name__ == "__main__":
    main()
