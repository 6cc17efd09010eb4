#!/usr/bin/env python3
"""Checks that a checkpoint gives the same outputs here as in the publisher's own library: `ingot verify --reference`.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_reference.py .build/release/ingot --checkpoint CHECKPOINT \\
        [--profile P] [--image FILE]… [--question TEXT]… [--reference FILE]

tools/reference/outputs.py runs the library on images and questions, every question of every image; the checkpoint is
converted onto a temporary shelf, and `ingot verify` compares each output. Without --image and --question, five drawn
pictures and five questions are used. With --reference, a file that was made earlier is compared with. Prints the worst
error of each kind of output, and exits with the status of `ingot verify`.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUTS = ROOT / "tools" / "reference" / "outputs.py"
QUESTIONS = [
    "what color is the house?", "How many trees are there?", "is it daytime",
    "what is the man in the photograph holding, and why is he smiling at the camera?",
    "Where's the dog's red ball (the small one)?"]
SIZES = {"landscape": (640, 480), "portrait": (333, 517), "square": (384, 384), "strip": (800, 230), "small": (97, 131)}


def draw(folder):
    """Five pictures of different sizes: coloured shapes on a gradient, one of them covered by noise."""
    import numpy as np
    import PIL.Image
    import PIL.ImageDraw

    paths = []
    for seed, (name, (width, height)) in enumerate(SIZES.items()):
        random = np.random.default_rng(seed)
        rows, columns, channels = np.ogrid[:height, :width, :3]
        base = (rows * 255 // height + columns * (channels * 90) // width) % 256
        picture = PIL.Image.fromarray(base.astype(np.uint8))
        pen = PIL.ImageDraw.Draw(picture)
        for number in range(24):
            left, top = random.integers(0, width), random.integers(0, height)
            box = [int(side) for side in (left, top, left + random.integers(5, width // 3),
                                          top + random.integers(5, height // 3))]
            colour = tuple(int(value) for value in random.integers(0, 256, 3))
            (pen.ellipse if number % 2 else pen.rectangle)(box, fill=colour)
        if name == "square":
            picture = PIL.Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        paths.append(folder / f"{name}.png")
        picture.save(paths[-1])
    return paths


def make_reference(options, folder):
    path = folder / "reference.safetensors"
    command = [sys.executable, OUTPUTS, options.checkpoint, "--out", path]
    command += ["--profile", options.profile] if options.profile else []
    for image in options.image or draw(folder):
        command += ["--image", image]
    for question in options.question or QUESTIONS:
        command += ["--question", question]
    subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL)
    return path


def main():
    parser = argparse.ArgumentParser(description="Compares all outputs of a checkpoint with the publisher's library.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--profile", help="hf-384 or original-480; default: the layout's own")
    parser.add_argument("--image", type=pathlib.Path, action="append", help="repeatable")
    parser.add_argument("--question", action="append", help="repeatable")
    parser.add_argument("--reference", type=pathlib.Path, help="a file of tools/reference/outputs.py")
    options = parser.parse_args()
    program = str(options.program.resolve())
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
        folder = pathlib.Path(folder)
        reference, shelf = options.reference or make_reference(options, folder), folder / "shelf"
        convert = [program, "convert", options.checkpoint, "--set", "Release=check", "--shelf", shelf]
        convert += ["--precision", "float32"]  # the library's half-precision weights are widened too
        convert += ["--profile", options.profile] if options.profile else []
        subprocess.run([*map(str, convert)], check=True, stdout=subprocess.DEVNULL)
        verify = [program, "verify", "--set", "Release=check", "--shelf", shelf, "--reference", reference, "--json"]
        done = subprocess.run([*map(str, verify)], stdout=subprocess.PIPE, text=True)
    if done.stdout:
        print_table(json.loads(done.stdout)["outputs"])
    sys.exit(done.returncode)


def print_table(outputs):
    """Errors are parts of the reference's largest magnitude; of token ids, 0 or 1."""
    print(f"{'output':26}{'cases':>7}{'max error':>12}{'mean error':>12}{'cosine':>14}  result")
    for output in outputs:
        figures = f"{shown(output['maxError'], '.2e'):>12}{shown(output['meanError'], '.2e'):>12}"
        figures += f"{shown(output['cosine'], '.9f'):>14}"
        result = "as the reference's" if output["passed"] else output.get("reason") or "DIFFERS"
        print(f"{output['name']:26}{output.get('cases', ''):>7}{figures}  {result}")


def shown(value, form):
    return "" if value is None else format(value, form)


if __name__ == "__main__":
    main()
