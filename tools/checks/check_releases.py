#!/usr/bin/env python3
"""Checks fine-tunes as several releases of transformers save them: converted with nothing but a name, they give what that
release computes, and exported again, that release loads them and makes the same pixels and tokens.

    python3 tools/checks/check_releases.py INGOT PYTHON [PYTHON …]

Each PYTHON has torch and one release of transformers, with torchvision or without; for example, of three releases:

    python3 -m venv t4.40 && t4.40/bin/pip install torch 'transformers==4.40.*' 'numpy<2' pillow safetensors
    python3 -m venv t4.57 && t4.57/bin/pip install torch torchvision 'transformers==4.57.*' pillow safetensors
    tools/setup --reference

tools/reference/releases.py makes the nets: BLIP's and ViT's, with other settings of image processors, in half precision,
with further tokens, for several kinds of problems. Where torchvision is installed but the files don't say that pixels are
torchvision's, as transformers 5 leaves it, `--pixels torchvision` says so.
"""

import argparse
import json
import os
import pathlib
import struct
import subprocess
import tempfile

from checks import Checks

WORKER = pathlib.Path(__file__).resolve().parents[1] / "reference/releases.py"
TOLERANCE = 1e-4


class Release:
    def __init__(self, checks, ingot, python, folder):
        self.checks, self.ingot, self.python, self.folder = checks, ingot, python, folder

    def work(self, *arguments):
        done = subprocess.run([self.python, WORKER, *map(str, arguments)], capture_output=True, text=True)
        self.checks.check(done.returncode == 0, f"{self.python} {arguments}: {done.stderr[-1500:]}")
        return done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout.strip() else None

    def run(self, *arguments):
        """What Ingot printed; None, and a failed check, where it failed."""
        done = subprocess.run([self.ingot, *map(str, arguments)], capture_output=True, text=True)
        self.checks.check(done.returncode == 0, f"ingot {' '.join(map(str, arguments))}: {done.stderr}{done.stdout[-600:]}")
        return done.stdout if done.returncode == 0 else None

    def check(self):
        self.name = self.work("make", self.folder)
        if self.name is None:
            return
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            if "-exported" not in folder.name and "-shelf" not in folder.name:
                self.check_net(folder)

    def check_net(self, folder):
        files = [path for path in folder.iterdir() if path.name in ("preprocessor_config.json", "processor_config.json")]
        has_torchvision = not self.name.endswith("Pil") and (self.name.endswith("Fast") or self.name.startswith("5"))
        says = any("ImageProcessorFast" in path.read_text() for path in files)
        pixels = ["--pixels", "torchvision"] if has_torchvision and not says else []
        shelf = self.folder / f"{folder.name}-shelf"
        if self.run("convert", folder, "--set", "Release=mine", "--shelf", shelf, *pixels) is None:
            return
        exported = self.folder / f"{folder.name}-exported"
        paths = sorted(path for path in shelf.rglob("*.ingot"))
        if folder.name.startswith("vit-"):
            expected = json.loads((self.folder / f"{folder.name}.json").read_text())
            self.compare_classes(folder.name, shelf, expected)
            if self.run("export", *paths, exported) is not None and self.work("again", exported, self.folder / "again.json") is not False:
                again = json.loads((self.folder / "again.json").read_text())
                # Classes have no names in a net file, so only values are compared.
                same = [sorted(case["classes"].values()) for case in again] == [sorted(case["classes"].values()) for case in expected]
                self.checks.check(same, f"{self.name}, {folder.name}: the exported net gives other values")
            return
        reference = self.folder / f"{folder.name}.reference.safetensors"
        self.run("verify", *paths, "--reference", reference, "--tolerance", TOLERANCE)
        if self.run("export", *paths, exported) is not None:
            again = self.folder / "again.safetensors"
            self.work("again", exported, again)
            self.compare_inputs(folder.name, reference, again)

    def compare_classes(self, name, shelf, expected):
        said = self.run("classify", *(case["image"] for case in expected), "--set", "Release=mine", "--shelf", shelf, "--top", 9, "--json")
        for ours, theirs in zip(json.loads(said)["images"] if said else [], expected):
            # Labels are not kept in a net file: by number, which the nets' names end with.
            values = {row["class"]: row.get("probability", row.get("score")) for row in ours["classes"]}
            wanted = {int(label.split()[-1].split("_")[-1]): value for label, value in theirs["classes"].items()}
            scale = max(1, *map(abs, wanted.values()))
            worst = max(abs(values[index] - wanted[index]) for index in wanted) if values.keys() == wanted.keys() else float("inf")
            self.checks.check(worst <= TOLERANCE * scale, f"{self.name}, {name}: {values} {wanted}")

    def compare_inputs(self, name, reference, again):
        """Pixels, tokens and answers of two reference files, bit for bit."""
        first, second = arrays(reference), arrays(again)
        kinds = ("pixel_values", "input_ids", "answer_ids")
        for key in sorted(key for key in first if key.endswith(kinds)):
            self.checks.check(first[key] == second.get(key), f"{self.name}, {name}: {key} of the exported net differs")


def arrays(path):
    """Bytes by name, of a safetensors file."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    return {key: data[8 + length + value["data_offsets"][0]:8 + length + value["data_offsets"][1]]
            for key, value in header.items() if key != "__metadata__"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ingot")
    parser.add_argument("python", nargs="+")
    options = parser.parse_args()
    checks = Checks()
    for python in options.python:
        with tempfile.TemporaryDirectory() as folder:
            release = Release(checks, os.path.realpath(options.ingot), os.path.abspath(python), pathlib.Path(folder))
            release.check()
            checks.end_group(f"{python}: {release.name}")
    checks.exit()


if __name__ == "__main__":
    main()
