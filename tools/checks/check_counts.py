#!/usr/bin/env python3
"""Checks that `ingot inspect` counts what the publishers' own classes count, for every published combination.

    pip install 'transformers>=5'
    python3 tools/checks/check_counts.py .build/release/ingot

Which there are, `ingot list` says; what each has, `inspect` says of its nets, which needn't be on the shelf: it is their
sum. Beside it stands transformers' num_parameters(), of the class and the sizes that the publication's configuration
names, made on the device `meta`, without weights. Sizes stand here a second time, from the publications: a wrong one in a
family file shows. Takes a few seconds, no network.

Prints a line per net and the sum; exits with status 1 if any differs, or if a published net has no class here.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import torch
import transformers
from checks import Checks

#: Width, blocks and heads of Vision Transformers by their size, as their papers have them.
VISION = {
    "tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16), "huge": (1280, 32, 16),
    "giant": (1536, 40, 24)}  # fmt: skip
#: Width and blocks of text embedders, all of BERT's construction with its vocabulary.
TEXT = {
    "all-MiniLM-L6-v2": (384, 6), "all-MiniLM-L12-v2": (384, 12), "paraphrase-MiniLM-L6-v2": (384, 6),
    "bge-small-en-v1.5": (384, 12), "bge-base-en-v1.5": (768, 12), "bge-large-en-v1.5": (1024, 24),
    "e5-small-v2": (384, 12), "e5-base-v2": (768, 12), "e5-large-v2": (1024, 24),
    "gte-small": (384, 12), "gte-base": (768, 12), "gte-large": (1024, 24), "mxbai-embed-large-v1": (1024, 24),
    "snowflake-arctic-embed-xs": (384, 6), "snowflake-arctic-embed-s": (384, 12), "snowflake-arctic-embed-m": (768, 12),
    "snowflake-arctic-embed-l": (1024, 24)}  # fmt: skip
#: Of CLIP: width, blocks, heads and MLP of both towers, the image's side and patch, and the vectors' length.
CLIP = {
    "ViT-B-32": ((768, 12, 12, 3072, 224, 32), (512, 12, 8, 2048), 512),
    "ViT-B-16": ((768, 12, 12, 3072, 224, 16), (512, 12, 8, 2048), 512),
    "ViT-L-14": ((1024, 24, 16, 4096, 224, 14), (768, 12, 12, 3072), 768),
    "ViT-L-14-336": ((1024, 24, 16, 4096, 336, 14), (768, 12, 12, 3072), 768)}  # fmt: skip


def vision(size):
    width, layers, heads = VISION[size]
    return {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}


def blip(name, size="base", side=384):
    """BLIP's classes; the large ones differ from the defaults in their image encoder alone."""
    if size == "large":
        image = vision("large") | {"intermediate_size": 4096}
        text = {"encoder_hidden_size": 1024}
    else:
        image, text = {}, {}
    config = transformers.BlipConfig(vision_config=image | {"image_size": side}, text_config=text)
    return getattr(transformers, name)(config)


def vit(parameters):
    sizes = vision(parameters["ModelSize"])
    config = transformers.ViTConfig(
        **sizes, intermediate_size=4 * sizes["hidden_size"], patch_size=parameters["PatchSize"],
        image_size=parameters["ImageSize"], num_labels=1000)
    if parameters["Head"] == "classifier":
        return transformers.ViTForImageClassification(config)
    return transformers.ViTModel(config, add_pooling_layer=parameters["Head"] == "pooler")


def deit(parameters):
    sizes = vision(parameters["ModelSize"])
    return transformers.DeiTForImageClassificationWithTeacher(transformers.DeiTConfig(
        **sizes, intermediate_size=4 * sizes["hidden_size"], image_size=parameters["ImageSize"], num_labels=1000))


def dinov2(parameters):
    sizes = vision(parameters["ModelSize"]) | {
        "image_size": 518, "patch_size": 14, "use_swiglu_ffn": parameters["ModelSize"] == "giant", "num_labels": 1000}
    if parameters["Registers"]:
        return transformers.Dinov2WithRegistersModel(
            transformers.Dinov2WithRegistersConfig(**sizes, num_register_tokens=parameters["Registers"]))
    config = transformers.Dinov2Config(**sizes)
    kind = transformers.Dinov2ForImageClassification if parameters["Head"] == "classifier" else transformers.Dinov2Model
    return kind(config)


def clip(parameters):
    (width, layers, heads, mlp, side, patch), text, length = CLIP[parameters["Size"]]
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    return transformers.CLIPModel(transformers.CLIPConfig(
        vision_config=dict(zip(names, (width, layers, heads, mlp))) | {"image_size": side, "patch_size": patch},
        text_config=dict(zip(names, text)), projection_dim=length))


def embedder(parameters):
    width, layers = TEXT[parameters["Release"]]
    return transformers.BertModel(transformers.BertConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=max(12, width // 64), intermediate_size=4 * width))


NETS = {
    "blip-vqa": lambda parameters: blip(
        "BlipForQuestionAnswering", side=480 if parameters["Release"] == "original" else 384),
    "blip-caption": lambda parameters: blip("BlipForConditionalGeneration", parameters["Size"]),
    "blip-match": lambda parameters: blip("BlipForImageTextRetrieval", parameters["Size"]),
    "vit-imagenet": vit, "deit": deit, "dinov2": dinov2, "clip": clip, "text-embedding": embedder}  # fmt: skip


def published(ingot, shelf):
    """Families and their published combinations: parameters without the part, and each part's."""
    done = subprocess.run([ingot, "list", "--json", "--shelf", shelf], capture_output=True, text=True, check=True)
    for family in json.loads(done.stdout)["families"]:
        wholes = {}
        for net in family["nets"]:
            # Demo nets come with the checkout, and have checks of their own.
            if not net.get("published", {"repository": "weights/"})["repository"].startswith("weights/"):
                whole = {name: value for name, value in net["parameters"].items() if name != "Part"}
                wholes.setdefault(json.dumps(whole), []).append(net["parameters"])
        yield family["family"], [(json.loads(whole), parts) for whole, parts in wholes.items()]


def counted(ingot, shelf, family, parameters):
    command = [ingot, "inspect", "--json", "--family", family, "--shelf", shelf]
    for name, value in parameters.items():
        command += ["--set", f"{name}={json.dumps(value) if isinstance(value, bool) else value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    return json.loads(done.stdout)["totals"]["parameters"] if done.returncode == 0 else done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ingot", type=pathlib.Path)
    ingot = parser.parse_args().ingot.resolve()
    checks = Checks()
    with tempfile.TemporaryDirectory() as shelf:
        for family, wholes in published(ingot, shelf):
            checks.check(bool(wholes) and family in NETS, f"{family}: nothing to compare")
            for whole, parts in wholes if family in NETS else ():
                counts = [counted(ingot, shelf, family, part) for part in parts]
                try:
                    with torch.device("meta"):
                        wanted = NETS[family](whole).num_parameters()
                except KeyError as missing:
                    wanted = f"no size {missing} here"
                name = " ".join(f"{value}" for value in whole.values())
                found = sum(counts) if all(isinstance(count, int) for count in counts) else counts
                print(f"{family:15} {name:55} {found:>13,}" if isinstance(found, int) else f"{family} {name}", flush=True)
                checks.check(found == wanted, f"{family} {name}: {found}, transformers counts {wanted}")
            checks.end_group(family)
    checks.exit()


if __name__ == "__main__":
    main()
