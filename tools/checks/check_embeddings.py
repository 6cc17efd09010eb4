#!/usr/bin/env python3
"""Holds the vectors of a published sentence embedder against sentence-transformers, on thousands of real texts, and says
what int8 costs.

    pip install 'sentence-transformers>=6' safetensors onnxruntime
    python3 tools/checks/check_embeddings.py .build/release/ingot all-MiniLM-L6-v2 [--texts FILE] [--words N] [--onnx model.onnx]

The texts are lines of a file, or JSON strings where it ends in .json; without one they are taken from this machine: what
programs say in a hundred languages (translations below /usr/share/locale and beside Python's packages), and paragraphs of
documentation, from one word to 500, --count of them, the same for the same machine.

1. The checkpoint is converted, and its texts embedded: token ids are the publisher's, and the least cosine of a vector to
   the publisher's is at least 0.999999. A part of the texts, embedded alone and in another order, has the same bits.
2. The exported folder is loaded by sentence-transformers, whose vectors are the same bits as before.
3. The int8 net: cosine to the publisher's vectors, how many of each text's ten nearest neighbours among all are kept, and
   Spearman's correlation of the similarities of 200,000 pairs; with --onnx the same of an ONNX file that others made of the
   same net, run by ONNX Runtime with mean pooling and normalization.

Prints a table; exits with status 1 if 1 or 2 doesn't hold.
"""

import argparse
import gettext
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import numpy as np

LEAST_COSINE = 0.999999
NEIGHBOURS = 10
PAIRS = 200_000


# -------------------------------------------------------------------------------------------------------------- texts


def translations():
    """What programs say, by language."""
    found = {}
    folders = [pathlib.Path("/usr/share/locale"), *map(pathlib.Path, sys.path)]
    for folder in folders:
        for path in sorted(folder.rglob("*.mo")) if folder.is_dir() else []:
            try:
                with open(path, "rb") as file:
                    catalogue = gettext.GNUTranslations(file)
            except (OSError, ValueError, UnicodeError, IndexError):
                continue
            language = path.parts[-3] if path.parts[-2] == "LC_MESSAGES" else "other"
            texts = found.setdefault(language, set())
            for text in catalogue._catalog.values():
                if isinstance(text, str):
                    texts.add(clean(text))
    return found


def documentation():
    """Paragraphs, and several in a row, of the texts that stand beside programs and packages."""
    found = set()
    folders = [pathlib.Path("/usr/share/doc"), *map(pathlib.Path, sys.path)]
    endings = (".md", ".rst", ".txt", "README", "METADATA", "copyright")
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if not path.name.endswith(endings) or not path.is_file() or path.stat().st_size > 400_000:
                continue
            try:
                paragraphs = [clean(text) for text in path.read_text().split("\n\n")]
            except (OSError, UnicodeError):
                continue
            found.update(paragraphs)
            for start in range(0, len(paragraphs) - 8, 8):
                found.add(" ".join(paragraphs[start:start + 8]))
    return found


def clean(text):
    return " ".join(text.split())


def is_text(text):
    """From one word to 500, and no run of combining marks that no language has."""
    return 1 <= len(text.split()) <= 500 and len(text) <= 8000 and not re.search(r"[\u0300-\u036f]{20}", text)


def collected(count, most):
    """A third of them documentation, the rest of all languages alike, of all lengths up to so many words."""
    def fits(text):
        return is_text(text) and len(text.split()) <= most

    chooser = random.Random(count)
    languages = {name: sorted(filter(fits, texts)) for name, texts in sorted(translations().items())}
    chosen = set()
    documents = sorted(filter(fits, documentation()))
    by_length = [[text for text in documents if low <= len(text.split()) < high]
                 for low, high in ((1, 8), (8, 30), (30, 100), (100, 200), (200, 501))]
    for texts in by_length:
        chosen.update(chooser.sample(texts, min(len(texts), count // 15)))
    names = [name for name, texts in languages.items() if len(texts) > 50]
    while len(chosen) < count and names:
        chosen.add(chooser.choice(languages[chooser.choice(names)]))
    texts = sorted(chosen)
    chooser.shuffle(texts)
    print(f"{len(texts)} texts: {len(documents)} of documentation to choose from, {len(names)} languages")
    return texts


# --------------------------------------------------------------------------------------------------------------- nets


def embedded(program, shelf, texts, *options):
    """Vectors by JSON Lines."""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    run = subprocess.run([program, "embed", "--shelf", shelf, *options], input=lines.encode(), capture_output=True, check=True)
    return np.array([json.loads(line)["embedding"] for line in run.stdout.splitlines()], np.float32)


def token_ids(program, shelf, texts):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    run = subprocess.run(
        [program, "tokenize", "--shelf", shelf, "--set", "Release=checked", "--set", "Precision=float32", "--family",
         "text-embedding"], input=lines.encode(), capture_output=True, check=True)
    return [json.loads(line)["ids"] for line in run.stdout.splitlines()]


def by_onnx(path, tokenizer, length, texts):
    """Mean of all tokens' vectors, normalized."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = {given.name for given in session.get_inputs()}
    out = np.zeros((len(texts), 0), np.float32)
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    for start in range(0, len(texts), 32):
        part = order[start:start + 32]
        batch = tokenizer([texts[i] for i in part], padding=True, truncation=True, max_length=length, return_tensors="np")
        batch.setdefault("token_type_ids", np.zeros_like(batch["input_ids"]))
        vectors = session.run(None, {name: batch[name].astype(np.int64) for name in names})[0]
        mask = batch["attention_mask"][..., None]
        pooled = (vectors * mask).sum(1) / mask.sum(1) if vectors.ndim == 3 else vectors
        if out.shape[1] == 0:
            out = np.zeros((len(texts), pooled.shape[1]), np.float32)
        out[part] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    return out


# ------------------------------------------------------------------------------------------------------------ measures


def unit(vectors):
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def cosines(a, b):
    return (unit(a) * unit(b)).sum(1)


def neighbours(vectors):
    """The nearest of each, itself left out."""
    vectors = unit(vectors).astype(np.float32)
    out = []
    for start in range(0, len(vectors), 1000):
        near = vectors[start:start + 1000] @ vectors.T
        near[np.arange(len(near)), start + np.arange(len(near))] = -2
        out.append(np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS])
    return np.concatenate(out)


def kept(vectors, reference):
    pairs = zip(neighbours(vectors), neighbours(reference))
    return np.mean([len(set(ours) & set(theirs)) / NEIGHBOURS for ours, theirs in pairs])


def spearman(vectors, reference):
    """Of the similarities of pairs drawn at random."""
    drawn = np.random.default_rng(1).integers(0, len(vectors), (PAIRS, 2))
    drawn = drawn[drawn[:, 0] != drawn[:, 1]]
    ranks = [np.argsort(np.argsort((unit(of)[drawn[:, 0]] * unit(of)[drawn[:, 1]]).sum(1))) for of in (vectors, reference)]
    return np.corrcoef(*ranks)[0, 1]


def row(name, size, vectors, reference, distinct):
    """- distinct: one of the texts for each list of token ids: those of the same ids are equally near to all others."""
    near = cosines(vectors, reference)
    vectors, reference = vectors[distinct], reference[distinct]
    print(f"{name:34} {size / 1e6:6.1f} MB  cosine {near.min():.8f} least, {near.mean():.8f} mean  neighbours kept "
          f"{kept(vectors, reference):.4f}  Spearman {spearman(vectors, reference):.6f}")
    return near.min()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--texts", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--words", type=int, default=500, help="of a text, at most")
    parser.add_argument("--onnx", type=pathlib.Path)
    parser.add_argument("--write-texts", type=pathlib.Path, help="keep the texts, as JSON")
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer

    if arguments.texts is None:
        texts = collected(arguments.count, arguments.words)
    else:
        text = arguments.texts.read_text()
        texts = json.loads(text) if arguments.texts.suffix == ".json" else text.rstrip("\n").split("\n")
    if arguments.write_texts:
        arguments.write_texts.write_text(json.dumps(texts))
    words = sorted(len(text.split()) for text in texts)
    print(f"{len(texts)} texts of {words[0]} to {words[-1]} words, {words[len(words) // 2]} in the middle")
    program, failed = str(arguments.program), False
    net = SentenceTransformer(str(arguments.checkpoint), device="cpu")
    reference = net.encode(texts, batch_size=32)
    with tempfile.TemporaryDirectory() as folder:
        shelf, out = os.path.join(folder, "shelf"), os.path.join(folder, "exported")
        named = ["--set", "Release=checked"]

        def run(*command):
            subprocess.run([program, *map(str, command)], check=True, stdout=subprocess.DEVNULL)

        run("convert", arguments.checkpoint, *named, "--shelf", shelf)
        ids = token_ids(program, shelf, texts)
        expected = [net.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        wrong = [text for text, ours, theirs in zip(texts, ids, expected) if ours != theirs]
        cut = sum(len(theirs) + 2 > net.max_seq_length for theirs in expected)
        print(f"token ids: {len(texts) - len(wrong)} of {len(texts)} texts the same, {cut} longer than the net takes")
        failed |= bool(wrong)
        most = net.max_seq_length - 2
        distinct = list({tuple(theirs[:most]): index for index, theirs in enumerate(expected)}.values())
        print(f"neighbours and similarities are those of the {len(distinct)} texts with different tokens")
        float32 = embedded(program, shelf, texts, *named)
        size = sum(path.stat().st_size for path in pathlib.Path(shelf).rglob("*.ingot"))
        failed |= row("float32", size, float32, reference, distinct) < LEAST_COSINE
        some = list(range(0, len(texts), max(1, len(texts) // 400)))[::-1]
        alone = np.concatenate([embedded(program, shelf, [texts[i]], *named) for i in some[:40]])
        other = embedded(program, shelf, [texts[i] for i in some], *named)
        same = np.array_equal(alone, float32[some[:40]]) and np.array_equal(other, float32[some])
        print("texts alone, and in another order: " + ("the same bits" if same else "OTHER BITS"))
        run("export", *named, "--shelf", shelf, "--to", "safetensors", out)
        again = SentenceTransformer(out, device="cpu").encode(texts[:1000], batch_size=32)
        back = np.array_equal(again, net.encode(texts[:1000], batch_size=32))
        print("sentence-transformers on the exported folder: " + ("the same bits" if back else "OTHER BITS"))
        failed |= not same or not back
        run("quantize", *named, "--shelf", shelf)
        int8 = [*named, "--set", "Precision=int8"]
        size = sum(path.stat().st_size for path in pathlib.Path(shelf).rglob("*Precision=int8*.ingot"))
        row("int8", size, embedded(program, shelf, texts, *int8), reference, distinct)
        run("quantize", *named, "--shelf", shelf, "--activations", "int8", "--force", "--set", "Precision=float32")
        row("int8, --activations int8", size, embedded(program, shelf, texts, *int8), reference, distinct)
        if arguments.onnx:
            vectors = by_onnx(str(arguments.onnx), net.tokenizer, net.max_seq_length, texts)
            row(f"{arguments.onnx.name}, ONNX Runtime", arguments.onnx.stat().st_size, vectors, reference, distinct)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
