"""How the trainers of the later demo nets begin: options, seeds, and lines that tell the time."""

import argparse
import pathlib
import time

import torch


def begin(description, steps):
    """The options (out, steps), a generator of all random draws, and a function that prints a line with the seconds."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("checkpoint"), help="folder for the net")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    start = time.time()

    def report(message):
        print(f"{time.time() - start:6.0f} s  {message}", flush=True)

    return options, torch.Generator().manual_seed(options.seed), report
