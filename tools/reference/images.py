#!/usr/bin/env python3
"""Writes what transformers makes of images with a ViT, DeiT or DINOv2, for `ingot verify --reference`.

    tools/setup --reference
    .venv-reference/bin/python tools/reference/images.py CHECKPOINT --out FILE --image PICTURE... [--side N]

Arrays: images.I.rgb, .pixel_values; .image_embeds, the last hidden state; .pooled, what the base model pools (without a
pooler the class token's vector); .logits of a net with classes. With --side, pictures are prepared for that side and
positions are interpolated (interpolate_pos_encoding); metadata: side.
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


def load(folder):
    """The net and what prepares its pictures, by Pillow."""
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, config.architectures[0])
    options = {"add_pooling_layer": False} if kind.__name__ in ("ViTModel", "DeiTModel") and not has_pooler(folder) else {}
    net, info = kind.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **options)
    assert not any(info.values()), info
    return net.eval(), transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")


def has_pooler(folder):
    import safetensors

    with safetensors.safe_open(pathlib.Path(folder) / "model.safetensors", "pt") as file:
        return any("pooler." in name for name in file.keys())


def for_side(processor, side):
    """The processor's settings for pictures of another side: lengths in proportion, rounded down."""
    size = dict(processor.size)
    old = processor.crop_size["height"] if processor.do_center_crop else size["height"]
    size = {key: value * side // old for key, value in size.items() if value}
    crop = {"crop_size": {"height": side, "width": side}} if processor.do_center_crop else {}
    return {"size": size, **crop}


@torch.no_grad()
def reference(net, processor, pictures, side=None):
    """Arrays and metadata of the file."""
    arrays, metadata = {}, {
        "format": outputs.FORMAT, "torch": torch.__version__, "transformers": transformers.__version__}
    if side:
        metadata["side"] = str(side)
    base = getattr(net, net.base_model_prefix, net)
    interpolates = {} if net.config.model_type.startswith("dinov2") or not side else {"interpolate_pos_encoding": True}
    for i, path in enumerate(pictures):
        picture = PIL.Image.open(path).convert("RGB")
        options = for_side(processor, side) if side else {}
        pixels = processor(picture, return_tensors="pt", **options).pixel_values.float()
        found = base(pixels, **interpolates)
        pooled = found.pooler_output
        arrays[f"images.{i}.rgb"] = torch.from_numpy(np.array(picture))
        arrays[f"images.{i}.pixel_values"] = pixels[0]
        arrays[f"images.{i}.image_embeds"] = found.last_hidden_state[0]
        arrays[f"images.{i}.pooled"] = (found.last_hidden_state[:, 0] if pooled is None else pooled)[0]
        if base is not net:
            arrays[f"images.{i}.logits"] = net(pixels, **interpolates).logits[0]
        metadata[f"images.{i}.name"] = pathlib.Path(path).name
    return {name: array.clone().contiguous() for name, array in arrays.items()}, metadata


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path, help="a folder in the huggingface layout")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument("--image", type=pathlib.Path, action="append", required=True, help="repeatable")
    parser.add_argument("--side", type=int, help="of the pictures, in pixels")
    given = parser.parse_args()
    torch.set_num_threads(2)
    arrays, metadata = reference(*load(given.checkpoint), given.image, given.side)
    outputs.save(given.out, arrays, metadata)


if __name__ == "__main__":
    main()
