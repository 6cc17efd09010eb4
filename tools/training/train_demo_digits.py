#!/usr/bin/env python3
"""Trains the classifying demo net in weights/demo-digits: a small Vision Transformer that reads handwritten digits.

The net is a plain transformers `ViTForImageClassification`, only small. No GPU is used.

    python3 -m venv .venv
    .venv/bin/pip install torch 'transformers>=5' safetensors pillow numpy scikit-learn
    nice -n 19 .venv/bin/python tools/training/train_demo_digits.py --out checkpoint

Pictures are the 1,797 digits that scikit-learn comes with, 8 x 8 pixels of 17 greys: the test set of "Optical
Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998; CC BY 4.0). The
first two thirds train, the rest (599) test. Progress is measured on 100 train pictures set aside beforehand, the test
split once, at the end. Weights are saved as float16. A seed and a thread count fix the result on one machine.
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from demo_descent import Descent, batches, decaying, rate_factor
from demo_digits import NAMES, SIDE, load_split
from demo_run import begin
from transformers import ViTConfig, ViTForImageClassification

IMAGES, HELD_OUT, WARM_UP, RATE, DECAY = 64, 100, 200, 1e-3, 0.05


def normalise(pixels):
    """Turns greys (pictures, side, side) in 0...255 into what ViT's image processor hands to the net."""
    return ((pixels.float() / 255 - 0.5) / 0.5)[:, None].expand(-1, 3, -1, -1)


def moved(pixels, generator):
    """New pictures: turned, sheared, scaled and moved a little, and with noise."""
    count = len(pixels)

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=generator)

    angle, shear = uniform(-0.2, 0.2, count), uniform(-0.2, 0.2, count)
    scale = uniform(0.9, 1.15, count, 2)
    rows = torch.stack([
        torch.stack([angle.cos() / scale[:, 0], shear - angle.sin()], 1),
        torch.stack([angle.sin(), angle.cos() / scale[:, 1]], 1),
    ], 1)
    shift = uniform(-0.2, 0.2, count, 2, 1)
    grid = F.affine_grid(torch.cat([rows, shift], 2), (count, 1, SIDE, SIDE), align_corners=False)
    out = F.grid_sample(pixels[:, None].float(), grid, align_corners=False)[:, 0]
    return (out * uniform(0.85, 1.1, count, 1, 1) + 10 * torch.randn(out.shape, generator=generator)).clamp(0, 255)


@torch.no_grad()
def accuracy(model, pixels, truth):
    model.eval()
    return (model(normalise(pixels)).logits.argmax(1) == truth).float().mean().item()


def save(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    processor = {
        "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        "image_processor_type": "ViTImageProcessor", "resample": 2, "rescale_factor": 1 / 255,
        "size": {"height": SIDE, "width": SIDE},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n", encoding="utf-8")


def main():
    options, generator, report = begin(__doc__, steps=3000)
    model = ViTForImageClassification(ViTConfig(
        image_size=SIDE, patch_size=2, num_channels=3, hidden_size=64, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=256, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(NAMES)), label2id={name: number for number, name in enumerate(NAMES)}))
    pixels, truth = load_split("train")
    order = torch.randperm(len(pixels), generator=generator)
    held_out, train = order[:HELD_OUT], order[HELD_OUT:]
    report(f"{sum(one.numel() for one in model.parameters()):,} parameters, {len(train)} train pictures")

    descent = Descent(decaying(model.parameters(), RATE, DECAY), model.parameters(),
                      lambda step: rate_factor(step, WARM_UP, options.steps, 0.01))
    losses = []
    for step, images in zip(range(1, options.steps + 1), batches(train, IMAGES, generator)):
        model.train()
        logits = model(normalise(moved(pixels[images], generator))).logits
        loss = F.cross_entropy(logits, truth[images], label_smoothing=0.05)
        descent.step(loss)
        losses.append(loss.item())
        if step % 500 == 0:
            share = accuracy(model, pixels[held_out], truth[held_out])
            report(f"step {step:5d}  loss {np.mean(losses[-500:]):.4f}  accuracy on held-out pictures {share:.4f}")

    model.half().float()
    test, right = load_split("test")
    report(f"accuracy on the test split {accuracy(model, test, right):.4f} ({len(test)} pictures)")
    save(model.half(), options.out)


if __name__ == "__main__":
    main()
