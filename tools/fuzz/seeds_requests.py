"""First inputs of the targets that read what clients send to the server."""

import base64
import struct

from seed_parts import compact

PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
ADDRESS = "data:image/png;base64," + PICTURE
# In the order in which the target has them.
CHAT, EMBEDDINGS, GENERATE, OLLAMA_CHAT, EMBED, OLDER, SHOW, MATCH, CLASSIFY, ATTENTION = range(10)


def requests():
    text, image = {"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": ADDRESS}}
    user = {"role": "user", "content": [text, image]}
    options = {"num_predict": 5, "temperature": 0.5, "seed": -1, "stop": ["."], "top_k": 0, "top_p": 1.0, "min_p": 0, "mirostat": 0}
    cases = [
        (CHAT, {"messages": [user], "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 5}),
        (CHAT, {"messages": [{"role": "system", "content": "x"}, user, {"role": "assistant", "content": "a"}], "seed": 7, "stop": ["a", "b"]}),
        (CHAT, {"messages": [user], "temperature": 1.5, "n": 1, "top_p": 1, "logprobs": False, "tools": [], "response_format": {"type": "text"}}),
        (CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "https://a.example/b"}]}]}),
        (CHAT, {"messages": [{"role": "user", "content": [image, image]}]}), (CHAT, {"messages": []}), (CHAT, {"messages": [{"role": "tool"}]}),
        (CHAT, {"messages": [user], "n": 2}), (CHAT, {"messages": [user], "max_completion_tokens": 0}), (CHAT, {"messages": "x"}),
        (EMBEDDINGS, {"input": "text", "encoding_format": "base64", "dimensions": 384, "prompt_name": "query"}),
        (EMBEDDINGS, {"input": ["a", {"text": "b"}, {"image": PICTURE}, {"image_url": {"url": ADDRESS}}], "encoding_format": "float"}),
        (EMBEDDINGS, {"input": [1, 2]}), (EMBEDDINGS, {"input": []}), (EMBEDDINGS, {"input": [""]}), (EMBEDDINGS, {"input": "a", "encoding_format": "x"}),
        (GENERATE, {"prompt": "what?", "images": [PICTURE], "stream": False, "options": options, "raw": True}),
        (GENERATE, {"keep_alive": "0s"}), (GENERATE, {"keep_alive": 0}), (GENERATE, {"prompt": "a", "images": [ADDRESS, PICTURE], "system": "s", "context": [1]}),
        (GENERATE, {"format": "json"}), (GENERATE, {"prompt": "a", "options": {"num_predict": -2}, "think": False, "suffix": "", "tools": []}),
        (OLLAMA_CHAT, {"messages": [{"role": "user", "content": "a", "images": [PICTURE]}], "options": options}), (OLLAMA_CHAT, {"messages": []}),
        (OLLAMA_CHAT, {"messages": [{"role": "assistant", "content": "a"}]}), (OLLAMA_CHAT, {"messages": [{"role": "user", "images": [1]}]}),
        (EMBED, {"input": ["a"], "truncate": False, "dimensions": 3}), (OLDER, {"prompt": "a"}), (OLDER, {"prompt": ""}), (SHOW, {}),
        (MATCH, {"image": PICTURE, "texts": ["a", "b"]}), (MATCH, {"image": PICTURE, "texts": []}), (MATCH, {"image": "/etc/passwd", "texts": "a"}),
        (CLASSIFY, {"image": PICTURE, "labels": ["a"], "template": "a {}", "top": 3}), (CLASSIFY, {"image": PICTURE, "top": 0}),
        (ATTENTION, {"image": PICTURE, "question": "a", "block": 1, "head": 0}), (ATTENTION, {"image": ""}),
    ]
    for number, body in cases:
        yield bytes([number]) + compact({"model": "blip-vqa:demo"} | body)
    yield b"\0{}"
    yield b"\1[]"
    yield b'\6{"name":"a"}'
    yield b'\0{"model":"a","model":"b"}'


def inferences():
    def tensor(name, kind, shape, **more):
        return {"name": name, "datatype": kind, "shape": shape} | more

    def packed(body, data):
        text = compact(body)
        return str(len(text)).encode() + b"\n" + text + data

    binary = {"parameters": {"binary_data_size": 8}}
    wanted = [{"name": "sequences", "parameters": {"binary_data": True, "classification": 0}}, {"name": "logits"}]
    yield b"\n" + compact({"id": "a", "inputs": [tensor("input_ids", "INT64", [1, 3], data=[[1, 2, 3]])], "outputs": wanted})
    yield b"\n" + compact({"inputs": [tensor("x", "FP32", [2, 1], data=[[0.5], [1]]), tensor("y", "FP64", [0], data=[])], "parameters": {"binary_data_output": True}})
    yield packed({"inputs": [tensor("x", "FP32", [2], **binary), tensor("y", "INT64", [1], **binary)]}, struct.pack("<ffq", 1.5, -2, -7))
    yield packed({"inputs": [tensor("x", "FP64", [1], **binary), tensor("y", "INT32", [2], **binary)]}, struct.pack("<dii", 1e300, -1, 7))
    yield packed({"inputs": [tensor("x", "FP32", [2], **binary)]}, b"\0" * 7)
    yield packed({"inputs": [tensor("x", "FP32", [2], **binary)]}, b"\0" * 9)
    yield b"\n" + compact({"inputs": [tensor("x", "BYTES", [1], data=["a"])]})
    yield b"\n" + compact({"inputs": [tensor("x", "INT64", [2**62, 4, 0], data=[])]})
    yield b"\n" + compact({"inputs": [tensor("x", "INT64", [-1], data=[1])]})
    yield b"99\n{}"
    yield b"-1\n{}"
    yield b"2\n{}"


def heads():
    yield b"/v1/models/blip-vqa:demo\nlocalhost:11435\nBearer 0123456789abcdef\napplication/json; charset=utf-8\nabc-1.2_3"
    yield b"/v2/models/a%2Fb/versions/1/infer\n[::1]:80\nbearer 0123456789abcdeg\napplication/x-www-form-urlencoded\n"
    yield b"/\n127.0.0.1\nBasic x\napplication/ld+json\na b"
    yield b"/v1/models/%ff\n127.1\n\ntext/html\n" + b"a" * 65
    yield b"/v1/models//\nevil.example:80\n0123456789abcdef"
    yield b"/v1/models/a\nx.localhost\nBearer"
    yield b"\n127.0.0.+1\n"
    yield b"\n127.0.0.012\n"
    yield b"/v1/models/a\n[::1].evil.example"
    yield b"/v1/models/a\n[::1"


def sent_pictures():
    for text in (PICTURE, PICTURE.rstrip("="), "iVBO\nRw0=", "_-8=", "", "====", "a", "/etc/passwd", ADDRESS):
        yield b"\0" + text.encode()
    for text in (ADDRESS, "data:,%89PNG", "data:;base64,_-8", "data:;BASE64, aG\nk=", "http://a.example/b", "https://", "file:///etc/passwd",
                 "/etc/passwd", "data:", "data:x", "HTTP://a", "data:,%4"):
        yield b"\1" + text.encode()
