#!/usr/bin/env python3
"""How far int8 engines are from PyTorch's float32, on the same pictures and questions.

    .venv-bench/bin/python tools/bench/drift.py --checkpoint HF_FOLDER --binary .build/release/ingot \\
        [--engines torch-int8,onnxruntime-int8,openvino-int8,openvino-w8,ingot,ingot-int8] [--json OUT]

12 pictures of 6 styles, drawn here, and 20 questions of 2 to 38 words about each: 240 pairs. Compared are the image's
features and the logits of the first token, before anything that one engine answers can lead it elsewhere than another.
Prints a Markdown table. HF_FOLDER and --work are those of bench.py.
"""

import argparse
import json
import math
import pathlib
import random
import subprocess
import sys

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter

import bench
import peer

ENGINES = ["torch-int8", "onnxruntime-int8", "openvino-int8", "openvino-w8", "ingot", "ingot-int8"]
CLASSES = {"torch": "torch-sdpa", "torch-int8": "torch-sdpa-int8"}  # of torch's two, the one that is cut as the rest
PICTURES = 12
QUESTIONS = """what color?
what is it?
is it day?
how many are there?
what shape is this?
what color is the house?
how many trees are there?
who is wearing a hat?
is there a person in the picture?
what is next to the tree?
what is written on the sign above the door?
is this photo black and white or does it have colors?
what kind of animal is standing behind the fence?
what is the man with the blue shirt holding in his left hand?
are there more circles than there are squares in this picture?
which of the two buildings is taller, the one on the left or the one on the right?
what is the weather like, and what time of the year do you think it was when this was taken?
if you look at the lower left corner of the picture, what is the color of the thing that lies there?
how many of the people who are standing near the water are wearing something red on their heads or their feet?
there is a line of text near the upper edge of the picture, and under that a shape with many corners: what color does \
the shape have, and is it the same color as the text above it?""".splitlines()


# ------------------------------------------------------------------------------------------------------------ pictures


def picture(number):
    """Always the same for a number, the styles in turn."""
    chance = random.Random(number)
    size = chance.choice([(640, 480), (480, 640), (400, 400), (800, 450), (300, 200)])
    return STYLES[number % len(STYLES)](chance, size)


def color(chance):
    return tuple(chance.randrange(256) for _ in range(3))


def place(chance, size):
    """A box of 1/12 to 1/2 of the picture's sides."""
    width, height = (max(8, int(side * chance.uniform(1 / 12, 1 / 2))) for side in size)
    left, top = chance.randrange(size[0] - width + 1), chance.randrange(size[1] - height + 1)
    return left, top, left + width, top + height


def shapes(chance, size):
    out = PIL.Image.new("RGB", size, color(chance))
    pen = PIL.ImageDraw.Draw(out)
    for _ in range(chance.randrange(3, 25)):
        chance.choice([pen.rectangle, pen.ellipse])(place(chance, size), fill=color(chance))
    return out


def landscape(chance, size):
    """Sky, hills and what stands on them, slightly blurred and with noise: nearest to a photograph."""
    width, height = size
    out = gradient(chance, size)
    pen = PIL.ImageDraw.Draw(out)
    for hill in range(3):
        waves = [(chance.uniform(2, 20), chance.uniform(0, 7), chance.uniform(0.005, 0.03)) for _ in range(4)]
        level = height * (0.4 + 0.2 * hill)
        edge = [
            (x, level + sum(high * math.sin(start + x * fast) for high, start, fast in waves)) for x in range(width)]
        pen.polygon([(0, height), *edge, (width - 1, height)], fill=color(chance))
        for _ in range(chance.randrange(4)):
            x, y = chance.choice(edge)
            tall = height * chance.uniform(0.1, 0.3)
            pen.rectangle((x - tall / 3, y - tall, x + tall / 3, y + 5), fill=color(chance))
    return noisy(chance, out.filter(PIL.ImageFilter.GaussianBlur(1)), 15)


def gradient(chance, size):
    ends = np.array([[color(chance), color(chance)], [color(chance), color(chance)]], np.uint8)
    return PIL.Image.fromarray(ends).resize(size, PIL.Image.Resampling.BILINEAR)


def stripes(chance, size):
    pattern = np.random.default_rng(chance.randrange(1 << 30)).integers(0, 256, (chance.randrange(1, 12), 16, 3))
    return PIL.Image.fromarray(pattern.astype(np.uint8)).resize(size, PIL.Image.Resampling.NEAREST).rotate(
        chance.choice([0, 15, 45, 90]))


def clouds(chance, size):
    """Noise of all sizes, grey every second time."""
    dice, out = np.random.default_rng(chance.randrange(1 << 30)), np.zeros((size[1], size[0], 3))
    for cells in (2, 4, 8, 16, 32, 64):
        layer = PIL.Image.fromarray(dice.integers(0, 256, (cells, cells, 3)).astype(np.uint8))
        out += np.asarray(layer.resize(size, PIL.Image.Resampling.BICUBIC), float) / cells ** 0.7
    out = PIL.Image.fromarray((255 * (out - out.min()) / np.ptp(out)).astype(np.uint8))
    return out.convert("L").convert("RGB") if chance.random() < 0.5 else out


def writing(chance, size):
    out = PIL.Image.new("RGB", size, tuple(230 + part // 10 for part in color(chance)))
    pen = PIL.ImageDraw.Draw(out)
    for top in range(10, size[1] - 20, 28):
        words = ("".join(chance.choices("abcdefghijklmnoprstuvwy", k=chance.randrange(2, 9))) for _ in range(12))
        pen.text((chance.randrange(8, 60), top), " ".join(words), fill=tuple(part // 3 for part in color(chance)))
    return out


def noisy(chance, image, much):
    dice = np.random.default_rng(chance.randrange(1 << 30))
    values = np.asarray(image, float)
    return PIL.Image.fromarray(np.clip(values + dice.normal(0, much, values.shape), 0, 255).astype(np.uint8))


STYLES = [shapes, landscape, gradient, stripes, clouds, writing]


# ------------------------------------------------------------------------------------------------------------- engines


def of_peer(name, checkpoint, work, paths, questions):
    """Features of each picture (pictures, positions, size), and logits of each pair (pairs, words)."""
    engine = peer.ENGINES[CLASSES.get(name, name)](checkpoint, work)
    features, logits = [], []
    for path in paths:
        image = engine.look(checkpoint.pixels(path))
        features.append(np.asarray(image[-1])[0].astype(float))
        for question in questions:
            found, _ = engine.speak(checkpoint.start, 0, engine.read(checkpoint.ids(question), image))
            logits.append(found.astype(float))
    return np.stack(features), np.stack(logits)


def of_ingot(name, checkpoint, options, work, paths, questions):
    """The same from `ingot ask --trace`, a process for each picture: the attention makes traces large."""
    import safetensors

    features, logits, trace = [], [], work / "trace.safetensors"
    for path in paths:
        trace.unlink(missing_ok=True)
        lines = "".join(json.dumps({"image": str(path), "question": question}) + "\n" for question in questions)
        done = subprocess.run(
            bench.command(name, options, work, "--trace", trace), input=lines, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        with safetensors.safe_open(trace, "numpy") as file:
            about = file.metadata()
            features.append(file.get_tensor(f"images.{about['questions.0.image']}.image_embeds").astype(float))
            for number, question in enumerate(questions):
                if file.get_tensor(f"questions.{number}.input_ids").tolist() != checkpoint.ids(question)[0].tolist():
                    sys.exit(f"{name}: other tokens of {question!r}")
                logits.append(file.get_tensor(f"questions.{number}.first_step_logits").astype(float))
    trace.unlink(missing_ok=True)
    return np.stack(features), np.stack(logits)


# ---------------------------------------------------------------------------------------------------------- comparison


def cosine(found, wanted):
    """Of vectors along the last axis."""
    return (found * wanted).sum(-1) / np.linalg.norm(found, axis=-1) / np.linalg.norm(wanted, axis=-1)


def logarithms(logits):
    """Of the probabilities that a softmax gives."""
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def compared(found, wanted):
    images = cosine(*(features.reshape(len(features), -1) for features in (found[0], wanted[0])))
    words = cosine(found[1], wanted[1])
    mine, theirs = logarithms(found[1]), logarithms(wanted[1])
    divergence = (np.exp(theirs) * (theirs - mine)).sum(-1)
    same = found[1].argmax(-1) == wanted[1].argmax(-1)
    return {
        "image cosine": images.mean(), "least of a position": cosine(found[0], wanted[0]).min(),
        "first tokens the same": int(same.sum()), "KL mean": divergence.mean(), "KL most": divergence.max(),
        "logits cosine": words.mean(), "logits cosine least": words.min()}


def table(rows, pairs):
    titles = ["", "image features, cosine", "… least of a position", "first token the same", "KL divergence, mean",
              "… most", "logits, cosine", "… least"]
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "---:|" * (len(titles) - 1)]
    for name, row in rows.items():
        cells = [name]
        for title, value in row.items():
            if title == "first tokens the same":
                cells.append(f"{value} ({value / pairs:.1%})")
            else:
                cells.append(f"{value:.1e}" if "KL" in title else f"{value:.6f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Tells how far int8 engines are from float32.")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True, help="a folder in the huggingface layout")
    parser.add_argument("--binary", type=pathlib.Path, default=bench.ROOT / ".build" / "release" / "ingot")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--work", type=pathlib.Path, default=bench.ROOT / ".build" / "bench")
    parser.add_argument("--json", type=pathlib.Path, metavar="OUT")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    names = options.engines.split(",")
    if unknown := [name for name in names if name not in (*bench.INGOT, *CLASSES, *peer.ENGINES)]:
        parser.error(f"no engines: {', '.join(unknown)}")
    work = bench.prepare(options, names)
    checkpoint = peer.Checkpoint(options.checkpoint)
    paths = [work / f"picture-{number}.png" for number in range(PICTURES)]
    for number, path in enumerate(paths):
        picture(number).save(path)
    config = json.loads((options.checkpoint / "config.json").read_text())
    positions = config.get("text_config", {}).get("max_position_embeddings", 512)
    questions = [question for question in QUESTIONS if checkpoint.ids(question).shape[1] <= positions]
    wanted = of_peer("torch", checkpoint, work, paths, questions)
    rows = {}
    for name in names:
        print(f"drift: {name}", file=sys.stderr)
        if name in bench.INGOT:
            found = of_ingot(name, checkpoint, options, work, paths, questions)
        else:
            found = of_peer(name, checkpoint, work, paths, questions)
        rows[name] = compared(found, wanted)
    pairs, ranked = len(wanted[1]), np.sort(wanted[1], axis=-1)
    distinct, lead = len(set(wanted[1].argmax(-1))), np.median(ranked[:, -1] - ranked[:, -2])
    facts = {"processor": bench.processor(), "versions": bench.versions(options, names), "pairs": pairs,
             "distinct first tokens": distinct, "median lead of the first": lead}
    print(f"{facts['processor']}; " + "; ".join(f"{name} {version}" for name, version in facts["versions"].items()))
    print(f"{pairs} pairs; of float32: {distinct} distinct first tokens, a median of {lead:.2g} ahead of the second")
    print()
    print(table(rows, pairs))
    if options.json:
        options.json.write_text(json.dumps(facts | {"engines": rows}, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
