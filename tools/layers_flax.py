"""Flax' nets for fixtures_layers.py, by the names that flax.serialization's files have."""

import flax.linen as nn
import flax.serialization
import jax
import jax.numpy as jnp

TYPES = [
    (nn.Dense, "Linear"), (nn.Embed, "Embedding"), (nn.BatchNorm, "BatchNorm"),
    ((nn.LayerNorm, nn.GroupNorm, nn.RMSNorm), "Normalization"), (nn.MultiHeadDotProductAttention, "Attention"),
    ((nn.LSTMCell, nn.OptimizedLSTMCell), "LSTM"), (nn.GRUCell, "GRU"),
]


def kind(module, parameters):
    if isinstance(module, (nn.Conv, nn.ConvTranspose)):
        places = parameters["kernel"].ndim - 2
        return f"Conv{'Transpose' if isinstance(module, nn.ConvTranspose) else ''}{places}d"
    return next((name for classes, name in TYPES if isinstance(module, classes)), None)


class Pictures(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(8, (3, 3), use_bias=False)(x)
        x = nn.BatchNorm(use_running_average=False)(x)
        x = nn.ConvTranspose(6, (2, 2))(x)
        x = nn.GroupNorm(2)(x)
        x = nn.Conv(4, (1, 1), name="head_conv")(x)
        return nn.Dense(3)(x.mean((1, 2)))


class Texts(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Embed(30, 8)(x)
        x = x + self.param("position", nn.initializers.zeros, (12, 8))
        x = nn.MultiHeadDotProductAttention(2)(x)
        x = nn.LayerNorm()(x)
        x = nn.RMSNorm()(x)
        x = nn.Conv(6, (3,))(x)
        x = nn.RNN(nn.OptimizedLSTMCell(5))(x)
        x = nn.RNN(nn.GRUCell(4))(x)
        return nn.Dense(2, use_bias=False)(x[:, -1])


def flat(tree, prefix=""):
    if not isinstance(tree, dict):
        return [[prefix, list(tree.shape)]]
    return [entry for name, inner in tree.items() for entry in flat(inner, f"{prefix}.{name}" if prefix else name)]


def facts(net, given):
    layers, types = {}, {}

    def note(call, arguments, named, context):
        result = call(*arguments, **named)
        module = context.module
        if context.method_name == "__call__" and "params" in module.variables:
            own = module.variables["params"]
            name = kind(module, own)
            if name:
                layers[module.path] = name, sum(leaf.size for leaf in jax.tree_util.tree_leaves(own))
        return result

    with nn.intercept_methods(note):
        variables = net.init(jax.random.key(0), given)
    for path, (name, parameters) in layers.items():
        if not any(path[:end] in layers for end in range(len(path))):  # A cell's dense layers are parts of it.
            entry = types.setdefault(name, {"layers": 0, "parameters": 0})
            entry["layers"] += 1
            entry["parameters"] += parameters
    state = flax.serialization.msgpack_restore(flax.serialization.to_bytes(variables))
    return {"arrays": flat(state), "types": types}


def nets():
    return {"pictures": facts(Pictures(), jnp.zeros((1, 8, 8, 3))), "texts": facts(Texts(), jnp.zeros((1, 12), jnp.int32))}
