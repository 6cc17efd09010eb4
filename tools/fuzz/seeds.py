#!/usr/bin/env python3
"""Makes small first inputs of every fuzz target, from the fixtures of the tests and by hand.

    tools/fuzz/seeds.py FOLDER     writes FOLDER/TARGET/NUMBER
"""

import base64
import gzip
import hashlib
import json
import struct
import sys
from pathlib import Path

from seed_parts import SERVER_TESTS, TESTS, ZERO, compact, small
from seeds_requests import heads, inferences, requests, sent_pictures
from seeds_remote import hub_lists, signatures, web_lines


def json_texts():
    yield from small("**/*.json", 2048)
    for text in (
        '{"a":[1,-2,3.5,1e-7,true,false,null],"b":{"c":"\\u00e9\\ud83d\\ude00\\n\\/"}}', "[]", "{}", '"é"', "-0", "1E+3",
        "[NaN,Infinity,-Infinity]", '{"a":1,"a":2}', "[[[[[[[[1]]]]]]]]", "9223372036854775807", "-9223372036854775808",
        '{"\\u0000":"\\b\\f\\r\\t"}', " \t\r\n1 ", "1.7976931348623157e308", "5e-324",
    ):
        yield text.encode()


def safetensors(arrays, metadata=None, padding=0):
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, kind, shape, content in arrays:
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = compact(header) + b" " * padding
    return struct.pack("<Q", len(text)) + text + data


def safetensors_files():
    yield safetensors([])
    yield safetensors([("a", "F32", [2], bytes(8)), ("b", "BF16", [], b"\x80\x3f"), ("c", "I8", [3, 0], b"")])
    yield safetensors([("weight", "F16", [2, 3], bytes(range(12)))], {"format": "pt"}, 5)
    for kind in ("F64", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "U64", "U32", "U16", "U8", "BOOL"):
        size = 8 if "64" in kind else 4 if "32" in kind else 2 if "16" in kind else 1
        yield safetensors([("x", kind, [1, 2], bytes(2 * size))])
    yield from small("**/*.safetensors", 4096)


def indexes():
    whole = {"a": "902", "b": "902", "c": "903"}
    for names in (whole, {"a": "902", "b": "902"}, {"a": "903", "b": "902", "c": "903"}, {"a": "904"}, {"a": "../a"}, {}):
        yield compact({"metadata": {"total_size": 6}, "weight_map": names})
    yield compact({"weight_map": {**whole, "d": "903"}})
    yield compact({"weight_map": {"a": "902", "b": "902", "c": "902"}})


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integer(value):
    return b"K" + bytes([value]) if value < 256 else b"J" + struct.pack("<i", value)


def tensor(kind="FloatStorage", key="0", count=16, offset=0, shape=(2, 2), strides=(2, 1)):
    storage = b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + integer(count)
    view = b"tQ" + integer(offset) + b"(" + b"".join(map(integer, shape)) + b"t(" + b"".join(map(integer, strides)) + b"t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + view + b"\x89ccollections\nOrderedDict\n)RtR"


def dictionary(**members):
    return b"}(" + b"".join(text(key) + value for key, value in members.items()) + b"u"


def pickles():
    yield dictionary(a=tensor())
    yield dictionary(a=tensor(), b=tensor(key="1", shape=(3,), strides=(1,)), c=tensor(offset=4, shape=(), strides=()))
    yield dictionary(state_dict=dictionary(w=tensor(shape=(2, 2), strides=(1, 2))), epoch=integer(3), best=tensor())
    yield dictionary(model=dictionary(module=dictionary(x=tensor("HalfStorage", count=32))))
    yield dictionary(p=b"ctorch._utils\n_rebuild_parameter\n(" + tensor() + b"\x88ccollections\nOrderedDict\n)RtR")
    yield dictionary(t=tensor("LongStorage", count=8, shape=(0, 3), strides=(3, 1)))
    yield b"ccollections\nOrderedDict\n)R(" + text("a") + tensor("BoolStorage", count=64, shape=(4,), strides=(0,)) + b"u"
    yield b"\x8c\x01a\x94\x8c\x05torch\x8c\x04Size\x93(K\x02K\x03t\x85R0h\x000" + dictionary(a=tensor("ByteStorage", count=64))
    # Every other opcode that is allowed.
    yield (
        b"\x95\0\0\0\0\0\0\0\0N0\x88\x890K\x010M\1\0J\1\0\0\0" + b"\x8a\x01\xff\x8b\x02\0\0\0\xff\xffI01\nI7\nL8L\nF1.5\n"
        + b"G\x3f\xf0\0\0\0\0\0\0\x8d\x01\0\0\0\0\0\0\0aVb\nU\x01cT\x01\0\0\0dS'e'\nC\1fB\1\0\0\0g\x8e\x01\0\0\0\0\0\0\0h"
        + b"\x96\x01\0\0\0\0\0\0\0i)(t\x85\x86\x87](l}(d\x8f(K\x01\x90](K\x01K\x02e](K\x01a}K\x01K\x02s2p5\nq\x06r\x07\0\0\0"
        + b"g5\nh\x06j\x07\0\0\0(10" + dictionary(a=tensor()) + b"N" + b"b"
    )


def call(module, name, *arguments):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n(" + b"".join(arguments) + b"tR"


def objects():
    """Pickles of what is no state dict."""
    yield b"](" + tensor() + b"}(" + integer(0) + tensor(shape=(4,), strides=(1,)) + b"ue"
    yield tensor()
    module = b"}(" + text("_parameters") + dictionary(w=tensor()) + text("_buffers") + dictionary(b=tensor(offset=4), c=tensor(offset=8))
    names = call("__builtin__", "set", b"](" + text("c") + b"e")
    inner = call("a", "Inner") + module + text("_non_persistent_buffers_set") + names + text("_modules") + b"}ub"
    yield inner
    yield call("a", "Net") + b"}(" + text("_parameters") + b"}" + text("_modules") + dictionary(x=inner) + text("y") + tensor() + b"ub"
    moments = b"}(" + integer(0) + dictionary(exp_avg=tensor(), step=integer(1)) + b"u"
    yield dictionary(step=integer(7), net=dictionary(w=tensor()), opt=dictionary(state=moments, param_groups=b"]"), z=dictionary(q=tensor(offset=1, shape=(2,), strides=(1,))))
    yield dictionary(model=dictionary(w=tensor()), model_ema=dictionary(w=tensor(offset=8)))
    affine = b"(ctorch\nper_tensor_affine\nG\x3f\xf0\0\0\0\0\0\0K\3t"
    view = tensor("QInt8Storage", count=64).split(b"_rebuild_tensor_v2\n(")[1].split(b"\x89")[0]
    yield dictionary(q=b"ctorch._utils\n_rebuild_qtensor\n(" + view + affine + b"\x89ccollections\nOrderedDict\n)RtR")
    layout = call("torch.serialization", "_get_layout", text("torch.sparse_coo"))
    yield dictionary(s=call("torch._utils", "_rebuild_sparse_tensor", layout, b"(" + tensor("LongStorage", count=8) + tensor() + b"(K\2K\2tt"))
    kind = call("numpy", "dtype", text("f4"), b"\x89\x88") + b"(K\3" + text(">") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    raw = call("_codecs", "encode", text("abcdefgh"), text("latin1"))
    yield dictionary(n=call("numpy.core.multiarray", "_reconstruct", b"cnumpy\nndarray\n", b"(K\0t", text("b")) + b"(K\1(K\2t" + kind + b"\x88" + raw + b"tb")
    yield b"(" + text("a") + b"ia\nB\n0(ca\nB\no0ca\nB\n)}\x920\x82\1000Px\n0(K\1\x910\x97\x980" + dictionary(a=tensor())
    yield call("a", "Dict") + b"(" + text("w") + tensor() + b"u(" + tensor() + b"e"


def torch_files():
    for pickle in [*pickles(), *objects()]:
        for choice in (1, 2, 4, 5):
            yield bytes([choice]) + b"\x80\2" + pickle + b"."
    for folder in ("torch", "torch-kinds"):
        for path in sorted((TESTS / "CheckpointsTests/Fixtures" / folder).iterdir()):
            if path.suffix != ".json" and path.stat().st_size <= 3000:
                yield b"\0" + path.read_bytes()


def hdf5_answers():
    arrays = [
        {"name": "a/b", "type": "float32", "shape": [2, 3], "bytes": 24, "offset": 8},
        {"name": "c", "type": "int8", "shape": [], "bytes": 1, "offset": None},
    ]
    yield b"\0" + compact({"arrays": arrays[:1], "leftovers": [], "attributes": {"backend": "tensorflow"}})
    left = [{"name": "d/e", "what": "texts, which aren't read"}, {"name": "f", "what": ""}]
    state = [{**arrays[1], "name": name} for name in ("optimizer/vars/0", "optimizer_weights/m", "g_optimizer/x/vars/1")]
    yield b"\0" + compact({"arrays": arrays, "leftovers": left, "attributes": {"b": "x", "a": ""}}) + b"\xff\x07"
    yield b"\0" + compact({"arrays": state + arrays, "leftovers": left, "attributes": {}}) + b"\xff\x07"
    yield b"\0" + compact({"arrays": state, "leftovers": [], "attributes": {}})
    yield b"\0" + compact({"arrays": [], "leftovers": left, "attributes": {}})
    yield b"\0" + compact({"arrays": [], "leftovers": [], "attributes": {}})
    yield b"\3" + compact({"error": {"place": "array a", "reason": "is compressed"}})
    yield b"\4" + compact({"error": {"reason": "there is no libhdf5"}})
    for choice in range(3, 8):
        yield bytes([choice]) + b"\xffsome words"


def header(arrays, **changes):
    value = {
        "format": "ingot", "family": "f", "net": "n", "parameters": {"Release": "r", "CapFilt": True}, "initialized": True,
        "configuration": {"layers": 1}, "profile": {"name": "p"}, "provenance": {"tool": "t", "sources": []}, "ties": [],
        "arrays": arrays,
    }
    value.update(changes)
    return value


def entry(name, kind, shape, offset, size, **more):
    return {"name": name, "elementType": kind, "shape": shape, "offset": offset, "bytes": size, "sha256": ZERO, **more}


# A frame of the 6 bytes 1 … 6 as zstd stores what it can't compress.
RAW_FRAME = bytes.fromhex("28b52ffd2006310000010203040506")


def net_files():
    room = 64 + 1024
    array = entry("a", "float32", [2], room, 8)
    yield b"\1" + compact(header([])) + b"\xff"
    yield b"\1" + compact(header([array])) + b"\xff" + bytes(8)
    yield b"\1" + compact(header([], initialized=False, ties=[{"name": "b", "same": "a"}])) + b"\xff"
    yield b"\1" + compact(header([array], ties=[{"name": "b", "same": "a"}])) + b"\xff" + bytes(8)
    tokenizer = {"kind": "wordpiece", "lowercase": True, "stripAccents": None, "splitCJK": True, "vocabulary": ["a", "##b"]}
    del tokenizer["stripAccents"]
    yield b"\1" + compact(header([], tokenizer={**tokenizer, "added": 1})) + b"\xff"
    source = {"file": "m", "bytes": 3, "sha256": ZERO}
    provenance = {"tool": "t", "layout": "l", "convertedFrom": "float32", "seed": 7, "sources": [source],
                  "part": {"at": "ema"}}
    yield b"\1" + compact(header([], provenance=provenance, tokenizer={**tokenizer, "stripAccents": True})) + b"\xff"
    frame = entry("z", "int8", [6], room, 6, encoding="zstd-planes", storedBytes=len(RAW_FRAME), storedSHA256=ZERO)
    yield b"\1" + compact(header([frame])) + b"\xff" + RAW_FRAME
    quantized = [
        entry("w", "int8", [2, 1], room, 2, scales="s", inputMeans="m"), entry("s", "float32", [2], room + 64, 8),
        entry("m", "float32", [1], room + 128, 4),
    ]
    yield b"\1" + compact(header(quantized)) + b"\xff" + bytes(132)
    yield b"\2\x0c\x03" + RAW_FRAME
    yield b"\2\x03\x03" + bytes.fromhex("28b52ffd201861000000" + "00" * 24)
    for content in small("NetFileTests/Fixtures/golden*.ingot", 12000):
        yield b"\0" + content


def malformed(container):
    for case in json.loads((TESTS / f"CheckpointsTests/Fixtures/{container}/malformed.json").read_text()):
        content = bytes.fromhex(case["bytes"])
        if len(content) <= 512:
            yield content


def gguf_files():
    yield from small("CheckpointsTests/Fixtures/gguf/*.gguf", 1024)
    yield from malformed("gguf")
    # A block or two of each quantized type.
    for kind, elements, size in (
        (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34), (10, 256, 84), (11, 256, 110), (12, 256, 144),
        (13, 256, 176), (14, 256, 210), (20, 32, 18), (23, 256, 136), (34, 256, 54), (35, 256, 66), (39, 32, 17), (40, 64, 36),
    ):
        head = b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, 1) + b"w" + struct.pack("<IQIQ", 1, elements, kind, 0)
        yield head + bytes(-len(head) % 32) + bytes(range(size))


def numpy_files():
    yield from small("CheckpointsTests/Fixtures/numpy/*.npy", 256)
    yield from malformed("numpy")


def onnx_files():
    yield from small("CheckpointsTests/Fixtures/onnx/*.onnx", 384)
    # Longer than what is tried: the constants, graphs and functions, without the long text.
    content = (TESTS / "CheckpointsTests/Fixtures/onnx/everywhere.onnx").read_bytes()
    start = content.index(b"\x32\xf0\xa2\x04")
    yield content[:start] + content[start + 70004:]
    yield from malformed("onnx")


def messagepack_files():
    yield from small("CheckpointsTests/Fixtures/messagepack/*.msgpack", 384)
    # The chunks of an array, without most of their data, and every type.
    yield from malformed("messagepack")
    yield (TESTS / "CheckpointsTests/Fixtures/messagepack/types.msgpack").read_bytes()


def tensorflow_files():
    for content in [*small("CheckpointsTests/Fixtures/tensorflow/*.index", 383), *malformed("tensorflow")]:
        yield b"\0" + content[:383]
        # The blocks of a table, where it has two that follow each other.
        places = []
        for byte in content[-48:-8]:
            places.append(byte)
        if len(content) > 60 and places[0] == 0 and places[1] == 0 and 5 < places[2] < 128 and places[3] < 64:
            yield bytes([places[2] - 5]) + content[: places[2] - 5] + content[places[2] : places[2] + places[3]]


def array_names():
    """One a line; a star stands for a layout's marks, whose number is the line's first character."""
    for number in range(9):
        for prefix in ("", "module.", "model.", "base_model.model."):
            yield f"{number}{prefix}*".encode()
    yield b"0student.*\n0teacher.*"
    yield b"0*\n0model_ema.*"
    yield b"0_orig_mod.module.*\nmodule.module\n._orig_mod.\n.."
    yield b"base_model.model.a.lora_A.weight\nbase_model.model.a.base_layer.weight"
    yield b"a.qweight\na.qzeros"
    yield b"no.such.net"


def settings_files():
    folder = TESTS / "FamiliesTests/Fixtures/layouts/huggingface"
    config = compact(json.loads((folder / "config.json").read_text()))
    processor = compact(json.loads((folder / "preprocessor_config.json").read_text()))
    tokens = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\r\n"
    tokenizer = compact({
        "model": {"vocab": {"[PAD]": 0, "a": 1}}, "added_tokens": [{"id": 2, "content": "[DEC]"}],
    })
    flags = compact({"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": False, "a": 1})
    for choice in range(0, 62, 3):
        yield bytes([choice]) + b"\xff".join((b"{}", b"", flags, b"", b"", tokens))
    yield b"\0" + b"\xff".join((config, processor, b"", b"", b"", b""))
    yield b"\2" + b"\xff".join((b"", processor, flags, b"{}", tokenizer, b""))
    yield b"\4" + b"\xff".join((b'{"text_config":{"hidden_size":8,"num_hidden_layers":2}}', b"", b"", b"", tokenizer, b""))
    yield b"\1" + b"\xff".join((b'{"model_type":"vit","id2label":{"0":"a","1":"b"},"hidden_size":4}', b'{"resample":3}', b"", b"", b"", b""))
    yield b"\1" + b"\xff".join((b'{"hidden_act":"relu"}', b'{"resample":9}', b"", b"", b"", b""))
    rule = {"net": "a.{n}.b", "from": "x.{n}.y", "leadingOnes": 1, "transpose": [1, 0], "grid": True}
    layout = {
        "about": "", "profile": "p", "recognizedBy": ["x"], "names": {"separator": "/", "index": "_", "suffix": ":0"},
        "nets": {"n": [rule]}, "gridOf": {"part": "n", "from": "x", "field": "side"}, "ties": [
            {"from": "a", "same": "b", "transpose": [0], "part": "n", "untied": {"tied": False}}],
        "ignore": [{"from": "i", "reason": "r"}], "export": {"config.json": {}},
    }
    family = {
        "family": "f", "title": "t", "modelTypes": ["m"],
        "axes": [{"name": "P", "about": "", "values": ["n"], "default": "n", "selects": "net"}],
        "nets": {"n": {"definition": "vit", "configuration": {"k": {"key": "a.b", "default": 1, "values": [1]}},
                       "tokenizer": {"kind": "wordpiece", "addedTokens": ["x"]}}},
        "variants": [{"when": {"P": "n"}, "configuration": {"n": {"k": 2}}}], "defaultProfile": "p",
        "profiles": {"p": {"keys": {"c.json": {"a": {"key": "b", "names": {"1": "x"}}, "c": "d"}}, "tokens": {"t": "x"}}},
        "layouts": {"l": layout, "m": {**layout, "nets": {"n": "l"}, "export": "l"}},
        "published": [{"parameters": {"P": "n"}, "repository": "r", "licence": "l", "layout": "l",
                       "files": [{"name": "f", "bytes": 1, "sha256": ZERO}]}],
    }
    yield b"\x3f" + compact(family)
    family["layouts"] = {}
    yield b"\x3f" + compact(family)


def tokenizer_texts():
    vocabulary = "a\nb\n##a\n##b\nab\n##ing\nthe\n?\né\ne\n中\nwhat\n##'\n'\n.\n"
    for choice in (0, 2, 4, 12, 16, 32, 64, 22):
        yield bytes([choice]) + vocabulary.encode() + b"\xff" + "The ÉTÉ abab 中文 [SEP] what's? a\u0301\u0323 각 İ".encode()
    yield b"\1[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\xff[MASK] a [PAD]a"
    yield b"\xfa\xffa"


def byte_pair_files():
    ends = [b"<|startoftext|>", b"<|endoftext|>"]
    tokens = ["a", "b", "b</w>", "c</w>", "ab</w>", "ab", "abc</w>", "'</w>", "\u00c3", "\u00a9</w>", "!</w>"] + [one.decode() for one in ends]
    merges = ["a b</w>", "a b", "ab c</w>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    texts = ["ABC abc! <|endoftext|>ab", "it's 12 \u00c9\u0301 e\u0301\u0323 \uac00\u11a8 \u0130", "<|STARTOFTEXT|>!! a\u00a0b", ""]
    configs = [b"", compact({"pad_token": "!", "bos_token": {"content": ends[0].decode(), "normalized": True}}),
               compact({"added_tokens_decoder": {"13": {"content": "<x>", "special": False, "normalized": True}}})]
    for config, words in zip(configs * 2, texts + texts[:2]):
        whole = {"model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
                 "added_tokens": [{"id": 11, "content": ends[0].decode(), "special": True, "normalized": True}]}
        yield b"\0" + b"\xff".join((config, compact(whole), b"", words.encode()))
        yield b"\1" + b"\xff".join((config, compact(vocabulary), b"#version\n" + "\n".join(merges).encode(), words.encode()))
        yield b"\2" + b"\xff".join((config, b"head\na b\nab c</w>\ne r</w>", b"", words.encode()))
    yield b"\1" + b"\xff".join((b"", compact(vocabulary), b"a  b", b"a"))
    yield b"\0" + b"\xff".join((b"", compact({"model": {"vocab": {"a": 0}, "merges": [["a", "a"]]}}), b"", b"a"))


def question_files():
    image = {"image_id": 1, "question_id": 2}
    yield b"\0" + compact({"data_subtype": "val2014", "info": {"a": []}, "questions": [{**image, "question": "what?"}]})
    yield b"\0" + compact({"questions": []})
    answers = [{"answer": "yes", "answer_confidence": "yes", "answer_id": number} for number in range(10)]
    annotation = {
        **image, "question_type": "is", "answer_type": "yes/no", "multiple_choice_answer": "yes",
        "answers": [{"answer": "a"}] * 10,
    }
    yield b"\1" + compact({"annotations": [annotation], "license": {}})
    yield b"\1" + compact({"annotations": [{**annotation, "answers": answers[:4]}]})
    yield b"\2" + compact([{"question_id": 3, "answer": "red"}, {"question_id": 4, "answer": ""}])
    good = TESTS / "AssuranceTests/Fixtures/forms/good"
    for path in sorted(good.iterdir()) + sorted((good.parent / "bad").iterdir()):
        # Images that are there: of the folder at the root of all.
        content = path.read_bytes().replace(b"a.png", b"/") if path.suffix in (".csv", ".jsonl", ".json") else path.read_bytes()
        choice = {".csv": 3, ".jsonl": 4, ".tsv": 6}.get(path.suffix, 5)
        if len(content) <= 1024:
            yield bytes([choice]) + content
    yield b"\3image,question,answer,id,question_type,answer_type\r\n.,what?,red,7,a,b\n/,\"so, \"\"x\"\"\n\",,8,,\n"
    yield b"\3\xef\xbb\xbfquestion;image;answer\nwho;/;['a', \"b\", 3]\n\n"
    yield b"\6question\timage\tanswers\nwho\t/\t['a' 'b\\u00e9']\n"
    yield b'\4{"image":".","question":"a","answer":"b"}\n\n{"image":"/","question":"c","answers":["d"],"id":"x"}'
    yield b'\4{"image":".","question":"a","answers":["1","1",1],"question_id":4,"question_type":"q","answer_type":"t"}'
    yield b"\7" + compact({"01": {"imageId": ".", "question": "q", "answer": "a", "isBalanced": True, "types": {"structural": "query"}}})
    yield b"\5" + compact({"data": [{"question_id": 1, "image_id": ".", "question": "q", "answers": ["a", "b"]}]})
    yield b"\5" + compact([{"image_id": ".", "question_id": "x", "question": "q", "choices": [], "direct_answers": ["a"]}])
    yield b"\5" + compact([{"image": ".", "question": "q", "answerable": 0, "answers": [{"answer": "a"}]}])
    yield b"\5" + compact([{"image": ".", "question": "q", "answer": ["a", "b", "c"], "dataset": "vqa"}])
    yield b"\5" + gzip.compress(compact([{"image": ".", "question": "q", "answer": 1.5}]), mtime=0)
    yield b"\4" + '{"image":".","question":"é"}'.encode("utf-16")


def answer_lists():
    for text in (
        "yes\nno\n", '["yes", "no"]', '{"yes": 0, "no": 1}', '{"0": "yes", "1": "no"}', '[{"answer": "a", "count": 1}]',
        "answer,count\nyes,9\nno,1\n", '"so, ""no""";4\nb;2\n', '{"answers": ["a"]}', '["yes"', "[null]", "a\t1\nb\t2", "{}",
    ):
        yield text.encode()
    yield "\ufeffyes\r\nno".encode("utf-16-le")


def orientations():
    folder = TESTS / "MediaTests/Fixtures/orientation"
    for path in sorted(folder.iterdir()):
        if path.suffix != ".json" and path.stat().st_size <= 1024:
            # The notes stand before the pixels, which nobody reads here.
            yield path.read_bytes()[:512]


def addresses():
    for text in (
        "image/png;base64,iVBORw0KGgo=", ";base64,aGk", "image/png,%89PNG", ",", "x", ";base64,a", ";base64,_-8=", ",%4",
        ";BASE64, aG\nk=", ";base64,%61Gk%3D",
    ):
        yield text.encode()


def journals():
    side = {"answer": "red", "tokens": [5, 6], "accuracy": 1}
    line = {"question": 0, "a": side, "b": {**side, "accuracy": 0.3}, "divergence": 0.25, "sameFirstToken": True}
    alone = {"question": 3, "a": {"answer": "", "tokens": []}}
    head = compact({"nets": "x"})
    for choice in (0, 2, 63):
        yield bytes([choice]) + head + b"\n" + compact(line) + b"\n" + compact({**line, "question": 1}) + b"\n{"
    yield b"\1" + head + b"\n" + compact(alone) + b"\n"
    yield b"\5" + head
    yield b"\5\n\n\n"


def receipts():
    none = {"receipt": 1, "arithmetic": 1, "task": "embed", "nets": [{"net": "x", "sha256": ZERO}], "settings": {}}
    yield compact({**none, "items": [], "scoresSHA256": hashlib.sha256().hexdigest()})
    item = {"text": "a", "result": "3 elements", "scoresSHA256": ZERO}
    image = {"image": "a.png", "imageSHA256": ZERO, "result": "cat", "scoresSHA256": ZERO}
    settings = {"upright": True, "frames": 3, "beams": 2, "temperature": 0.5, "seed": "7", "answers": ["a"], "side": 64,
                "labels": ["x"], "templates": ["{}"], "prompt": "query: ", "repetitionPenalty": 1.1}
    two = hashlib.sha256(bytes(64)).hexdigest()
    yield compact({**none, "task": "ask", "settings": settings, "items": [item, image], "scoresSHA256": two})
    yield compact({**none, "receipt": 2})
    yield compact({**none, "arithmetic": 2})
    yield compact({**none, "items": [item], "scoresSHA256": ZERO})


def videos():
    def frame(index, time, picks, width, height):
        return b"F" + struct.pack("<QdIII", index, time, picks, width, height) + bytes(range(width * height * 3))

    def start(frames, length, count):
        return b"INGOTVF\1H" + struct.pack("<QdI", frames, length, count)

    yield b"\0" + start(1, 0.0, 1) + frame(0, 0.0, 1, 1, 1) + b"E"
    yield b"\2" + start(10, 2.5, 2) + frame(1, 0.25, 1, 2, 3) + frame(7, 1.75, 2, 3, 2) + b"E"
    yield b"\3" + start(3, 1.0, 3) + frame(0, 0, 1, 1, 2) + frame(1, 0.3, 1, 1, 1) + frame(2, 0.6, 2, 1, 1) + b"E"


def images():
    return small("MediaTests/Fixtures/images/**/*", 4096)


def scanned_files():
    corpus = json.loads((TESTS / "CheckpointsTests/Fixtures/scan/corpus.json").read_text())
    for kind in ("malicious", "harmless"):
        for content in corpus[kind].values():
            content = base64.b64decode(content)
            if len(content) <= 1024:
                yield content


def seeds_file(target):
    """Beside the tests that replay it: the server's are a package of their own."""
    folder = SERVER_TESTS / "Seeds" if target.startswith("request") else Path(__file__).parent / "Seeds"
    return folder / f"{target}.seeds"


def stored(target):
    """What earlier runs found worth keeping: length (32 bits, little-endian) and bytes of each, one after another."""
    path = seeds_file(target)
    content = path.read_bytes() if path.exists() else b""
    position = 0
    while position < len(content):
        (length,) = struct.unpack_from("<I", content, position)
        yield content[position + 4 : position + 4 + length]
        position += 4 + length


def store(target, contents):
    path = seeds_file(target)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(struct.pack("<I", len(content)) + content for content in contents))


SEEDS = {
    "json": json_texts, "safetensors": safetensors_files, "index": indexes, "torch": torch_files, "hdf5": hdf5_answers, "gguf": gguf_files, "numpy": numpy_files, "onnx": onnx_files,
    "messagepack": messagepack_files, "tensorflow": tensorflow_files,
    "net": net_files, "settings": settings_files, "names": array_names, "tokenizer": tokenizer_texts, "bytepair": byte_pair_files, "questions": question_files,
    "answers": answer_lists, "journal": journals, "video": videos, "image": images, "orientation": orientations,
    "address": addresses, "scan": scanned_files, "hub": hub_lists, "web": web_lines, "signature": signatures, "receipt": receipts,
    "request": requests, "request-inference": inferences, "request-head": heads, "request-picture": sent_pictures,
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for target, make in SEEDS.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(make()):
            (folder / f"{number:03}").write_bytes(content)


if __name__ == "__main__":
    main()
