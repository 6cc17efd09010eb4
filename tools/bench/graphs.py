#!/usr/bin/env python3
"""The three pieces of a BLIP VQA net that the engines are timed on, and their ONNX and OpenVINO files.

    python graphs.py --checkpoint HF_FOLDER --out FOLDER [--engine onnxruntime|openvino]…

Plain modules over the weights of transformers' classes, cut where `ingot ask` cuts too, so that each engine computes
everything once and nothing twice:

    look   pixels (1, 3, S, S) -> the text encoder's keys and values over the image, of each layer (1, H, P, d)
    read   ids (1, T), those   -> the decoder's keys and values over the question, of each layer (1, H, T, d)
    speak  token (1, 1), position (1), those, own keys and values so far (1, H, N, d) -> logits (1, V), own ones (N + 1)

Attention is scaled_dot_product_attention. Each layer's keys and values are inputs and outputs of their own, so that
nothing is copied to join them. ONNX files are also stored as ONNX Runtime optimizes them on this machine.
"""

import argparse
import pathlib

import torch
import torch.nn.functional as F


def split(x, heads):
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def attend(queries, keys, values):
    return F.scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)


def finish(block, x, attended):
    return block.output.LayerNorm(x + block.output.dense(attended))


def widen(layer, x):
    return layer.output.LayerNorm(x + layer.output.dense(F.gelu(layer.intermediate.dense(x))))


def keys_and_values(layers, x, heads):
    """[keys of layer 0, values of layer 0, keys of layer 1, …] of the cross-attention."""
    out = []
    for layer in layers:
        attention = layer.crossattention.self
        out += [split(attention.key(x), heads), split(attention.value(x), heads)]
    return out


class Look(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.vision, self.readers = net.vision_model, net.text_encoder.encoder.layer
        self.heads = net.config.vision_config.num_attention_heads
        self.text_heads = net.config.text_config.num_attention_heads

    def forward(self, pixels):
        start = self.vision.embeddings
        patches = start.patch_embedding(pixels).flatten(2).transpose(1, 2)
        x = torch.cat((start.class_embedding, patches), dim=1) + start.position_embedding
        for layer in self.vision.encoder.layers:
            queries, keys, values = layer.self_attn.qkv(layer.layer_norm1(x)).chunk(3, dim=-1)
            attended = attend(*(split(part, self.heads) for part in (queries, keys, values)))
            x = x + layer.self_attn.projection(attended)
            x = x + layer.mlp.fc2(F.gelu(layer.mlp.fc1(layer.layer_norm2(x))))
        return tuple(keys_and_values(self.readers, self.vision.post_layernorm(x), self.text_heads))


class Read(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net, self.speakers = net.text_encoder, net.text_decoder.bert.encoder.layer
        self.heads = net.config.text_config.num_attention_heads

    def forward(self, ids, *image):
        start = self.net.embeddings
        x = start.LayerNorm(start.word_embeddings(ids) + start.position_embeddings.weight[: ids.shape[1]])
        for number, layer in enumerate(self.net.encoder.layer):
            own = layer.attention.self
            parts = (split(linear(x), self.heads) for linear in (own.query, own.key, own.value))
            x = finish(layer.attention, x, attend(*parts))
            queries = split(layer.crossattention.self.query(x), self.heads)
            x = finish(layer.crossattention, x, attend(queries, *image[2 * number:2 * number + 2]))
            x = widen(layer, x)
        return tuple(keys_and_values(self.speakers, x, self.heads))


class Speak(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net, self.heads = net.text_decoder, net.config.text_config.num_attention_heads

    def forward(self, token, position, *context):
        layers, start = self.net.bert.encoder.layer, self.net.bert.embeddings
        question, past, new = context[:2 * len(layers)], context[2 * len(layers):], []
        x = start.LayerNorm(start.word_embeddings(token) + start.position_embeddings(position))
        for number, layer in enumerate(layers):
            own = layer.attention.self
            keys = torch.cat((past[2 * number], split(own.key(x), self.heads)), dim=2)
            values = torch.cat((past[2 * number + 1], split(own.value(x), self.heads)), dim=2)
            x = finish(layer.attention, x, attend(split(own.query(x), self.heads), keys, values))
            queries = split(layer.crossattention.self.query(x), self.heads)
            x = finish(layer.crossattention, x, attend(queries, *question[2 * number:2 * number + 2]))
            x = widen(layer, x)
            new += [keys, values]
        return (self.net.cls(x)[:, -1], *new)


def load(folder, **options):
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers.BlipForQuestionAnswering.from_pretrained(folder, dtype=torch.float32, **options).eval()


def names(kind, layers):
    return [f"{kind}.{part}.{number}" for number in range(layers) for part in ("keys", "values")]


def export(net, out):
    """look.onnx, read.onnx and speak.onnx."""
    text, vision = net.config.text_config, net.config.vision_config
    layers, heads, size = text.num_hidden_layers, text.num_attention_heads, text.hidden_size // text.num_attention_heads
    positions = (vision.image_size // vision.patch_size) ** 2 + 1

    def example(length):
        return [torch.randn(1, heads, length, size) for _ in range(2 * layers)]

    def lengths(kind, axis):
        return {name: {2: axis} for name in names(kind, layers)}

    pixels = torch.randn(1, 3, vision.image_size, vision.image_size)
    pieces = {
        "look": (Look(net), (pixels,), ["pixels"], names("image", layers), {}),
        "read": (
            Read(net), (torch.arange(5, 13)[None], *example(positions)), ["ids", *names("image", layers)],
            names("question", layers), {"ids": {1: "tokens"}} | lengths("question", "tokens")),
        "speak": (
            Speak(net), (torch.tensor([[5]]), torch.tensor([3]), *example(8), *example(3)),
            ["token", "position", *names("question", layers), *names("past", layers)],
            ["logits", *names("new", layers)],
            lengths("question", "tokens") | lengths("past", "past") | lengths("new", "all")),
    }
    for name, (module, inputs, takes, gives, axes) in pieces.items():
        torch.onnx.export(
            module, inputs, out / f"{name}.onnx", input_names=takes, output_names=gives, dynamic_axes=axes,
            opset_version=17, dynamo=False, do_constant_folding=True)


def optimize(out):
    """The same as ONNX Runtime rewrites them for this processor, weights beside them so that they can be mapped."""
    import onnxruntime

    for name in ("look", "read", "speak"):
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(out / f"{name}.optimized.onnx")
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", f"{name}.weights")
        options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")
        onnxruntime.InferenceSession(str(out / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])


def to_openvino(out):
    import openvino

    for name in ("look", "read", "speak"):
        openvino.save_model(openvino.convert_model(out / f"{name}.onnx"), out / f"{name}.xml", compress_to_fp16=False)


def main():
    parser = argparse.ArgumentParser(description="Writes a BLIP VQA net as ONNX and OpenVINO files.")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--engine", action="append", choices=["onnxruntime", "openvino"], default=[])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    with torch.no_grad():
        export(load(options.checkpoint), options.out)
    if "onnxruntime" in options.engine:
        optimize(options.out)
    if "openvino" in options.engine:
        to_openvino(options.out)


if __name__ == "__main__":
    main()
