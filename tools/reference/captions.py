#!/usr/bin/env python3
"""Writes what the publisher's own library says of images, for `ingot verify --reference`.

    tools/setup --reference
    .venv-reference/bin/python tools/reference/captions.py CHECKPOINT --out reference.safetensors \\
        --image one.png --image two.jpg [--prompt "a picture of "] [--beams 3] [--min-tokens 5] [--max-tokens 20]

CHECKPOINT is a folder of BlipForConditionalGeneration in the huggingface layout, or one in the salesforce layout, whose
.pth is renamed in memory to the names of the same class (see outputs.py). Without --prompt captions begin as the profile
says: hf-384 with nothing, greedy, 20 new tokens at most; original-384 with "a picture of ", by 3 beams, of 5 to 20 tokens
with the prompt.

The file, in safetensors; I counts images, J captions; V words:

    images.I.rgb, images.I.pixel_values, images.I.image_embeds   as outputs.py has them
    captions.J.input_ids                 (T) int64   the start token and the prompt's tokens, as the decoder gets them
    captions.J.first_step_logits         (V)         of the first new token
    captions.J.caption_ids               (N) int64   these tokens and the new ones; the end token is there if reached

Its metadata are strings: format, profile, net, images.I.name, captions.J.image (I), captions.J.prompt (left out without
one), captions.J.decoding (JSON: beams, minimumTokens and maximumTokens of new tokens, repetitionPenalty) and
captions.J.caption, the text of all tokens.
"""

import argparse
import collections
import json
import pathlib

import outputs
import PIL.Image
import torch
import transformers

ORIGINAL_PROMPT = "a picture of "

Case = collections.namedtuple("Case", "image prompt how", defaults=(None, {}))  # how: decoding, where it isn't the usual one


def load(folder, profile=None, dtype=torch.float32):
    return outputs.load(folder, profile, dtype, transformers.BlipForConditionalGeneration, "original-384")


def encoded(net, prompt):
    """What the decoder begins with, (1, T): as generate() makes it of a prompt's tokens, or of none."""
    start = net.model.config.text_config.bos_token_id
    if prompt is None:
        return torch.tensor([[start]])
    ids = net.tokenizer(prompt, return_tensors="pt").input_ids[:, :-1]
    ids[:, 0] = start
    return ids


def decoding(net, prompt, **given):
    """How captions are looked for: what isn't given as the profile has it."""
    length = encoded(net, prompt).shape[1]
    usual = {"beams": 1, "minimumTokens": 0, "maximumTokens": 20, "repetitionPenalty": 1.0}
    if net.profile == "original-384":
        usual |= {"beams": 3, "minimumTokens": max(0, 5 - length), "maximumTokens": 20 - length}
    how = usual | {key: value for key, value in given.items() if value is not None}
    how["maximumTokens"] = min(how["maximumTokens"], net.model.config.text_config.max_position_embeddings - length)
    return how


def caption(net, pixels, prompt, how):
    """All ids of a caption, by the class's own generate()."""
    text = {}
    if prompt is not None:
        text = dict(net.tokenizer(prompt, return_tensors="pt", return_token_type_ids=False))
    length = encoded(net, prompt).shape[1]
    ids = net.model.generate(
        pixels, **text, do_sample=False, num_beams=how["beams"], max_length=length + how["maximumTokens"],
        min_length=length + how["minimumTokens"] if how["minimumTokens"] else 0,
        repetition_penalty=how["repetitionPenalty"])[0].tolist()
    end, new = net.model.config.text_config.sep_token_id, ids[length:]
    return ids[:length] + (new[:new.index(end) + 1] if end in new else new)


def first_logits(net, ids, embeds):
    return net.model.text_decoder(ids, encoder_hidden_states=embeds).logits[:, -1]


@torch.no_grad()
def reference(net, cases):
    """Arrays and metadata of the file."""
    import numpy as np

    arrays, images = {}, {}
    metadata = {
        "format": outputs.FORMAT, "profile": net.profile, "net": net.name, "torch": torch.__version__,
        "transformers": transformers.__version__}
    for j, case in enumerate(cases):
        if case.image not in images:
            picture = PIL.Image.open(case.image).convert("RGB")
            pixels, embeds = outputs.run_image(net, picture)
            images[case.image] = i, pixels, embeds = len(images), pixels, embeds
            metadata[f"images.{i}.name"] = pathlib.Path(case.image).name
            arrays[f"images.{i}.rgb"] = torch.from_numpy(np.array(picture))
            arrays[f"images.{i}.pixel_values"] = pixels[0]
            arrays[f"images.{i}.image_embeds"] = embeds[0]
        i, pixels, embeds = images[case.image]
        prompt = ORIGINAL_PROMPT if case.prompt is None and net.profile == "original-384" else case.prompt
        how = decoding(net, prompt, **case.how)
        ids = encoded(net, prompt)
        found = caption(net, pixels, prompt, how)
        arrays[f"captions.{j}.input_ids"] = ids[0]
        arrays[f"captions.{j}.first_step_logits"] = first_logits(net, ids, embeds)[0]
        arrays[f"captions.{j}.caption_ids"] = torch.tensor(found)
        metadata[f"captions.{j}.image"] = str(i)
        if prompt is not None:
            metadata[f"captions.{j}.prompt"] = prompt
        metadata[f"captions.{j}.decoding"] = json.dumps(how)
        metadata[f"captions.{j}.caption"] = outputs.text(net, found)
    return {name: array.contiguous() for name, array in arrays.items()}, metadata


def main():
    parser = argparse.ArgumentParser(description="Writes what the publisher's library says, for `ingot verify`.")
    parser.add_argument("checkpoint", type=pathlib.Path, help="a folder in the huggingface or salesforce layout")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument("--profile", choices=["hf-384", "original-384"], help="default: the layout's own")
    parser.add_argument("--image", type=pathlib.Path, action="append", required=True, help="repeatable")
    parser.add_argument("--prompt", action="append", help="repeatable; default: as the profile says")
    parser.add_argument("--beams", type=int, help="default: the profile's")
    parser.add_argument("--min-tokens", type=int, help="least new tokens; default: the profile's")
    parser.add_argument("--max-tokens", type=int, help="most new tokens; default: the profile's")
    parser.add_argument("--repetition-penalty", type=float)
    given = parser.parse_args()
    torch.set_num_threads(2)
    how = {"beams": given.beams, "minimumTokens": given.min_tokens, "maximumTokens": given.max_tokens,
           "repetitionPenalty": given.repetition_penalty}
    cases = [Case(image, prompt, how) for image in given.image for prompt in given.prompt or [None]]
    arrays, metadata = reference(load(given.checkpoint, given.profile), cases)
    outputs.save(given.out, arrays, metadata)
    for j, case in enumerate(cases):
        print(json.dumps({"image": str(case.image), "caption": metadata[f"captions.{j}.caption"]}, ensure_ascii=False))


if __name__ == "__main__":
    main()
