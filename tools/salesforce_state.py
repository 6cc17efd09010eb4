"""A state dict of the original repository (salesforce/BLIP), as the script that converts it for transformers makes it."""

import re

POSITIONS = "vision_model.embeddings.position_embedding"
RENAMES = [
    (r"^visual_encoder\.patch_embed\.proj", "vision_model.embeddings.patch_embedding"),
    (r"^visual_encoder\.pos_embed", POSITIONS),
    (r"^visual_encoder\.cls_token", "vision_model.embeddings.class_embedding"),
    (r"^visual_encoder\.norm", "vision_model.post_layernorm"),
    (r"^visual_encoder\.blocks", "vision_model.encoder.layers"),
    (r"\.attn\.proj", ".self_attn.projection"), (r"\.attn\.", ".self_attn."),
    (r"\.norm1", ".layer_norm1"), (r"\.norm2", ".layer_norm2"),
]


def renamed(name):
    for pattern, new in RENAMES:
        name = re.sub(pattern, new, name)
    return name


def resized(positions, side):
    """Position embeddings (1, 1 + old², width) for side x side patches: (1, 1 + side², width)."""
    import torch

    old = round((positions.shape[1] - 1) ** 0.5)
    grid = positions[:, 1:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    grid = torch.nn.functional.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False)
    return torch.cat((positions[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)), dim=1)
