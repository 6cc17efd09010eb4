"""Keras' nets for fixtures_layers.py, by the names that its files have: of version 3, and the HDF5 files before it."""

import math
import os
import pathlib
import tempfile
import zipfile

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
from keras import layers

TYPES = [
    (layers.Dense, "Linear"), (layers.Embedding, "Embedding"), (layers.BatchNormalization, "BatchNorm"),
    ((layers.LayerNormalization, layers.GroupNormalization, layers.RMSNormalization), "Normalization"),
    ((layers.Conv1D, layers.DepthwiseConv1D, layers.SeparableConv1D), "Conv1d"),
    ((layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D), "Conv2d"), (layers.Conv3D, "Conv3d"),
    (layers.Conv1DTranspose, "ConvTranspose1d"), (layers.Conv2DTranspose, "ConvTranspose2d"),
    (layers.Conv3DTranspose, "ConvTranspose3d"), (layers.MultiHeadAttention, "Attention"), (layers.LSTM, "LSTM"),
    (layers.GRU, "GRU"), (layers.SimpleRNN, "RNN"), (layers.ConvLSTM2D, "ConvLSTM"),
]


def kind(layer):
    return next((name for classes, name in TYPES if isinstance(layer, classes)), None)


def facts(model, read):
    types = {}

    def visit(layer):
        name = kind(layer)
        if name and layer.weights:
            entry = types.setdefault(name, {"layers": 0, "parameters": 0})
            entry["layers"] += 1
            # Running statistics are variables that aren't trained.
            entry["parameters"] += sum(math.prod(weight.shape) for weight in layer.trainable_weights)
            return
        for inner in layer._layers:
            visit(inner)

    visit(model)
    return {"arrays": read(model), "types": types}


def datasets(file):
    found = []
    file.visititems(lambda name, node: found.append([name, list(node.shape)])
                    if isinstance(node, h5py.Dataset) and node.dtype.kind in "fiu" else None)
    return found


def by_keras3(model):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "net.keras"
        model.save(path)
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as weights, h5py.File(weights) as file:
            return datasets(file)


def by_hdf5(model):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "net.h5"
        model.save(path)
        with h5py.File(path) as file:
            return datasets(file)


def pictures():
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(given)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.SeparableConv2D(12, 3)(x)
    x = layers.GroupNormalization(4)(x)
    x = layers.Conv2DTranspose(6, 3)(x)
    x = layers.Conv2D(4, 1, name="head_conv")(x)
    x = layers.LayerNormalization()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(5)(x)
    return keras.Model(given, layers.Dense(3, use_bias=False)(x))


def texts():
    given = keras.Input((12,), dtype="int32")
    x = layers.Embedding(30, 8)(given)
    x = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LayerNormalization()(x)
    x = layers.Conv1D(6, 3)(x)
    x = layers.Conv1DTranspose(4, 3)(x)
    x = layers.LSTM(5, return_sequences=True)(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.GRU(6, return_sequences=True)(x)
    x = layers.SimpleRNN(3)(x)
    return keras.Model(given, layers.Dense(2)(x))


def videos():
    given = keras.Input((4, 8, 8, 2))
    x = layers.Conv3D(3, 2)(given)
    x = layers.Conv3DTranspose(2, 2)(x)
    return keras.Model(given, layers.ConvLSTM2D(5, 3)(x))


def net_in_a_net():
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(6), layers.BatchNormalization()], name="block")
    return keras.Sequential([keras.Input((8,)), inner, layers.Dense(4), layers.PReLU()])


class Named(keras.Model):
    """Layers that are attributes: their files have these names instead of classes'."""

    def __init__(self):
        super().__init__()
        self.first = layers.Conv2D(4, 3)
        self.steady = layers.BatchNormalization()
        self.last = layers.Dense(3)

    def call(self, given):
        return self.last(keras.ops.mean(self.steady(self.first(given)), axis=(1, 2)))


def nets():
    found = {}
    for name, make in [("pictures", pictures), ("texts", texts), ("videos", videos), ("net in a net", net_in_a_net)]:
        found[f"{name}, .keras"] = facts(make(), by_keras3)
        found[f"{name}, .h5"] = facts(make(), by_hdf5)
    named = Named()
    named(keras.ops.zeros((1, 8, 8, 3)))
    found["attributes, .keras"] = facts(named, by_keras3)
    found["mobilenet, .h5"] = facts(keras.applications.MobileNet(weights=None, alpha=0.25), by_hdf5)
    return found
