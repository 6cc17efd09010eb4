#!/usr/bin/env python3
"""The nets of task_nets.py in pieces, as PyTorch modules and as the files that other engines run, for tasks.py.

    python task_graphs.py NET --checkpoint HF_FOLDER --out FOLDER --make exported [--make onnxruntime|openvino|…]…

Plain modules over the weights of transformers' classes, as graphs.py has them for questions; N texts of T tokens:

    caption  look   pixels (1, 3, S, S) -> the decoder's keys and values over the image, of each layer (1, H, P, d)
             speak  token (1, 1), position (1), those, own keys and values so far -> logits (1, V), own ones and one more
    match    look   pixels -> the text encoder's keys and values over the image, and the image's vector (1, D)
             read   ids (N, T), mask (N, T) -> the texts' vectors (N, D), the image unseen
             see    ids, mask, the keys and values -> logits (N, 2)
    embed-*  text   ids, mask -> the texts' vectors, the mean of their tokens', of length 1
    clip     image  pixels -> the image's vector
             text   ids, end (N) -> the texts' vectors, each taken at its end token
    vit      image  pixels -> logits (1, 1000)
"""

import argparse
import io
import pathlib

import drift
import graphs
import numpy as np
import torch
import torch.nn.functional as F
import transformers as t

CLASSES = {
    "caption": t.BlipForConditionalGeneration, "match": t.BlipForImageTextRetrieval, "embed-small": t.BertModel,
    "embed-base": t.BertModel, "clip": t.CLIPModel, "vit": t.ViTForImageClassification}


def load(name, folder):
    t.logging.set_verbosity_error()
    t.logging.disable_progress_bar()
    return CLASSES[name].from_pretrained(folder, dtype=torch.float32).eval()


def unit(x):
    return F.normalize(x, dim=-1)


class Encode(torch.nn.Module):
    """BERT's layers over several texts, with cross-attention where an image's keys and values are given."""

    def __init__(self, net, heads):
        super().__init__()
        self.net, self.heads = net, heads

    def forward(self, ids, mask, *image):
        start = self.net.embeddings
        x = start.word_embeddings(ids)
        if hasattr(start, "token_type_embeddings"):
            x = x + start.token_type_embeddings.weight[0]
        x = start.LayerNorm(x + start.position_embeddings.weight[: ids.shape[1]])
        seen = mask[:, None, None, :].bool()
        for number, layer in enumerate(self.net.encoder.layer):
            own = layer.attention.self
            parts = (graphs.split(linear(x), self.heads) for linear in (own.query, own.key, own.value))
            attended = F.scaled_dot_product_attention(*parts, attn_mask=seen).transpose(1, 2).flatten(2)
            x = graphs.finish(layer.attention, x, attended)
            if image:
                queries = graphs.split(layer.crossattention.self.query(x), self.heads)
                keys, values = (part.expand(x.shape[0], -1, -1, -1) for part in image[2 * number:2 * number + 2])
                x = graphs.finish(layer.crossattention, x, graphs.attend(queries, keys, values))
            x = graphs.widen(layer, x)
        return x


class MatchLook(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.look, self.project = graphs.Look(net), net.vision_proj

    def forward(self, pixels):
        *image, x = self.look(pixels)
        return (*image, unit(self.project(x[:, 0])))


class MatchRead(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.encode, self.project = Encode(net.text_encoder, net.config.text_config.num_attention_heads), net.text_proj

    def forward(self, ids, mask):
        return unit(self.project(self.encode(ids, mask)[:, 0]))


class MatchSee(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.encode, self.head = Encode(net.text_encoder, net.config.text_config.num_attention_heads), net.itm_head

    def forward(self, ids, mask, *image):
        return self.head(self.encode(ids, mask, *image)[:, 0])


class Embed(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.encode = Encode(net, net.config.num_attention_heads)

    def forward(self, ids, mask):
        counted = mask[:, :, None].float()
        return unit((self.encode(ids, mask) * counted).sum(1) / counted.sum(1))


class ClipImage(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, pixels):
        return unit(self.net.visual_projection(self.net.vision_model(pixels).pooler_output))


class ClipText(torch.nn.Module):
    """Causal, so that what stands behind a text's end makes no difference to it."""

    def __init__(self, net):
        super().__init__()
        self.net, self.heads = net, net.config.text_config.num_attention_heads

    def forward(self, ids, end):
        text = self.net.text_model
        x = text.embeddings.token_embedding(ids) + text.embeddings.position_embedding.weight[: ids.shape[1]]
        for layer in text.encoder.layers:
            own, y = layer.self_attn, layer.layer_norm1(x)
            parts = (graphs.split(linear(y), self.heads) for linear in (own.q_proj, own.k_proj, own.v_proj))
            attended = F.scaled_dot_product_attention(*parts, is_causal=True).transpose(1, 2).flatten(2)
            x = x + own.out_proj(attended)
            x = x + layer.mlp(layer.layer_norm2(x))
        last = x[torch.arange(x.shape[0]), end]
        return unit(self.net.text_projection(text.final_layer_norm(last)))


class VitImage(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, pixels):
        return self.net(pixels).logits


def pieces(name, net):
    """By piece: the module, example inputs, names of inputs and of outputs, dimensions that vary."""
    config = net.config
    ids, mask = torch.arange(5, 29).view(2, 12), torch.ones(2, 12, dtype=torch.long)
    many = {"ids": {0: "texts", 1: "tokens"}, "mask": {0: "texts", 1: "tokens"}}
    if name.startswith("embed"):
        return {"text": (Embed(net), (ids, mask), ["ids", "mask"], ["vectors"], many)}
    side = config.image_size if name == "vit" else config.vision_config.image_size
    pixels = torch.randn(1, 3, side, side)
    if name == "vit":
        return {"image": (VitImage(net), (pixels,), ["pixels"], ["logits"], {})}
    if name == "clip":
        end = torch.tensor([11, 7])
        return {
            "image": (ClipImage(net), (pixels,), ["pixels"], ["vector"], {}),
            "text": (ClipText(net), (ids, end), ["ids", "end"], ["vectors"],
                     {"ids": {0: "texts", 1: "tokens"}, "end": {0: "texts"}})}
    layers, heads = config.text_config.num_hidden_layers, config.text_config.num_attention_heads
    size = config.text_config.hidden_size // heads
    positions = (side // config.vision_config.patch_size) ** 2 + 1
    image = graphs.names("image", layers)

    def example(length):
        return [torch.randn(1, heads, length, size) for _ in image]

    if name == "match":
        return {
            "look": (MatchLook(net), (pixels,), ["pixels"], [*image, "vector"], {}),
            "read": (MatchRead(net), (ids, mask), ["ids", "mask"], ["vectors"], many),
            "see": (MatchSee(net), (ids, mask, *example(positions)), ["ids", "mask", *image], ["logits"], many)}
    past, new = graphs.names("past", layers), graphs.names("new", layers)
    return {
        "look": (graphs.Look(net, net.text_decoder.bert.encoder.layer), (pixels,), ["pixels"], [*image, "embeds"], {}),
        "speak": (
            graphs.Speak(net), (torch.tensor([[5]]), torch.tensor([3]), *example(positions), *example(3)),
            ["token", "position", *image, *past], ["logits", *new],
            {part: {2: "past"} for part in past} | {part: {2: "all"} for part in new})}


def quantized(name, net):
    """Modules whose every Linear is quantized, by piece."""
    torch.ao.quantization.quantize_dynamic(net, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)
    return {piece: module for piece, (module, *_) in pieces(name, net).items()}


def examples(name, net, folder):
    """Inputs of each piece from pictures and texts that tasks.py doesn't use, a dictionary each."""
    import task_peer

    net_pieces = pieces(name, net)

    class Noting(task_peer.Engine):
        def __init__(self):
            self.noted = {piece: [] for piece in net_pieces}

        def run(self, piece, inputs):
            module, _, takes, *_ = net_pieces[piece]
            self.noted[piece].append(dict(zip(takes, [np.asarray(value) for value in inputs], strict=True)))
            out = module(*(torch.from_numpy(np.asarray(value)) for value in inputs))
            return [part.numpy() for part in (out if isinstance(out, tuple) else (out,))]

    engine = Noting()
    task = task_peer.TASKS[name](task_peer.Folder(folder), engine)
    for number in range(16):
        file = io.BytesIO()
        drift.picture(100 + number).save(file, "PNG")
        texts = [question * (1 + number % 3) for question in graphs.CALIBRATION]
        task({"image": file, "texts": texts, "labels": texts, "tokens": 3})
    return engine.noted


def main():
    parser = argparse.ArgumentParser(description="Writes a net as files for other engines.")
    parser.add_argument("net", choices=CLASSES)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--make", action="append", required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    net = load(options.net, options.checkpoint)
    with torch.no_grad():
        parts = pieces(options.net, net)
        for made in options.make:
            if made == "exported":
                for piece, part in parts.items():
                    graphs.write_onnx(*part, options.out / f"{piece}.onnx")
            elif made == "onnxruntime":
                graphs.to_onnxruntime(options.out, parts)
            elif made == "openvino":
                graphs.to_openvino(options.out, parts)
            elif made == "onnxruntime-int8":
                graphs.to_onnxruntime_int8(options.out, parts)
            elif made == "openvino-w8":
                graphs.to_openvino_w8(options.out, parts)
            elif made == "openvino-int8":
                graphs.to_openvino_int8(examples(options.net, net, options.checkpoint), options.out)


if __name__ == "__main__":
    main()
