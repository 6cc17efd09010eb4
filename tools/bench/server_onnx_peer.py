#!/usr/bin/env python3
"""FastAPI with ONNX Runtime, arranged as well as one can: the files of graphs.py, optimized ahead and mapped, keys and values kept, the last pictures'
features kept too. Started by server.py.

    python server_onnx_peer.py HF_FOLDER GRAPHS_FOLDER [--int8]
"""

import base64
import collections
import hashlib
import io
import pathlib
import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI

from peer import Checkpoint, OnnxRuntime, OnnxRuntimeInt8

checkpoint = Checkpoint(pathlib.Path(sys.argv[1]))
engine = (OnnxRuntimeInt8 if "--int8" in sys.argv else OnnxRuntime)(checkpoint, pathlib.Path(sys.argv[2]))
app = FastAPI()
turn = threading.Lock()
# As many as ingot-serve keeps.
looks, MOST_LOOKS = collections.OrderedDict(), 32


def look(data):
    """What the net sees in a picture's file; known pictures are not looked at again."""
    key = hashlib.sha256(data).digest()
    if key not in looks:
        looks[key] = engine.look(checkpoint.pixels(io.BytesIO(data)))
        if len(looks) > MOST_LOOKS:
            looks.popitem(last=False)
    return looks[key]


@app.post("/v1/chat/completions")
def complete(body: dict):
    parts = body["messages"][-1]["content"]
    text = next(part["text"] for part in parts if part["type"] == "text")
    data = base64.b64decode(next(part["image_url"]["url"] for part in parts if part["type"] == "image_url").split(",", 1)[1])
    # Several at a time share the cores and are no faster together.
    with turn:
        state, token, answer = engine.read(checkpoint.ids(text), look(data)), checkpoint.start, []
        for position in range(body["max_tokens"]):
            logits, state = engine.speak(token, position, state)
            token = int(logits.argmax())
            if token == checkpoint.end:
                break
            answer.append(token)
    return {"choices": [{"message": {"content": checkpoint.tokenizer.decode(answer)}}]}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
