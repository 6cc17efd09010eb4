#!/usr/bin/env python3
"""Trains the demo net in weights/demo: a small BLIP net that answers questions about coloured shapes.

The net is a plain transformers `BlipForQuestionAnswering` (image encoder, question encoder, answer decoder with a
tied head), only small: 1.9 million parameters and 64 x 64 images. Training takes 12 to 35 minutes on 2 CPU cores;
no GPU is used.

    python3 -m venv .venv
    .venv/bin/pip install torch 'transformers>=5' safetensors pillow numpy easy-vqa==1.0
    nice -n 19 .venv/bin/python tools/training/train_demo.py --out checkpoint

Training has two phases. First the image encoder alone learns to tell shapes and colours (`Trainer.warm_up`), then
the whole net learns to answer (`Trainer.train`). Progress is measured on train images set aside beforehand; the test
split is touched once, at the very end. A seed and a thread count fix the result on one machine; other machines and
library versions round differently and give a net that is equivalent rather than equal.

Token conventions, as in the published BLIP files:
  question  [CLS] words [SEP]  as transformers' processor writes it; the original BLIP code starts with [ENC], so a
                               quarter of the training questions do too
  answer    [DEC] words [SEP]  generation starts from [DEC] (bos_token_id) and stops at [SEP] (sep_token_id)

Data: easy-VQA 1.0, MIT licence, Copyright (c) 2019 Victor Zhou, from the Python package `easy-vqa`: 4,000 train and
1,000 test images of one coloured shape each, with 38,575 and 9,673 questions and 13 different answers. Whoever passes
on its images or questions passes on its licence text too.
"""

import argparse
import pathlib
import time

import easy_vqa
import numpy as np
import torch
import torch.nn.functional as F
from demo_data import (
    QuestionBank, ShapeMixer, affirms, build_tokenizer, build_vocabulary, load_split, mentions, normalise,
)
from demo_descent import Descent, batches, decaying, rate_factor
from demo_net import accuracy, answer_loss, build_config, prepare_image_encoder, save
from transformers import BlipForQuestionAnswering

SHAPES = {"circle", "rectangle", "triangle"}
COLOURS = {"black", "blue", "brown", "gray", "green", "red", "teal", "yellow"}

INTEGER_OPTIONS = {
    "hidden": (128, "width of all three transformers"),
    "heads": (4, "attention heads per layer"),
    "mlp": (4, "feed-forward width as a multiple of the hidden width"),
    "vision-layers": (4, "layers of the image encoder"),
    "text-layers": (2, "layers of the question encoder and of the answer decoder"),
    "image-size": (64, "side of the input image in pixels"),
    "patch": (8, "side of an image patch in pixels"),
    "images": (24, "images per training step"),
    "per-image": (6, "questions drawn for each image of a step"),
    "warm-steps": (2500, "steps of the image encoder's warm-up"),
    "steps": (2500, "steps of the question answering phase"),
    "warmup": (200, "steps over which the second phase's learning rate rises"),
    "dev": (200, "train images held out to watch progress"),
    "seed": (7, "seed of every random draw"),
    "threads": (2, "CPU threads"),
    "log": (50, "steps between progress lines"),
    "eval-every": (500, "steps between checks on the held-out images"),
}


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, (default, meaning) in INTEGER_OPTIONS.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{meaning} (default: {default})")
    parser.add_argument("--lr", type=float, default=1e-3, help="peak learning rate (default: 0.001)")
    parser.add_argument("--decay", type=float, default=0.05, help="weight decay (default: 0.05)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("checkpoint"), help="folder for the net")
    return parser.parse_args()


def known_facts(questions, image_count, words):
    """For each image, the number of the word that its questions and answers show to be true of it, or -1."""
    facts = torch.full((image_count,), -1)
    for question in questions:
        for number, word in enumerate(words):
            if question.answer == word or (affirms(question) and mentions(question.text, word)):
                facts[question.image] = number
    return facts


def edge_tokens(cover, patch, generator, count=20):
    """Finds the patches at the shape's edge: their numbers, and a weight that is 0 for those off the shape."""
    cover = F.avg_pool2d(cover, patch).flatten(1)
    tie_break = 1e-4 * torch.rand(cover.shape, generator=generator)
    nearness = cover * (1 - cover) + 1e-3 * (cover > 0) + tie_break
    chosen = nearness.topk(count, 1).indices
    return chosen, (cover.gather(1, chosen) > 0.02).float()


def pooled_features(vision, pixels, chosen, weight):
    """Runs the image encoder on the class token and the chosen patches only, and averages the patches' outputs."""
    tokens = vision.embeddings(pixels)
    patches = tokens[:, 1:].gather(1, chosen[:, :, None].expand(-1, -1, tokens.shape[2]))
    hidden = vision.encoder(inputs_embeds=torch.cat([tokens[:, :1], patches], 1)).last_hidden_state
    outputs = vision.post_layernorm(hidden)[:, 1:] * weight[:, :, None]
    return outputs.sum(1) / weight.sum(1, keepdim=True).clamp(min=1)


class Trainer:
    """The net, its data and its single source of random numbers."""

    def __init__(self, options):
        self.options, self.start = options, time.time()
        self.generator = torch.Generator().manual_seed(options.seed)
        self.pixels, self.questions = load_split("train", options.image_size)
        self.vocabulary = build_vocabulary(self.questions)
        self.tokenizer = build_tokenizer(self.vocabulary)
        self.hold_out_images()
        self.bank = QuestionBank(self.questions, len(self.pixels), self.tokenizer)
        self.model = BlipForQuestionAnswering(build_config(self.vocabulary, options))
        self.mixer = ShapeMixer(self.pixels, self.generator)
        prepare_image_encoder(self.model.vision_model, normalise(self.mixer(self.train_images[:1000])[0]))
        size = sum(parameter.numel() for parameter in self.model.parameters())
        self.report(f"{size:,} parameters, {len(self.vocabulary)} tokens, {len(self.train_images)} train images")

    def hold_out_images(self):
        shuffled = torch.randperm(len(self.pixels), generator=self.generator)
        held_out = set(shuffled[:self.options.dev].tolist())
        self.dev_questions = [question for question in self.questions if question.image in held_out]
        self.train_images = torch.tensor([image for image in range(len(self.pixels)) if image not in held_out])

    def report(self, message):
        print(f"{time.time() - self.start:6.0f} s  {message}", flush=True)

    def warm_up(self):
        """Teaches the image encoder shapes and colours through linear heads that are thrown away afterwards. It looks
        at the tokens at the shape's edge only: three times cheaper than all of them, and far easier to learn from."""
        options, vision = self.options, self.model.vision_model
        words = [[word for word in easy_vqa.get_answers() if word in kind] for kind in (SHAPES, COLOURS)]
        facts = torch.stack([known_facts(self.questions, len(self.pixels), kind) for kind in words], 1)
        heads = torch.nn.Linear(options.hidden, sum(len(kind) for kind in words))
        parameters = [*vision.parameters(), *heads.parameters()]
        descent = Descent(parameters, parameters, lambda step: rate_factor(step, 100, options.warm_steps, 0.1),
                          lr=2 * options.lr, weight_decay=options.decay)
        losses = []
        for step in range(1, options.warm_steps + 1):
            drawn = torch.randint(len(self.train_images), (32,), generator=self.generator)
            images = self.train_images[drawn]
            pixels, cover = self.mixer(images)
            chosen, weight = edge_tokens(cover, options.patch, self.generator)
            scores = heads(pooled_features(vision, normalise(pixels), chosen, weight))
            shape_scores, colour_scores = scores.split([len(kind) for kind in words], 1)
            shape_loss = F.cross_entropy(shape_scores, facts[images, 0], ignore_index=-1)
            colour_loss = F.cross_entropy(colour_scores, facts[images, 1], ignore_index=-1)
            descent.step(shape_loss + 0.1 * colour_loss)
            losses.append([shape_loss.item(), colour_loss.item()])
            if step % options.log == 0:
                shape_mean, colour_mean = np.mean(losses[-options.log:], 0)
                self.report(f"warm-up {step:5d}  shape loss {shape_mean:.4f}  colour loss {colour_mean:.4f}")

    def train(self):
        """Teaches the whole net to answer, and saves it at every check."""
        options, losses = self.options, []
        descent = Descent(self.parameter_groups(), self.model.parameters(),
                          lambda step: rate_factor(step, options.warmup, options.steps, 0.01))
        drawn = batches(self.train_images, options.images, self.generator)
        for step, images in zip(range(1, options.steps + 1), drawn):
            ids, mask, answers = self.bank.draw(images, options.per_image, self.generator)
            loss = answer_loss(self.model, normalise(self.mixer(images)[0]), ids, mask, answers)
            descent.step(loss)
            losses.append(loss.item())
            if step % options.log == 0:
                self.report(f"step {step:5d}  loss {np.mean(losses[-options.log:]):.4f}")
            if step % options.eval_every == 0 or step == options.steps:
                share = accuracy(self.model, self.tokenizer, self.pixels, self.dev_questions)
                self.report(f"step {step:5d}  accuracy on held-out images {share:.4f}")
                save(self.model, self.tokenizer, self.vocabulary, options.out)

    def parameter_groups(self):
        """The image encoder, already warm, learns at half the rate."""
        model, groups = self.model, []
        for part, factor in ((model.vision_model, 0.5), (model.text_encoder, 1.0), (model.text_decoder, 1.0)):
            groups += decaying(part.parameters(), self.options.lr * factor, self.options.decay)
        return groups

    def test(self):
        pixels, questions = load_split("test", self.options.image_size)
        share = accuracy(self.model, self.tokenizer, pixels, questions)
        self.report(f"accuracy on the test split {share:.4f} ({len(questions)} questions)")


def main():
    options = parse_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    trainer = Trainer(options)
    trainer.warm_up()
    trainer.train()
    trainer.test()


if __name__ == "__main__":
    main()
