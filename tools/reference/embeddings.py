#!/usr/bin/env python3
"""Writes what sentence-transformers computes for some texts, for `ingot verify --reference` to compare with.

    python3 -m venv reference && reference/bin/pip install 'sentence-transformers>=6'
    reference/bin/python tools/reference/embeddings.py CHECKPOINT --out reference.safetensors --text "a cat" --text "a dog"

The file holds for each text J the arrays texts.J.input_ids (int64, from [CLS] to [SEP]) and texts.J.embedding (float32),
and in its metadata texts.J.text and texts.J.prompt, what was put before it.
"""

import argparse
import pathlib

import numpy as np
import safetensors.numpy
import torch
from sentence_transformers import SentenceTransformer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--text", action="append", default=[], help="repeatable")
    parser.add_argument("--lines", type=pathlib.Path, help="a file of texts, one a line")
    parser.add_argument("--prompt", help="the name of the net's prompt")
    arguments = parser.parse_args()
    texts = arguments.text + (arguments.lines.read_text().split("\n")[:-1] if arguments.lines else [])
    net = SentenceTransformer(str(arguments.checkpoint), device="cpu", model_kwargs={"dtype": torch.float32})
    name = arguments.prompt or net.default_prompt_name
    prompt = net.prompts[name] if name else ""
    vectors = net.encode(texts, prompt=prompt)
    arrays, metadata = {}, {}
    for number, (text, vector) in enumerate(zip(texts, vectors)):
        ids = net.tokenizer(prompt + text, truncation=True)["input_ids"]
        arrays[f"texts.{number}.input_ids"] = np.array(ids, np.int64)
        arrays[f"texts.{number}.embedding"] = vector.astype(np.float32)
        metadata |= {f"texts.{number}.text": text, f"texts.{number}.prompt": prompt}
    arguments.out.write_bytes(safetensors.numpy.save(arrays, metadata=metadata))


if __name__ == "__main__":
    main()
