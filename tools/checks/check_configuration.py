#!/usr/bin/env python3
"""Goes through every key of every configuration that Ingot reads, and holds what it makes of a value other than the
default against the publisher's library: the same outputs, or a refusal that names the key. Never a silent difference.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_configuration.py INGOT [--table FILE] [--only NAME] [--every N] [--mutations N]

The keys are those of the configuration classes of the library that is installed (BLIP's three, ViT's, GenerationConfig
at each place where it can stand), of its tokenizer, and those that earlier releases wrote. A BLIP net (the demo's) and a
tiny ViT are converted with each. `--table` writes a line per key and value: what both made of it. `--every` takes each Nth change only.
`--mutations` then changes the ViT's files at random, as check_settings.py does BLIP's.
"""

import argparse
import contextlib
import copy
import dataclasses
import io
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import torch
import transformers
from PIL import Image

from check_settings import Net, compare, is_named, mutated, pictures
from checks import Checks

# Keys that configurations of earlier releases had, and some that people add.
EARLIER = {
    "_commit_hash": None, "_name_or_path": "", "add_cross_attention": False, "attn_implementation": None, "bad_words_ids": None,
    "cross_attention_hidden_size": None, "finetuning_task": None, "initializer_factor": 1.0, "is_decoder": False,
    "output_attentions": False, "prefix": None, "pruned_heads": {}, "task_specific_params": None, "tf_legacy_loss": False,
    "tie_encoder_decoder": False, "tie_word_embeddings": True, "tokenizer_class": None, "torch_dtype": None,
    "torchscript": False, "use_bfloat16": False, "position_embedding_type": "absolute", "num_channels": 3, "dropout": 0.0,
    "sep_token_id": None, "num_labels": 2, "gradient_checkpointing": False, "is_encoder_decoder": False,
}
OTHERS = {  # values of a key that a rule by type doesn't find
    "hidden_act": ["gelu_new", "relu", "quick_gelu", "gelu_pytorch_tanh", "nosuch"], "pooler_act": ["relu"],
    "problem_type": ["regression", "single_label_classification", "multi_label_classification", "nosuch"],
    "position_embedding_type": ["relative_key"], "dtype": ["float16", "bfloat16", "nosuch"], "torch_dtype": ["float16"],
    "pruned_heads": [{"0": [0]}], "id2label": [{"0": "a", "1": "b", "2": "c"}, {"0": "a"}], "label2id": [{"a": 0, "b": 1}],
    "text_config": [None], "vision_config": [None], "model_type": ["bert", "blip-2"],
    "architectures": [["BlipForConditionalGeneration"], ["ViTModel"], []], "cache_implementation": ["static"],
    "bad_words_ids": [[[18]]], "suppress_tokens": [[18]], "begin_suppress_tokens": [[18]], "sequence_bias": [[[[18], -9.0]]],
    "forced_bos_token_id": [12], "forced_eos_token_id": [12], "exponential_decay_length_penalty": [[1, 1.5]],
    "max_new_tokens": [1], "max_length": [2, 5], "min_length": [6], "min_new_tokens": [5], "num_beams": [3],
    "repetition_penalty": [4.0], "no_repeat_ngram_size": [1], "stop_strings": ["a"], "max_time": [0.001],
    "task_specific_params": [{"x": {"max_length": 2}}], "tokenizer_class": ["BertTokenizer", "RobertaTokenizer"],
    "image_size": [32, 128, [64, 64]], "patch_size": [4, 16, [8, 8]], "watermarking_config": [{"greenlist_ratio": 0.25}],
}
TOKENIZER = {
    "do_lower_case": [False, None], "strip_accents": [True, False], "tokenize_chinese_chars": [False], "unk_token": ["[MASK]", None],
    "sep_token": ["[CLS]", None], "pad_token": ["[UNK]"], "cls_token": ["[SEP]"], "mask_token": ["[UNK]", None, "<mask>"],
    "bos_token": ["[DEC]", "blue", None], "eos_token": ["[SEP]", "blue"], "additional_special_tokens": [["blue"], [], ["[ENC]"]],
    "extra_special_tokens": [["blue"], [], {"image_token": "blue"}, ["<x>"]], "image_token": ["blue"], "split_special_tokens": [True],
    "model_max_length": [3, 10**30, None], "clean_up_tokenization_spaces": [True], "never_split": [["blue"]],
    "do_basic_tokenize": [False], "padding_side": ["left"], "truncation_side": ["left"], "tokenizer_class": ["BertTokenizerFast", "RobertaTokenizer"],
    "add_prefix_space": [True], "model_input_names": [["input_ids", "attention_mask"]], "add_bos_token": [True], "backend": ["tokenizers"],
    "added_tokens_decoder": [
        {"18": {"content": "blue", "special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}},
        {"18": {"content": "blue", "special": True, "normalized": False, "lstrip": True, "rstrip": False, "single_word": False}},
        {"18": {"content": "blue", "special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": True}},
        {"18": {"content": "shape", "special": False, "normalized": True, "lstrip": False, "rstrip": False, "single_word": False}},
        {"3": {"content": "blue", "special": True, "normalized": False}}, {}],
}


def other_values(name, default, annotation=""):
    """Values of a key that are not its default."""
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(default, bool) or default is None and "bool" in annotation:
        return [not default, None]
    if isinstance(default, int):
        return [default + 1, default * 2 if default else -1]
    if isinstance(default, float):
        return [default * 2 + 0.1, default + 1e-3]
    if isinstance(default, str):
        return [default + "x"]
    if default is None:
        return [1, True, 0.5, "x"]
    return [None]


def fields(configuration):
    """Key, default and type of each field of a configuration class."""
    if dataclasses.is_dataclass(configuration):
        for field in dataclasses.fields(configuration):
            yield field.name, field.default, str(field.type)
    else:
        for key, value in configuration().to_dict().items():
            yield key, value, ""


def generation():
    defaults = transformers.GenerationConfig()._get_default_generation_params()
    for key, value in vars(transformers.GenerationConfig()).items():
        if not key.startswith("_") and key != "transformers_version":
            yield key, defaults.get(key, value), ""


def changes(classes):
    """Where, key and value of every change, each once."""
    seen = set()
    for where, configuration in classes:
        earlier = ((key, value, "") for key, value in EARLIER.items())
        for key, default, annotation in [*fields(configuration), *generation(), *earlier]:
            for value in other_values(key, default, annotation):
                name = (where, key, json.dumps(value))
                if name not in seen:
                    seen.add(name)
                    yield where, key, value


def changed(files, file, where, key, value):
    files = copy.deepcopy(files)
    at = files.setdefault(file, {})
    if where:
        at = at[where]
    at[key] = value
    return files


class Classifier:
    """A tiny ViT with three classes, and what both make of a picture with it."""

    def __init__(self, folder, ingot):
        self.folder, self.ingot = folder, ingot
        torch.manual_seed(3)
        config = transformers.ViTConfig(
            hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=96, image_size=64, patch_size=8,
            id2label={0: "circle", 1: "square", 2: "star"}, label2id={"circle": 0, "square": 1, "star": 2}, initializer_range=0.3)
        transformers.ViTForImageClassification(config).save_pretrained(folder)
        self.files = {"config.json": json.loads((folder / "config.json").read_text()), "preprocessor_config.json": {
            "image_processor_type": "ViTImageProcessor", "size": {"height": 64, "width": 64}}}

    def write(self, files):
        for name, value in files.items():
            (self.folder / name).write_text(json.dumps(value))

    def compare(self, checks, picture, what):
        shutil.rmtree(self.folder / "shelf", ignore_errors=True)
        done = subprocess.run([self.ingot, "convert", self.folder, "--set", "Release=mine", "--shelf", self.folder / "shelf",
                               "--pixels", "pillow"], capture_output=True, text=True)
        if done.returncode == 0:
            done = subprocess.run([self.ingot, "classify", picture, "--set", "Release=mine", "--shelf", self.folder / "shelf",
                                   "--top", "9", "--json"], capture_output=True, text=True)
        if done.returncode:
            checks.check(is_named(done.stderr), f"{what}: refused without a name: {done.stderr}")
            return "refused: " + done.stderr.splitlines()[0].split(": ", 2)[-1]
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                model, info = transformers.ViTForImageClassification.from_pretrained(
                    self.folder, dtype=torch.float32, output_loading_info=True)
                if info["missing_keys"] or info["mismatched_keys"]:
                    raise ValueError("weights are missing, and made up")
                processor = transformers.AutoImageProcessor.from_pretrained(self.folder, backend="pil")
                pipe = transformers.ImageClassificationPipeline(model=model.eval(), image_processor=processor)
                theirs = {row["label"]: row["score"] for row in pipe(Image.open(picture).convert("RGB"), top_k=9)}
        except Exception as error:
            checks.passed += 1
            return f"only the publisher's library refuses: {str(error).splitlines()[0][:90] if str(error) else type(error).__name__}"
        ours = {row["label"]: row["probability"] for row in classes(json.loads(done.stdout))}
        # Labels that are no texts have other names here; by their values, classes are the same.
        if ours.keys() != theirs.keys() and any(not isinstance(label, str) or not label for label in theirs):
            ours, theirs = (dict(enumerate(sorted(values.values()))) for values in (ours, theirs))
        names = ours.keys() == theirs.keys()
        worst = max(abs(ours[label] - theirs[label]) for label in theirs) if names else float("inf")
        scale = max(1, max(abs(value) for value in theirs.values()))
        checks.check(worst <= 1e-4 * scale, f"{what}: {ours} {theirs}")
        return "same" if worst <= 1e-4 * scale else "OTHER"


def classes(report):
    rows = report["images"][0]["classes"]
    return [{"label": row["label"], "probability": row.get("probability", row.get("score"))} for row in rows]


def blip_change(checks, net, backend, path, what, tally):
    """What became of one change, from what the comparison has counted."""
    before, failed = dict(tally), checks.failed
    compare(checks, net, backend, [path], what, tally, chosen=backend)
    counted = [key for key in tally if tally[key] != before[key]]
    return "OTHER" if checks.failed > failed else ", ".join(counted)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ingot")
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--mutations", type=int, default=0)
    options = parser.parse_args()
    ingot = os.path.realpath(options.ingot)
    checks, rows = Checks(), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        path = pictures(folder)[0]
        net = Net(folder / "blip", ingot)
        tally = dict.fromkeys(("same", "refused by name", "only the publisher's library refuses"), 0)
        blip = [("", transformers.BlipConfig), ("text_config", transformers.BlipTextConfig), ("vision_config", transformers.BlipVisionConfig)]
        every = [("config.json", *change) for change in changes(blip)]
        every += [("generation_config.json", "", key, value) for key, default, _ in generation() for value in other_values(key, default)]
        every += [("tokenizer_config.json", "", key, value) for key, values in TOKENIZER.items() for value in values]
        for file, where, key, value in every[::options.every]:
            what = f"blip {file} {where and where + '.'}{key} = {json.dumps(value)}"
            if options.only not in what:
                continue
            files = changed(net.files, file, where, key, value)
            net.write(files)
            rows.append((what, blip_change(checks, net, "pillow", path, what, tally)))
            if file == "generation_config.json":
                (net.folder / file).unlink()
        checks.end_group(f"keys of BLIP's configurations, {len(rows)} changes: {tally}")
        before = len(rows)
        classifier = Classifier(folder / "vit", ingot)
        for where, key, value in list(changes([("", transformers.ViTConfig)]))[::options.every]:
            what = f"vit config.json {key} = {json.dumps(value)}"
            if options.only not in what:
                continue
            classifier.write(changed(classifier.files, "config.json", where, key, value))
            rows.append((what, classifier.compare(checks, path, what)))
        checks.end_group(f"keys of ViT's configuration, {len(rows) - before} changes")
        chance, outcomes = random.Random(1), {}
        for number in range(options.mutations):
            files, what = mutated(classifier.files, chance)
            classifier.write(files)
            outcome = classifier.compare(checks, path, f"vit, mutation {number}: {what}").split(":")[0]
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        if options.mutations:
            checks.end_group(f"changes of ViT's files at random: {outcomes}")
    if options.table:
        options.table.write_text("".join(f"{what}\t{outcome}\n" for what, outcome in rows))
    checks.exit()


if __name__ == "__main__":
    main()
