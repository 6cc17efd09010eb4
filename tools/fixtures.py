#!/usr/bin/env python3
"""Makes the small files that the tests read.

    pip install numpy torch 'transformers>=5' safetensors      (and libzstd on the system)
    python3 tools/fixtures.py [--root DIR]

Below DIR, which is the repository unless given, in Tests/:

    NetFileTests/Fixtures/every-type.safetensors        arrays of every element type, with the values that break things
    NetFileTests/Fixtures/golden-v1.ingot               the same arrays as a net file with every header member
    NetFileTests/Fixtures/golden-v1-compressed.ingot    the same, compressed, and one array of more than one block
    NetFileTests/Fixtures/golden-v2.ingot               int8 arrays with scales along each of their dimensions
    FamiliesTests/Fixtures/tiny-vit/                    a checkpoint of transformers' ViTForImageClassification
    FamiliesTests/Fixtures/tiny-vit-facts.json          what torch counts in it
    FamiliesTests/Fixtures/tiny-blip/                   one of BlipForQuestionAnswering, with a vocabulary
    FamiliesTests/Fixtures/tiny-blip-facts.json         what torch counts in it

The net files are written from schemas/FORMAT.md, not by Ingot, down to the layout of the JSON text: given the same
header and arrays, Ingot must write the same bytes. Values come from fixed formulas and from the raw output of NumPy's
Philox generator, so a second run makes the same bytes. Other versions of transformers and zstd may make other ones:
of config.json and generation_config.json, and of the compressed file. A golden file stays as it is once a release has
written its version; a new version gets new files.
"""

import argparse
import ctypes
import ctypes.util
import hashlib
import json
import math
import pathlib
import struct

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Name: bytes per element, name in safetensors, and for floats the number of exponent and fraction bits.
TYPES = {
    "float64": (8, "F64", (11, 52)), "float32": (4, "F32", (8, 23)), "float16": (2, "F16", (5, 10)),
    "bfloat16": (2, "BF16", (8, 7)), "float8E4M3": (1, "F8_E4M3", None), "float8E5M2": (1, "F8_E5M2", None),
    "int64": (8, "I64", None), "int32": (4, "I32", None), "int16": (2, "I16", None), "int8": (1, "I8", None),
    "uint64": (8, "U64", None), "uint32": (4, "U32", None), "uint16": (2, "U16", None), "uint8": (1, "U8", None),
    "bool": (1, "BOOL", None),
}
SHAPES = {
    "float64": (3, 5), "float32": (5, 3), "float16": (2, 3, 4), "bfloat16": (3, 7), "float8E4M3": (16, 16),
    "float8E5M2": (4, 4, 16), "int64": (7,), "int32": (3, 5), "int16": (2, 3, 4), "int8": (3, 7), "uint64": (7,),
    "uint32": (2, 1, 2, 2, 3), "uint16": (1, 7, 1), "uint8": (2, 1, 1, 1, 1, 1, 1, 5), "bool": (11,),
}


# ---------------------------------------------------------------------------------------------------------- the arrays


def random_bits(key, count):
    """64-bit numbers that are the same for the same key wherever NumPy runs."""
    return [int(number) for number in np.random.Philox(key=key).random_raw(count)]


def float_bits(exponent_bits, fraction_bits):
    """Bits of the numbers that conversions get wrong, in an IEEE 754 format."""
    sign, bias = 1 << (exponent_bits + fraction_bits), (1 << (exponent_bits - 1)) - 1
    one, infinity = bias << fraction_bits, ((1 << exponent_bits) - 1) << fraction_bits
    least_normal, quiet = 1 << fraction_bits, 1 << (fraction_bits - 1)
    return [
        0, sign, one, sign | one,
        1, sign | 1, least_normal - 1, least_normal,  # least and greatest subnormal, least normal
        infinity - 1, sign | (infinity - 1),  # greatest
        infinity, sign | infinity, infinity | quiet, sign | infinity | quiet | 1, infinity | 1,  # the last one signals
    ]


def element_bytes(kind, count, key):
    """Little-endian elements: the special ones first, then random bits."""
    size, _, float_format = TYPES[kind]
    bits = 8 * size
    if kind == "bool":
        return bytes(index * index % 3 % 2 for index in range(count))
    if kind.startswith("float8"):
        return bytes(range(256))
    if float_format:
        values = float_bits(*float_format)
    elif kind.startswith("uint"):
        values = [0, 1, (1 << bits) - 1, 1 << (bits - 1)]
    else:
        values = [0, 1, (1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1]  # 0, 1, -1, least, greatest
    values = values[:count] + [number >> (64 - bits) for number in random_bits(key, max(0, count - len(values)))]
    return b"".join(value.to_bytes(size, "little") for value in values)


def every_type():
    """Entries with name, element type, shape and data."""
    entries = []
    for key, (kind, shape) in enumerate(SHAPES.items()):
        entries.append(entry(f"values.{kind}", kind, shape, element_bytes(kind, math.prod(shape), key)))
    entries.append(entry("shapes.scalar", "float32", (), struct.pack("<f", -2.5)))
    entries.append(entry("shapes.empty", "int64", (2, 0, 3), b""))
    quantized = [-127, -1, 0, 1, 127, 64, *(number % 255 - 127 for number in random_bits(100, 18))]
    entries.append(entry("quantized.weight", "int8", (4, 2, 3), struct.pack("24b", *quantized)))
    entries[-1]["scales"] = "quantized.weight.scales"
    scales = struct.pack("<4f", 0.5, 0.0078125, 1.5, 3e-5)
    entries.append(entry("quantized.weight.scales", "float32", (4,), scales))
    return entries


def scale_axes():
    """An int8 array of 2 x 3 x 4 elements for each dimension that its scales may go along."""
    entries = []
    for axis in range(3):
        name = f"axis{axis}.kernel"
        elements = [number % 255 - 127 for number in random_bits(200 + axis, 24)]
        entries.append(entry(name, "int8", (2, 3, 4), struct.pack("24b", *elements)))
        entries[-1]["scales"] = f"{name}.scales"
        if axis > 0:
            entries[-1]["scaleAxis"] = axis
        count = (2, 3, 4)[axis]
        scales = struct.pack(f"<{count}f", *(2.0 ** -(index + axis + 1) for index in range(count)))
        entries.append(entry(f"{name}.scales", "float32", (count,), scales))
    return entries


def slowly_repeating():
    """More than one block of data that compresses well."""
    values = (np.arange(1100 * 1000) // 1000 % 97 / 8).astype("<f4")
    return entry("repeating.weight", "float32", (1100, 1000), values.tobytes())


def entry(name, kind, shape, data):
    assert len(data) == math.prod(shape) * TYPES[kind][0]
    return {"name": name, "kind": kind, "shape": shape, "data": data}


def safetensors_file(entries, metadata):
    header, offset = {"__metadata__": metadata} if metadata else {}, 0
    for entry in entries:
        end = offset + len(entry["data"])
        header[entry["name"]] = {
            "dtype": TYPES[entry["kind"]][1], "shape": entry["shape"], "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(entry["data"] for entry in entries)


# --------------------------------------------------------------------------------------------------------- the net file


def compact(value):
    """JSON text as FORMAT.md says that Ingot writes it."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(key)}:{compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(compact, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(map(escaped, value)) + '"'
    return json.dumps(value)


def escaped(character):
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in short:
        return short[character]
    return f"\\u{ord(character):04x}" if character < " " or character == "\x7f" else character


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def header_text(description, entries, places):
    """The header for arrays at those places: each an offset and, if the array is compressed, its stored bytes."""
    arrays = []
    for entry, (offset, stored) in zip(entries, places):
        array = {"name": entry["name"], "elementType": entry["kind"], "shape": entry["shape"], "offset": offset,
                 "bytes": len(entry["data"]), "sha256": sha256(entry["data"])}
        if stored is not None:
            array |= {"encoding": "zstd-planes", "storedBytes": stored, "storedSHA256": sha256(entry["frames"])}
        array |= {member: entry[member] for member in ("scales", "scaleAxis") if member in entry}
        arrays.append(array)
    return compact(description | {"arrays": arrays}).encode()


def aligned(offset):
    return -(-offset // 64) * 64


def placed(header_length, sizes):
    """Where arrays of those sizes start."""
    offsets, end = [], 64 + header_length
    for size in sizes:
        offsets.append(aligned(end))
        end = offsets[-1] + size
    return offsets


def plain_file(description, entries):
    length, sizes = 0, [len(entry["data"]) for entry in entries]
    while True:
        offsets = placed(length, sizes)
        text = header_text(description, entries, [(offset, None) for offset in offsets])
        if len(text) <= length:
            return assembled(text.ljust(length), offsets, [entry["data"] for entry in entries])
        length = len(text)


def compressed_file(description, entries):
    zstd = libzstd()
    for entry in entries:
        blocks = [entry["data"][start:start + BLOCK] for start in range(0, len(entry["data"]), BLOCK)]
        entry["frames"] = b"".join(compressed(zstd, block, TYPES[entry["kind"]][0]) for block in blocks)
        entry["bound"] = sum(zstd.ZSTD_compressBound(ctypes.c_size_t(len(block))) for block in blocks)
    longest = header_text(description, entries, [((1 << 63) - 1, entry["bound"]) for entry in entries])
    sizes = [len(entry["frames"]) for entry in entries]
    offsets = placed(len(longest), sizes)
    text = header_text(description, entries, list(zip(offsets, sizes)))
    return assembled(text.ljust(len(longest)), offsets, [entry["frames"] for entry in entries])


def assembled(text, offsets, parts):
    end = offsets[-1] + len(parts[-1])
    major = 2 if b'"scaleAxis":' in text else 1
    start = b"\x89INGOT\r\n" + struct.pack("<HHIQQ", major, 0, 0, len(text), end)
    out = bytearray(end)
    out[:64 + len(text)] = start + hashlib.sha256(start + text).digest() + text
    for offset, part in zip(offsets, parts):
        out[offset:offset + len(part)] = part
    return bytes(out)


BLOCK = 4 << 20


def libzstd():
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
    return library


def compressed(zstd, block, element_size):
    """One block as one frame: all first bytes of its elements, then all second ones, and so on."""
    planes = b"".join(block[plane::element_size] for plane in range(element_size))
    target = ctypes.create_string_buffer(zstd.ZSTD_compressBound(ctypes.c_size_t(len(planes))))
    size = zstd.ZSTD_compress(target, ctypes.c_size_t(len(target)), planes, ctypes.c_size_t(len(planes)), 1)
    assert not zstd.ZSTD_isError(ctypes.c_size_t(size))
    return target.raw[:size]


def description(source_name, source):
    """A header with every member but `arrays`, and with text and numbers that are easily written wrongly."""
    return {
        "format": "ingot",
        "family": "golden",
        "net": "EveryType",
        "parameters": {"CapFilt": True, "Part": "EveryType", "Size": 3},
        "initialized": True,
        "configuration": {
            "hiddenSize": 32, "activation": "gelu", "tiedHead": True, "layerNormEpsilon": 1e-12, "least": -(1 << 63),
            "greatest": (1 << 63) - 1, "fractions": [0.5, -0.25, 1.0, 0.1, 1e-05, 0.0001, 1.25e+100, 5e-324, -0.0],
            "größe": None, "empty": {}, "none": [],
        },
        "profile": {
            "name": "golden",
            "image": {"side": 8, "resize": "bicubic", "scale": 0.00392156862745098, "mean": [0.48145466, 0.4578275]},
            "question": {"firstToken": "[CLS]", "maximumWords": None},
        },
        "tokenizer": {
            "kind": "wordpiece", "lowercase": True, "stripAccents": False, "splitCJK": True,
            "vocabulary": [
                "[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "##ing", "é", "e\u0301", "größe", "日本", "😀", "\u2028",
                "\ufeff", '"', 'say "yes"', "\\", "back\\slash", "a/b", " ", "", "\t", "\n", "\r\n", "\x00", "\x1f",
                "\x7f", "\x80",
            ],
        },
        "provenance": {
            "tool": "fixtures.py 1", "layout": "handmade", "convertedFrom": "float64", "seed": -7,
            "sources": [{"file": source_name, "bytes": len(source), "sha256": sha256(source)}],
        },
        "ties": [{"name": "tied.weight", "same": "values.float32"}],
    }


def make_net_files(folder):
    entries = every_type()
    source = safetensors_file(entries, {"about": "every element type", "format": "pt"})
    header = description("every-type.safetensors", source)
    write(folder / "every-type.safetensors", source)
    write(folder / "golden-v1.ingot", plain_file(header, entries))
    write(folder / "golden-v2.ingot", plain_file(header | {"net": "ScaleAxes", "ties": []}, scale_axes()))
    write(folder / "golden-v1-compressed.ingot", compressed_file(header, [*entries, slowly_repeating()]))
    check_with_safetensors(folder / "every-type.safetensors", entries)


def check_with_safetensors(path, entries):
    """The publisher's own library must read the file as it was meant."""
    import safetensors.torch
    import torch

    arrays = safetensors.torch.load_file(path)
    assert arrays.keys() == {entry["name"] for entry in entries}
    for entry in entries:
        array = arrays[entry["name"]]
        assert tuple(array.shape) == entry["shape"]
        assert array.contiguous().view(-1).view(torch.uint8).numpy().tobytes() == entry["data"]


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"{len(data):>9,} bytes  {path}")


# ------------------------------------------------------------------------------------------------------ the checkpoints


def make_vit(folder):
    import transformers

    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8,
        num_labels=5)
    model = transformers.ViTForImageClassification(config)
    save(model, folder / "tiny-vit", seed=1)
    facts = facts_of(model, saved_arrays(folder / "tiny-vit")) | {"classes": 5}
    write(folder / "tiny-vit-facts.json", pretty(facts))


WORDS = "what which is are the a of in it how many color shape red green blue circle square yes no not one two"
PIECES = ["##s", "##ing", "##é", "日", "?", ".", ",", "'", "-", "!"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split(), *PIECES]


def make_blip(folder):
    import transformers

    assert len(VOCABULARY) == 38
    text = {
        "hidden_size": 32, "encoder_hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64,
        "max_position_embeddings": 16, "vocab_size": 40,
        "pad_token_id": 0, "sep_token_id": 3, "eos_token_id": 3, "bos_token_id": 38,
    }
    vision = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "image_size": 32,
        "patch_size": 16,
    }
    model = transformers.BlipForQuestionAnswering(transformers.BlipConfig(text_config=text, vision_config=vision))
    place = folder / "tiny-blip"
    save(model, place, seed=2)

    # The number of heads in the text nets was never set, so it is the class's default. Older versions of transformers
    # wrote no defaults, and the published config.json has none; a reader has to know it.
    config = json.loads((place / "config.json").read_text())
    assert config["text_config"].pop("num_attention_heads") == 8
    write(place / "config.json", json.dumps(config, indent=2, sort_keys=True).encode() + b"\n")
    assert transformers.BlipConfig.from_pretrained(place).text_config.num_attention_heads == 8

    write(place / "vocab.txt", "".join(token + "\n" for token in VOCABULARY).encode())
    names = saved_arrays(place)
    parts = {"ImageEncoder": "vision_model", "TextEncoder": "text_encoder", "TextDecoder": "text_decoder"}
    facts = facts_of(model, names) | {"textHeads": 8, "vocabulary": [*VOCABULARY, "[DEC]", "[ENC]"]}
    facts["nets"] = {
        part: facts_of(getattr(model, prefix), [name for name in names if name.startswith(prefix + ".")])
        for part, prefix in parts.items()}
    write(folder / "tiny-blip-facts.json", pretty(facts))


def save(model, place, seed):
    """Saves the model with other values in every array, so that no two can be mistaken for each other."""
    import torch

    with torch.no_grad():
        for number, (name, parameter) in enumerate(model.named_parameters()):
            raw = np.random.Philox(key=1000 * seed + number).random_raw(parameter.numel())
            values = ((raw >> np.uint64(40)) / 2.0**24 - 0.5) * 0.25
            layer, leaf = name.split(".")[-2:]
            is_gain = leaf == "weight" and "norm" in layer.lower()
            parameter.copy_(torch.from_numpy(values + 1 if is_gain else values).view(parameter.shape))
    model.save_pretrained(place)
    for path in sorted(place.iterdir()):
        print(f"{path.stat().st_size:>9,} bytes  {path}")


def saved_arrays(place):
    import safetensors

    with safetensors.safe_open(place / "model.safetensors", "np") as file:
        return list(file.keys())


def facts_of(model, names):
    """What torch counts: tied parameters once, tied layers each."""
    import torch

    types = {"Linear": torch.nn.Linear, "LayerNorm": torch.nn.LayerNorm, "Embedding": torch.nn.Embedding,
             "Conv2d": torch.nn.Conv2d}
    counts = {name: sum(type(module) is kind for module in model.modules()) for name, kind in types.items()}
    return {
        "arrays": len(names),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "layerTypes": {name: count for name, count in counts.items() if count},
    }


def pretty(value):
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def main():
    parser = argparse.ArgumentParser(description="Makes the small files that the tests read.")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="write below this folder")
    root = parser.parse_args().root / "Tests"
    make_net_files(root / "NetFileTests" / "Fixtures")

    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    make_vit(root / "FamiliesTests" / "Fixtures")
    make_blip(root / "FamiliesTests" / "Fixtures")


if __name__ == "__main__":
    main()
