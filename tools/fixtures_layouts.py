#!/usr/bin/env python3
"""Makes one tiny BLIP VQA net in every layout and container that such nets are published in, for the tests.

    python3 -m venv reference && reference/bin/pip install torch 'transformers>=5' safetensors numpy pillow
    python3.11 -m venv tensorflow && tensorflow/bin/pip install tensorflow-cpu tf-keras 'transformers==4.46.3' \\
        safetensors h5py numpy
    reference/bin/python tools/fixtures_layouts.py --tensorflow-python tensorflow/bin/python [--root DIR]

Below DIR, which is the repository unless given, in Tests/FamiliesTests/Fixtures/:

    layouts/huggingface/        model.safetensors as first published: with position_ids and a copy of the tied head
    layouts/sharded/            the same arrays in three files with an index
    layouts/bin/                pytorch_model.bin, a zip archive
    layouts/bin-sharded/        two such files with an index
    layouts/salesforce/         the original repository's {"model": …} and names; 26 positions, for images of 40 pixels
    layouts/salesforce-legacy/  the same in torch's form from before version 1.6
    layouts/keras/              tf_model.h5, written by TFBlipForQuestionAnswering
    layouts/float16/, bfloat16/ huggingface in those types
    layouts/untied/             huggingface, with a head of its own
    layouts/no-buffers/         as transformers 5 saves it: neither position_ids nor the tied head
    layouts/expected.json       "arrays": SHA-256 of each array in huggingface/; "resized_positions": the 26 positions
                                of salesforce/ as torch brings them to 17, bicubic, rounded to float32
    vit-keras/                  tiny-vit as TFViTForImageClassification writes it

All of one net: only float16, bfloat16 and untied hold other elements. Every folder has the small files that published
folders have; the vocabulary lacks [DEC] and [ENC], and tokenizer_config.json has a key twice, as the published ones.

Values come from the raw output of NumPy's Philox generator, keyed by the array's name in the original layout, so a
second run makes the same bytes, with these versions: torch 2.15, transformers 5.23 (no-buffers/) and 4.46.3,
tensorflow 2.21, tf-keras 2.21, h5py 3.14 (keras/ and vit-keras/). Other versions may write other bytes around the same
elements. Only the old form of torch's files holds something of the moment, memory addresses that tell storages apart;
they are replaced by small numbers (`without_addresses`). No writer stores a time.
"""

import argparse
import collections
import hashlib
import io
import json
import os
import pathlib
import pickle
import pickletools
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from salesforce_state import POSITIONS, renamed, resized

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEED = 5

TEXT = {
    "hidden_size": 16, "encoder_hidden_size": 16, "projection_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 8, "vocab_size": 20,
    "bos_token_id": 18, "eos_token_id": 2, "pad_token_id": 0, "sep_token_id": 3,
}
VISION = {
    "hidden_size": 16, "projection_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24,
    "image_size": 32, "patch_size": 8,
}
ORIGINAL_SIDE = 40
VOCABULARY = "[PAD] [UNK] [CLS] [SEP] [MASK] what is the color of a red blue circle ? ##s yes no".split()

HEAD = "text_decoder.cls.predictions."
WORDS = "text_decoder.bert.embeddings.word_embeddings.weight"


# ------------------------------------------------------------------------------------------------------------- the net


def shapes():
    """(name in the original layout, shape, kind), in the order of the original net's state dict."""
    width, mlp, patch = VISION["hidden_size"], VISION["intermediate_size"], VISION["patch_size"]
    rows = (ORIGINAL_SIDE // patch) ** 2 + 1
    out = [("visual_encoder.cls_token", (1, 1, width), "weight"),
           ("visual_encoder.pos_embed", (1, rows, width), "weight"),
           ("visual_encoder.patch_embed.proj.weight", (width, 3, patch, patch), "weight"),
           ("visual_encoder.patch_embed.proj.bias", (width,), "bias")]
    for number in range(VISION["num_hidden_layers"]):
        block = f"visual_encoder.blocks.{number}."
        out += norm(block + "norm1", width) + linear(block + "attn.qkv", 3 * width, width)
        out += linear(block + "attn.proj", width, width)
        out += norm(block + "norm2", width) + linear(block + "mlp.fc1", mlp, width)
        out += linear(block + "mlp.fc2", width, mlp)
    out += norm("visual_encoder.norm", width) + text("text_encoder.") + text("text_decoder.bert.")
    width, words = TEXT["hidden_size"], TEXT["vocab_size"]
    out += [(HEAD + "bias", (words,), "bias")] + linear(HEAD + "transform.dense", width, width)
    out += norm(HEAD + "transform.LayerNorm", width)
    return out + [(HEAD + "decoder.weight", (words, width), "weight"), (HEAD + "decoder.bias", (words,), "bias")]


def text(prefix):
    width, mlp, context = TEXT["hidden_size"], TEXT["intermediate_size"], TEXT["encoder_hidden_size"]
    positions = TEXT["max_position_embeddings"]
    out = [(prefix + "embeddings.position_ids", (1, positions), "count"),
           (prefix + "embeddings.word_embeddings.weight", (TEXT["vocab_size"], width), "weight"),
           (prefix + "embeddings.position_embeddings.weight", (positions, width), "weight")]
    out += norm(prefix + "embeddings.LayerNorm", width)
    for number in range(TEXT["num_hidden_layers"]):
        block = f"{prefix}encoder.layer.{number}."
        for name, keys in (("attention", width), ("crossattention", context)):
            out += linear(f"{block}{name}.self.query", width, width) + linear(f"{block}{name}.self.key", width, keys)
            out += linear(f"{block}{name}.self.value", width, keys) + linear(f"{block}{name}.output.dense", width, width)
            out += norm(f"{block}{name}.output.LayerNorm", width)
        out += linear(block + "intermediate.dense", mlp, width) + linear(block + "output.dense", width, mlp)
        out += norm(block + "output.LayerNorm", width)
    return out


def linear(name, rows, columns):
    return [(name + ".weight", (rows, columns), "weight"), (name + ".bias", (rows,), "bias")]


def norm(name, width):
    return [(name + ".weight", (width,), "gain"), (name + ".bias", (width,), "bias")]


def values(name, shape, kind):
    """Elements that differ from array to array, and in size enough for the net's answers to depend on all of them."""
    if kind == "count":
        return np.arange(shape[-1], dtype=np.int64).reshape(shape)
    key = int.from_bytes(hashlib.sha256(f"{SEED}:{name}".encode()).digest()[:16], "little")
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape)))
    uniform = (raw >> np.uint64(40)) / 2.0**24 - 0.5
    scaled = {"weight": uniform * 1.5, "bias": uniform * 0.25, "gain": uniform * 0.5 + 1}[kind]
    return scaled.astype(np.float32).reshape(shape)


def original_state(tied=True):
    """The state dict in the original layout, in which tied arrays share their storage."""
    import torch

    state = collections.OrderedDict((name, torch.from_numpy(values(name, *rest))) for name, *rest in shapes())
    if tied:
        state[HEAD + "decoder.weight"] = state[WORDS]
    state[HEAD + "decoder.bias"] = state[HEAD + "bias"]
    return state


def huggingface_state(original):
    """The same net as transformers' conversion script makes it: other names for the vision arrays, other positions."""
    state = collections.OrderedDict((renamed(name), array) for name, array in original.items())
    state[POSITIONS] = resized(state[POSITIONS], VISION["image_size"] // VISION["patch_size"])
    return state


def cast(state, dtype):
    """Another type for the floats, with ties kept."""
    done = {}
    for array in state.values():
        done.setdefault(array.data_ptr(), array.to(dtype) if array.is_floating_point() else array)
    return collections.OrderedDict((name, done[array.data_ptr()]) for name, array in state.items())


def separate(state):
    """What a safetensors file can hold: no storage under two names. As published, decoder.weight is there as a copy and
    decoder.bias is not."""
    return {name: array.clone() if name == HEAD + "decoder.weight" else array
            for name, array in state.items() if name != HEAD + "decoder.bias"}


# ----------------------------------------------------------------------------------------------------- the small files


def write_small_files(folder, precision="float32"):
    """config.json as it was published, without the many settings of generation; and what stands beside it."""
    config = {
        "_commit_hash": None, "architectures": ["BlipForQuestionAnswering"], "image_text_hidden_size": 256,
        "initializer_factor": 1.0, "logit_scale_init_value": 2.6592, "model_type": "blip", "projection_dim": 16,
        "text_config": TEXT | {
            "attention_probs_dropout_prob": 0.0, "hidden_act": "gelu", "hidden_dropout_prob": 0.0,
            "initializer_factor": 1.0, "initializer_range": 0.02, "is_decoder": True, "layer_norm_eps": 1e-12,
            "model_type": "blip_text_model", "use_cache": True},
        "torch_dtype": precision, "transformers_version": None,
        "vision_config": VISION | {
            "attention_dropout": 0.0, "dropout": 0.0, "hidden_act": "gelu", "initializer_factor": 1.0,
            "initializer_range": 0.02, "layer_norm_eps": 1e-05, "model_type": "blip_vision_model", "num_channels": 3},
    }
    processor = {
        "do_normalize": True, "do_pad": True, "do_rescale": True, "do_resize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_processor_type": "BlipImageProcessor",
        "image_std": [0.26862954, 0.26130258, 0.27577711], "processor_class": "BlipProcessor", "resample": 3,
        "rescale_factor": 0.00392156862745098,
        "size": {"height": VISION["image_size"], "width": VISION["image_size"]}, "size_divisor": 32,
    }
    write(folder / "config.json", json_text(config, sort_keys=True))
    write(folder / "preprocessor_config.json", json_text(processor))
    write(folder / "tokenizer_config.json", TOKENIZER.encode())
    write(folder / "vocab.txt", "".join(token + "\n" for token in VOCABULARY).encode())


# As published: model_input_names stands in it twice.
TOKENIZER = """{
  "cls_token": "[CLS]",
  "do_basic_tokenize": true,
  "do_lower_case": true,
  "mask_token": "[MASK]",
  "model_input_names": [
    "input_ids",
    "attention_mask"
  ],
  "model_max_length": 512,
  "never_split": null,
  "pad_token": "[PAD]",
  "processor_class": "BlipProcessor",
  "sep_token": "[SEP]",
  "special_tokens_map_file": null,
  "strip_accents": null,
  "tokenize_chinese_chars": true,
  "tokenizer_class": "BertTokenizer",
  "unk_token": "[UNK]",
  "model_input_names": [
    "input_ids",
    "attention_mask"
  ]
}
"""


def json_text(value, **options):
    return json.dumps(value, indent=2, ensure_ascii=False, **options).encode() + b"\n"


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# ---------------------------------------------------------------------------------------------------------- containers


def write_safetensors(state, path):
    import safetensors.torch

    # save_file leaves the file for its owner alone.
    write(path, safetensors.torch.save(state, metadata={"format": "pt"}))


def divided(state, count):
    """The arrays in order, in so many parts of about the same size; what shares a storage stays together."""
    limit = sum(array.nbytes for array in state.values()) / count
    parts, homes = [{}], {}
    for name, array in state.items():
        if len(parts) < count and sum(other.nbytes for other in parts[-1].values()) >= limit:
            parts.append({})
        homes.setdefault(array.data_ptr(), parts[-1])[name] = array
    assert len(parts) == count
    return parts


def write_sharded(state, folder, stem, ending, count, save):
    where = {}
    for number, part in enumerate(divided(state, count), 1):
        name = f"{stem}-{number:05d}-of-{count:05d}.{ending}"
        save(part, folder / name)
        where |= dict.fromkeys(part, name)
    index = {"metadata": {"total_size": sum(array.nbytes for array in state.values())}, "weight_map": where}
    write(folder / f"{stem}.{ending}.index.json", json_text(index, sort_keys=True))


def write_torch(content, path, **options):
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path, **options)


def write_legacy(content, path):
    """As torch saved before version 1.6, without what changes from run to run."""
    import torch

    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=False)
    write(path, without_addresses(file.getvalue()))


def without_addresses(data):
    """A file of torch's old form in which the storages, which it names by their addresses, have the names 1000, 1001, …
    in the order of the state dict instead."""
    ends = [0]
    for _ in range(5):  # magic number, version, system, state dict, sorted names of the storages
        stream = io.BytesIO(data[ends[-1]:])
        collections.deque(pickletools.genops(stream), maxlen=0)
        ends.append(ends[-1] + stream.tell())
    state = data[ends[3]:ends[4]]
    sizes = storage_sizes(state)
    names = {address: str(number) for number, address in enumerate(sizes, 1000)}
    for address, name in names.items():
        state = state.replace(pickled(address), pickled(name))
    storages, position = {}, ends[5]
    for address in sorted(sizes):
        end = position + 8 + sizes[address]  # the count of elements, and these
        storages[address] = data[position:end]
        position = end
    assert position == len(data)
    listed = pickle.dumps(list(names.values()), protocol=2)
    return data[:ends[3]] + state + listed + b"".join(storages[address] for address in names)


def pickled(text):
    return b"X" + len(text).to_bytes(4, "little") + text.encode()


ELEMENT_SIZES = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8, "IntStorage": 4,
    "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1}


def storage_sizes(state):
    """Bytes of each storage that a pickle names, in its order. A storage is a tuple ("storage", type, name, "cpu", count,
    None); strings that occurred before are recalled from the memo."""
    out, memo, seen = {}, {}, []
    for opcode, argument, _ in pickletools.genops(state):
        if opcode.name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = seen[-1]
        elif opcode.name in ("BINGET", "LONG_BINGET"):
            seen.append(memo[argument])
        elif opcode.name == "BINPERSID":
            if "module" in seen[-8:] and "storage" not in seen[-8:]:  # a class: ("module", class, file, code)
                continue
            start = len(seen) - 1 - seen[::-1].index("storage")
            _, kind, name, _, count = seen[start:start + 5]
            out[name] = ELEMENT_SIZES[kind.removeprefix("torch ")] * count
        else:
            seen += [] if opcode.name in ("MARK", "PROTO") else [argument]
    return out


# --------------------------------------------------------------------------------------------------------------- Keras


def write_keras(python, *jobs):
    """Runs this script in the environment with TensorFlow; a job is a class, the folder to load and the one to fill."""
    environment = os.environ | {
        "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "TF_ENABLE_ONEDNN_OPTS": "0",
        "PYTHONDONTWRITEBYTECODE": "1"}
    for job in jobs:
        done = subprocess.run(
            [python, __file__, "--write-keras", *map(str, job)], env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{python} could not write {job[2]}:\n{done.stderr[-3000:]}")


def write_keras_here(kind, source, target):
    """Loads a folder of the huggingface layout with a TensorFlow class, which must find every weight, and saves it."""
    import transformers

    model, info = getattr(transformers, kind).from_pretrained(source, output_loading_info=True)
    unexpected = [name for name in info["unexpected_keys"] if not name.endswith("position_ids")]
    assert not (info["missing_keys"] or info["mismatched_keys"] or unexpected), info
    # save_pretrained, as the published folders were made; it writes config.json too, with the place it loaded from.
    model.config._name_or_path = ""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        for name in ("tf_model.h5", "config.json"):
            write(pathlib.Path(target) / name, (pathlib.Path(folder) / name).read_bytes())


# ------------------------------------------------------------------------------------------------------------- folders


def make_layouts(folder, tensorflow_python):
    import torch

    original = original_state()
    state = huggingface_state(original)
    arrays = separate(state)
    write_safetensors(arrays, folder / "huggingface" / "model.safetensors")
    write_sharded(arrays, folder / "sharded", "model", "safetensors", 3, write_safetensors)
    # As published, decoder.weight is a copy in this file and decoder.bias is not.
    published = collections.OrderedDict(state) | {HEAD + "decoder.weight": arrays[HEAD + "decoder.weight"]}
    write_torch(published, folder / "bin" / "pytorch_model.bin")
    write_sharded(published, folder / "bin-sharded", "pytorch_model", "bin", 2, write_torch)
    write_torch({"model": original}, folder / "salesforce" / "model_tiny_vqa.pth")
    write_legacy({"model": original}, folder / "salesforce-legacy" / "model_tiny_vqa.pth")
    for precision in ("float16", "bfloat16"):
        halves = separate(cast(state, getattr(torch, precision)))
        write_safetensors(halves, folder / precision / "model.safetensors")
    untied = separate(huggingface_state(original_state(tied=False)))
    write_safetensors(untied, folder / "untied" / "model.safetensors")
    for place in filter(pathlib.Path.is_dir, folder.iterdir()):
        write_small_files(place, place.name if place.name in ("float16", "bfloat16") else "float32")
    save_again(folder / "huggingface", folder / "no-buffers")
    if tensorflow_python:
        write_keras(tensorflow_python, ("TFBlipForQuestionAnswering", folder / "huggingface", folder / "keras"))
        write_small_files(folder / "keras")

    def digest(array):
        return hashlib.sha256(array.contiguous().numpy().tobytes()).hexdigest()

    write(folder / "expected.json", json_text({
        "arrays": {name: digest(arrays[name]) for name in sorted(arrays)},
        "resized_positions": [float(str(value)) for value in state[POSITIONS].numpy().ravel()],
    }))


def save_again(source, target):
    """A folder as today's transformers saves it: other configuration files, no buffers, no tied arrays."""
    import transformers

    model = transformers.BlipForQuestionAnswering.from_pretrained(source)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        for name in ("config.json", "model.safetensors"):
            write(target / name, (pathlib.Path(folder) / name).read_bytes())
    for name in ("preprocessor_config.json", "tokenizer_config.json", "vocab.txt"):
        write(target / name, (source / name).read_bytes())


def main():
    parser = argparse.ArgumentParser(description="Makes a tiny BLIP net in every published layout, for the tests.")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder")
    parser.add_argument("--tensorflow-python", help="Python with TensorFlow; without it, the HDF5 files stay as they are")
    parser.add_argument("--write-keras", nargs=3, metavar=("CLASS", "SOURCE", "TARGET"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_keras:
        return write_keras_here(*options.write_keras)

    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder = options.root / "Tests" / "FamiliesTests" / "Fixtures"
    for place in (folder / "layouts").iterdir() if (folder / "layouts").exists() else []:
        if place.is_dir() and place.name != "keras":  # which is only replaced when TensorFlow is there
            shutil.rmtree(place)
    make_layouts(folder / "layouts", options.tensorflow_python)
    if options.tensorflow_python:
        source = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "tiny-vit"
        write_keras(options.tensorflow_python, ("TFViTForImageClassification", source, folder / "vit-keras"))
    made = [path for name in ("layouts", "vit-keras") for path in sorted((folder / name).rglob("*")) if path.is_file()]
    for path in made:
        print(f"{path.stat().st_size:>9,} bytes  {path}")
    print(f"{sum(path.stat().st_size for path in made):>9,} bytes in all")


if __name__ == "__main__":
    main()
