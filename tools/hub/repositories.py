#!/usr/bin/env python3
"""Sample repositories for the hub for tests (serve.py); the same bytes each time.

    python3 tools/hub/repositories.py FOLDER [--only NAME…] [--shards 163] [--large BYTES]

| repository | what is in it |
|---|---|
| samples/blip-vqa | one safetensors file with all tensors of BLIP for visual questions, 1.54 GB; sparse, all zero |
| samples/shards | as many tensors as a net of 405 billion elements has, very small, in 163 shards with their index |
| samples/both | a small BERT as safetensors and as pytorch_model.bin, with its tokenizer; branches and a tag |
| samples/gguf | a GGUF file |
| samples/nested | weights in folders, with names that must be quoted; more files than fit on a small page |
| samples/large | one file of random bytes (--large), for downloads |
| samples/hostile | a list of names that try to leave their folder, served as any other |
| samples/private, samples/gated, samples/disabled | what their names say |
| gpt2 → samples/moved | a repository that has moved, with a name without an organization; _/small has one too |

hub.json has the settings: hf_reader sees all, hf_stranger is nobody in particular.
"""

import argparse
import json
import os
import random
import shutil

import sample_nets
from sample_weights import write_gguf, write_safetensors, write_torch

BLOCK = 1 << 20
HOSTILE = [
    "../x", "../../.bashrc", "/etc/x", "a\\b", "..\\x", "C:\\x", "C:x", "a/../../x", "a/./b", "a//b", "./x", "a/..",
    "..", ".", "-rf", "~/x", "$(x)", "new\nline", "bell\a", "escape\x1b[2J", "del\x7f", "right-to-left\u202etxt",
    "nul.txt\0", "CON", "x ", "x.", ".git/config", ".GIT/hooks/post-checkout", "a/.git/x", "\udcff", "a" * 300,
    "/".join("d" * 200), "config.json/x", "%2e%2e/x",
]  # fmt: skip
SETTINGS = {
    "tokens": {
        "hf_reader": {"name": "reader", "repositories": ["*"]},
        "hf_stranger": {"name": "stranger", "repositories": []},
    },
    "private": ["samples/private"],
    "gated": {"samples/gated": "manual"},
    "disabled": ["samples/disabled"],
    "moved": {"gpt2": "samples/moved", "samples/old-name": "samples/moved"},
    "tags": {"samples/both": ["v1.0"]},
    "more": {"samples/hostile": {name: "out of its folder" for name in HOSTILE}},
}


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def write_json(path, value):
    write_text(path, json.dumps(value, indent=2) + "\n")


def blip_vqa(folder, _):
    for name, value in sample_nets.blip_files().items():
        write_json(f"{folder}/{name}", value)
    write_text(f"{folder}/vocab.txt", "\n".join(sample_nets.blip_words()) + "\n")
    write_safetensors(f"{folder}/model.safetensors", sample_nets.blip_vqa(), {"format": "pt"}, sparse=True)


def shards(folder, arguments):
    count, tensors = arguments.shards, list(sample_nets.llama().items())
    weights, total = {}, 0
    for index in range(count):
        held = dict(tensors[len(tensors) * index // count : len(tensors) * (index + 1) // count])
        file = f"model-{index + 1:05}-of-{count:05}.safetensors"
        write_safetensors(f"{folder}/{file}", held, {"format": "pt"})
        weights |= dict.fromkeys(held, file)
        total += sum(2 * (shape[0] * (shape[1] if len(shape) > 1 else 1)) for _, shape in held.values())
    write_json(f"{folder}/model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weights})
    write_json(f"{folder}/config.json", sample_nets.llama_configuration())


def both(folder, _):
    tensors = sample_nets.bert()
    write_json(f"{folder}/config.json", sample_nets.bert_configuration())
    write_safetensors(f"{folder}/model.safetensors", tensors, {"format": "pt"})
    write_torch(f"{folder}/pytorch_model.bin", tensors)
    write_text(f"{folder}/vocab.txt", "\n".join(sample_nets.WORDS) + "\n")
    write_json(f"{folder}/tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    write_text(f"{folder}/README.md", "# A sample\n\n" + "Words that compress well. " * 80 + "\n")
    for branch in ("dev", "v1.0", "refs%2Fpr%2F1"):
        os.makedirs(f"{folder}@{branch}")
        write_json(f"{folder}@{branch}/config.json", sample_nets.bert_configuration() | {"branch": branch})


def gguf(folder, _):
    tensors = {f"blk.{layer}.attn_q.weight": ("F16", [8, 32]) for layer in range(4)}
    write_gguf(f"{folder}/sample-f16.gguf", tensors | {"output_norm.weight": ("F32", [32])})


def nested(folder, _):
    for place in ("", "unet/", "text_encoder/a b/ü+%/"):
        os.makedirs(f"{folder}/{place}", exist_ok=True)
        write_safetensors(f"{folder}/{place}weights.safetensors", {f"{place}w": ("F32", [4, 4])})
    os.makedirs(f"{folder}/many")
    for index in range(60):
        write_text(f"{folder}/many/{index:02}.txt", f"{index}\n")


def large(folder, arguments):
    draw, left = random.Random("large"), arguments.large
    with open(f"{folder}/model.bin", "wb") as stream:
        while left > 0:
            stream.write(draw.randbytes(min(BLOCK, left)))
            left -= BLOCK


def small(folder, _):
    write_json(f"{folder}/config.json", sample_nets.bert_configuration())
    write_safetensors(f"{folder}/model.safetensors", sample_nets.bert(), {"format": "pt"})


REPOSITORIES = {
    "samples/blip-vqa": blip_vqa,
    "samples/shards": shards,
    "samples/both": both,
    "samples/gguf": gguf,
    "samples/nested": nested,
    "samples/large": large,
    "samples/hostile": small,
    "samples/private": small,
    "samples/gated": small,
    "samples/disabled": small,
    "samples/moved": small,
    "_/small": small,
}


def make(folder, only=None, shard_count=163, large_size=200_000_000):
    """Makes the repositories anew in `folder`, or those named, and the settings."""
    arguments = argparse.Namespace(shards=shard_count, large=large_size)
    for name, fill in REPOSITORIES.items():
        if only is None or name in only or name.rpartition("/")[2] in only:
            path = os.path.join(folder, name)
            for old in [path, *(f"{path}@{branch}" for branch in ("dev", "v1.0", "refs%2Fpr%2F1"))]:
                shutil.rmtree(old, ignore_errors=True)
            os.makedirs(path)
            fill(path, arguments)
    write_json(os.path.join(folder, "hub.json"), SETTINGS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--shards", type=int, default=163)
    parser.add_argument("--large", type=int, default=200_000_000, metavar="BYTES")
    arguments = parser.parse_args()
    make(arguments.folder, arguments.only, arguments.shards, arguments.large)


if __name__ == "__main__":
    main()
