#!/usr/bin/env python3
"""Writes how well the publisher's own library says that texts match images, for `ingot verify --reference`.

    tools/setup --reference
    .venv-reference/bin/python tools/reference/matches.py CHECKPOINT --out reference.safetensors \\
        --image one.png --image two.jpg --text "a red car" --text "two dogs"

CHECKPOINT is a folder of BlipForImageTextRetrieval in the huggingface layout, or one in the salesforce layout, whose .pth
is renamed in memory to the names of the same class (see outputs.py). Every text is matched with every image. Profiles:

    hf-384        the text as it is
    original-384  as the original repository evaluates retrieval: lower case, . ! " ( ) * # : ; ~ become spaces, at most 30
                  words and 35 tokens; where the text is read with an image, [ENC] takes the place of [CLS]

The file, in safetensors; I counts images, J pairs:

    images.I.rgb, images.I.pixel_values, images.I.image_embeds   as outputs.py has them
    images.I.image_vector    (size)      of the image alone, of length 1
    matches.J.input_ids      (T) int64   of the text alone
    matches.J.text_vector    (size)      of the text alone, of length 1
    matches.J.logits         (2)         that they don't match, and that they do
    matches.J.cosine         (1)         of the two vectors

Its metadata are strings: format, profile, net, images.I.name, matches.J.image (I), matches.J.text.
"""

import argparse
import collections
import json
import pathlib
import re

import outputs
import PIL.Image
import torch
import transformers

Case = collections.namedtuple("Case", "image text")


def load(folder, profile=None, dtype=torch.float32):
    return outputs.load(folder, profile, dtype, transformers.BlipForImageTextRetrieval, "original-384")


def cleaned(text, words=30):
    """The caption as the original repository's data set hands it over."""
    text = re.sub(r"([.!\"()*#:;~])", " ", text.lower())
    text = re.sub(r"\s{2,}", " ", text).rstrip("\n").strip(" ")
    parts = text.split(" ")
    return " ".join(parts[:words]) if len(parts) > words else text


def encoded(net, text):
    """Token ids of a text, (1, T)."""
    if net.profile == "original-384":
        return net.tokenizer(cleaned(text), return_tensors="pt", truncation=True, max_length=35).input_ids
    return net.tokenizer(text, return_tensors="pt").input_ids


@torch.no_grad()
def reference(net, cases):
    """Arrays and metadata of the file."""
    import numpy as np

    arrays, images = {}, {}
    metadata = {
        "format": outputs.FORMAT, "profile": net.profile, "net": net.name, "torch": torch.__version__,
        "transformers": transformers.__version__}
    model, normalize = net.model, torch.nn.functional.normalize
    for j, case in enumerate(cases):
        if case.image not in images:
            picture = PIL.Image.open(case.image).convert("RGB")
            pixels, embeds = outputs.run_image(net, picture)
            images[case.image] = i, pixels = len(images), pixels
            metadata[f"images.{i}.name"] = pathlib.Path(case.image).name
            arrays[f"images.{i}.rgb"] = torch.from_numpy(np.array(picture))
            arrays[f"images.{i}.pixel_values"] = pixels[0]
            arrays[f"images.{i}.image_embeds"] = embeds[0]
            arrays[f"images.{i}.image_vector"] = normalize(model.vision_proj(embeds[:, 0]), dim=-1)[0]
        i, pixels = images[case.image]
        ids = encoded(net, case.text)
        matched = ids.clone()
        if net.profile == "original-384":
            vocabulary = net.tokenizer.get_vocab()
            matched[:, 0] = vocabulary.get("[ENC]", len(vocabulary) + 1)
        alone = model(ids, pixels, use_itm_head=False, attention_mask=torch.ones_like(ids))
        together = model(matched, pixels, use_itm_head=True, attention_mask=torch.ones_like(ids))
        arrays[f"matches.{j}.input_ids"] = ids[0]
        arrays[f"matches.{j}.text_vector"] = normalize(model.text_proj(alone.question_embeds[:, 0]), dim=-1)[0]
        arrays[f"matches.{j}.logits"] = together.itm_score[0]
        arrays[f"matches.{j}.cosine"] = alone.itm_score[0]
        metadata |= {f"matches.{j}.image": str(i), f"matches.{j}.text": case.text}
    return {name: array.contiguous() for name, array in arrays.items()}, metadata


def main():
    parser = argparse.ArgumentParser(description="Writes what the publisher's library says, for `ingot verify`.")
    parser.add_argument("checkpoint", type=pathlib.Path, help="a folder in the huggingface or salesforce layout")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument("--profile", choices=["hf-384", "original-384"], help="default: the layout's own")
    parser.add_argument("--image", type=pathlib.Path, action="append", required=True, help="repeatable")
    parser.add_argument("--text", action="append", required=True, help="repeatable")
    given = parser.parse_args()
    torch.set_num_threads(2)
    cases = [Case(image, text) for image in given.image for text in given.text]
    arrays, metadata = reference(load(given.checkpoint, given.profile), cases)
    outputs.save(given.out, arrays, metadata)
    for j, case in enumerate(cases):
        match, cosine = arrays[f"matches.{j}.logits"].softmax(0)[1].item(), arrays[f"matches.{j}.cosine"].item()
        print(json.dumps({"image": str(case.image), "text": case.text, "match": match, "cosine": cosine}))


if __name__ == "__main__":
    main()
