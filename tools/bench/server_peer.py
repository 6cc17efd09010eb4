#!/usr/bin/env python3
"""A small server as people write one: FastAPI with transformers' BlipForQuestionAnswering. Started by server.py.

    python server_peer.py HF_FOLDER
"""

import base64
import io
import socket
import sys
import threading

import torch
import uvicorn
from fastapi import FastAPI
from PIL import Image
from transformers import BertTokenizer, BlipForQuestionAnswering, BlipImageProcessor

torch.set_num_threads(2)
net = BlipForQuestionAnswering.from_pretrained(sys.argv[1]).eval()
tokenizer = BertTokenizer.from_pretrained(sys.argv[1])
processor = BlipImageProcessor(size={"height": 384, "width": 384})
app = FastAPI()
turn = threading.Lock()


@app.post("/v1/chat/completions")
def complete(body: dict):
    parts = body["messages"][-1]["content"]
    text = next(part["text"] for part in parts if part["type"] == "text")
    data = base64.b64decode(next(part["image_url"]["url"] for part in parts if part["type"] == "image_url").split(",", 1)[1])
    pixels = processor(Image.open(io.BytesIO(data)).convert("RGB"), return_tensors="pt").pixel_values
    # Several at a time share the cores and are no faster together.
    with turn, torch.inference_mode():
        out = net.generate(pixel_values=pixels, input_ids=tokenizer(text, return_tensors="pt").input_ids, max_new_tokens=body["max_tokens"])
    return {"choices": [{"message": {"content": tokenizer.decode(out[0], skip_special_tokens=True)}}]}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
