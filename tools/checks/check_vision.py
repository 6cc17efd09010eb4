#!/usr/bin/env python3
"""Checks that Vision Transformers, DeiTs and DINOv2s of the published sizes compute what transformers does, both ways.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_vision.py .build/release/ingot [--seeds N] [--net NAME]…

Of each net of NETS, with weights of some seeds (nothing is fetched), all in a temporary folder:

1. What save_pretrained writes is converted; `ingot inspect` counts what num_parameters() does.
2. `ingot verify --reference` compares pixels (to the bit), vectors and scores with the class's (tools/reference/images.py),
   at the usual side and at another one, to which positions are interpolated.
3. What is exported is loaded by the class: no array missing, left over or different, and the scores the same to the bit.
4. int8 nets are made, and what they give compared with the class's.

Prints the worst error of each output; exits with status 1 if anything failed.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from check_reference import draw
from checks import Checks

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))

import images  # noqa: E402
import outputs  # noqa: E402

BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
SMALL = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6}
TINY = {"hidden_size": 192, "num_hidden_layers": 12, "num_attention_heads": 3}
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
GIANT = {"hidden_size": 1536, "num_hidden_layers": 40, "num_attention_heads": 24, "use_swiglu_ffn": True}
DINO = {"image_size": 518, "patch_size": 14}
# class, configuration, another side
NETS = {
    "vit-base-in21k": ("ViTModel", BASE | {"intermediate_size": 3072}, 336),
    "vit-base-21k-classes": ("ViTForImageClassification", BASE | {"intermediate_size": 3072, "num_labels": 21843}, 256),
    "deit-tiny": ("DeiTForImageClassificationWithTeacher", TINY | {"intermediate_size": 768, "num_labels": 1000}, 384),
    "deit-base": ("DeiTForImageClassificationWithTeacher", BASE | {"intermediate_size": 3072, "num_labels": 1000}, 288),
    "dinov2-small": ("Dinov2Model", SMALL | DINO, 518),
    "dinov2-base": ("Dinov2ForImageClassification", BASE | DINO | {"num_labels": 1000}, 336),
    "dinov2-registers-base": ("Dinov2WithRegistersModel", BASE | DINO, 448),
    "dinov2-large": ("Dinov2Model", LARGE | DINO, 392),
    "dinov2-registers-large": ("Dinov2WithRegistersForImageClassification", LARGE | DINO | {"num_labels": 1000}, 252),
    "dinov2-giant": ("Dinov2WithRegistersModel", GIANT | DINO, 238),
}
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
PROCESSORS = {
    "vit": {"image_processor_type": "ViTImageProcessor", "size": {"height": 224, "width": 224}, "resample": 2},
    "deit": {"image_processor_type": "DeiTImageProcessor", "size": {"height": 256, "width": 256}, "resample": 3,
             "crop_size": {"height": 224, "width": 224}, **IMAGENET},
    "dino": {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256}, "resample": 3,
             "crop_size": {"height": 224, "width": 224}, **IMAGENET}}


def make(name, seed, folder):
    """The net with weights of a seed, none of which is 0 or 1 everywhere."""
    kind, options, _ = NETS[name]
    kind = getattr(transformers, kind)
    torch.manual_seed(seed)
    net = kind(kind.config_class(**options)).eval()
    with torch.no_grad():
        for array in net.parameters():
            if array.ndim <= 1 or array.shape[:-1].numel() == 1:
                array.add_(torch.randn_like(array) * 0.1)
    net.save_pretrained(folder)
    family = net.config.model_type[:4]
    settings = PROCESSORS.get(family) or PROCESSORS[family[:3]]
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return net


class Run:
    def __init__(self, checks, program, folder, name):
        self.checks, self.program, self.folder, self.name = checks, program, folder, name

    def ingot(self, *arguments, status=0):
        done = subprocess.run([self.program, *map(str, arguments), "--json"], capture_output=True, text=True)
        what = f"{self.name}: ingot {' '.join(map(str, arguments))}"
        self.checks.check(done.returncode == status, f"{what}: exit status {done.returncode}\n{done.stderr}{done.stdout}")
        return json.loads(done.stdout or "{}")

    def verify(self, file, checkpoint, pictures, side, tolerance=1e-4):
        reference = self.folder / "reference.safetensors"
        outputs.save(reference, *images.reference(*checkpoint, pictures, side))
        report = self.ingot("verify", file, "--reference", reference, "--tolerance", tolerance)
        errors = [f"{one['name']} {one['maxError']:.1e}" for one in report.get("outputs", [])]
        print(f"  {self.name}, {'int8' if tolerance > 1e-4 else 'side'} {side or 224}: {', '.join(errors)}", flush=True)

    def exported(self, file, net):
        target = self.folder / "exported"
        self.ingot("export", file, target, "--to", "safetensors", "--force")
        again, info = type(net).from_pretrained(target, output_loading_info=True)
        self.checks.check(not any(info.values()), f"{self.name}: exported, transformers says {info}")
        state, found = net.state_dict(), again.state_dict()
        wrong = [one for one in state if one not in found or not torch.equal(state[one], found[one])]
        self.checks.check(not wrong and len(state) == len(found), f"{self.name}: exported arrays differ: {wrong[:3]}")


def check(checks, program, name, seed, pictures, folder):
    checkpoint = folder / "checkpoint"
    net = make(name, seed, checkpoint)
    run = Run(checks, program, folder, f"{name}, seed {seed}")
    report = run.ingot("convert", checkpoint, "--shelf", folder / "shelf", "--force")
    file = report["nets"][0]["file"]
    checks.check(not report["coverage"]["ignored"] and not report["coverage"]["missing"], f"{run.name}: coverage")
    count = run.ingot("inspect", file)["nets"][0]["parameters"]
    checks.check(count == net.num_parameters(), f"{run.name}: {count} parameters, not {net.num_parameters()}")
    loaded = images.load(checkpoint)
    run.verify(file, loaded, pictures, None)
    run.verify(file, loaded, pictures[:2], NETS[name][2])
    run.exported(file, net)
    small = run.ingot("quantize", file, "--shelf", folder / "shelf", "--force")["nets"][0]["file"]
    run.verify(small, loaded, pictures[:2], None, tolerance=0.2)


def main():
    parser = argparse.ArgumentParser(description="Compares nets that look at images with transformers, both ways.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--net", choices=NETS, action="append", help="repeatable; all but dinov2-giant unless given")
    given = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as place:
        pictures = draw(pathlib.Path(place))
        for name in given.net or [name for name in NETS if name != "dinov2-giant"]:
            for seed in range(1, given.seeds + 1):
                with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
                    check(checks, str(given.program.resolve()), name, seed, pictures, pathlib.Path(folder))
            checks.end_group(name)
    checks.exit()


if __name__ == "__main__":
    main()
