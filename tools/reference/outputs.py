#!/usr/bin/env python3
"""Writes what the publisher's own library computes for images and questions, for `ingot verify --reference`.

    tools/setup --reference
    .venv-reference/bin/python tools/reference/outputs.py CHECKPOINT --out reference.safetensors \\
        --image one.png --image two.jpg --question "what color is it?" --question "how many are there?"
    .venv-reference/bin/python tools/reference/outputs.py CHECKPOINT --out reference.safetensors \\
        --questions-file questions.jsonl

CHECKPOINT is a folder in the huggingface layout, which transformers loads (safetensors or PyTorch, whole or in shards),
or one in the salesforce layout: its .pth is renamed in memory to the names of the same classes. Keras files are none of
these; what comes out of them is compared with the reference of the same net in another layout. Weights in half
precision are widened to float32, and everything is computed in float32 by the eager attention.

Every question is asked of every image, unless --questions-file names pairs: lines {"image": …, "question": …} with
paths relative to that file. Two profiles:

    hf-384        the question as it is, [CLS] first; greedy decoding, at most 25 new tokens
    original-480  as the original repository asks: lower case, without . ! " ( ) * # : ; ~, at most 50 words and 35
                  tokens, [ENC] first; 3 beams, 9 new tokens at most (its max_length 10 counts the start token)

The file, in safetensors; I counts images, J questions; P image positions, T tokens, L layers, H heads, V words:

    images.I.rgb                         (height, width, 3) uint8   the picture as PIL's convert("RGB") gives it
    images.I.pixel_values                (3, side, side)            what the image processor makes of it
    images.I.image_embeds                (P, width)                 the image encoder's output
    questions.J.input_ids                (T) int64
    questions.J.question_embeds          (T, width)                 the text encoder's output
    questions.J.question_cross_attention (L, H, T, P)               after softmax; left out by --without-attention
    questions.J.first_step_logits        (V)                        the text decoder's, for the start token alone
    questions.J.answer_ids               (N) int64                  start token first; the end token is there if reached
    questions.J.ranking                  (answers)                  with --answers only, see `rank`

Its metadata are strings: format, profile, net (the folder's name), images.I.name, questions.J.image (I),
questions.J.text (as typed), questions.J.answer, decoding (JSON: beams, and the least and largest number of new tokens),
answers (JSON) and kTest where answers were ranked, and the versions torch, transformers, tokenizers, pillow.
"""

import argparse
import collections
import json
import pathlib
import re
import sys

import PIL
import PIL.Image
import safetensors.torch
import tokenizers
import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))

import salesforce_state  # noqa: E402
from salesforce_state import POSITIONS  # noqa: E402

FORMAT = "ingot-reference-1"
SMOOTHING = 0.1  # of the labels, in the original repository's loss and hence in its ranking
EPSILON = {"hf-384": 1e-5, "original-480": 1e-6, "original-384": 1e-6}  # the image encoder's, which a .pth doesn't tell
MAXIMUM_TOKENS = {"hf-384": 25, "original-480": 9}
BEAMS = {"hf-384": 1, "original-480": 3}

# What the original's retrieval nets hold of their training: running means, vectors of earlier batches, a temperature.
OF_TRAINING = re.compile(r"[a-z_]+_m\.|(image|text|idx)_queue$|ptr_queue$|queue_ptr$|temp$")

# May be missing: they are the word embedding and predictions.bias then.
TIED = ["text_decoder.cls.predictions.decoder.weight", "text_decoder.cls.predictions.decoder.bias"]

Net = collections.namedtuple("Net", "model tokenizer processor profile name")
Case = collections.namedtuple("Case", "image question")  # path of the image, text of the question


# ------------------------------------------------------------------------------------------------------------- loading


def load(folder, profile=None, dtype=torch.float32, kind=transformers.BlipForQuestionAnswering, own="original-480"):
    """The net with its tokenizer and image processor. No array may be missing or left over.

    kind is the class, own the profile of its checkpoints in the salesforce layout."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder = pathlib.Path(folder).resolve()
    originals = sorted(folder.glob("*.pth"))
    if originals and not any(folder.glob("*.safetensors*")):
        profile = profile or own
        source, options = None, original(folder, originals[0], profile)
    else:
        profile = profile or "hf-384"
        if profile != "hf-384":
            raise SystemExit(f"{folder}: a checkpoint in the huggingface layout has the profile hf-384, not {profile}")
        source, options = folder, {}
    model, info = kind.from_pretrained(
        source, dtype=dtype, attn_implementation="eager", output_loading_info=True, **options)
    for kind, found in info.items():
        names = [name for name in map(str, found) if not name.endswith("position_ids") and name not in TIED]
        if names:
            raise SystemExit(f"{folder}: {len(names)} {kind}: {sorted(names)[:3]}")
    for parameter in model.parameters():  # views of a mapped file stand at any address, and that decides the kernels
        parameter.data = parameter.data.clone()
    side = model.config.vision_config.image_size
    return Net(
        model.eval(), transformers.BertTokenizerFast.from_pretrained(folder),
        transformers.BlipImageProcessorPil.from_pretrained(folder, size={"height": side, "width": side}), profile,
        folder.name)


def original(folder, path, profile):
    """Configuration and state dict for the same classes, of a checkpoint of the original repository."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = state.get("model", state)
    renamed = {
        salesforce_state.renamed(name): array for name, array in state.items()
        if not name.endswith("position_ids") and not OF_TRAINING.match(name)}
    config = transformers.BlipConfig.from_pretrained(folder)
    vision = config.vision_config
    if profile == "hf-384":
        renamed[POSITIONS] = salesforce_state.resized(renamed[POSITIONS], vision.image_size // vision.patch_size)
    vision.image_size = round((renamed[POSITIONS].shape[1] - 1) ** 0.5) * vision.patch_size
    vision.layer_norm_eps = EPSILON[profile]
    return {"config": config, "state_dict": renamed}


# ------------------------------------------------------------------------------------------------------------- running


def cleaned(question):
    """The question as the original repository's data set hands it over."""
    question = re.sub(r"([.!\"()*#:;~])", "", question.lower()).rstrip("\n").strip(" ")
    words = question.split(" ")
    return " ".join(words[:50]) if len(words) > 50 else question


def encoded(net, question):
    """Token ids of a question, (1, T)."""
    most = net.model.config.text_config.max_position_embeddings
    if net.profile == "original-480":
        question, most = cleaned(question), min(most, 35)
    ids = net.tokenizer(question, return_tensors="pt", truncation=True, max_length=most).input_ids
    if net.profile == "original-480":
        vocabulary = net.tokenizer.get_vocab()
        ids[:, 0] = vocabulary.get("[ENC]", len(vocabulary) + 1)  # the original adds [DEC] and then [ENC] at the end
    return ids


def run_image(net, picture):
    """Pixel values (1, 3, side, side) and image features (1, P, width)."""
    pixels = net.processor(picture, return_tensors="pt").pixel_values.to(net.model.dtype)
    return pixels, net.model.vision_model(pixels).last_hidden_state


def run_question(net, ids, image_embeds, attention=False):
    """The text encoder's output for questions of one length; their image features stand in the same order."""
    return net.model.text_encoder(
        ids, attention_mask=torch.ones_like(ids), encoder_hidden_states=image_embeds,
        encoder_attention_mask=torch.ones(image_embeds.shape[:2], dtype=torch.long), output_attentions=attention)


def first_logits(net, question_embeds):
    start = torch.full((len(question_embeds), 1), net.model.config.text_config.bos_token_id)
    return net.model.text_decoder(start, encoder_hidden_states=question_embeds).logits[:, 0]


def decoding(net, maximum=None, minimum=0, beams=None):
    """How answers are looked for; no longer than the decoder has positions."""
    positions = net.model.config.text_config.max_position_embeddings
    maximum = min(maximum or MAXIMUM_TOKENS[net.profile], positions)
    return {"beams": beams or BEAMS[net.profile], "maximumTokens": maximum, "minimumTokens": minimum}


def generate(net, question_embeds, how):
    """Ids of the answers to questions of one length, start tokens first: BlipForQuestionAnswering.generate from where
    it has the question's features."""
    config = net.model.config.text_config
    found = net.model.text_decoder.generate(
        input_ids=torch.full((len(question_embeds), 1), config.bos_token_id), eos_token_id=config.sep_token_id,
        pad_token_id=config.pad_token_id, encoder_hidden_states=question_embeds,
        encoder_attention_mask=torch.ones(question_embeds.shape[:2], dtype=torch.long), do_sample=False,
        num_beams=how["beams"], max_length=None, max_new_tokens=how["maximumTokens"],
        min_new_tokens=how["minimumTokens"] or None)
    return [trimmed(answer, config.sep_token_id) for answer in found.tolist()]


def trimmed(answer, end):
    """Without the padding that batches bring."""
    return answer[:answer.index(end, 1) + 1] if end in answer[1:] else answer


def text(net, answer):
    return net.tokenizer.decode(answer, skip_special_tokens=True)


# ------------------------------------------------------------------------------------------------------------- ranking


def candidates(net, answers):
    """[DEC] tokens… [SEP] of every answer, padded at the end."""
    batch = net.tokenizer(answers, padding="longest", return_tensors="pt")
    batch.input_ids[:, 0] = net.model.config.text_config.bos_token_id
    return batch.input_ids, batch.attention_mask


def rank(net, question_embeds, ids, mask, k_test):
    """The loss of every answer, infinite for those that were not scored: the smallest is the net's choice.

    As the original repository ranks: the k_test answers whose first token is the most probable one after the start
    token are scored by their tokens' cross entropies, summed, against labels smoothed by 0.1. Answers with the same
    first token are equally probable; of those the earlier ones are scored.
    """
    config = net.model.config.text_config
    first = first_logits(net, question_embeds)[0].softmax(dim=-1)[ids[:, 1]]
    chosen = first.argsort(descending=True, stable=True)[:k_test]
    ids, mask = ids[chosen], mask[chosen]
    logits = net.model.text_decoder(
        ids, attention_mask=mask, encoder_hidden_states=question_embeds.expand(len(chosen), -1, -1)).logits
    labels = ids.masked_fill(ids == config.pad_token_id, -100)[:, 1:]
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=SMOOTHING)
    out = torch.full((len(first),), torch.inf, dtype=losses.dtype)
    out[chosen] = losses.view(labels.shape).sum(dim=1)
    return out


# ------------------------------------------------------------------------------------------------------------ the file


def read_cases(path):
    path = pathlib.Path(path)
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [Case(path.parent / line["image"], line["question"]) for line in lines]


@torch.no_grad()
def reference(net, cases, how, attention=True, answers=None, k_test=128):
    """Arrays and metadata of the file for pairs of image and question."""
    import numpy as np

    arrays, images = {}, {}
    metadata = {
        "format": FORMAT, "profile": net.profile, "net": net.name, "decoding": json.dumps(how),
        "torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
        "pillow": PIL.__version__}
    if answers:
        choices = candidates(net, answers)
        metadata |= {"answers": json.dumps(answers, ensure_ascii=False), "kTest": str(min(k_test, len(answers)))}
    for j, (path, question) in enumerate(cases):
        if path not in images:
            picture = PIL.Image.open(path).convert("RGB")
            pixels, embeds = run_image(net, picture)
            images[path] = i, embeds = len(images), embeds
            metadata[f"images.{i}.name"] = pathlib.Path(path).name
            arrays[f"images.{i}.rgb"] = torch.from_numpy(np.array(picture))
            arrays[f"images.{i}.pixel_values"] = pixels[0]
            arrays[f"images.{i}.image_embeds"] = embeds[0]
        i, embeds = images[path]
        ids = encoded(net, question)
        asked = run_question(net, ids, embeds, attention)
        answer = generate(net, asked.last_hidden_state, how)[0]
        of_question = {
            "input_ids": ids[0], "question_embeds": asked.last_hidden_state[0],
            "first_step_logits": first_logits(net, asked.last_hidden_state)[0], "answer_ids": torch.tensor(answer)}
        if attention:
            of_question["question_cross_attention"] = torch.cat(asked.cross_attentions)
        if answers:
            of_question["ranking"] = rank(net, asked.last_hidden_state, *choices, k_test)
        arrays |= {f"questions.{j}.{name}": array for name, array in of_question.items()}
        metadata |= {f"questions.{j}.image": str(i), f"questions.{j}.text": question,
                     f"questions.{j}.answer": text(net, answer)}
    return {name: array.contiguous() for name, array in arrays.items()}, metadata


def save(path, arrays, metadata):
    """Writes the file, its metadata in order: the library puts them in another one each time."""
    data = safetensors.torch.save(arrays)
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps({"__metadata__": metadata} | json.loads(data[8:start]), separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.write(memoryview(data)[start:])


def main():
    parser = argparse.ArgumentParser(description="Writes what the publisher's library computes, for `ingot verify`.")
    parser.add_argument("checkpoint", type=pathlib.Path, help="a folder in the huggingface or salesforce layout")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument("--profile", choices=MAXIMUM_TOKENS, help="default: the layout's own")
    parser.add_argument("--image", type=pathlib.Path, action="append", default=[], help="repeatable")
    parser.add_argument("--question", action="append", default=[], help="repeatable")
    parser.add_argument("--questions-file", type=pathlib.Path, help='lines {"image": path, "question": text}')
    parser.add_argument("--max-tokens", type=int, help="most new tokens of an answer; default: the profile's")
    parser.add_argument("--min-tokens", type=int, default=0, help="least new tokens of an answer, default 0")
    parser.add_argument("--beams", type=int, help="default: the profile's")
    parser.add_argument("--answers", type=pathlib.Path, help="answers to rank, one per line")
    parser.add_argument("--k-test", type=int, default=128, help="how many answers are scored, default 128")
    parser.add_argument("--without-attention", action="store_true", help="a smaller file")
    given = parser.parse_args()
    cases = [Case(image, question) for image in given.image for question in given.question]
    if given.questions_file:
        cases += read_cases(given.questions_file)
    if not cases:
        parser.error("name images and questions, or --questions-file")
    torch.set_num_threads(2)
    net = load(given.checkpoint, given.profile)
    answers = given.answers.read_text().splitlines() if given.answers else None
    how = decoding(net, given.max_tokens, given.min_tokens, given.beams)
    arrays, metadata = reference(net, cases, how, not given.without_attention, answers, given.k_test)
    save(given.out, arrays, metadata)
    for j, case in enumerate(cases):
        printed = {
            "image": str(case.image), "question": case.question, "answer": metadata[f"questions.{j}.answer"],
            "tokens": arrays[f"questions.{j}.answer_ids"].tolist()[1:]}
        print(json.dumps(printed, ensure_ascii=False))


if __name__ == "__main__":
    main()
