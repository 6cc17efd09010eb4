#!/usr/bin/env python3
"""Compares nets of the published sizes, with random weights, with the publishers' libraries.

    pip install 'transformers>=5' sentence-transformers open_clip_torch safetensors pillow
    python tools/checks/check_sizes.py .build/release/ingot --vocabulary vocab.txt [--seeds 1,2,3] [--only caption]…

Nets are those of tools/bench/task_nets.py: captioners, matchers, sentence embedders and CLIP. What the library computes
of drawn pictures and of texts is written by the scripts in tools/reference, and `ingot verify --reference` compares every
output: pixel values and token ids to the bit, numbers within 1e-4 of the largest, captions token by token. Prints the
worst error of each. Takes up to 6 GB of disk at a time and half an hour.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import check_reference

ROOT = check_reference.ROOT
sys.path.append(str(ROOT / "tools" / "bench"))
NETS = ["caption", "caption-large", "match", "match-large", "embed-small", "embed-base", "clip", "clip-B-16", "clip-L-14"]
TEXTS = [
    "a red house between two trees", "two dogs", "It isn't raining, is it? (No!)", "naïve café, 東京 and Москва",
    "a photograph of a very long row of small white boats that lie side by side along the harbour wall in the evening"]


def reference(name, checkpoint, folder, images):
    """What the library says, in a file."""
    script = {"caption": "captions", "match": "matches", "embed": "embeddings", "clip": "clip"}[name.split("-")[0]]
    out = folder / "reference.safetensors"
    command = [sys.executable, ROOT / "tools" / "reference" / f"{script}.py", checkpoint, "--out", out]
    if script != "embeddings":
        command += [word for image in images for word in ("--image", image)]
    if script == "captions":
        command += ["--max-tokens", 12, "--min-tokens", 12, "--prompt", "a picture of", "--beams", 3]
    else:
        command += [word for text in TEXTS for word in ("--text", text)]
    subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def check(program, name, seed, vocabulary):
    import task_nets

    with tempfile.TemporaryDirectory(prefix="ingot-sizes-") as folder:
        folder = pathlib.Path(folder)
        checkpoint = task_nets.make(name, folder, vocabulary, seed)
        images = check_reference.draw(folder)[:3]
        file, chosen = reference(name, checkpoint, folder, images), ["--set", "Release=check", "--shelf", folder / "shelf"]
        for command in (["convert", checkpoint, *chosen], ["verify", *chosen, "--reference", file, "--json"]):
            done = subprocess.run([str(word) for word in (program, *command)], capture_output=True, text=True)
            if done.returncode and command[0] == "convert":
                print(f"{name}: {done.stderr}")
                return False
    if not done.stdout:
        print(f"{name}: {done.stderr}")
        return False
    worst = {out["name"]: out.get("maxError") for out in json.loads(done.stdout)["outputs"]}
    print(f"{name:15} seed {seed}: " + ", ".join(
        f"{output} {'same' if not error else format(error, '.1e')}" for output, error in worst.items())
        + ("" if done.returncode == 0 else "  DIFFERS"), flush=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description="Compares nets of the published sizes with the publishers' libraries.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--vocabulary", type=pathlib.Path, required=True, help="bert-base-uncased's vocab.txt")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--only", action="append", choices=NETS)
    options = parser.parse_args()
    results = [
        check(options.program.resolve(), name, int(seed), options.vocabulary)
        for name in options.only or NETS for seed in options.seeds.split(",")]
    print(f"{sum(results)} passed, {results.count(False)} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
