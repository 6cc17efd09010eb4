"""Arrays of a plain net with all that int8 has to get right, for check_formats.py and fixtures_plain.py: rows of zeros, tiny
and huge ones, denormals, every float type, scales along every dimension, and arrays that stay as they are."""

import numpy as np


def numbers(key, *shape):
    """From -1 to 1, in float64, the same wherever NumPy runs."""
    count = int(np.prod(shape))
    return ((np.random.Philox(key=key).random_raw(count) >> np.uint64(11)) / 2.0**52 - 1).reshape(shape)


def arrays():
    matrix = numbers(1, 24, 33).astype("f4")
    rows = numbers(2, 9, 16).astype("f4")
    rows[0] = 0
    rows[1] *= np.float32(1e-30)
    rows[2] *= np.float32(1e-39)  # denormals
    rows[3] *= np.float32(1e17)
    rows[4] = 0
    rows[4, 5] = 3
    rows[5] = np.float32(7.5)
    rows[6] *= np.float32(3e-37)
    rows[7] = [-1, 1] * 8
    broken, large = numbers(3, 8, 8).astype("f4"), numbers(4, 8, 8).astype("f4")
    broken[3, 3] = np.nan
    large[2, 2] = 1e30
    outlier = numbers(13, 4, 1024).astype("f4") * np.float32(1e-3)
    outlier[:, 0] = 1
    return {
        "dense.weight": matrix, "rows.weight": rows, "conv.weight": numbers(5, 6, 4, 3, 3).astype("f4"),
        "wide.weight": numbers(6, 10, 12), "half.weight": numbers(7, 7, 40).astype("f2"),
        "dense/kernel": numbers(8, 20, 70).astype("f4"), "conv/kernel": numbers(9, 3, 3, 5, 18).astype("f2"),
        "conv/transpose/kernel": numbers(10, 3, 3, 7, 4), "conv/depthwise_kernel": numbers(11, 3, 3, 6, 1).astype("f4"),
        "outlier.weight": outlier, "broken.weight": broken, "large.weight": large,
        "short.weight": numbers(12, 50, 7).astype("f4"), "bias": numbers(14, 24).astype("f4"),
        "counts": np.arange(64, dtype="i8").reshape(8, 8), "empty.weight": np.zeros((0, 16), "f4"),
        "dense.weight.scales": np.arange(24, dtype="f4"), "one.weight": numbers(15, 1, 3000).astype("f4"),
    }
