"""scikit-learn's handwritten digits as pictures: for train_demo_digits.py and demo_items.py."""

import collections

import numpy as np
import sklearn.datasets
import torch
from PIL import Image

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SIDE, TRAIN = 8, 1198  # of 1,797


def load_split(split):
    """Greys in 0...255, (pictures, side, side) uint8, and the digits."""
    digits = sklearn.datasets.load_digits()
    part = slice(0, TRAIN) if split == "train" else slice(TRAIN, None)
    greys = np.round(digits.images[part] * (255 / 16)).astype(np.uint8)
    return torch.from_numpy(greys), torch.from_numpy(digits.target[part])


def write_split(split, folder, count=None, each=None):
    """Writes FOLDER/LABEL/digit-NUMBER.png of a split, its first `count` or the first `each` of each digit; returns
    how many."""
    pixels, truth = (part[:count] for part in load_split(split))
    written = collections.Counter()
    for number, (grey, digit) in enumerate(zip(pixels.numpy(), truth.tolist()), 0 if split == "train" else TRAIN):
        if each is not None and written[digit] == each:
            continue
        written[digit] += 1
        path = folder / NAMES[digit] / f"digit-{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).save(path)
    return written.total()
