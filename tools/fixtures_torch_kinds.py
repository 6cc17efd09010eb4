#!/usr/bin/env python3
"""Makes small PyTorch files of every kind that people have, for the tests, with what torch itself finds in them.

    python3 -m venv reference && reference/bin/pip install torch numpy
    reference/bin/python tools/fixtures_torch_kinds.py [--root DIR]

Below DIR, which is the repository unless given, in Tests/CheckpointsTests/Fixtures/torch-kinds/: the files, and

    expected.json   {file: {"arrays": {name: {"type", "shape", "sha256"}}, "all": {…}, "left": [texts], "calls": [names]}}

`arrays` are those that are read of a file when nothing is chosen, `all` those of --all, each by torch's own word: a state
dict of the object that torch.load gave back, or what its tensors say of themselves; `left` texts that must stand in
lines of what else is in the file, `calls` the functions and classes that loading it in Python calls.

A second run makes the same elements; with torch 2.15 also the same bytes.
"""

import argparse
import collections
import copy
import datetime
import io
import json
import pathlib
import pickle
import shutil
import warnings
import zipfile
from unittest import mock

import numpy as np
import torch
from fixtures_layouts import without_addresses
from fixtures_torch import add, call, facts, named, numbers, old_text, text, write
from torch_objects import Block, Config, Kind, Net, Point, Slots, State, filled, small, state, trained

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINEAR, NORM = "torch.nn.modules.linear.Linear", "torch.nn.modules.batchnorm.BatchNorm1d"


def under(prefix, arrays):
    return {f"{prefix}.{name}": tensor for name, tensor in arrays.items()}


def flat(value, prefix=""):
    """All tensors of dictionaries, lists and tuples, by their paths."""
    if torch.is_tensor(value):
        return {prefix: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else []
    found = {}
    for key, inner in items:
        found |= flat(inner, f"{prefix}.{key}" if prefix else f"{key}")
    return found


CASES = {}


def case(name, content, arrays, all=None, left=(), calls=(), **options):
    file = io.BytesIO()
    with mock.patch.object(torch.serialization, "get_source_lines_and_file", side_effect=OSError):
        torch.save(content, file, **options)  # the old form adds the code of modules' classes, and where it stood
    data = file.getvalue()
    if options.get("_use_new_zipfile_serialization") is False:
        data = without_addresses(data)
    given(name, data, arrays, all, left, calls)


def given(name, data, arrays, all=None, left=(), calls=()):
    CASES[name] = data, arrays, all, list(left), list(calls)


OLD = {"_use_new_zipfile_serialization": False}
ADAMW = "optimizer state: 12 arrays"


def trainings():
    net = small()
    weights, optimizer = state(net), trained(net)
    whole = {"step": 7, "model_state": weights, "optimizer_state": optimizer.state_dict(),
             "seen": {0: numbers(1, 2), 1: numbers(2, 2)}}
    left = ["step: 7", "optimizer_state: " + ADAMW, "seen: 2 arrays, 16 bytes"]
    case("train-full.pt", whole, weights, flat(whole), left)
    case("train-full.pth", whole, weights, flat(whole), left, **OLD)
    own = {"iteration": 3, "my_net": weights, "opt": optimizer.state_dict(), "history": [0.5, 0.25]}
    case("own-names.pt", own, under("my_net", weights), flat(own), ["opt: " + ADAMW, "history: a list of 2 items"])
    sgd = trained(net, kind=torch.optim.SGD, momentum=0.9).state_dict()
    case("sgd.pt", (weights, sgd, 5), under("0", weights), flat((weights, sgd)), ["1: optimizer state: 4 arrays", "2: 5"])
    lightning = {"state_dict": weights, "epoch": 3, "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [{"last": 1}],
                 "callbacks": {"Checkpoint{'monitor': None}": {"best": numbers(3, 1)}}, "loops": {}, "hyper_parameters": {"lr": 0.1}}
    case("lightning.ckpt", lightning, weights, flat(lightning),
         ["optimizer_states: " + ADAMW, "callbacks: state of callbacks: 1 array", "hyper_parameters: a dictionary of 1 member"])
    moments = {"epoch": 1, "net_d": weights, "adam": {name: {"exp_avg": tensor, "step": 1} for name, tensor in weights.items()
                                                       if tensor.is_floating_point()}}
    case("moments.pt", moments, under("net_d", weights), flat(moments), ["adam: optimizer state: 6 arrays"])
    gan = {"epoch": 2, "generator": state(small(300)), "discriminator": state(small(320)), "g_optim": optimizer.state_dict(),
           "generator_ema": state(small(340)), "fid": 12.5}
    nets = under("generator", gan["generator"]) | under("discriminator", gan["discriminator"])
    case("gan.pt", gan, nets, flat(gan), ["generator_ema: averaged copy of generator", "g_optim: " + ADAMW, "fid: 12.5"])
    ema = {"model": weights, "ema": {"decay": 0.99, "shadow": [tensor for tensor in weights.values() if tensor.dim()]},
           "optimizer": optimizer.state_dict()}
    case("ema.pt", ema, weights, flat(ema), ["ema: averaged copy of model: 6 arrays", "optimizer: " + ADAMW])
    config = {"network": weights, "config": {"shift": numbers(10, 2, 3), "cutoff": 5.0}, "epoch": 1}
    case("configured.pt", config, weights, flat(config), ["config: 1 array, 24 bytes"])
    config = {"net_x": weights, "head": {"weight": numbers(11, 2, 3)}, "config": {"shift": numbers(10, 2, 3), "cutoff": 5.0}}
    case("heads.pt", config, flat(config), flat(config), ["config.cutoff: 5.0"])
    only = {"ema": {"decay": 0.99, "module": weights}, "step": 1}
    case("ema-only.pt", only, under("ema.module", weights), flat(only), ["ema.decay: 0.99"])
    two = {"student": weights, "teacher": state(small(360)), "epoch": 1}
    case("two.pt", two, under("student", two["student"]) | under("teacher", two["teacher"]), None, ["epoch: 1"])
    scalars = {"net": {"scale": numbers(5, 3), "shift": numbers(6, 3)}, "loss": torch.tensor(0.5), "epoch": 4}
    case("no-matrix.pt", scalars, {name: scalars["net"][name] for name in ("scale", "shift")}, flat(scalars), ["loss: float32"])
    nested = {"encoder": {"weight": numbers(7, 2, 2), "inner": {"bias": numbers(8, 2)}}, "head": {"bias": numbers(9, 2)}}
    case("nested.pt", nested, flat(nested))


def modules():
    net = Net().eval()
    weights = state(net)
    attributes = {"blocks.0.cache": net.blocks[0].cache, "blocks.0.plain": net.blocks[0].plain,
                  "blocks.1.cache": net.blocks[1].cache, "blocks.1.plain": net.blocks[1].plain,
                  "again.cache": net.again.cache, "again.plain": net.again.plain, "listed.1": net.listed[1]}
    calls = ["trainer.Net", "torch.nn.modules.container.ModuleList", "trainer.Block", LINEAR, NORM,
             "torch.nn.modules.rnn.LSTM"]
    case("module.pt", net, weights, weights | attributes, ["attributes: 7 arrays"], calls)
    plain = small()
    calls = ["torch.nn.modules.container.Sequential", LINEAR, "torch.nn.modules.activation.ReLU", NORM]
    case("module.pth", plain, state(plain), state(plain), [], calls, **OLD)
    average = copy.deepcopy(plain)
    whole = {"epoch": 1, "model": plain.half(), "ema": average, "updates": 5, "optimizer": None}
    case("modules.pt", whole, state(plain), None, ["ema: averaged copy of model", "updates: 5", "optimizer: None"], calls)
    training = {"net_a": small(), "training": trained(small(220))}
    case("optimizer-object.pt", training, under("net_a", state(training["net_a"])), None, ["training: optimizer state"],
         calls + ["torch.optim.adamw.AdamW"])


def containers():
    net = small()
    weights = state(net)
    case("list.pt", list(weights.values()), {str(index): tensor for index, tensor in enumerate(weights.values())})
    case("tensor.pt", numbers(1, 3, 3), {"tensor": numbers(1, 3, 3)})
    case("tensor.pth", numbers(1, 3, 3).t(), {"tensor": numbers(1, 3, 3).t()}, **OLD)
    case("nested-list.pt", {"layers": [weights, weights]}, under("layers.0", weights) | under("layers.1", weights))
    keys = {0: numbers(1, 2), 1: numbers(2, 2), "0": numbers(3, 2), True: numbers(4, 2), None: numbers(5, 2),
            (1, "a"): numbers(6, 2), 0.5: numbers(7, 2)}
    names = ["0", "1", "0#2", "None", "(1, a)", "0.5"]
    case("keys.pt", keys, dict(zip(names, keys.values())))
    case("datetime.pt", {"model": weights, "date": datetime.datetime(2024, 1, 1)}, weights, None,
         ["date: an object of datetime.datetime"], ["datetime.datetime"])
    case("namespace.pt", {"state_dict": weights, "args": argparse.Namespace(lr=1), "best": np.float64(0.9)}, weights, None,
         ["args: an object of argparse.Namespace", "best: a NumPy number of type f8"], ["argparse.Namespace"])
    case("paths.pt", {"model": weights, "path": pathlib.PurePosixPath("x")}, weights, None, ["path: an object"],
         ["pathlib.PurePosixPath"])
    case("defaultdict.pt", collections.defaultdict(list, {"w": numbers(1, 2)}), {"w": numbers(1, 2)})
    subclass = State(weights)
    subclass.version = 3
    case("dict-subclass.pt", {"model": subclass}, weights, None, ["model.version: 3"], ["trainer.State"])
    objects = {"config": Config(numbers(1, 2, 2), 0.5), "point": Point(numbers(2, 2, 2), numbers(3, 2)),
               "queue": collections.deque([numbers(4, 2)])}
    case("objects.pt", objects, {"config.weight": numbers(1, 2, 2), "point.0": numbers(2, 2, 2), "point.1": numbers(3, 2),
                                 "queue.0": numbers(4, 2)}, None, ["config.rate: 0.5"],
         ["trainer.Config", "trainer.Point", "collections.deque"])
    slots = Slots()
    slots.one, slots.two = numbers(1, 2, 2), "text"
    case("slots.pt", {"slots": slots}, {"slots.one": numbers(1, 2, 2)}, None, [], ["trainer.Slots"])
    cycle = {"w": numbers(1, 2, 2)}
    cycle["self"] = [cycle]
    case("cycle.pt", cycle, {"w": numbers(1, 2, 2)})
    case("sets.pt", {"w": numbers(1, 2, 2), "s": {1, 2}, "f": frozenset([3]), "c": 1j, "b": b"abc"}, {"w": numbers(1, 2, 2)},
         None, ["s: ", "f: ", "c: ", "b: "])


def kinds():
    def case(name, tensors, expected, **more):
        globals()["case"](f"{name}.pt", {"w": numbers(99, 2, 2)} | tensors, {"w": numbers(99, 2, 2)} | expected, **more)

    def sparse(name, tensor, *parts):
        case(name, {"s": tensor}, {f"s.{part}": getattr(tensor, part)() for part in parts}, left=[f"s: is a tensor of 4 × 4"])

    per_tensor = torch.quantize_per_tensor(numbers(1, 3, 4), 0.1, 3, torch.quint8)
    channels = torch.quantize_per_channel(numbers(2, 4, 4), numbers(3, 4).abs() + 0.01, torch.zeros(4), 1, torch.qint8)
    wide = torch.quantize_per_tensor(numbers(4, 2, 2).t(), 0.001, 0, torch.qint32)
    case("quantized", {"t": per_tensor, "c": channels, "i": wide}, {
        "t.int_repr": per_tensor.int_repr(), "t.scale": torch.tensor(per_tensor.q_scale(), dtype=torch.float64),
        "t.zero_point": torch.tensor(per_tensor.q_zero_point()), "c.int_repr": channels.int_repr(),
        "c.scale": channels.q_per_channel_scales(), "c.zero_point": channels.q_per_channel_zero_points(),
        "i.int_repr": wide.int_repr(), "i.scale": torch.tensor(0.001, dtype=torch.float64), "i.zero_point": torch.tensor(0)},
         left=["c: is quantized by torch.per_channel_affine along axis 1"])
    dense = torch.eye(4) + torch.eye(4).roll(1, 0)
    sparse("sparse-coo", dense.to_sparse().coalesce(), "indices", "values")
    sparse("sparse-csr", dense.to_sparse_csr(), "crow_indices", "col_indices", "values")
    sparse("sparse-csc", dense.to_sparse_csc(), "ccol_indices", "row_indices", "values")
    sparse("sparse-bsr", dense.to_sparse_bsr((2, 2)), "crow_indices", "col_indices", "values")
    nested = torch.nested.nested_tensor([numbers(1, 2, 3), numbers(2, 3, 3)])
    case("nested-tensor", {"n": nested}, {
        "n.values": nested.values(), "n.sizes": nested._nested_tensor_size(), "n.strides": nested._nested_tensor_strides(),
        "n.storage_offsets": nested._nested_tensor_storage_offsets()}, left=["n: is a nested tensor"],
         calls=["torch._utils._rebuild_nested_tensor"])
    jagged = torch.nested.nested_tensor([numbers(1, 2), numbers(2, 3)], layout=torch.jagged)
    case("jagged", {"n": jagged}, {"n.values": jagged.values(), "n.offsets": jagged.offsets()},
         calls=["torch.nested._internal.nested_tensor._rebuild_njt", "torch.nested._internal.nested_tensor.NestedTensor"])
    unsigned = {name: torch.tensor([1, 2, 3, 200]).to(getattr(torch, name)) for name in ("uint16", "uint32", "uint64")}
    case("unsigned", unsigned, unsigned)
    floats = {name: numbers(5, 4).to(getattr(torch, name)) for name in ("float8_e4m3fn", "float8_e5m2")}
    case("float8", floats, floats)
    case("meta", {"m": torch.empty(2, device="meta")}, {}, left=["m: is a tensor without data"])
    complex_ = torch.complex(numbers(1, 2), numbers(2, 2))
    case("conjugated", {"c": complex_.conj().imag}, {}, left=["c: is marked as negated or conjugated"])
    parameter = torch.nn.Parameter(numbers(1, 2))
    parameter.note = 3
    marked = numbers(2, 2)
    marked.note = 4
    wrapped = {"p": parameter, "t": marked, "k": numbers(3, 3).as_subclass(Kind), "b": torch.nn.Buffer(numbers(4, 2))}
    case("wrapped", wrapped, {name: tensor.detach() for name, tensor in wrapped.items()}, calls=["trainer.Kind"])


def arrays_of_numpy():
    arrays = {"f4": numbers(1, 2, 3).numpy(), "f8": numbers(2, 2).double().numpy(), "i8": np.arange(3), "u1": np.arange(3, dtype="u1"),
              "b1": np.array([True, False]), "f2": numbers(3, 2).half().numpy(), "fortran": np.asfortranarray(numbers(4, 2, 3).numpy()),
              "big": numbers(5, 3).numpy().astype(">f4"), "bigFortran": np.asfortranarray(numbers(6, 2, 3).numpy().astype(">f8")),
              "scalar": np.array(1.5), "empty": np.zeros((0, 3), "f4"), "u2": np.array([1, 500], "u2")}
    expected = {name: torch.from_numpy(np.array(array.astype(array.dtype.newbyteorder("=")))) for name, array in arrays.items()}
    others = {"object": np.array([None, 1], dtype=object), "text": np.array(["a"]), "number": np.float32(0.5)}
    left = ["object: is a NumPy array of type O8", "text: is a NumPy array of type U1", "number: a NumPy number of type f4"]
    for protocol in (2, 3, 4, 5):
        calls = ["numpy._core.numeric._frombuffer"] if protocol == 5 else []
        case(f"numpy-{protocol}.pt", arrays | others, expected, None, left, calls, pickle_protocol=protocol)
    case("numpy.pth", arrays, expected, **OLD)
    # As Detectron2's model zoo has its weights: a pickle that torch never saw.
    for protocol in (2, 4):
        content = {"model": {name: arrays[name] for name in ("f4", "i8", "big")}, "__author__": "us"}
        given(f"numpy-{protocol}.pkl", pickle.dumps(content, protocol=protocol),
              {name: expected[name] for name in content["model"]}, None, ["__author__: "])
    given("tensor-inside.pkl", pickle.dumps({"w": numbers(1, 2), "n": arrays["f4"]}, protocol=4), {"n": expected["f4"]}, None,
          ["w: has its storage in a file of torch.save's inside"], ["torch.storage._load_from_bytes"])


def repacked(data, change=lambda name, content: content, packed=()):
    """An archive with other contents; without what holds paths of this machine, or depends on them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for entry in source.infolist():
            if entry.filename.endswith((".debug_pkl", "/serialization_id")):
                continue
            info = zipfile.ZipInfo(entry.filename)
            info.create_system = 0
            if any(word in entry.filename for word in packed):
                info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, change(entry.filename, source.read(entry)))
    return out.getvalue()


class Program(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = small()
        self.register_buffer("scale", numbers(1, 3))
        self.rate, self.name = 5, "abc"
        self.plain = numbers(2, 4)

    def forward(self, x):
        return self.inner(x + self.plain) * self.scale + torch.tensor([1.0, 2.0, 3.0])


def programs():
    net = Program().eval()

    def saved(scripted):
        file = io.BytesIO()
        torch.jit.save(scripted, file)
        return file.getvalue()

    script = saved(torch.jit.script(net))
    expected = state(net) | {"plain": net.plain}
    left = ["code: ", "rate: 5", "name: \"abc\""]
    given("script.pt", repacked(script), expected, None, left)
    given("script-packed.pt", repacked(script, packed=["/code/"]), expected, None, left)
    mobile = torch.jit.script(net)._save_to_buffer_for_lite_interpreter()
    given("mobile.ptl", repacked(mobile), expected, None, left + ["bytecode.pkl: "])
    traced = torch.jit.trace(net, numbers(3, 2, 4))
    constants = {"constants.0": net.plain, "constants.1": torch.tensor([1.0, 2.0, 3.0])}
    data = repacked(saved(traced))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if "/constants/" in name]
        found = [archive.read(name) for name in names]
    constants = {f"constants.{index}": torch.from_numpy(np.frombuffer(item, "<f4").copy()) for index, item in enumerate(found)}
    assert any(torch.equal(item, torch.tensor([1.0, 2.0, 3.0])) for item in constants.values())
    weights = state(traced)
    attributes = {name: tensor for name, tensor in expected.items() if name not in weights and hasattr(traced, name)}
    given("traced.pt", data, weights | attributes | constants, None, ["code: ", "traced_inputs.pkl: "])

    file = io.BytesIO()
    with torch.package.PackageExporter(file) as exporter:
        exporter.intern("**")
        exporter.extern("torch.**")
        exporter.save_pickle("model", "model.pkl", {"w": numbers(1, 3, 3), "n": filled(torch.nn.Linear(2, 2), 5)})
    linear = state(filled(torch.nn.Linear(2, 2), 5))
    given("package.pt", repacked(file.getvalue()), {"model.model.w": numbers(1, 3, 3)} | under("model.model.n", linear), None, [],
          [LINEAR])

    class Exported(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = filled(torch.nn.Linear(3, 2), 7)
            self.register_buffer("scale", numbers(8, 2))
            self.added = numbers(9, 2)

        def forward(self, x):
            return self.linear(x) * self.scale + self.added

    net, file = Exported(), io.BytesIO()
    program = torch.export.export(net, (numbers(3, 1, 3),))
    torch.export.save(program, file)
    stripped = repacked(file.getvalue(), lambda name, content: b"{}" if name.endswith("/models/model.json") else content)
    given("export.pt2", stripped, state(net) | {"constants.added": net.added}, None, ["models: ", "sample_inputs: "])


def other_order():
    """As a machine writes it whose numbers have their highest byte first; torch reads it back the right way."""
    content = {"f4": numbers(1, 2, 3), "f8": numbers(2, 3).double(), "i8": torch.arange(3), "u1": torch.arange(3, dtype=torch.uint8),
               "f2": numbers(3, 3).half(), "t": numbers(4, 2, 3).t()}
    file = io.BytesIO()
    torch.save(content, file)
    sizes = {str(key): tensor.element_size() for key, tensor in enumerate(content.values())}

    def change(name, data):
        if name.endswith("/byteorder"):
            return b"big"
        folder, _, key = name.rpartition("/")
        if not folder.endswith("/data") or key not in sizes:
            return data
        return np.frombuffer(data, f"V{sizes[key]}").tobytes() if sizes[key] == 1 else (
            np.frombuffer(data, f"u{sizes[key]}").byteswap().tobytes())

    data = repacked(file.getvalue(), change)
    read = torch.load(io.BytesIO(data), weights_only=True)
    assert all(torch.equal(read[name], tensor) for name, tensor in content.items())
    given("big-endian.pt", data, content)


def by_hand():
    """Weights beside what would do harm, and opcodes that torch.save doesn't write; none is ever loaded."""
    def tensor(key, count):
        storage = (b"(" + text("storage") + named("torch", "FloatStorage") + text(key) + text("cpu") + b"K" + bytes([count]) + b"tQ")
        return (named("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + b"K\0K" + bytes([count]) + b"\x85K\1\x85\x89"
                + named("collections", "OrderedDict") + b")RtR")

    def archive(body):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as target:
            add(target, "x/data.pkl", b"\x80\x04" + body + b".")
            add(target, "x/data/0", numbers(1, 4).numpy().tobytes())
            add(target, "x/version", b"3\n")
        return file.getvalue()

    command = text("touch /tmp/ingot-pwned")
    weights = {"w": numbers(1, 4)}
    harm = {
        "call": (call(named("posix", "system"), command), ["posix.system"]),
        "inst": (b"(" + command + b"iposix\nsystem\n", ["posix.system"]),
        "obj": (b"(" + named("posix", "system") + command + b"o", ["posix.system"]),
        "newobj-ex": (named("subprocess", "Popen") + b"(" + command + b"t}\x92", ["subprocess.Popen"]),
        "build": (named("builtins", "exec") + b")R}" + text("x") + command + b"sb", ["builtins.exec"]),
        "called-result": (call(call(named("builtins", "getattr"), named("os", "x"), text("system")), command),
                          ["builtins.getattr", "os.x"]),
        "extension": (b"\x82\x05)R", ["copyreg.extension_5"]),
        "persid": (b"Psomewhere else\n", []),
        "frozen": (b"(K\1K\2\x91", []),
        "buffer": (b"\x97\x98", []),
        "appended": (named("a", "B") + b")R(K\1K\2e(" + text("k") + b"K\1u", ["a.B"]),
    }
    for name, (body, calls) in harm.items():
        data = archive(b"}(" + text("w") + tensor("0", 4) + text("other") + body + b"u")
        given(f"hand-{name}.pt", data, weights, None, ["other: "], calls)
    # Items of an object whose class nobody has, as those of dictionaries' subclasses are.
    data = archive(named("a", "Dict") + b")R(" + text("w") + tensor("0", 4) + b"u")
    given("hand-items.pt", data, weights, None, [], ["a.Dict"])
    # Protocol 0: names, numbers and strings as text.
    body = (b"(dV\\u0077\np1\n" + tensor("0", 4) + b"sS'a\\x41\\n\\''\nL123456789012345678901234567890L\nsS'x'\nF1.5\nsS'y'\nI01\ns")
    given("hand-text.pt", archive(body), weights, None, ["aA\n': a number of more than 64 bits", "x: 1.5", "y: True"])


def main():
    parser = argparse.ArgumentParser(description="Makes small PyTorch files of every kind, for the tests.")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder")
    folder = parser.parse_args().root / "Tests" / "CheckpointsTests" / "Fixtures" / "torch-kinds"
    warnings.simplefilter("ignore")  # TorchScript and quantized tensors are deprecated
    torch.manual_seed(0)
    for make in (trainings, modules, containers, kinds, arrays_of_numpy, programs, other_order, by_hand):
        make()
    if folder.exists():
        shutil.rmtree(folder)
    expected = {}
    for name, (data, arrays, everything, left, calls) in CASES.items():
        write(folder / name, data)
        expected[name] = {"arrays": {key: facts(tensor) for key, tensor in arrays.items()}, "left": left, "calls": calls}
        if everything is not None:
            expected[name]["all"] = {key: facts(tensor) for key, tensor in everything.items()}
    write(folder / "expected.json", json.dumps(expected, indent=1, ensure_ascii=False).encode() + b"\n")
    sizes = [path.stat().st_size for path in folder.iterdir()]
    print(f"{len(sizes)} files of {sum(sizes):,} bytes in {folder}")


if __name__ == "__main__":
    main()
