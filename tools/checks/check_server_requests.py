"""Wrong requests to the server, by name: each gets the error of the interface that it is of, with a status that says whose fault it is,
and nothing of this machine in it.

Called by check_server.py.
"""

import base64
import copy
import json
import socket
import struct
import zlib

from server_running import BOTH, CAPTION, DIGITS, MATCH, PICTURE, TEXTS, VQA

FACE = base64.b64encode(PICTURE.read_bytes()).decode()
ADDRESS = "data:image/png;base64," + FACE
CHAT, EMBED, GENERATE, TALK = "/v1/chat/completions", "/v1/embeddings", "/api/generate", "/api/chat"
VECTORS, SHOW = "/api/embed", "/api/show"
WRONG_VALUES = {"a number": 7, "a fraction": 0.5, "true": True, "an array": [1], "an object": {"a": 1}, "a text": "x"}


def png(width, height, rows=b""):
    """A PNG that states a size, whatever is in it."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chat(content=None, **changes):
    content = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": ADDRESS}}] if content is None else content
    return {"model": VQA, "messages": [{"role": "user", "content": content}]} | changes


def generate(**changes):
    return {"model": VQA, "prompt": "what?", "images": [FACE], "stream": False} | changes


def with_image(url):
    return chat([{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}])


def encoded(data):
    return base64.b64encode(data).decode()


def bad_pictures():
    """Files that are no pictures, as bytes."""
    whole = PICTURE.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    return {
        "nothing but a letter": b"a", "text": b"this is no picture" * 20, "zeros": bytes(5000),
        "cut at 8 bytes": whole[:8], "cut at 33 bytes": whole[:33], "cut in the middle": whole[:len(whole) // 2],
        "a damaged byte": bytes(damaged), "a bomb of 30000 x 30000": png(30000, 30000, bytes(1000)),
        "a bomb of 2^31 x 2^31": png(2**31 - 1, 2**31 - 1), "no width": png(0, 10), "no rows": png(100, 100),
        "a GIF that ends": b"GIF89a" + bytes(4), "a BMP that ends": b"BM" + bytes(20),
        "a JPEG that ends": b"\xff\xd8\xff\xe0" + bytes(30), "a TIFF that ends": b"II*\0" + bytes(20),
        "a TIFF that goes round": b"II*\0\x08\0\0\0\x01\0" + bytes(12) + b"\x08\0\0\0",
        "a WebP that ends": b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(8), "a WebP of huge size": b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0" + b"\xff" * 10 + bytes(6),
        "a zip": b"PK\x03\x04" + bytes(100), "a pickle": b"\x80\x04cos\nsystem\n", "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "an SVG with an entity": b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
        "a HEIC's head": b"\0\0\0\x18ftypheic" + bytes(60), "a film's head": b"\0\0\0\x18ftypisom" + bytes(60),
        "a playlist": b"#EXTM3U\nfile:///etc/passwd\n",
    }


ELSEWHERE = [
    "http://127.0.0.1/a.png", "http://localhost:1/", "http://[::1]/a.png", "https://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://0/", "http://2130706433/", "http://0x7f.1/", "http://example.org@127.0.0.1/",
    "ftp://127.0.0.1/a.png", "file:///etc/passwd", "file://localhost/etc/passwd", "/etc/passwd", "../../etc/passwd", "a.png", "-", "",
    "gopher://127.0.0.1/", "dict://127.0.0.1:11211/", "jar:http://127.0.0.1!/", "//127.0.0.1/a.png", "HTTP://127.0.0.1/", " http://127.0.0.1/",
    "javascript:alert(1)", "blob:null/1", "s3://bucket/a.png", "hf://a/b", "\u0000", "~/.ssh/id_rsa", "C:\\a.png", "\\\\host\\share\\a.png",
]
BAD_BASE64 = ["data:image/png;base64,@@@@", "data:image/png;base64,A", "data:image/png;base64,====", "data:image/png;base64",
              "data:", "data:,", "data:image/png,%zz", "data:image/png;base64," + FACE[:101] + "!" + FACE[101:],
              "data:image/png;base64," + FACE + "=A"]


def json_cases():
    """Bodies that are no JSON object, as bytes."""
    return {
        "nothing": b"", "a space": b" ", "no JSON": b"hello", "half": b'{"model":', "an array": b"[]", "a number": b"1",
        "null": b"null", "a text": b'"x"', "two values": b"{}{}", "a comma too much": b'{"model":"x",}',
        "single quotes": b"{'model':'x'}", "a key twice": b'{"model":"x","model":"y"}', "NaN": b'{"model":NaN}',
        "an infinity": b'{"model":1e999}', "a long integer": b'{"model":' + b"9" * 400 + b"}", "no UTF-8": b'{"model":"\xff"}',
        "an overlong form": b'{"model":"\xc0\xaf"}', "half a surrogate pair": b'{"model":"\\ud800"}', "a control character": b'{"model":"\x01"}',
        "a zero byte": b'{"model":"x"}\0', "a byte order mark": b"\xef\xbb\xbf{}", "UTF-16": '{"model":"x"}'.encode("utf-16"),
        "10 MB of arrays in arrays": b"[" * 10_000_000, "10 MB of objects in objects": b'{"a":' * 2_000_000,
        "deep in a member": b'{"model":' + b"[" * 200 + b"]" * 200 + b"}", "3 million values": b'{"model":[' + b"1," * 3_000_000 + b"1]}",
        "combining marks": ('{"model":"' + "a" + "\u0301" * 50_000 + '"}').encode(), "a comment": b'{/*x*/"model":"x"}',
    }


def type_cases(path, body, keys, skip=()):
    """Each member in turn of every type that it isn't, and missing where it is needed."""
    for key, right in keys.items():
        for what, value in WRONG_VALUES.items():
            if what in right or (path, key, what) in skip:
                continue
            changed = copy.deepcopy(body)
            changed[key] = value
            yield f"{path}: {key} is {what}", path, changed, 400


def cases():
    """(name, path, body, status)."""
    for path in (CHAT, EMBED, GENERATE, TALK, VECTORS, SHOW, "/api/embeddings", f"/v2/models/{TEXTS}/infer"):
        for what, body in json_cases().items():
            yield f"{path}: {what}", path, body, 400
    number = ("a number", "a fraction")
    yield from type_cases(CHAT, chat(), {
        "model": ("a text",), "messages": (), "stream": ("true",), "temperature": number, "max_tokens": ("a number",), "seed": ("a number",),
        "stop": ("a text",), "stream_options": ("an object",), "response_format": ("an object",)})
    yield from type_cases(EMBED, {"model": TEXTS, "input": "a"}, {
        "model": ("a text",), "input": ("a text",), "encoding_format": (), "dimensions": (), "prompt_name": ()})
    yield from type_cases(GENERATE, generate(), {
        "model": ("a text",), "prompt": ("a text",), "images": (), "stream": ("true",), "options": ("an object",), "raw": ("true",)})
    yield from type_cases(VECTORS, {"model": TEXTS, "input": "a"}, {"model": ("a text",), "input": ("a text",), "truncate": ("true",), "dimensions": ()})
    yield from type_cases("/api/embeddings", {"model": TEXTS, "prompt": "a"}, {"model": ("a text",), "prompt": ("a text",)})
    yield from type_cases(SHOW, {"model": VQA}, {"model": ("a text",)})
    for what, data in bad_pictures().items():
        yield f"{CHAT}: {what}", CHAT, with_image("data:;base64," + encoded(data)), 400
        yield f"{GENERATE}: {what}", GENERATE, generate(images=[encoded(data)]), 400
        yield f"{EMBED}: {what}", EMBED, {"model": BOTH, "input": [{"image": encoded(data)}]}, 400
    for address in ELSEWHERE:
        yield f"{CHAT}: the address {address!r}", CHAT, with_image(address), 400
        yield f"{GENERATE}: the image {address!r}", GENERATE, generate(images=[address]), 400
    for address in BAD_BASE64:
        yield f"{CHAT}: {address[:40]!r}", CHAT, with_image(address), 400
        yield f"{GENERATE}: {address[:40]!r}", GENERATE, generate(images=[address]), 400
    yield from other_cases()


def other_cases():
    def message(role="user", **members):
        return chat(messages=[{"role": role} | members])
    missing = {"model": chat(), "messages": chat()}
    for key, body in missing.items():
        del body[key]
        yield f"{CHAT}: no {key}", CHAT, body, 400
    image = {"type": "image_url", "image_url": {"url": ADDRESS}}
    changes = {
        "an empty conversation": chat(messages=[]), "a message that is none": chat(messages=[1]), "no role": chat(messages=[{"content": "x"}]),
        "an unknown role": message("tool", content="x"), "no content": message(), "content that is a number": message(content=1),
        "an unknown part": chat([{"type": "input_audio", "input_audio": {}}]), "a part that is none": chat([1]), "a part without a type": chat([{}]),
        "a part without a text": chat([{"type": "text"}]), "an image without an address": chat([{"type": "image_url"}]),
        "an image that is a number": chat([{"type": "image_url", "image_url": 1}]), "an address that is a number": with_image(1),
        "an address that is an array": with_image([]), "no picture": chat("what?"), "no question": chat([image]), "a question of spaces": chat([{"type": "text", "text": "  "}, image]),
        "two pictures": chat([{"type": "text", "text": "?"}, image, image]), "system only": message("system", content="x"), "assistant only": message("assistant", content="x"),
        "a long question": chat([{"type": "text", "text": "why " * 5000}, image]), "an answer's beginning": chat(messages=chat()["messages"] + [{"role": "assistant", "content": "it is"}]),
        "system last": chat(messages=chat()["messages"] + [{"role": "system", "content": "x"}]),
        "n 2": chat(n=2), "n 0": chat(n=0), "top_p": chat(top_p=0.5), "logprobs": chat(logprobs=True), "top_logprobs": chat(top_logprobs=3),
        "frequency_penalty": chat(frequency_penalty=1), "presence_penalty": chat(presence_penalty=-1), "logit_bias": chat(logit_bias={"1": 2}),
        "tools": chat(tools=[{"type": "function"}]), "functions": chat(functions=[{}]), "JSON wanted": chat(response_format={"type": "json_object"}),
        "a schema wanted": chat(response_format={"type": "json_schema", "json_schema": {}}), "audio": chat(audio={}), "modalities": chat(modalities=["audio"]),
        "temperature -1": chat(temperature=-1), "temperature 3": chat(temperature=3), "max_tokens 0": chat(max_tokens=0), "max_tokens -1": chat(max_tokens=-1),
        "max_tokens 10^9": chat(max_tokens=10**9), "max_completion_tokens 0": chat(max_completion_tokens=0), "an empty stop": chat(stop=[""]), "five stops": chat(stop=list("abcde")),
        "a stop that is a number": chat(stop=[1]), "a net that captions asked for tokens beyond": chat(model=CAPTION, max_tokens=1000),
        "a net of vectors": chat(model=TEXTS), "a net that matches": chat(model=MATCH), "a net that classifies": chat(model=DIGITS),
    }
    for what, body in changes.items():
        yield f"{CHAT}: {what}", CHAT, body, 400
    for name in ("gpt-4o", "", "x" * 10000, "../../etc/passwd", "blip-vqa:", ":demo", "blip-vqa:demo\n", "%2e%2e", "blip-vqa", "BLIP-VQA:demo", "\U0001f600"):
        for path, body in ((CHAT, chat(model=name)), (GENERATE, generate(model=name)), (EMBED, {"model": name, "input": "a"}), (SHOW, {"model": name})):
            yield f"{path}: the model {name[:20]!r}", path, body, 404
    vectors = {
        "no input": {}, "an empty array": {"input": []}, "an empty text": {"input": ""}, "an empty text among others": {"input": ["a", ""]}, "null in it": {"input": [None]},
        "token ids": {"input": [1, 2, 3]}, "arrays of token ids": {"input": [[1, 2], [3]]}, "2049 texts": {"input": ["a"] * 2049}, "an object without members": {"input": [{}]},
        "a picture to a net of texts": {"input": [{"image": FACE}]}, "another size": {"input": "a", "dimensions": 7}, "an unknown form": {"input": "a", "encoding_format": "hex"},
        "an unknown prompt": {"input": "a", "prompt_name": "nobody"}, "a net that answers": {"input": "a", "model": VQA}, "a net that captions": {"input": "a", "model": CAPTION},
    }
    for what, changes in vectors.items():
        for path in (EMBED, VECTORS):
            if path == VECTORS and ("encoding_format" in changes or "prompt_name" in changes):
                continue
            yield f"{path}: {what}", path, {"model": TEXTS} | changes, 400
    yield f"{VECTORS}: a text that is too long", VECTORS, {"model": TEXTS, "input": "a " * 1000, "truncate": False}, 400
    told = {
        "two pictures": generate(images=[FACE, FACE]), "a picture that is a number": generate(images=[1]), "no picture": generate(images=[]), "no prompt": generate(prompt=""),
        "JSON wanted": generate(format="json"), "a schema wanted": generate(format={"type": "object"}), "tools": generate(tools=[{}]), "thinking": generate(think=True),
        "a suffix": generate(suffix="x"), "num_predict 0": generate(options={"num_predict": 0}), "num_predict 10^6": generate(options={"num_predict": 10**6}),
        "temperature 9": generate(options={"temperature": 9}), "top_k": generate(options={"temperature": 1, "top_k": 4}), "top_p": generate(options={"temperature": 1, "top_p": 0.4}),
        "repeat_penalty": generate(options={"repeat_penalty": 1.3}), "mirostat": generate(options={"mirostat": 2}), "stop that is a number": generate(options={"stop": [3]}),
        "seed that is a text": generate(options={"seed": "x"}), "a net of vectors": generate(model=TEXTS),
    }
    for what, body in told.items():
        yield f"{GENERATE}: {what}", GENERATE, body, 400
    yield f"{TALK}: a role that is none", TALK, {"model": VQA, "messages": [{"role": "tool", "content": "x"}]}, 400
    yield f"{TALK}: no user", TALK, {"model": VQA, "messages": [{"role": "system", "content": "x"}]}, 400
    for path in ("/api/pull", "/api/push", "/api/create", "/api/copy"):
        yield f"{path} is not for a server", path, {"model": "x"}, 501
    yield from tensor_cases()


def tensor_cases():
    infer = f"/v2/models/{TEXTS}/infer"
    def ids(**changes):
        return {"inputs": [{"name": "input_ids", "shape": [1, 2], "datatype": "INT64", "data": [2, 3]} | changes]}
    bodies = {
        "no inputs": {}, "inputs that are none": {"inputs": 3}, "an unknown input": ids(name="x"), "no name": {"inputs": [{}]}, "an unknown type": ids(datatype="BF16"),
        "floats for whole numbers": ids(datatype="FP32"), "fractions in whole numbers": ids(data=[1.5, 2]), "a shape too large": ids(shape=[1, 3]), "a negative shape": ids(shape=[-1, -2]),
        "a shape that overflows": ids(shape=[2**62, 2**62]), "no shape": ids(shape=None), "three dimensions": ids(shape=[1, 1, 2]), "none at all": ids(shape=[0, 2], data=[]), "text in the data": ids(data=["a", "b"]),
        "a token that isn't there": ids(data=[2, 10**12]), "a negative token": ids(data=[2, -1]), "no data": ids(data=None), "twice": {"inputs": ids()["inputs"] * 2},
        "binary data that isn't there": ids(data=None, parameters={"binary_data_size": 16}), "an output that isn't there": ids() | {"outputs": [{"name": "x"}]},
        "classification": ids() | {"outputs": [{"name": "sentence_embedding", "parameters": {"classification": 3}}]},
        "a mask with holes": {"inputs": ids()["inputs"] + [{"name": "attention_mask", "shape": [1, 2], "datatype": "INT64", "data": [0, 1]}]},
        "a mask of another shape": {"inputs": ids()["inputs"] + [{"name": "attention_mask", "shape": [1, 1], "datatype": "INT64", "data": [1]}]},
        "pixels": {"inputs": [{"name": "pixel_values", "shape": [1], "datatype": "FP32", "data": [1]}]}, "a text too long": ids(shape=[1, 5000], data=[2] * 5000),
    }
    for what, body in bodies.items():
        yield f"{infer}: {what}", infer, body, 400
    yield "/v2: a model that isn't there", "/v2/models/none/infer", ids(), 404
    yield "/v2: a version that isn't there", f"/v2/models/{TEXTS}/versions/2/infer", ids(), 404


def is_error(path, text):
    """Whether an answer is an error in its interface's form."""
    try:
        told = json.loads(text)
    except ValueError:
        return False
    if path.startswith("/v1"):
        error = told.get("error")
        return isinstance(error, dict) and error.keys() == {"message", "type", "param", "code"} and isinstance(error["message"], str) and len(error["message"]) > 5
    return told.keys() == {"error"} and isinstance(told["error"], str) and len(told["error"]) > 5


def check_cases(checks, server, shelf):
    count = 0
    for name, path, body, status in cases():
        count += 1
        found, headers, text = server.post(path, body)
        if name.endswith("the model 'blip-vqa'"):
            # Of the family there are two, and the default is neither.
            checks.check("blip-vqa:demo" in text, f"{name}: names what there is: {text[:200]}")
        checks.check(found == status, f"{name}: {found}, not {status}: {text[:200]}")
        checks.check(is_error(path, text), f"{name}: no error of that interface: {text[:200]}")
        leaks = [word for word in (str(shelf), "/tmp/", "/usr/", ".swift", "Swift.", "fatal") if word in text and word not in json.dumps(str(body))]
        checks.check(not leaks, f"{name}: tells {leaks}: {text[:200]}")
        checks.check(headers["X-Request-Id"], f"{name}: no id")
    checks.check(count >= 300, f"{count} cases")
    checks.check(server.get("/healthz")[0] == 200, "the server lives")
    checks.end_group(f"{count} wrong requests")


def raw(server, data, seconds=10):
    """What comes back for bytes."""
    with socket.create_connection((server.host, server.port), timeout=seconds) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        out = b""
        try:
            while piece := connection.recv(65536):
                out += piece
        except (TimeoutError, ConnectionError):
            pass
        return out


def check_http(checks, server):
    """Requests that are wrong as HTTP, or at the wrong place."""
    host = f"Host: {server.host}:{server.port}\r\n"
    bytes_cases = {
        "no HTTP": b"hello\r\n\r\n", "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), "a long head": f"GET /healthz HTTP/1.1\r\n{host}X: {'a' * 100_000}\r\n\r\n".encode(),
        "many heads": f"GET /healthz HTTP/1.1\r\n{host}{'A: b' + chr(13) + chr(10)}".encode() + b"A: b\r\n" * 5000 + b"\r\n", "two lengths": f"POST {CHAT} HTTP/1.1\r\n{host}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}".encode(),
        "a negative length": f"POST {CHAT} HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n".encode(), "length and chunks": f"POST {CHAT} HTTP/1.1\r\n{host}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
        "a chunk's length that is none": f"POST {CHAT} HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(), "a head's line folded": f"GET /healthz HTTP/1.1\r\n{host}A: b\r\n c\r\nB\r\n\r\n".encode(),
        "HTTP/9": f"GET /healthz HTTP/9.9\r\n{host}\r\n".encode(), "a space in a head's name": f"GET /healthz HTTP/1.1\r\n{host}A b: c\r\n\r\n".encode(),
    }
    for what, data in bytes_cases.items():
        answer = raw(server, data)
        checks.check(not answer.startswith(b"HTTP/1.1 200"), f"{what}: {answer[:100]}")
        checks.check(server.get("/healthz")[0] == 200, f"{what}: the server lives")
    wrong = [
        ("GET", CHAT, {}, 405), ("PUT", CHAT, {}, 405), ("DELETE", "/v1/models", {}, 405), ("PATCH", "/api/tags", {}, 405), ("POST", "/healthz", {}, 405), ("GET", "/v1/none", {}, 404),
        ("GET", "/v1/models/none", {}, 404), ("GET", "/v1/models/%ff", {}, 404), ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", {}, 404), ("GET", "/../../etc/passwd", {}, 404),
        ("GET", "//etc/passwd", {}, 404), ("GET", "/api/none", {}, 404), ("GET", "/v2/models/none", {}, 404), ("GET", f"/v2/models/{TEXTS}/versions/9", {}, 404), ("TRACE", "/", {}, 405),
        ("GET", "/healthz", {"Host": "evil.example"}, 403), ("GET", "/v1/models", {"Host": "127.0.0.1.evil.example"}, 403), ("GET", "/v1/models", {"Origin": "https://evil.example"}, 403),
        ("GET", "/v1/models", {"Origin": "null"}, 403), ("OPTIONS", CHAT, {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}, 403),
    ]
    for method, path, headers, status in wrong:
        found, told, text = server.request(method, path, None, headers)
        checks.check(found == status, f"{method} {path} {headers}: {found}, not {status}")
        checks.check(is_error(path, text), f"{method} {path} {headers}: {text[:100]}")
        if status == 405:
            checks.check(told["Allow"], f"{method} {path}: Allow")
    typed = [("text/xml", 415), ("multipart/form-data; boundary=x", 415), ("application/jsonp", 415)]
    for kind, status in typed:
        found, _, text = server.request("POST", CHAT, b"{}", {"Content-Type": kind})
        checks.check(found == status and is_error(CHAT, text), f"a body of {kind}: {found}")
    found, _, text = server.request("POST", CHAT, b"{}", {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    checks.check(found == 415 and is_error(CHAT, text), f"a packed body: {found}")
    # Refused by its stated length, and by what comes where none is stated.
    answer = raw(server, f"POST {CHAT} HTTP/1.1\r\n{host}Content-Length: 99999999999\r\n\r\n".encode())
    checks.check(answer.startswith(b"HTTP/1.1 413") and b'"error"' in answer, f"a body that is too long: {answer[:60]}")
    checks.check(server.get("/healthz")[0] == 200, "the server lives")
    checks.end_group("HTTP")


def check_requests(checks, server, shelf):
    check_cases(checks, server, shelf)
    check_http(checks, server)
    faults = [line for line in server.log if " error " in line]
    checks.check(not faults, f"what clients did wrong is told to the log as the server's own failure: {faults[:3]}")
