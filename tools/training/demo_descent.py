"""How the demo nets descend: learning rates, gradients and batches."""

import math

import torch


def rate_factor(step, rise, total, floor):
    """A linear rise of the learning rate, then a cosine's fall to the floor."""
    progress = max(0, step - rise) / max(1, total - rise)
    fall = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))
    return min((step + 1) / rise, 1.0) * fall


class Descent:
    """AdamW with a learning rate schedule and clipped gradients."""

    def __init__(self, groups, parameters, schedule, **settings):
        self.parameters = list(parameters)
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True, **settings)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, schedule)

    def step(self, loss):
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.schedule.step()


def batches(numbers, count, generator):
    """Walks through the shuffled numbers without end; a batch may span two rounds."""
    waiting = torch.empty(0, dtype=torch.long)
    while True:
        if len(waiting) < count:
            order = torch.randperm(len(numbers), generator=generator)
            waiting = torch.cat([waiting, numbers[order]])
        yield waiting[:count]
        waiting = waiting[count:]


def decaying(parameters, rate, decay):
    """Two groups for the optimizer: biases and norms do not decay."""
    parameters = list(parameters)
    matrices = [parameter for parameter in parameters if parameter.ndim >= 2]
    vectors = [parameter for parameter in parameters if parameter.ndim < 2]
    return [
        {"params": matrices, "lr": rate, "weight_decay": decay}, {"params": vectors, "lr": rate, "weight_decay": 0.0},
    ]
