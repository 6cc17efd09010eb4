"""What tools/fixtures_torch_kinds.py saves: modules, optimizers and objects, of classes that no other program has."""

import collections
import dataclasses
import sys
import types

import torch
from fixtures_torch import numbers

# Classes that no other program has, as those of real files are; a module of that name is made up for them.
module = types.ModuleType("trainer")
sys.modules["trainer"] = module


def ours(kind):
    kind.__module__ = "trainer"
    kind.__qualname__ = kind.__name__
    setattr(module, kind.__name__, kind)
    return kind


@ours
class Block(torch.nn.Module):
    """With what a state dict has, and what it hasn't."""

    def __init__(self, key):
        super().__init__()
        self.linear = torch.nn.Linear(3, 3)
        self.register_buffer("mask", numbers(key + 9, 3))
        self.register_buffer("cache", numbers(key + 8, 3), persistent=False)
        self.register_parameter("nothing", None)
        self.plain = numbers(key + 7, 2)
        filled(self, key)

    def forward(self, x):
        return self.linear(x) * self.mask


@ours
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.ModuleList([Block(100), Block(120)])
        self.again = self.blocks[0]
        self.norm = torch.nn.BatchNorm1d(3)
        self.rnn = torch.nn.LSTM(3, 2)
        self.tied = self.blocks[0].linear.weight
        self.listed = [self.blocks[1], numbers(147, 2)]
        filled(self.norm, 140)
        filled(self.rnn, 150)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


def filled(net, key):
    with torch.no_grad():
        for number, tensor in enumerate(net.state_dict().values()):
            if tensor.is_floating_point():
                tensor.copy_(numbers(key + number, *tensor.shape))
    return net


@ours
class State(dict):
    pass


@ours
class Point(collections.namedtuple("Point", "x y")):
    pass


@ours
@dataclasses.dataclass
class Config:
    weight: torch.Tensor
    rate: float


@ours
class Slots:
    __slots__ = ("one", "two")


@ours
class Kind(torch.Tensor):
    pass


def small(key=200):
    return filled(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.BatchNorm1d(3)), key)


def trained(net, key=240, kind=torch.optim.AdamW, **options):
    """The optimizer after a step that leaves the net as it was."""
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    optimizer = kind(net.parameters(), lr=0.1, **options)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    net.load_state_dict(before)
    for parameter in net.parameters():
        parameter.grad = None
    for moments in optimizer.state.values():
        for tensor in moments.values():
            if torch.is_tensor(tensor) and tensor.dim():
                tensor.copy_(numbers(key, *tensor.shape))
                key += 1
    return optimizer


def state(net):
    return {name: tensor.detach() for name, tensor in net.state_dict().items()}
