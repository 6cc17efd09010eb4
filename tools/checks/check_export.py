#!/usr/bin/env python3
"""Checks that the publisher's own library takes what `ingot export` writes for the net it came from.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_export.py .build/release/ingot [--tensorflow-python PYTHON]

The tiny nets in Tests/FamiliesTests/Fixtures/layouts and the demo net are converted and exported again, and then loaded
by transformers, from the folder they came from and from the exported one:

1. `--to safetensors`, by BlipForQuestionAnswering: no key missing, unexpected or of another shape; every parameter the
   same, bit for bit; configuration, tokenizer and image processor alike; and for a fixed picture and question the same
   image features, question features, logits and answer.
2. `--to hdf5`, by TFBlipForQuestionAnswering: the same of parameters and outputs. TensorFlow classes are only in
   transformers 4, so PYTHON is one of an environment of its own:

    python3.11 -m venv tensorflow
    tensorflow/bin/pip install tensorflow-cpu tf-keras 'transformers==4.46.3' safetensors h5py numpy

What can't be imported is skipped, with a line that says so. Prints a line per case and the sum; exits with status 1 if
anything failed.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

from checks import Checks

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYOUTS = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "layouts"
DEMO = ROOT / "weights" / "demo"
QUESTION = "what is the color?"
# Settings that say how a net computes, and that every folder must keep.
SETTINGS = [
    "model_type", "text_config.hidden_size", "text_config.encoder_hidden_size", "text_config.num_hidden_layers",
    "text_config.num_attention_heads", "text_config.intermediate_size", "text_config.max_position_embeddings",
    "text_config.vocab_size", "text_config.hidden_act", "text_config.layer_norm_eps", "text_config.is_decoder",
    "text_config.bos_token_id", "text_config.sep_token_id", "text_config.pad_token_id", "text_config.use_cache",
    "vision_config.hidden_size", "vision_config.num_hidden_layers", "vision_config.num_attention_heads",
    "vision_config.intermediate_size", "vision_config.image_size", "vision_config.patch_size",
    "vision_config.hidden_act", "vision_config.layer_norm_eps",
]


class Exporter:
    """Converts and exports to folders of its own."""

    def __init__(self, program, folder, checks):
        self.program, self.folder, self.checks = program, folder, checks

    def run(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=600)
        shown = " ".join(map(str, arguments))
        self.checks.check(done.returncode == 0, f"ingot {shown}: exit status {done.returncode}\n{done.stderr}")
        return done.returncode == 0

    def export(self, source, container):
        """The exported folder; None if that failed."""
        shelf, target = self.folder / "shelf", self.folder / f"{source.name}-{container}"
        name = f"Release={source.name}"
        if not any(shelf.glob(f"*/*{name}.ingot")) and not self.run("convert", source, "--set", name, "--shelf", shelf):
            return None
        if target.exists():
            return target
        paths = sorted(shelf.glob(f"*/*{name}.ingot"))
        return target if self.run("export", *paths, target, "--to", container) else None


# --------------------------------------------------------------------------------------------------------------- torch


def check_safetensors(checks, exporter):
    try:
        import PIL.Image  # noqa: F401
        import torch
        import transformers
    except ImportError as error:
        return print(f"skipped: safetensors folders, because {error} (tools/setup --reference makes .venv-reference)")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)  # so that two runs add in the same order
    for source in [LAYOUTS / "huggingface", LAYOUTS / "no-buffers", LAYOUTS / "untied", LAYOUTS / "bfloat16", DEMO]:
        before = checks.failed
        target = exporter.export(source, "safetensors")
        if target is None:
            continue
        first, second = (load(checks, folder, folder == target) for folder in (source, target))
        answer = compare(checks, source.name, first, second, source, target)
        result = "as the source's" if checks.failed == before else "NOT as the source's"
        print(f"transformers {transformers.__version__}, {source.name}: {result}; answer {answer}")


def load(checks, folder, is_export):
    """The net in evaluation mode; nothing may be missing, and in an exported folder nothing be too much."""
    import transformers

    model, info = transformers.BlipForQuestionAnswering.from_pretrained(folder, dtype="auto", output_loading_info=True)
    for key, found in info.items():
        if key == "unexpected_keys" and not is_export:
            found = [name for name in found if not name.endswith("position_ids")]
        checks.check(not found, f"{folder.name}: {key} {sorted(map(str, found))[:3]}")
    # Parameters are views of the mapped file, and where they stand in it decides which kernels add them up, in which
    # order: to be compared to the last bit, both nets' must stand alike.
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()
    return model.eval()


def compare(checks, name, first, second, source, target):
    import torch

    one, other = first.state_dict(), second.state_dict()
    checks.check(one.keys() == other.keys(), f"{name}: other parameters: {sorted(one.keys() ^ other.keys())[:3]}")
    wrong = [key for key in one.keys() & other.keys()
             if one[key].dtype != other[key].dtype or not torch.equal(bits(one[key]), bits(other[key]))]
    checks.check(not wrong, f"{name}: {len(wrong)} parameters differ: {wrong[:3]}")
    checks.check(stored_head(source) == stored_head(target), f"{name}: the stored decoder.weight")
    checks.check(is_tied(first) == is_tied(second), f"{name}: decoder.weight is tied in one only")
    for key in SETTINGS:
        values = [setting(model.config, key) for model in (first, second)]
        checks.check(values[0] == values[1], f"{name}: {key} is {values[0]}, exported {values[1]}")

    inputs = [prepared(folder) for folder in (source, target)]
    outputs = [run(model, *given) for model, given in zip((first, second), inputs)]
    for key in outputs[0]:
        error = (outputs[0][key] - outputs[1][key]).abs().max()
        checks.check(error == 0, f"{name}: {key} differs by {error}")
    checks.check(outputs[0]["logits"].isfinite().all(), f"{name}: logits are not finite")
    return outputs[0]["answer"][0].tolist()


def bits(tensor):
    import torch

    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


def setting(config, path):
    for word in path.split("."):
        config = getattr(config, word)
    return config


def is_tied(model):
    decoder = model.text_decoder
    head, words = decoder.cls.predictions.decoder, decoder.bert.embeddings.word_embeddings
    return head.weight.data_ptr() == words.weight.data_ptr()


def stored_head(folder):
    """Bytes of the head in the folder's file, where it is there: the library may tie it whatever it is."""
    import safetensors

    with safetensors.safe_open(folder / "model.safetensors", "pt") as file:
        names = [f"text_decoder.{name}.weight" for name in ("cls.predictions.decoder", "bert.embeddings.word_embeddings")]
        return bits(file.get_tensor(names[0] if names[0] in file.keys() else names[1])).numpy().tobytes()


def prepared(folder):
    """A fixed picture and question, by the folder's own image processor and tokenizer."""
    import numpy as np
    import PIL.Image
    import transformers

    rows, columns, _ = np.ogrid[:45, :60, :1]
    pixels = np.concatenate([rows * 5 + columns * 0, columns * 4 + rows * 0, (rows * columns) % 251], axis=2)
    # In transformers 5 the usual class needs torchvision; this one doesn't, and rounds as the published one did.
    processor = getattr(transformers, "BlipImageProcessorPil", transformers.BlipImageProcessor).from_pretrained(folder)
    tokenizer = transformers.BertTokenizerFast.from_pretrained(folder)
    picture = processor(PIL.Image.fromarray(pixels.astype(np.uint8)), return_tensors="pt").pixel_values
    return picture, tokenizer(QUESTION, return_tensors="pt").input_ids


def run(model, pixels, ids):
    import torch

    pixels = pixels.to(model.dtype)
    with torch.no_grad():
        image = model.vision_model(pixels).last_hidden_state
        question = model.text_encoder(
            ids, attention_mask=torch.ones_like(ids), encoder_hidden_states=image,
            encoder_attention_mask=torch.ones(image.shape[:2], dtype=torch.long)).last_hidden_state
        start = torch.tensor([[model.config.text_config.bos_token_id]])
        logits = model.text_decoder(start, encoder_hidden_states=question).logits
        answer = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels, do_sample=False, num_beams=1,
            max_new_tokens=5, max_length=None)
    return {"pixels": pixels, "ids": ids, "image": image, "question": question, "logits": logits, "answer": answer}


# ---------------------------------------------------------------------------------------------------------- TensorFlow

ENVIRONMENT = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "",
               "TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONDONTWRITEBYTECODE": "1"}


def check_hdf5(checks, exporter, python):
    if python is None:
        return print("skipped: HDF5 folders, because --tensorflow-python names no Python with TensorFlow")
    environment = os.environ | ENVIRONMENT
    test = "import tensorflow, tf_keras, transformers; transformers.TFBlipForQuestionAnswering"
    done = subprocess.run([python, "-c", test], env=environment, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        return print(f"skipped: HDF5 folders, because tensorflow, tf-keras or transformers 4 lacks: {reason}")
    for source in [LAYOUTS / "huggingface", LAYOUTS / "untied", DEMO]:
        target = exporter.export(source, "hdf5")
        if source == DEMO:  # today's transformers leaves out the tied head, which these classes don't tie
            source = exporter.export(DEMO, "safetensors")
        if source is None or target is None:
            continue
        done = subprocess.run(
            [python, __file__, "--compare-in-tensorflow", source, target], env=environment, capture_output=True,
            text=True)
        checks.check(done.returncode == 0, f"{source.name} in TensorFlow:\n{done.stderr[-2000:]}")
        if done.returncode == 0:
            report = json.loads(done.stdout.splitlines()[-1])
            for what, holds in report["checks"].items():
                checks.check(holds, f"{source.name} in TensorFlow: {what}")
            result = "as the source's" if all(report["checks"].values()) else "NOT as the source's"
            print(f"TensorFlow {report['version']}, {source.name}: {result}; answer {report['answer']}")


def compare_in_tensorflow(source, target):
    """Prints one line of JSON: what was checked and whether it holds."""
    import numpy as np
    import tensorflow as tf
    import transformers

    found, models = {}, []
    for folder in (source, target):
        config = transformers.BlipConfig.from_pretrained(folder)
        if folder == source:  # transformers 5 leaves this out of its config.json, which these classes can't do without
            config.vision_config.num_channels = 3
        model, info = transformers.TFBlipForQuestionAnswering.from_pretrained(
            folder, config=config, output_loading_info=True)
        for key, names in info.items():
            names = [name for name in names if not (folder == source and str(name).endswith("position_ids"))]
            found[f"{pathlib.Path(folder).name}: no {key} {sorted(map(str, names))[:3]}"] = not names
        models.append(model)
    # The first part of a name counts the nets of a class.
    one, other = ({weight.name.split("/", 1)[1]: weight.numpy() for weight in model.weights} for model in models)
    found["the same parameters"] = one.keys() == other.keys() and len(one) == len(models[0].weights)
    for name in one.keys() & other.keys():
        if one[name].tobytes() != other[name].tobytes():
            found[f"{name} is the same"] = False
    config = models[0].config
    side, ids = config.vision_config.image_size, np.array([[2, 5, 6, 7, 3]], np.int32)
    pixels = np.cos(np.arange(3 * side * side)).astype(np.float32).reshape(1, 3, side, side)
    outputs = []
    for model in models:
        image = model.vision_model(pixels).last_hidden_state
        question = model.text_encoder(
            ids, attention_mask=np.ones_like(ids), encoder_hidden_states=image,
            encoder_attention_mask=np.ones(image.shape[:2], np.int32), training=False).last_hidden_state
        start = np.array([[config.text_config.bos_token_id]], np.int32)
        logits = model.text_decoder(start, encoder_hidden_states=question, training=False).logits
        answer = model.generate(
            input_ids=tf.constant(ids), attention_mask=tf.ones_like(ids), pixel_values=tf.constant(pixels),
            do_sample=False, num_beams=1, max_length=6)
        outputs.append({"image": image, "question": question, "logits": logits, "answer": answer})
    for key in outputs[0]:
        found[f"the same {key}"] = outputs[0][key].numpy().tobytes() == outputs[1][key].numpy().tobytes()
    answer = outputs[0]["answer"].numpy()[0].tolist()
    print(json.dumps({"checks": found, "answer": answer, "version": tf.__version__}))


def main():
    parser = argparse.ArgumentParser(description="Checks exported folders with the publisher's own library.")
    parser.add_argument("program", type=pathlib.Path, nargs="?", help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--tensorflow-python", help="Python with tensorflow-cpu, tf-keras and transformers 4")
    parser.add_argument("--compare-in-tensorflow", nargs=2, metavar=("SOURCE", "TARGET"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compare_in_tensorflow:
        return compare_in_tensorflow(*options.compare_in_tensorflow)
    if options.program is None:
        parser.error("name the built binary")
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
        exporter = Exporter(options.program.resolve(), pathlib.Path(folder), checks)
        check_safetensors(checks, exporter)
        check_hdf5(checks, exporter, options.tensorflow_python)
    checks.exit()


if __name__ == "__main__":
    main()
