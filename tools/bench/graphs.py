#!/usr/bin/env python3
"""The three pieces of a BLIP VQA net that the engines are timed on, and the files that the engines run.

    python graphs.py --checkpoint HF_FOLDER --out FOLDER --make exported [--make onnxruntime|openvino|…]…

Plain modules over the weights of transformers' classes, cut where `ingot ask` cuts too, so that each engine computes
everything once and nothing twice:

    look   pixels (1, 3, S, S) -> the text encoder's keys and values over the image, of each layer (1, H, P, d); and
           the image's features that they are made of (1, P, D), for drift.py
    read   ids (1, T), the first of those -> the decoder's keys and values over the question, of each layer (1, H, T, d)
    speak  token (1, 1), position (1), those, own keys and values so far (1, H, N, d) -> logits (1, V), own ones (N + 1)

Attention is scaled_dot_product_attention. Each layer's keys and values are inputs and outputs of their own, so that
nothing is copied to join them. What can be made of the checkpoint, each of the later ones from "exported":

    exported          the pieces as ONNX files
    onnxruntime       those, as ONNX Runtime optimizes them on this machine
    openvino          those, as OpenVINO's files
    torch-int8        transformers' modules, every Linear quantized dynamically
    onnxruntime-int8  products with weights, and embeddings, quantized dynamically; optimized likewise
    openvino-int8     weights and activations quantized, activations by what some pictures and questions give
    openvino-w8       weights alone quantized
"""

import argparse
import io
import pathlib
import tempfile

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


PIECES = ("look", "read", "speak")


class Look(torch.nn.Module):
    def __init__(self, net, readers=None):
        super().__init__()
        self.vision, self.readers = net.vision_model, readers or net.text_encoder.encoder.layer
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
        x = self.vision.post_layernorm(x)
        return (*keys_and_values(self.readers, x, self.text_heads), x)


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


def write_onnx(module, inputs, takes, gives, axes, path):
    torch.onnx.export(
        module, inputs, path, input_names=takes, output_names=gives, dynamic_axes=axes, opset_version=17, dynamo=False,
        do_constant_folding=True)


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
        "look": (Look(net), (pixels,), ["pixels"], [*names("image", layers), "image_embeds"], {}),
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
        write_onnx(module, inputs, takes, gives, axes, out / f"{name}.onnx")


def optimize(source, stem, out):
    """A file as ONNX Runtime rewrites it for this processor, weights beside it so that they can be mapped."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(out / f"{stem}.optimized.onnx")
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", f"{stem}.weights")
    options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])


def to_onnxruntime(out, pieces=PIECES):
    for name in pieces:
        optimize(out / f"{name}.onnx", name, out)


def to_openvino(out, pieces=PIECES):
    import openvino

    for name in pieces:
        openvino.save_model(openvino.convert_model(out / f"{name}.onnx"), out / f"{name}.xml", compress_to_fp16=False)


# ---------------------------------------------------------------------------------------------------------------- int8


def to_torch_int8(net, out):
    """Modules, not a state: what the library makes of them at loading would otherwise be part of a cold start."""
    quantized = torch.ao.quantization.quantize_dynamic(net, {torch.nn.Linear}, dtype=torch.qint8)
    torch.save(quantized, out / "torch-int8.pt")


def load_torch_int8(out):
    return torch.load(out / "torch-int8.pt", weights_only=False).eval()


def has_vnni():
    return any(name in pathlib.Path("/proc/cpuinfo").read_text() for name in ("avx512_vnni", "avx_vnni"))


def to_onnxruntime_int8(out, pieces=PIECES):
    """Signed weights, a scale per column; of 7 bits where the processor would add products in 16, which overflow."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    for name in pieces:
        with tempfile.TemporaryDirectory() as folder:
            clean, quantized = (pathlib.Path(folder, f"{part}.onnx") for part in ("clean", "quantized"))
            quant_pre_process(str(out / f"{name}.onnx"), str(clean), skip_symbolic_shape=True)
            quantize_dynamic(
                clean, quantized, weight_type=QuantType.QInt8, per_channel=True, reduce_range=not has_vnni(),
                op_types_to_quantize=["MatMul", "Gemm", "Gather"])
            optimize(quantized, f"{name}.int8", out)


def to_openvino_w8(out, pieces=PIECES):
    import nncf
    import openvino

    for name in pieces:
        model = openvino.convert_model(out / f"{name}.onnx")
        model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
        openvino.save_model(model, out / f"{name}.w8.xml", compress_to_fp16=False)


def to_openvino_int8(examples, out):
    """By inputs of each piece, a dictionary each."""
    import nncf
    import openvino

    for name, inputs in examples.items():
        model = nncf.quantize(
            openvino.convert_model(out / f"{name}.onnx"), nncf.Dataset(inputs), subset_size=len(inputs),
            model_type=nncf.ModelType.TRANSFORMER)
        openvino.save_model(model, out / f"{name}.int8.xml", compress_to_fp16=False)


CALIBRATION = [
    "what is this?", "is the window open?", "what color is the car on the left?", "how many boats can you see?",
    "where was this picture taken?", "what is the woman in the middle holding in her hand?", "is it raining?",
    "what is the shape of the largest thing in this picture?"]


def calibration(net, folder):
    """Inputs of each piece, from pictures and questions that drift.py doesn't ask about."""
    import drift
    import peer

    checkpoint = peer.Checkpoint(folder)
    look, read, speak = Look(net), Read(net), Speak(net)
    layers = net.config.text_config.num_hidden_layers
    out = {name: [] for name in PIECES}

    def note(piece, names, inputs):
        out[piece].append(dict(zip(names, [part.numpy() for part in inputs], strict=True)))

    for number in range(24):
        file = io.BytesIO()
        drift.picture(100 + number).save(file, "PNG")
        pixels = torch.from_numpy(checkpoint.pixels(file))
        note("look", ["pixels"], [pixels])
        *image, _ = look(pixels)
        ids = torch.from_numpy(checkpoint.ids(CALIBRATION[number % len(CALIBRATION)]))
        note("read", ["ids", *names("image", layers)], [ids, *image])
        question = read(ids, *image)
        token, past = checkpoint.start, [part[:, :, :0] for part in question]
        for position in range(3):
            inputs = [torch.tensor([[token]]), torch.tensor([position]), *question, *past]
            note("speak", ["token", "position", *names("question", layers), *names("past", layers)], inputs)
            logits, *past = speak(*inputs)
            token = int(logits.argmax())
    return out


def main():
    parser = argparse.ArgumentParser(description="Writes a BLIP VQA net as files for other engines.")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    makers = {
        "exported": lambda: export(load(options.checkpoint), options.out),
        "onnxruntime": lambda: to_onnxruntime(options.out),
        "openvino": lambda: to_openvino(options.out),
        "torch-int8": lambda: to_torch_int8(load(options.checkpoint), options.out),
        "onnxruntime-int8": lambda: to_onnxruntime_int8(options.out),
        "openvino-int8": lambda: to_openvino_int8(
            calibration(load(options.checkpoint), options.checkpoint), options.out),
        "openvino-w8": lambda: to_openvino_w8(options.out)}
    parser.add_argument("--make", action="append", choices=makers, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    with torch.no_grad():
        for name in options.make:
            makers[name]()


if __name__ == "__main__":
    main()
