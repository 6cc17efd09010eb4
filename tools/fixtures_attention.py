#!/usr/bin/env python3
"""Writes Tests/TasksTests/Fixtures/attention.safetensors: what transformers attends to with the demo net.

    tools/setup --reference
    .venv-reference/bin/python tools/fixtures_attention.py

Of one picture and question: `input_ids`, `question_cross_attention` (blocks, heads, tokens, 1 + patches), `answer_ids`
(without the start token), `answer_cross_attention` (blocks, heads, answer tokens, tokens): row i is what the decoder
attended to when it chose token i. And the heat that NumPy makes of it, (tokens, patches) each: `heat.mean` of the last
block, heads averaged; `heat.0.1` of block 0 and head 1.
"""

import pathlib
import sys

import numpy as np
import PIL.Image
import safetensors.numpy
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools" / "reference"))
import outputs  # noqa: E402

PICTURE = "weights/demo/pictures/red-circle-0004.png"
QUESTION = "what is the color of the circle?"


def heat(attention, block, head=None):
    """How much more a token looks at a patch than the token that looks there least."""
    weights = attention[block].astype(np.float64)[..., 1:]
    weights = weights.mean(axis=0) if head is None else weights[head]
    return weights - weights.min(axis=0)


@torch.no_grad()
def main():
    net = outputs.load(ROOT / "weights/demo", "hf-384")
    ids = outputs.encoded(net, QUESTION)
    _, image = outputs.run_image(net, PIL.Image.open(ROOT / PICTURE).convert("RGB"))
    asked = outputs.run_question(net, ids, image, attention=True)
    answer = outputs.generate(net, asked.last_hidden_state, outputs.decoding(net))[0]
    made = net.model.text_decoder(
        torch.tensor([answer[:-1]]), encoder_hidden_states=asked.last_hidden_state, use_cache=False,
        output_attentions=True)
    question = torch.cat(asked.cross_attentions).numpy()
    content = {
        "input_ids": ids[0].numpy(), "question_cross_attention": question,
        "answer_ids": np.array(answer[1:]), "answer_cross_attention": torch.cat(made.cross_attentions).numpy(),
        "heat.mean": heat(question, -1), "heat.0.1": heat(question, 0, 1),
    }
    path = ROOT / "Tests/TasksTests/Fixtures/attention.safetensors"
    content = {name: np.ascontiguousarray(array, np.int64 if array.dtype.kind == "i" else np.float32)
               for name, array in content.items()}
    safetensors.numpy.save_file(content, path, {"image": PICTURE, "question": QUESTION})
    print({name: array.shape for name, array in content.items()}, outputs.text(net, answer))


if __name__ == "__main__":
    main()
