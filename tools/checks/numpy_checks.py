"""What tools/checks/check_formats.py derives again in NumPy: int8 weights, corrected biases, and statistics of arrays."""

import numpy as np
import read_ingot

KINDS = ("scales", "inputMeans", "inputDirections")  # arrays that belong to an int8 one


def check_quantized(checks, path, float_path):
    """Holds an int8 net against the float net, quantized again here: see schemas/FORMAT.md, Scales of int8 arrays."""
    header, arrays = read_ingot.read(path)
    source = read_ingot.read(float_path)[1]
    ties = {tie["same"]: tie["name"] for tie in header["ties"]}
    corrected = {}  # by bias: the matrix that was rounded
    for entry in header["arrays"]:
        if "inputMeans" in entry:
            biases = [name.removesuffix("weight") + "bias" for name in (entry["name"], ties.get(entry["name"])) if name]
            corrected[next(name for name in biases if name in arrays)] = entry
    others = {entry[kind] for entry in header["arrays"] for kind in KINDS if kind in entry}
    checks.check(header["parameters"]["Precision"] == "int8", f"{path.name}: is of precision int8")
    for entry in header["arrays"]:
        name = entry["name"]
        if entry["elementType"] != "int8":
            if name in corrected:
                bias = corrected_bias(source, arrays, corrected[name], name)
                checks.check(np.array_equal(arrays[name], bias), f"{path.name}: {name} is corrected")
            elif name not in others:
                checks.check(
                    np.array_equal(arrays[name], source[name], equal_nan=source[name].dtype.kind == "f"),
                    f"{path.name}: {name} stays")
            continue
        if "scales" not in entry:
            checks.check(np.array_equal(arrays[name], source[name]), f"{path.name}: {name} stays")
            continue
        rows = np.moveaxis(source[name], entry.get("scaleAxis", 0), 0)
        elements, scales = requantized(
            rows.reshape(len(rows), -1).astype(np.float32), arrays.get(entry.get("inputDirections")))
        elements = np.moveaxis(elements.reshape(rows.shape), 0, entry.get("scaleAxis", 0))
        checks.check(np.array_equal(arrays[name], elements), f"{path.name}: elements of {name}")
        checks.check(np.array_equal(arrays[entry["scales"]], scales), f"{path.name}: scales of {name}")


def check_errors(checks, path, float_path, report):
    """Holds what `quantize` told of an int8 net's errors against the nets, in float64."""
    header, arrays = read_ingot.read(path)
    source = read_ingot.read(float_path)[1]
    told = {error["array"]: error for error in report["errors"]}
    quantized = {entry["name"]: entry for entry in header["arrays"] if "scales" in entry}
    checks.check(told.keys() == quantized.keys() == set(report["arrays"]), f"{path.name}: errors of {set(told)}")
    for name, entry in quantized.items():
        axis = entry.get("scaleAxis", 0)
        rows = np.moveaxis(source[name], axis, 0)
        rows = rows.reshape(len(rows), -1).astype("f4").astype("f8")
        elements = np.moveaxis(arrays[name], axis, 0).reshape(rows.shape).astype("f8")
        scales = arrays[entry["scales"]].astype("f8")
        signal, noise = (rows**2).sum(axis=1), ((rows - elements * scales[:, None])**2).sum(axis=1)
        error = told[name]
        checks.check(np.isclose(error["signal"], signal.sum(), rtol=1e-12, atol=0), f"{path.name}: signal of {name}")
        checks.check(np.isclose(error["noise"], noise.sum(), rtol=1e-12, atol=0), f"{path.name}: noise of {name}")
        checks.check(error["lostRows"] == np.count_nonzero((scales == 0) & (noise + signal > 0)), f"{name}: lost rows")
        known = (noise > 0) & (scales > 0)
        if known.any():
            ratios = 10 * np.log10(signal[known] / noise[known])
            worst = error["worstRow"]
            checks.check(np.isclose(worst["sqnr"], ratios.min(), rtol=1e-12), f"{path.name}: worst row of {name}")
            checks.check(worst["row"] == np.flatnonzero(known)[ratios.argmin()], f"{path.name}: worst row of {name}")
        if noise.sum() > 0:
            wanted = 10 * np.log10(signal.sum() / noise.sum())
            checks.check(np.isclose(error["sqnr"], wanted, rtol=1e-12), f"{path.name}: SQNR of {name}")
        else:
            checks.check(error["sqnr"] is None, f"{path.name}: {name} is exact")


def corrected_bias(source, arrays, entry, name):
    """See schemas/FORMAT.md, Scales of int8 arrays: in float64, column by column."""
    rounded = arrays[entry["name"]].astype("f8") * arrays[entry["scales"]].astype("f8")[:, None]
    change = rounded - source[entry["name"]].astype("f8")
    total = np.zeros(len(change))
    for column, mean in zip(change.T, arrays[entry["inputMeans"]].astype("f8")):
        total += column * mean
    return (source[name].astype("f8") - total).astype("f4")


def requantized(rows, directions=None):
    """Elements and scales of float32 rows, every operation in float32 and in the order that the program documents."""
    one = np.float32
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a row of zeros has no scale
        largest = np.abs(rows).max(axis=1)
        best, least = np.zeros_like(largest), np.full_like(largest, np.inf)
        for candidate in range(6):
            scale = largest * (one(1) - one(0.04) * one(candidate)) / one(127)
            inverse = one(1) / scale
            usable = inverse <= one(3e38)  # a row too small for that becomes zeros
            errors = rows - np.clip(np.rint(rows * inverse[:, None]), -127, 127) * scale[:, None]
            squares = errors * errors
            lanes = np.zeros((len(rows), 16), np.float32)
            whole = rows.shape[1] // 16 * 16
            for start in range(0, whole, 16):
                lanes += squares[:, start:start + 16]
            total = np.zeros(len(rows), np.float32)
            for column in [*lanes.T, *squares[:, whole:].T]:
                total += column
            better = usable & (total < least)
            best, least = np.where(better, scale, best), np.where(better, total, least)
        inverse = np.where(best > 0, one(1) / best, one(0))
        if directions is None:
            elements = np.clip(np.rint(rows * inverse[:, None]), -127, 127)
        else:
            elements = rounded_along(rows, best, inverse, directions.astype(one))
    return elements.astype(np.int8), best


def rounded_along(rows, scales, inverse, directions):
    """See schemas/FORMAT.md, Scales of int8 arrays: column by column, all rows at once."""
    columns, count = directions.shape
    gains, matrix = np.empty_like(directions), np.eye(count)
    for column in reversed(range(columns)):
        direction, moved, whole = directions[column].astype("f8"), np.zeros(count), 1.0
        for index in range(count):
            moved += matrix[:, index] * direction[index]
        for index in range(count):
            whole += moved[index] * direction[index]
        gains[column] = moved / whole
        matrix -= np.outer(moved, moved) / whole
    elements, errors = np.empty_like(rows), np.zeros((count, len(rows)), np.float32)
    for column in range(columns):
        moved = np.zeros(len(rows), np.float32)
        for index in range(count):
            moved += gains[column, index] * errors[index]
        elements[:, column] = np.clip(np.rint((rows[:, column] - moved) * inverse), -127, 127)
        errors += directions[column][:, None] * (elements[:, column] * scales - rows[:, column])
    return elements


def check_measured(checks, what, found, values):
    values = values.astype("f8")
    finite = values[np.isfinite(values)]
    wanted = {
        "zeros": np.count_nonzero(values == 0), "nan": np.count_nonzero(np.isnan(values)),
        "inf": np.count_nonzero(np.isinf(values)), "rows": len(values) if values.ndim > 1 else 0,
        "zeroRows": np.count_nonzero(~values.reshape(len(values), -1).any(axis=1)) if values.ndim > 1 and values.size else 0,
    }
    checks.check(wanted.items() <= found.items(), f"{what}: {found} where NumPy has {wanted}")
    if not finite.size:
        checks.check(found["min"] is None and found["histogram"] == [], f"{what}: nothing is finite, but {found}")
        return
    checks.check(found["min"] == finite.min() and found["max"] == finite.max(), f"{what}: range of {found}")
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = finite.mean(), finite.std()
        reach = np.abs(finite).max()
    if np.isfinite(deviation):
        checks.check(abs(found["mean"] - mean) <= 1e-12 * reach, f"{what}: mean {found['mean']}, not {mean}")
        checks.check(abs(found["std"] - deviation) <= 1e-9 * reach, f"{what}: std {found['std']}, not {deviation}")
    counts = found["histogram"]
    checks.check(len(counts) == 41 and sum(counts) == finite.size, f"{what}: histogram {counts}")
    if np.isfinite(finite.max() - finite.min()) and finite.max() > finite.min():
        # A value on the edge of two ranges may be rounded into either.
        edges = np.linspace(finite.min(), finite.max(), 42)
        width = edges[1] - edges[0]
        on_edge = (np.abs(finite[:, None] - edges[None, 1:-1]).min(axis=1) < 1e-9 * width).sum()
        difference = np.abs(np.histogram(finite, 41)[0] - counts).sum()
        checks.check(difference <= 2 * on_edge, f"{what}: histogram differs by {difference}")
