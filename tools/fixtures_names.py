#!/usr/bin/env python3
"""Write tiny Vision Transformers under other names, for Tests/FamiliesTests.

    python tools/fixtures_names.py

    FamiliesTests/Fixtures/names/vit-5/          torch.save(model.state_dict()) under transformers 5: its names in memory
    FamiliesTests/Fixtures/names/timm/           timm's VisionTransformer with the same weights, saved by safetensors
    FamiliesTests/Fixtures/names/expected.json   the logits of both libraries for one picture of numbers
    FamiliesTests/Fixtures/names/plain/          a still smaller one, as save_pretrained writes it
    FamiliesTests/Fixtures/names/backbone/       the same without its classifier, by ViTModel; timm-backbone/, by timm
    FamiliesTests/Fixtures/names/wrapped/        the same under names and in dictionaries that wrappers make
    FamiliesTests/Fixtures/names/adapter/        a LoRA adapter of it, by peft
    FamiliesTests/Fixtures/names/unmerged.pt     the net with the adapter in it, not merged

The weights of the first two are those of FamiliesTests/Fixtures/tiny-vit. Made with torch 2.13, transformers 5.24, timm 1.0.31,
peft 0.21.
"""
import copy as copying
import functools
import json
import pathlib
import shutil

import peft
import timm.models.vision_transformer
import torch
import transformers
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "tiny-vit"
OUT = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "names"


def timm_state(model):
    """The state dict of a timm model that computes what the model of transformers does."""
    config, theirs = model.config, model.vit
    twin = timm.models.vision_transformer.VisionTransformer(
        img_size=config.image_size, patch_size=config.patch_size, num_classes=config.num_labels,
        embed_dim=config.hidden_size, depth=config.num_hidden_layers, num_heads=config.num_attention_heads,
        mlp_ratio=config.intermediate_size / config.hidden_size,
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=config.layer_norm_eps)).eval()

    def copy(to, *linears):
        to.weight.data = torch.cat([x.weight.data for x in linears])
        to.bias.data = torch.cat([x.bias.data for x in linears])

    twin.cls_token.data = theirs.embeddings.cls_token.data
    twin.pos_embed.data = theirs.embeddings.position_embeddings.data
    copy(twin.patch_embed.proj, theirs.embeddings.patch_embeddings.projection)
    for block, layer in zip(twin.blocks, theirs.layers):
        attention = layer.attention
        copy(block.norm1, layer.layernorm_before)
        copy(block.attn.qkv, attention.q_proj, attention.k_proj, attention.v_proj)
        copy(block.attn.proj, attention.o_proj)
        copy(block.norm2, layer.layernorm_after)
        copy(block.mlp.fc1, layer.mlp.fc1)
        copy(block.mlp.fc2, layer.mlp.fc2)
    copy(twin.norm, theirs.layernorm)
    copy(twin.head, model.classifier)
    return twin


def main():
    model = transformers.ViTForImageClassification.from_pretrained(SOURCE).eval()
    twin = timm_state(model)
    side = model.config.image_size
    picture = torch.sin(torch.arange(3 * side * side, dtype=torch.float32)).reshape(1, 3, side, side)
    with torch.no_grad():
        logits = {"transformers": model(pixel_values=picture).logits[0].tolist(), "timm": twin(picture)[0].tolist()}
    difference = max(abs(a - b) for a, b in zip(*logits.values()))
    assert difference < 1e-5, difference
    for name in ("vit-5", "timm"):
        (OUT / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / "config.json", OUT / name / "config.json")
    torch.save(model.state_dict(), OUT / "vit-5" / "pytorch_model.bin")
    save_file({name: value.contiguous() for name, value in twin.state_dict().items()}, OUT / "timm" / "model.safetensors")
    (OUT / "expected.json").write_text(json.dumps(logits, indent=2) + "\n")
    wrapped()


def wrapped():
    """One net as DataParallel, torch.compile, an average of weights, a training's checkpoint and peft name it."""
    torch.manual_seed(3)
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=8, patch_size=4,
        num_labels=3)
    model = transformers.ViTForImageClassification(config).eval()
    model.save_pretrained(OUT / "plain")
    backbone = transformers.ViTModel(config).eval()
    backbone.load_state_dict(model.vit.state_dict(), strict=False)
    backbone.save_pretrained(OUT / "backbone")
    headless = timm.models.vision_transformer.VisionTransformer(
        img_size=8, patch_size=4, num_classes=0, embed_dim=16, depth=1, num_heads=2,
        mlp_ratio=2)
    (OUT / "timm-backbone").mkdir(exist_ok=True)
    shutil.copy(OUT / "plain" / "config.json", OUT / "timm-backbone" / "config.json")
    save_file(headless.state_dict(), OUT / "timm-backbone" / "model.safetensors")
    folder = OUT / "wrapped"
    folder.mkdir(exist_ok=True)
    shutil.copy(OUT / "plain" / "config.json", folder / "config.json")
    torch.save(torch.nn.DataParallel(model).state_dict(), folder / "parallel.pth")
    torch.save(torch.compile(torch.nn.DataParallel(model)).state_dict(), folder / "compiled.pt")
    inner = copying.deepcopy(model)
    inner.vit = torch.compile(inner.vit)
    torch.save(inner.state_dict(), folder / "compiled-inside.pt")
    torch.save({"ema": torch.nn.DataParallel(model).state_dict(), "step": 5}, folder / "ema.pt")
    optimizer = torch.optim.AdamW(model.parameters())
    model(pixel_values=torch.zeros(1, 3, 8, 8), labels=torch.zeros(1, dtype=torch.int64)).loss.backward()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer.step()
    model.load_state_dict(before)
    torch.save(
        {"network_g": before, "optim_g": optimizer.state_dict(), "epoch": 2}, folder / "training.pt")
    average = {name: value + 1 for name, value in before.items()}
    torch.save(
        {"model_averaged": average, "model": before, "optimizer": optimizer.state_dict()}, folder / "averaged.pt")
    torch.save(
        {"state_dict": {"net.model." + name: value for name, value in before.items()}, "epoch": 3, "global_step": 9,
         "pytorch-lightning_version": "2.5.0", "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [],
         "hyper_parameters": {"lr": 1e-3}}, folder / "last.ckpt")
    two = {"student." + name: value for name, value in before.items()}
    torch.save(two | {"teacher." + name: value for name, value in average.items()}, folder / "two.pt")
    torch.save(optimizer.state_dict(), folder / "optimizer.pt")
    adapted = peft.get_peft_model(
        copying.deepcopy(model), peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    adapted.save_pretrained(OUT / "adapter")
    (OUT / "adapter" / "README.md").unlink()
    torch.save(adapted.state_dict(), OUT / "unmerged.pt")


main()
