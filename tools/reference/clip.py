#!/usr/bin/env python3
"""Writes what transformers' CLIPModel makes of images and texts, for `ingot verify --reference`.

    tools/setup --reference
    .venv-reference/bin/python tools/reference/clip.py CHECKPOINT --out FILE --image PICTURE... --text TEXT...

Arrays: images.I.rgb, .pixel_values, .image_embeds (of length 1) and .logits_per_image (a score for each text);
texts.J.input_ids and .text_embeds (of length 1). Metadata: texts.J.text.
"""

import argparse
import pathlib
import sys

import numpy as np
import PIL.Image
import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import outputs  # noqa: E402


def load(folder, backend="pil"):
    """The net, its tokenizer, and what prepares pictures: by Pillow's pixels or by torchvision's."""
    processors = {"pil": transformers.CLIPImageProcessorPil, "torchvision": transformers.CLIPImageProcessor}
    net = transformers.CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    return net, transformers.CLIPTokenizer.from_pretrained(folder), processors[backend].from_pretrained(folder)


@torch.no_grad()
def reference(net, tokenizer, processor, pictures, texts):
    """Arrays and metadata of the file."""
    arrays, metadata = {}, {
        "format": outputs.FORMAT, "torch": torch.__version__, "transformers": transformers.__version__}
    most = net.config.text_config.max_position_embeddings
    ids = [tokenizer(text, truncation=True, max_length=most, return_tensors="pt").input_ids for text in texts]
    for i, path in enumerate(pictures):
        picture = PIL.Image.open(path).convert("RGB")
        pixels = processor(picture, return_tensors="pt").pixel_values.float()
        found = [net(input_ids=one, pixel_values=pixels) for one in ids]
        arrays[f"images.{i}.rgb"] = torch.from_numpy(np.array(picture))
        arrays[f"images.{i}.pixel_values"] = pixels[0]
        arrays[f"images.{i}.image_embeds"] = found[0].image_embeds[0]
        arrays[f"images.{i}.logits_per_image"] = torch.cat([one.logits_per_image[0] for one in found])
        metadata[f"images.{i}.name"] = pathlib.Path(path).name
    for j, (text, one) in enumerate(zip(texts, ids)):
        arrays[f"texts.{j}.input_ids"] = one[0]
        arrays[f"texts.{j}.text_embeds"] = found[j].text_embeds[0]
        metadata[f"texts.{j}.text"] = text
    # Padded together they are the same: what is behind the end of a text makes no difference.
    padded = tokenizer(texts, truncation=True, max_length=most, padding=True, return_tensors="pt")
    together = net(**padded, pixel_values=pixels).text_embeds
    assert torch.allclose(together, torch.cat([one.text_embeds for one in found]), atol=1e-5)
    return {name: array.contiguous() for name, array in arrays.items()}, metadata


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path, help="a folder in the huggingface layout")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument("--image", type=pathlib.Path, action="append", required=True, help="repeatable")
    parser.add_argument("--text", action="append", required=True, help="repeatable")
    parser.add_argument("--pixels", choices=["pil", "torchvision"], default="pil", help="whose pixels")
    given = parser.parse_args()
    torch.set_num_threads(2)
    arrays, metadata = reference(*load(given.checkpoint, given.pixels), given.image, given.text)
    outputs.save(given.out, arrays, metadata)


if __name__ == "__main__":
    main()
