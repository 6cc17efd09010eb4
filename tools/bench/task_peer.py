#!/usr/bin/env python3
"""Another engine that does what `ingot caption`, `match`, `embed` and `classify` do, for tasks.py to time.

    python task_peer.py NET ENGINE --checkpoint HF_FOLDER --graphs FOLDER

NET is one of task_nets.py; ENGINE is torch, onnxruntime, openvino or one of their int8 kinds, each running the pieces of
task_graphs.py. Objects come as lines on standard input ({"image": path, "tokens": 10}, {"image": path, "texts": [text]},
{"texts": [text]}, {"image": path, "labels": [text]}, {"image": path}), and each is answered by one with `result`, a list
of numbers, and `seconds`. Texts of different lengths are padded to the longest of their batch; the lengths of batches
are tried beforehand, sorted and not, and the fastest is kept.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import peer
import PIL.Image

THREADS = peer.THREADS


class Folder:
    """What every engine needs of a checkpoint besides its weights."""

    def __init__(self, path):
        self.path = path
        processor = path / "preprocessor_config.json"
        self.pixels_rules = json.loads(processor.read_text()) if processor.exists() else None
        if (path / "vocab.txt").exists():
            import tokenizers

            self.tokenizer = tokenizers.BertWordPieceTokenizer(str(path / "vocab.txt"), lowercase=True)
            self.encode = lambda text: self.tokenizer.encode(text).ids
        elif (path / "bpe_simple_vocab_16e6.txt.gz").exists():
            import open_clip.tokenizer

            clip = open_clip.tokenizer.SimpleTokenizer(str(path / "bpe_simple_vocab_16e6.txt.gz"))
            self.encode = lambda text: [clip.sot_token_id, *clip.encode(text), clip.eot_token_id]

    def pixels(self, file):
        rules = self.pixels_rules
        picture = PIL.Image.open(file).convert("RGB")
        size, how = rules["size"], PIL.Image.Resampling(rules["resample"])
        if "shortest_edge" in size:
            side, short = size["shortest_edge"], min(picture.size)
            picture = picture.resize(tuple(int(side * edge / short) for edge in picture.size), how)
            left, top = ((edge - side) // 2 for edge in picture.size)
            picture = picture.crop((left, top, left + side, top + side))
        else:
            picture = picture.resize((size["width"], size["height"]), how)
        mean, std = (np.array(rules[name], np.float32) for name in ("image_mean", "image_std"))
        return peer.normalized(picture, np.float32(rules["rescale_factor"]), mean, std)


# --------------------------------------------------------------------------------------------------------------- tasks


class Task:
    def __init__(self, folder, engine):
        self.folder, self.engine, self.batch, self.sorts = folder, engine, 64, True

    def texts(self, texts, run):
        """run(ids, mask, lengths) of batches of texts, the results in the texts' order."""
        ids = [self.folder.encode(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place])) if self.sorts else list(range(len(ids)))
        out = [None] * len(ids)
        for start in range(0, len(order), self.batch):
            places = order[start:start + self.batch]
            lengths = np.array([len(ids[place]) for place in places])
            padded = np.zeros((len(places), lengths.max()), np.int64)
            for row, place in enumerate(places):
                padded[row, :lengths[row]] = ids[place]
            mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)
            for place, row in zip(places, run(padded, mask, lengths)):
                out[place] = np.array(row)
        return np.stack(out)

    def tune(self, request):
        """The fastest of some ways to make batches."""
        found = []
        for self.batch, self.sorts in ((64, True), (32, True), (16, True), (16, False), (8, True)):
            times = []
            for _ in range(2):
                start = time.perf_counter()
                self(request)
                times.append(time.perf_counter() - start)
            found.append((min(times), self.batch, self.sorts))
        _, self.batch, self.sorts = min(found)


class Caption(Task):
    def __call__(self, request):
        *image, _ = self.engine.run("look", [self.folder.pixels(request["image"])])
        past = [np.zeros((1, part.shape[1], 0, part.shape[3]), np.float32) for part in image]
        token, out = 30522, []
        for position in range(request["tokens"]):
            logits, *past = self.engine.run("speak", [np.array([[token]]), np.array([position]), *image, *past])
            logits = np.array(logits).reshape(-1)
            logits[102] = -np.inf  # so many tokens are made, whatever the net would say
            token = int(logits.argmax())
            out.append(token)
        return out

    def tune(self, request):
        pass


class Match(Task):
    def __call__(self, request):
        *image, vector = self.engine.run("look", [self.folder.pixels(request["image"])])
        vector = np.array(vector[0])
        cosines = self.texts(request["texts"], lambda ids, mask, _: self.engine.run("read", [ids, mask])[0]) @ vector
        logits = self.texts(request["texts"], lambda ids, mask, _: self.engine.run("see", [ids, mask, *image])[0])
        return np.concatenate([np.stack(logits).reshape(-1), cosines]).tolist()


class Embed(Task):
    def __call__(self, request):
        return self.texts(request["texts"], lambda ids, mask, _: self.engine.run("text", [ids, mask])[0])[0].tolist()


class Clip(Task):
    def __call__(self, request):
        vector = np.array(self.engine.run("image", [self.folder.pixels(request["image"])])[0][0])
        texts = [f"a photo of a {label}." for label in request["labels"]]
        labels = self.texts(texts, lambda ids, _, lengths: self.engine.run("text", [ids, lengths - 1])[0])
        scores = 1 / 0.07 * (labels @ vector)
        weights = np.exp(scores - scores.max())
        return (weights / weights.sum()).tolist()


class Vit(Task):
    def __call__(self, request):
        scores = np.array(self.engine.run("image", [self.folder.pixels(request["image"])])[0]).reshape(-1)
        weights = np.exp(scores - scores.max())
        return (weights / weights.sum()).tolist()

    def tune(self, request):
        pass


TASKS = {"caption": Caption, "match": Match, "embed-small": Embed, "embed-base": Embed, "clip": Clip, "vit": Vit}


# ------------------------------------------------------------------------------------------------------------- engines


class Engine:
    """run(piece, inputs): lists of arrays in, lists of arrays out."""


class Torch(Engine):
    INT8 = False

    def __init__(self, name, folder, _):
        import task_graphs
        import torch

        self.torch = torch
        torch.set_num_threads(THREADS)
        torch.set_grad_enabled(False)
        net = task_graphs.load(name, folder.path)
        self.pieces = (
            task_graphs.quantized(name, net) if self.INT8
            else {piece: module for piece, (module, *_) in task_graphs.pieces(name, net).items()})

    def run(self, piece, inputs):
        out = self.pieces[piece](*(self.torch.from_numpy(np.asarray(value)) for value in inputs))
        return [part.numpy() for part in (out if isinstance(out, tuple) else (out,))]


class TorchInt8(Torch):
    INT8 = True


def files(graphs, suffix):
    """By piece, those of one kind of engine: names of others have a point before the suffix, too."""
    found = {path.name[:-len(suffix)]: path for path in sorted(graphs.glob("*" + suffix))}
    return {piece: path for piece, path in found.items() if "." not in piece}


class OnnxRuntime(Engine):
    SUFFIX = ".optimized.onnx"  # optimized already

    def __init__(self, name, folder, graphs):
        self.sessions = {piece: peer.onnx_session(path) for piece, path in files(graphs, self.SUFFIX).items()}
        self.names = {piece: [item.name for item in session.get_inputs()] for piece, session in self.sessions.items()}

    def run(self, piece, inputs):
        return self.sessions[piece].run(None, dict(zip(self.names[piece], inputs, strict=True)))


class OnnxRuntimeInt8(OnnxRuntime):
    SUFFIX = ".int8.optimized.onnx"


class OpenVino(Engine):
    SUFFIX = ".xml"

    def __init__(self, name, folder, graphs):
        found = files(graphs, self.SUFFIX)
        self.requests = dict(zip(found, peer.openvino_requests(found.values())))

    def run(self, piece, inputs):
        # Outputs are the request's own memory: the next request of this piece overwrites them.
        out = self.requests[piece].infer(inputs, share_inputs=True, share_outputs=piece == "look")
        return [out[number] if piece == "look" else np.array(out[number]) for number in range(len(out))]


class OpenVinoInt8(OpenVino):
    SUFFIX = ".int8.xml"


class OpenVinoW8(OpenVino):
    SUFFIX = ".w8.xml"


ENGINES = {
    "torch": Torch, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "torch-int8": TorchInt8,
    "onnxruntime-int8": OnnxRuntimeInt8, "openvino-int8": OpenVinoInt8, "openvino-w8": OpenVinoW8}


def main():
    parser = argparse.ArgumentParser(description="Does a task with another engine.")
    parser.add_argument("net", choices=TASKS)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--graphs", type=pathlib.Path, required=True)
    options = parser.parse_args()
    folder = Folder(options.checkpoint)
    task = TASKS[options.net](folder, ENGINES[options.engine](options.net, folder, options.graphs))
    tuned = False
    for line in sys.stdin:
        request = json.loads(line)
        if not tuned:
            task.tune(request)
            tuned = True
        start = time.perf_counter()
        result = task(request)
        print(json.dumps({"result": result, "seconds": time.perf_counter() - start, "batch": task.batch}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
