#!/usr/bin/env python3
"""Writes what ONNX Runtime, or OpenVINO, computes of nets that `ingot export --to onnx` wrote, for `ingot verify --reference`.

    pip install onnxruntime safetensors numpy transformers pillow
    ingot export --set Release=demo --to onnx exported
    python docs/onnx_reference.py exported --image picture.png --text "what is it?" --out onnx.safetensors
    ingot verify --set Release=demo --reference onnx.safetensors

Pictures become pixels, and texts tokens, by transformers, from the folder's own files; each text goes with each picture. With
--inputs FILE they are those of a file that one of tools/reference, or `ingot ask --trace` and `ingot caption --trace`, wrote, and
transformers isn't needed. The names of what is written are those of that file. Answers and captions are made greedily.
"""

import argparse
import json
import pathlib

import numpy as np
import safetensors
import safetensors.numpy


class Graph:
    """One of a folder's files."""

    def __init__(self, path, runtime="onnxruntime"):
        self.runtime = runtime
        if runtime == "openvino":
            import openvino

            # A processor with bfloat16 would compute in that, and round what meets int8 weights by groups of its own.
            exact = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
            self.net = openvino.compile_model(str(path), "CPU", exact)
            self.inputs = [port.get_any_name() for port in self.net.inputs]
            return
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.net = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = [port.name for port in self.net.get_inputs()]
        self.sizes = {port.name: port.shape for port in self.net.get_inputs()}
        self.metadata = self.net.get_modelmeta().custom_metadata_map

    def __call__(self, **given):
        """Outputs by their names."""
        given = {name: given[name] for name in self.inputs}
        if self.runtime == "openvino":
            found = self.net(given)
            return {name: found[port] for port in self.net.outputs for name in port.get_names()}
        return dict(zip([port.name for port in self.net.get_outputs()], self.net.run(None, given), strict=True))


class Export:
    """A folder's graphs, each opened when it is first needed."""

    def __init__(self, folder, runtime="onnxruntime"):
        self.folder, self.runtime, self.graphs = pathlib.Path(folder), runtime, {}

    def __getitem__(self, name):
        if name not in self.graphs:
            self.graphs[name] = Graph(self.folder / f"{name}.onnx", self.runtime)
        return self.graphs[name]

    def has(self, name):
        return (self.folder / f"{name}.onnx").exists()

    @property
    def metadata(self):
        import onnx

        path = next(path for path in sorted(self.folder.glob("*.onnx")))
        model = onnx.load(path, load_external_data=False)
        return {entry.key: entry.value for entry in model.metadata_props}


def decoded(export, beginning, context, end, most, least=0, penalty=1.0):
    """Tokens behind some that a decoder begins with, greedily; and the scores of the first."""
    graph, ids, first = export["decoder"], list(beginning), None
    past = {name: empty(graph, name, context) for name in graph.inputs if name.endswith((".decoder.key", ".decoder.value"))}
    new = np.array([ids], np.int64)
    for made in range(most):
        found = graph(input_ids=new, **context, **past)
        scores = found["logits"][0, -1].copy()
        first = scores.copy() if first is None else first
        if penalty != 1:
            known = sorted(set(ids))
            scores[known] = np.where(scores[known] > 0, scores[known] / penalty, scores[known] * penalty)
        if made < least:
            scores[end] = -np.inf
        ids.append(int(scores.argmax()))
        if ids[-1] == end:
            break
        past = {name: found[name.replace("past_key_values", "present")] for name in past}
        new = np.array([ids[-1:]], np.int64)
    return ids, first


def empty(graph, name, context):
    """Keys or values of no tokens."""
    like = context[name.replace(".decoder.", ".encoder.")]
    return np.zeros((1, like.shape[1], 0, like.shape[3]), np.float32)


def ones(ids):
    return np.ones_like(ids)


# --------------------------------------------------------------------------------------------------------- by family


def look(export, pixels):
    found = export["image"](pixel_values=pixels[None])
    return found["image_embeds"], {name: found[name] for name in found if ".encoder." in name}


def answer(export, image, ids, start, end, how):
    asked = export["question"](input_ids=ids[None], attention_mask=ones(ids[None]), image_embeds=image)
    context = {name: asked[name] for name in asked if ".encoder." in name} | {"encoder_attention_mask": ones(ids[None])}
    made, scores = decoded(export, [start], context, end, how["maximumTokens"], how.get("minimumTokens", 0))
    out = {"question_embeds": asked["question_embeds"][0], "first_step_logits": scores}
    return out | ({"answer_ids": np.array(made, np.int64)} if how.get("beams", 1) == 1 else {})


def caption(export, context, beginning, end, how):
    made, scores = decoded(
        export, beginning.tolist(), context, end, how["maximumTokens"], how.get("minimumTokens", 0),
        how.get("repetitionPenalty", 1.0))
    out = {"first_step_logits": scores}
    return out | ({"caption_ids": np.array(made, np.int64)} if how.get("beams", 1) == 1 else {})


def profile(export, path):
    """A value of the profile of one of the nets."""
    for one in json.loads(export.metadata["ingot.profiles"]).values():
        for key in path.split("."):
            one = one.get(key) if isinstance(one, dict) else None
        if one is not None:
            return one
    raise SystemExit(f"{export.folder}: no net's profile has {path}")


def outputs(export, arrays, metadata):
    """What the graphs compute of the inputs among some arrays, under the names that `ingot verify` knows."""
    if "texts.0.embedding" in arrays or "texts.0.input_ids" in arrays and not any(n.startswith("images.") for n in arrays):
        return embeddings(export, arrays)
    count = sum(name.endswith("pixel_values") for name in arrays)
    if export.has("vision_model"):
        return clip(export, arrays, count)
    if export.has("image"):
        return generated(export, arrays, metadata, count)
    kept = {name: array for name, array in arrays.items() if name.endswith((".rgb", ".pixel_values", ".input_ids"))}
    pairs = [name.rpartition(".")[0] for name in arrays if name.endswith(".input_ids")]
    for i in range(count):
        pixels = arrays[f"images.{i}.pixel_values"][None]
        if not pairs:
            found = export["model"](pixel_values=pixels)
            kept |= {f"images.{i}.image_embeds": found["last_hidden_state"][0], f"images.{i}.pooled": found["pooler_output"][0]}
            kept |= {f"images.{i}.logits": found["logits"][0]} if "logits" in found else {}
        for j in pairs:
            if metadata[f"{j}.image"] != str(i):
                continue
            ids = arrays[f"{j}.input_ids"][None]
            found = export["model"](pixel_values=pixels, input_ids=ids, attention_mask=ones(ids))
            kept |= {
                f"images.{i}.image_embeds": found["last_hidden_state"][0], f"images.{i}.image_vector": found["image_embeds"][0],
                f"{j}.text_vector": found["text_embeds"][0], f"{j}.logits": found["itm_score"][0],
                f"{j}.cosine": found["cosine"][0]}
    return kept


def embeddings(export, arrays):
    kept = {}
    for name in [name for name in arrays if name.endswith(".input_ids")]:
        ids = arrays[name][None]
        found = export["model"](
            input_ids=ids, attention_mask=ones(ids), token_type_ids=0 * ids, pooling_mask=ones(ids))
        kept |= {name: arrays[name], name.replace("input_ids", "embedding"): found["sentence_embedding"][0]}
    return kept


def clip(export, arrays, count):
    kept = {name: array for name, array in arrays.items() if name.endswith((".rgb", ".pixel_values", ".input_ids"))}
    texts = [name.removesuffix(".input_ids") for name in arrays if name.endswith(".input_ids")]
    pixels = np.stack([arrays[f"images.{i}.pixel_values"] for i in range(count)])
    for j, text in enumerate(sorted(texts, key=lambda name: int(name.split(".")[1]))):
        found = export["model"](pixel_values=pixels, input_ids=arrays[f"{text}.input_ids"][None])
        kept[f"{text}.text_embeds"] = found["text_embeds"][0]
        for i in range(count):
            kept[f"images.{i}.image_embeds"] = found["image_embeds"][i]
            scores = kept.setdefault(f"images.{i}.logits_per_image", np.zeros(len(texts), np.float32))
            scores[j] = found["logits_per_image"][i, 0]
    return kept


def generated(export, arrays, metadata, count):
    """Answers or captions."""
    kept, seen = {}, {}
    one = "pixel_values" in arrays
    for i in range(count):
        prefix = "" if one else f"images.{i}."
        pixels = arrays[prefix + "pixel_values"]
        if pixels.ndim == 4:
            raise SystemExit("of a video, graphs are given one frame at a time")
        seen[i] = look(export, pixels)
        kept |= {prefix + "pixel_values": pixels, prefix + "image_embeds": seen[i][0][0]}
        kept |= {prefix + "rgb": arrays[prefix + "rgb"]} if prefix + "rgb" in arrays else {}
    for name in [name for name in arrays if name.endswith("input_ids")]:
        prefix = name.removesuffix("input_ids")
        image, context = seen[int(metadata.get(prefix + "image", 0))]
        kept[name] = arrays[name]
        if export.has("question"):
            how = json.loads(metadata["decoding"])
            start, end = profile(export, "answer.startToken"), profile(export, "answer.endToken")
            found = answer(export, image, arrays[name], start, end, how)
        else:
            how = json.loads(metadata[prefix + "decoding"])
            found = caption(export, context, arrays[name], profile(export, "caption.endToken"), how)
        kept |= {prefix + key: value for key, value in found.items()}
    return kept


# ------------------------------------------------------------------------------------------------------------- inputs


def prepared(export, pictures, texts):
    """Arrays and metadata of inputs, by transformers."""
    import PIL.Image
    import transformers

    arrays, metadata = {}, {"format": "ingot-reference-1"}
    family = export.metadata["ingot.family"]
    kinds = {"blip-vqa": "questions", "blip-match": "matches", "blip-caption": "captions"}
    kind = kinds.get(family, "texts")
    processor = transformers.AutoImageProcessor.from_pretrained(export.folder, backend="pil") if pictures else None
    for i, path in enumerate(pictures):
        picture = PIL.Image.open(path).convert("RGB")
        arrays[f"images.{i}.rgb"] = np.array(picture)
        arrays[f"images.{i}.pixel_values"] = processor(picture, return_tensors="np").pixel_values[0].astype(np.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(export.folder) if texts else None
    pairs = [(i, text) for i in range(len(pictures)) for text in texts] if kind != "texts" else [(0, text) for text in texts]
    if family == "blip-caption":
        pairs = pairs or [(i, None) for i in range(len(pictures))]
    for j, (i, text) in enumerate(pairs):
        ids = [] if text is None else tokenizer(text, truncation=True).input_ids
        if family == "blip-caption":
            ids = [profile(export, "caption.startToken"), *ids[1:-1]]
            metadata[f"captions.{j}.decoding"] = json.dumps({"maximumTokens": 20})
        arrays[f"{kind}.{j}.input_ids"] = np.array(ids, np.int64)
        metadata |= {f"{kind}.{j}.image": str(i)}
        if text is not None:
            metadata |= {f"{kind}.{j}.{'prompt' if family == 'blip-caption' else 'text'}": text}
    if family == "blip-vqa":
        metadata["decoding"] = json.dumps({"maximumTokens": 20})
    return arrays, metadata


def read(path):
    with safetensors.safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="what `ingot export --to onnx` wrote")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument("--image", type=pathlib.Path, action="append", default=[], help="repeatable")
    parser.add_argument("--text", action="append", default=[], help="a question, a text or what captions begin with; repeatable")
    parser.add_argument("--inputs", type=pathlib.Path, help="a file with the inputs")
    parser.add_argument("--runtime", choices=["onnxruntime", "openvino"], default="onnxruntime")
    given = parser.parse_args()
    if bool(given.inputs) == bool(given.image or given.text):
        parser.error("name pictures and texts, or --inputs")
    export = Export(given.folder, given.runtime)
    arrays, metadata = read(given.inputs) if given.inputs else prepared(export, given.image, given.text)
    # What other nets said is no input.
    said = (".answer", ".caption", "ranking", "kTest", "answers")
    metadata = {key: value for key, value in metadata.items() if not key.endswith(said)}
    made = {name: np.ascontiguousarray(array) for name, array in outputs(export, arrays, metadata).items()}
    safetensors.numpy.save_file(made, given.out, metadata)
    print(f"{given.out}: {len(made)} arrays")


if __name__ == "__main__":
    main()
