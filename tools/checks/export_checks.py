"""What tools/checks/check_formats.py holds exports of plain nets against: NumPy's reader of .npz and .npy, safetensors read by its
definition, HDF5 converted back, and by h5py where that is installed."""

import pathlib

import fixtures
import fixtures_plain
import numpy as np
import read_ingot
from safetensors_reader import numpy_arrays

try:
    import h5py
except ImportError:
    h5py = None


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def npz_arrays(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def check_same(checks, what, arrays, wanted):
    checks.check(arrays.keys() == wanted.keys(), f"{what}: arrays {sorted(arrays.keys() ^ wanted.keys())}")
    for name in wanted:
        checks.check(same(arrays[name], wanted[name]), f"{what}: {name}")


def check_plain_exports(checks, export, net, folder, wanted):
    """Of a float net: every array bit for bit, and a file is the same each time.

    export runs the command with a net and options, and returns the status and what it printed as an error.
    """
    for name, read in ("x.npz", npz_arrays), ("x.safetensors", numpy_arrays):
        checks.check(export(net, folder / name)[0] == 0, f"export to {name}")
        check_same(checks, name, read(folder / name), wanted)
        first = (folder / name).read_bytes()
        checks.check(export(net, folder / name)[0] == 73, f"{name} is there already")
        checks.check(export(net, folder / name, "--force")[0] == 0, f"export to {name} again")
        checks.check((folder / name).read_bytes() == first, f"{name} is the same each time")
    status, error = export(net, folder / "x.npy")
    checks.check(status == 64 and "holds one array, and the net has" in error, f"many arrays as .npy: {error}")
    status, error = export(net, folder)
    checks.check(status == 64 and "is a folder" in error, f"a folder: {error}")


def check_dequantized(checks, export, net, folder):
    """Of an int8 net: refused, unless its numbers are asked for, which are those of schemas/FORMAT.md."""
    status, error = export(net, folder / "q.npz")
    checks.check(status == 64 and "--dequantize" in error, f"int8 without --dequantize: {error}")
    checks.check(not (folder / "q.npz").exists(), "a refused export leaves no file")
    checks.check(export(net, folder / "q.npz", "--dequantize")[0] == 0, "export of int8")
    header, arrays = read_ingot.read(net)
    scales = {entry["scales"] for entry in header["arrays"] if "scales" in entry}
    wanted = {}
    for entry in header["arrays"]:
        name = entry["name"]
        if name in scales:
            continue
        wanted[name] = read_ingot.dequantized(header, arrays, name) if "scales" in entry else arrays[name]
    check_same(checks, "int8", npz_arrays(folder / "q.npz"), wanted)


def check_unusual(checks, export, convert, folder):
    """Types and names that a container can't hold are refused by name; those that it can are kept."""
    values = np.arange(6, dtype="f4").reshape(2, 3)
    cut = (values.view("u4") >> 16).astype("u2")
    bfloat16 = fixtures.safetensors_file([fixtures.entry("half", "bfloat16", cut.shape, cut.tobytes())], {})
    odd = {"a b/é.npy": values, "scalar": np.array(3.0)}
    for name, content in (
        ("bfloat16", bfloat16), ("nested", fixtures_plain.safetensors_file({"a": values, "a/b": values})),
        ("odd", fixtures_plain.safetensors_file(odd)),
        ("alike", fixtures_plain.safetensors_file({"a.npy": values, "a": -values})),
        ("one", fixtures_plain.safetensors_file({"a": values})),
    ):
        (folder / f"{name}.safetensors").write_bytes(content)
    net = convert(folder / "bfloat16.safetensors")
    status, error = export(net, folder / "b.npz")
    checks.check(
        status == 65 and 'array "half": is bfloat16, which numpy can\'t hold' in error and "--dequantize" in error, error)
    checks.check(export(net, folder / "b.npz", "--dequantize")[0] == 0, "bfloat16 as float32")
    floats = (values.view("u4") >> 16 << 16).view("f4")
    check_same(checks, "bfloat16 as float32", npz_arrays(folder / "b.npz"), {"half": floats})
    status, error = export(convert(folder / "nested.safetensors"), folder / "n.h5")
    checks.check(status == 65 and 'array "a/b": stands below "a", which is an array' in error, error)
    pairs = {"c8": (values + 1j * values).astype("c8"), "c16": (values - 2j).astype(">c16"), "scalar": np.array(1j)}
    np.savez(folder / "pairs.npz", **pairs)
    net = convert(folder / "pairs.npz")
    checks.check(export(net, folder / "c.npz")[0] == export(net, folder / "c.h5")[0] == 0, "complex numbers")
    little = {name: value.astype(value.dtype.newbyteorder("<")) for name, value in pairs.items()}
    check_same(checks, "complex numbers", npz_arrays(folder / "c.npz"), little)
    if h5py:
        with h5py.File(folder / "c.h5") as file:
            check_same(checks, "complex numbers in HDF5", {name: file[name][()] for name in file}, little)
    checks.check(export(convert(folder / "odd.safetensors"), folder / "o.npz")[0] == 0, "odd names")
    check_same(checks, "odd names", npz_arrays(folder / "o.npz"), odd)
    status, error = export(convert(folder / "alike.safetensors"), folder / "alike.npz")
    checks.check(status == 65 and 'array "a": and an array "a.npy" would be one' in error, f"names alike: {error}")
    checks.check(export(convert(folder / "one.safetensors"), folder / "o.npy")[0] == 0, "one array")
    checks.check(same(np.load(folder / "o.npy"), values), "one array as .npy")


def check_all(checks, program, floats, int8, folder, wanted):
    """Everything above, of a float net and of the int8 net that was made of it; program.run runs the command."""
    folder.mkdir()

    def export(net, path, *options):
        done = program.run("export", net, path, *options)
        return done.returncode, done.stderr

    def convert(path):
        done = program.run("convert", path, "--shelf", folder / "shelf", "--force")
        checks.check(done.returncode == 0, f"convert {path}: {done.stderr}")
        return next(pathlib.Path(folder / "shelf").rglob(f"Name={path.stem}.ingot"))

    check_plain_exports(checks, export, floats, folder, wanted)
    check_dequantized(checks, export, int8, folder)
    check_unusual(checks, export, convert, folder)
    checks.check(export(floats, folder / "x.h5")[0] == 0, "export to x.h5")
    same_again = program.run("diff", floats, convert(folder / "x.h5"))
    checks.check(same_again.returncode == 0, f"HDF5 and back: {same_again.stdout}")
