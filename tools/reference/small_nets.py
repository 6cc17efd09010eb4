#!/usr/bin/env python3
"""Makes the small nets of Tests/ReferenceFixtures/nets: sizes that no kernel likes, in two layouts.

    tools/setup --reference
    .venv-reference/bin/python tools/reference/small_nets.py [--out DIR]

    odd-huggingface/  model.safetensors
    odd-salesforce/   the same net as the original repository has it: 37 positions for images of 48 pixels

One net with seeded random weights, untied: heads of 10 and of 15 numbers, widths 30, 35 and 50. Unlike the nets that
tools/fixtures/fixtures_layouts.py makes (by whose functions this one is written too) it has positions enough for long answers. A
second run makes the same bytes with the same torch.
"""

import argparse
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "fixtures"))

import fixtures_layouts as layouts  # noqa: E402

VOCABULARY = """[PAD] [UNK] [CLS] [SEP] [MASK] what which is are the a of in it there how many color shape red green
blue circle square yes no not one two three ##s ##es ##ing ##d e 日 5 ? . , ' - !""".split()
OUTPUT_SCALE = 0.15
SIZES = {
    "SEED": 26,
    "VOCABULARY": VOCABULARY,
    "ORIGINAL_SIDE": 48,
    "TEXT": {
        "hidden_size": 30, "encoder_hidden_size": 30, "projection_dim": 30, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 35, "max_position_embeddings": 40,
        "vocab_size": len(VOCABULARY) + 2, "bos_token_id": len(VOCABULARY), "eos_token_id": 2, "pad_token_id": 0,
        "sep_token_id": 3,
    },
    "VISION": {
        "hidden_size": 30, "projection_dim": 30, "num_hidden_layers": 2, "num_attention_heads": 3,
        "intermediate_size": 50, "image_size": 40, "patch_size": 8,
    },
}


def make(folder, **sizes):
    for name, value in (SIZES | sizes).items():
        setattr(layouts, name, value)
    original = layouts.original_state(tied=False)
    for name, array in original.items():  # so that the last word, not the question alone, decides about the next one
        if name.endswith("output.dense.weight"):
            array *= OUTPUT_SCALE
    for name in ("odd-huggingface", "odd-salesforce"):
        shutil.rmtree(folder / name, ignore_errors=True)
        layouts.write_small_files(folder / name)
    state = layouts.separate(layouts.huggingface_state(original))
    layouts.write_safetensors(state, folder / "odd-huggingface" / "model.safetensors")
    layouts.write_torch({"model": original}, folder / "odd-salesforce" / "model_odd_vqa.pth")


def main():
    parser = argparse.ArgumentParser(description="Makes small nets of odd sizes for the reference tests.")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "Tests" / "ReferenceFixtures" / "nets")
    folder = parser.parse_args().out
    make(folder)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:>9,} bytes  {path.relative_to(folder)}")


if __name__ == "__main__":
    main()
