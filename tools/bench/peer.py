#!/usr/bin/env python3
"""Another engine that answers questions in the way of `ingot ask`, for bench.py to time.

    python peer.py ENGINE [IMAGE QUESTION] --checkpoint HF_FOLDER --graphs FOLDER --tokens 5

ENGINE is torch-hf (the modules of transformers as they are), torch-sdpa (the pieces of graphs.py), onnxruntime,
openvino, or one of their int8 kinds; all but the first two run what graphs.py wrote into FOLDER. Without IMAGE and
QUESTION, lines {"image": path, "question": text} come on standard input; each is answered by one with the answer's
tokens and the seconds that the image, the question and the answer took. The image is kept from one line to the next.
Only what the engine needs is imported: that is part of a cold start.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import PIL.Image
import tokenizers

THREADS = 2


def normalized(picture, scale, mean, std):
    """(1, 3, height, width)"""
    values = (np.asarray(picture, dtype=np.float32) * scale - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


class Checkpoint:
    """What every engine needs of the folder besides its weights."""

    def __init__(self, folder):
        self.folder = folder
        config = json.loads((folder / "config.json").read_text())
        text = {"bos_token_id": 30522, "sep_token_id": 102} | config.get("text_config", {})
        self.start, self.end = text["bos_token_id"], text["sep_token_id"]
        prepare = json.loads((folder / "preprocessor_config.json").read_text())
        size = prepare["size"]
        self.side = size["height"] if isinstance(size, dict) else size
        self.scale = np.float32(prepare["rescale_factor"])
        self.mean, self.std = (np.array(prepare[name], np.float32) for name in ("image_mean", "image_std"))
        if (folder / "tokenizer.json").exists():
            self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            self.tokenizer = tokenizers.BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
        self.tokenizer.no_padding()

    def pixels(self, path):
        picture = PIL.Image.open(path).convert("RGB").resize((self.side, self.side), PIL.Image.Resampling.BICUBIC)
        return normalized(picture, self.scale, self.mean, self.std)

    def ids(self, question):
        return np.array([self.tokenizer.encode(question).ids], dtype=np.int64)


# ------------------------------------------------------------------------------------------------------------- engines


def onnx_session(path, level="ORT_DISABLE_ALL"):
    """Of a file that is optimized already, unless another level is given."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def openvino_requests(paths):
    import openvino

    core = openvino.Core()
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    return [core.compile_model(path, "CPU", settings).create_infer_request() for path in paths]


class Torch:
    INT8 = False

    def load(self, checkpoint, graphs):
        import torch

        from graphs import load, load_torch_int8

        self.torch = torch
        torch.set_num_threads(THREADS)
        torch.set_grad_enabled(False)
        return load_torch_int8(graphs) if self.INT8 else load(checkpoint.folder)


class TorchModules(Torch):
    def __init__(self, checkpoint, graphs):
        import transformers

        self.transformers = transformers
        self.net = self.load(checkpoint, graphs)

    def look(self, pixels):
        return self.net.vision_model(self.torch.from_numpy(pixels)).last_hidden_state

    def read(self, ids, image):
        ids = self.torch.from_numpy(ids)
        question = self.net.text_encoder(
            ids, attention_mask=self.torch.ones_like(ids), encoder_hidden_states=image,
            encoder_attention_mask=self.torch.ones(image.shape[:2], dtype=self.torch.long)).last_hidden_state
        own, cross = self.transformers.DynamicCache(), self.transformers.DynamicCache()
        return question, self.transformers.EncoderDecoderCache(own, cross)

    def speak(self, token, position, state):
        question, cache = state
        out = self.net.text_decoder(
            self.torch.tensor([[token]]), encoder_hidden_states=question, past_key_values=cache, use_cache=True)
        return out.logits[0, -1].numpy(), (question, out.past_key_values)


class TorchModulesInt8(TorchModules):
    INT8 = True


class TorchPieces(Torch):
    def __init__(self, checkpoint, graphs):
        from graphs import Look, Read, Speak

        net = self.load(checkpoint, graphs)
        self.pieces = Look(net), Read(net), Speak(net)

    def look(self, pixels):
        return self.pieces[0](self.torch.from_numpy(pixels))

    def read(self, ids, image):
        question = self.pieces[1](self.torch.from_numpy(ids), *image[:-1])
        return question, [part[:, :, :0] for part in question]

    def speak(self, token, position, state):
        token, position = self.torch.tensor([[token]]), self.torch.tensor([position])
        logits, *past = self.pieces[2](token, position, *state[0], *state[1])
        return logits[0].numpy(), (state[0], past)


class TorchPiecesInt8(TorchPieces):
    INT8 = True


class Graphs:
    """Common to the engines that run files: lists of arrays in, lists of arrays out."""

    def look(self, pixels):
        return self.run(0, [pixels])

    def read(self, ids, image):
        question = self.run(1, [ids, *image[:-1]])
        return question, [np.zeros((*part.shape[:2], 0, part.shape[3]), np.float32) for part in question]

    def speak(self, token, position, state):
        logits, *past = self.run(2, [np.array([[token]]), np.array([position]), *state[0], *state[1]])
        return logits.reshape(-1), (state[0], past)  # OpenVINO gives an int8 net's a dimension that its file lacks


class OnnxRuntime(Graphs):
    # The files are optimized already.
    FILE, LEVEL = "{}.optimized.onnx", "ORT_DISABLE_ALL"

    def __init__(self, checkpoint, graphs):
        self.sessions = [onnx_session(graphs / self.FILE.format(name), self.LEVEL) for name in ("look", "read", "speak")]
        self.names = [[item.name for item in session.get_inputs()] for session in self.sessions]

    def run(self, piece, inputs):
        return self.sessions[piece].run(None, dict(zip(self.names[piece], inputs)))


class OnnxRuntimeExported(OnnxRuntime):
    """The files as they were exported, optimized whenever a process starts: what most programs do."""

    FILE, LEVEL = "{}.onnx", "ORT_ENABLE_ALL"


class OnnxRuntimeInt8(OnnxRuntime):
    FILE = "{}.int8.optimized.onnx"


class OpenVino(Graphs):
    FILE = "{}.xml"

    def __init__(self, checkpoint, graphs):
        self.requests = openvino_requests(graphs / self.FILE.format(name) for name in ("look", "read", "speak"))

    def run(self, piece, inputs):
        # Outputs are the request's own memory: the next request of this piece overwrites them.
        out = self.requests[piece].infer(inputs, share_inputs=True, share_outputs=piece < 2)
        return [out[number] if piece < 2 else out[number].copy() for number in range(len(out))]


class OpenVinoInt8(OpenVino):
    FILE = "{}.int8.xml"


class OpenVinoW8(OpenVino):
    FILE = "{}.w8.xml"


ENGINES = {
    "torch-hf": TorchModules, "torch-sdpa": TorchPieces, "onnxruntime": OnnxRuntime,
    "onnxruntime-exported": OnnxRuntimeExported, "openvino": OpenVino, "torch-hf-int8": TorchModulesInt8,
    "torch-sdpa-int8": TorchPiecesInt8, "onnxruntime-int8": OnnxRuntimeInt8, "openvino-int8": OpenVinoInt8,
    "openvino-w8": OpenVinoW8}


# ----------------------------------------------------------------------------------------------------------- answering


class Asker:
    def __init__(self, engine, checkpoint, tokens):
        self.engine, self.checkpoint, self.tokens = engine, checkpoint, tokens
        self.path = self.image = None

    def ask(self, path, question):
        times = [time.perf_counter()]
        if path != self.path:
            self.image, self.path = self.engine.look(self.checkpoint.pixels(path)), path
        times.append(time.perf_counter())
        state = self.engine.read(self.checkpoint.ids(question), self.image)
        times.append(time.perf_counter())
        token, answer = self.checkpoint.start, []
        for position in range(self.tokens):
            logits, state = self.engine.speak(token, position, state)
            logits[self.checkpoint.end] = -np.inf  # so many tokens are made, whatever the net would say
            token = int(logits.argmax())
            answer.append(token)
        times.append(time.perf_counter())
        seconds = [after - before for before, after in zip(times, times[1:])]
        return {"image": path, "question": question, "answer": self.checkpoint.tokenizer.decode(answer),
                "tokens": answer, "seconds": dict(zip(("image", "question", "answer"), seconds))}


def main():
    parser = argparse.ArgumentParser(description="Answers questions with another engine.")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--graphs", type=pathlib.Path, required=True)
    parser.add_argument("--tokens", type=int, default=5)
    parser.add_argument("image", nargs="?")
    parser.add_argument("question", nargs="?")
    options = parser.parse_args()
    checkpoint = Checkpoint(options.checkpoint)
    asker = Asker(ENGINES[options.engine](checkpoint, options.graphs), checkpoint, options.tokens)
    if options.image:
        return print(json.dumps(asker.ask(options.image, options.question)))
    for line in sys.stdin:
        print(json.dumps(asker.ask(*map(json.loads(line).get, ("image", "question")))), flush=True)


if __name__ == "__main__":
    sys.exit(main())
