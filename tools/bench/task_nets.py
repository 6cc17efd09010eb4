#!/usr/bin/env python3
"""Checkpoints of the published sizes with seeded random weights, in the huggingface layout, for tasks.py to time.

    python task_nets.py --vocabulary vocab.txt --out FOLDER [--only NAME]… [--seed 1]   (default: what tasks.py times)

vocab.txt is bert-base-uncased's, with which BLIP and most sentence embedders read. What a net computes takes as long with
random weights as with trained ones.

    caption      Salesforce/blip-image-captioning-base   BlipForConditionalGeneration, 384 pixels; caption-large
    match        Salesforce/blip-itm-base-coco           BlipForImageTextRetrieval, 384 pixels; match-large
    embed-small  sentence-transformers/all-MiniLM-L6-v2  6 layers of 384
    embed-base   BAAI/bge-base-en-v1.5                   12 layers of 768
    clip         openai/clip-vit-base-patch32            224 pixels; clip-B-16, clip-L-14
    vit          google/vit-base-patch16-224             224 pixels, 1000 classes
"""

import argparse
import importlib.util
import json
import pathlib
import shutil

import torch
import transformers as t

BLIP_TEXT = {"num_attention_heads": 12, "vocab_size": 30524}
PIXELS = {  # by net: preprocessor_config.json
    "blip": ("BlipImageProcessor", 384, 3, [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    "vit": ("ViTImageProcessor", 224, 2, [0.5] * 3, [0.5] * 3)}


def blip(kind, **vision):
    size = vision.get("hidden_size", 768)
    return kind(t.BlipConfig(
        text_config=BLIP_TEXT | {"encoder_hidden_size": size}, vision_config={"image_size": 384} | vision))


def embedder(layers, size):
    return t.BertModel(t.BertConfig(
        num_hidden_layers=layers, hidden_size=size, intermediate_size=4 * size, num_attention_heads=12))


def clip(text=(), vision=(), projection=512):
    tokens = {"eos_token_id": 49407, "bos_token_id": 49406}
    return t.CLIPModel(t.CLIPConfig(
        text_config=tokens | dict(text), vision_config=dict(vision), projection_dim=projection))


LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
NETS = {
    "caption": lambda: blip(t.BlipForConditionalGeneration), "match": lambda: blip(t.BlipForImageTextRetrieval),
    "embed-small": lambda: embedder(6, 384), "embed-base": lambda: embedder(12, 768), "clip": clip,
    "vit": lambda: t.ViTForImageClassification(t.ViTConfig(num_labels=1000))}
OTHERS = {  # not timed
    "caption-large": lambda: blip(t.BlipForConditionalGeneration, **LARGE),
    "match-large": lambda: blip(t.BlipForImageTextRetrieval, **LARGE),
    "clip-B-16": lambda: clip(vision={"patch_size": 16}),
    "clip-L-14": lambda: clip(
        {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}, LARGE | {"patch_size": 14}, 768)}


def write(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def small_files(name, folder, vocabulary):
    """What stands beside the weights in a repository."""
    if name.startswith("clip"):
        package = pathlib.Path(importlib.util.find_spec("open_clip").origin).parent
        shutil.copy(package / "bpe_simple_vocab_16e6.txt.gz", folder)
        t.CLIPImageProcessor().save_pretrained(folder)
        return
    if name.startswith(("vit", "caption", "match")):
        kind, side, resample, mean, std = PIXELS["vit" if name == "vit" else "blip"]
        write(folder / "preprocessor_config.json", {
            "image_processor_type": kind, "do_resize": True, "do_rescale": True, "do_normalize": True,
            "size": {"height": side, "width": side}, "resample": resample, "rescale_factor": 1 / 255,
            "image_mean": mean, "image_std": std})
    if name == "vit":
        return
    shutil.copy(vocabulary, folder / "vocab.txt")
    write(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    if name.startswith("embed"):
        kinds = ["Transformer", "Pooling", "Normalize"]
        write(folder / "modules.json", [
            {"idx": n, "name": str(n), "path": "" if n == 0 else f"{n}_{kind}",
             "type": f"sentence_transformers.models.{kind}"} for n, kind in enumerate(kinds)])
        write(folder / "sentence_bert_config.json", {"max_seq_length": 512, "do_lower_case": False})
        for n, kind in list(enumerate(kinds))[1:]:
            (folder / f"{n}_{kind}").mkdir(exist_ok=True)
        write(folder / "1_Pooling" / "config.json", {
            "word_embedding_dimension": json.loads((folder / "config.json").read_text())["hidden_size"],
            "pooling_mode_mean_tokens": True})


def make(name, out, vocabulary, seed=1):
    """The checkpoint's folder."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    net = (NETS | OTHERS)[name]().eval()
    # Larger than as they are initialized, so that outputs of different inputs differ.
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() > 1:
                parameter.mul_(1.5)
    net.save_pretrained(folder)
    small_files(name, folder, vocabulary)
    return folder


def main():
    parser = argparse.ArgumentParser(description="Writes checkpoints with random weights.")
    parser.add_argument("--vocabulary", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", choices=NETS | OTHERS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name in options.only or NETS:
        make(name, options.out, options.vocabulary, options.seed)


if __name__ == "__main__":
    main()
