#!/usr/bin/env python3
"""Trains the demo net in weights/demo: a small BLIP net that answers questions about coloured shapes.

The net is a plain transformers `BlipForQuestionAnswering` (image encoder, question encoder, answer decoder with a
tied head), only small: 1.9 million parameters and 64 x 64 images. Training takes 12 to 35 minutes on 2 CPU cores;
no GPU is used.

    python3 -m venv .venv
    .venv/bin/pip install torch 'transformers>=5' safetensors pillow numpy easy-vqa==1.0
    nice -n 19 .venv/bin/python tools/training/train_demo.py --out checkpoint

Training has two phases. First the image encoder alone learns to tell shapes and colours (`Trainer.warm_up`), then
the whole net learns to answer (`Trainer.train`). Progress is measured on train images set aside beforehand; the test
split is touched once, at the very end. A seed and a thread count fix the result on one machine; other machines and
library versions round differently and give a net that is equivalent rather than equal.

Token conventions, as in the published BLIP files:
  question  [CLS] words [SEP]  as transformers' processor writes it; the original BLIP code starts with [ENC], so a
                               quarter of the training questions do too
  answer    [DEC] words [SEP]  generation starts from [DEC] (bos_token_id) and stops at [SEP] (sep_token_id)

Data: easy-VQA 1.0, MIT licence, Copyright (c) 2019 Victor Zhou, from the Python package `easy-vqa`: 4,000 train and
1,000 test images of one coloured shape each, with 38,575 and 9,673 questions and 13 different answers. Whoever passes
on its images or questions passes on its licence text too.
"""

import argparse
import collections
import json
import math
import pathlib
import re
import time

import easy_vqa
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from transformers import BertTokenizerFast, BlipConfig, BlipForQuestionAnswering

# The channel statistics that BLIP's image processor (and CLIP's before it) normalises with.
CHANNEL_MEAN = [0.48145466, 0.4578275, 0.40821073]
CHANNEL_STD = [0.26862954, 0.26130258, 0.27577711]

LEADING_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TRAILING_TOKENS = ["[DEC]", "[ENC]"]
PUNCTUATION = "!'(),-.:;?"
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
TEXT_POSITIONS = 64

SYNONYMS = {"color": ["colour"], "gray": ["grey"], "shape": ["object"], "image": ["picture", "photo"]}
SHAPES = {"circle", "rectangle", "triangle"}
COLOURS = {"black", "blue", "brown", "gray", "green", "red", "teal", "yellow"}

Question = collections.namedtuple("Question", "text answer image")

INTEGER_OPTIONS = {
    "hidden": (128, "width of all three transformers"),
    "heads": (4, "attention heads per layer"),
    "mlp": (4, "feed-forward width as a multiple of the hidden width"),
    "vision-layers": (4, "layers of the image encoder"),
    "text-layers": (2, "layers of the question encoder and of the answer decoder"),
    "image-size": (64, "side of the input image in pixels"),
    "patch": (8, "side of an image patch in pixels"),
    "images": (24, "images per training step"),
    "per-image": (6, "questions drawn for each image of a step"),
    "warm-steps": (2500, "steps of the image encoder's warm-up"),
    "steps": (2500, "steps of the question answering phase"),
    "warmup": (200, "steps over which the second phase's learning rate rises"),
    "dev": (200, "train images held out to watch progress"),
    "seed": (7, "seed of every random draw"),
    "threads": (2, "CPU threads"),
    "log": (50, "steps between progress lines"),
    "eval-every": (500, "steps between checks on the held-out images"),
}


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, (default, meaning) in INTEGER_OPTIONS.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{meaning} (default: {default})")
    parser.add_argument("--lr", type=float, default=1e-3, help="peak learning rate (default: 0.001)")
    parser.add_argument("--decay", type=float, default=0.05, help="weight decay (default: 0.05)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("checkpoint"), help="folder for the net")
    return parser.parse_args()


# ------------------------------------------------------------------------------------------------ images and questions


def load_split(split, size):
    """Returns a split's images as uint8 (count, 3, size, size), and its questions."""
    read_questions, read_paths = {
        "train": (easy_vqa.get_train_questions, easy_vqa.get_train_image_paths),
        "test": (easy_vqa.get_test_questions, easy_vqa.get_test_image_paths),
    }[split]
    paths = read_paths()
    images = np.stack([load_image(paths[number], size) for number in range(len(paths))])
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    return pixels, [Question(*fields) for fields in zip(*read_questions())]


def load_image(path, size):
    image = Image.open(path).convert("RGB")
    if image.size != (size, size):
        image = image.resize((size, size), Image.BICUBIC)
    return np.asarray(image)


def normalise(pixels):
    """Turns pixels in 0...255 into what BLIP's image processor hands to the net."""
    mean = torch.tensor(CHANNEL_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(CHANNEL_STD).view(1, 3, 1, 1)
    return (pixels.float() / 255 - mean) / std


def mentions(text, word):
    return re.search(rf"\b{word}\b", text) is not None


def affirms(question):
    """Whether a yes/no question's answer says that the named thing is in the image."""
    negated = mentions(question.text, "no") or mentions(question.text, "not")
    return question.answer == ("no" if negated else "yes")


def build_vocabulary(questions):
    """Lists all tokens in order of id; single characters let any other word be spelt out."""
    texts = [question.text for question in questions] + easy_vqa.get_answers()
    words = {word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower())}
    words.update(word for others in SYNONYMS.values() for word in others)
    long_words = sorted(word for word in words if len(word) > 1)
    pieces = [*CHARACTERS, *("##" + character for character in CHARACTERS)]
    return [*LEADING_TOKENS, *PUNCTUATION, *long_words, *pieces, *TRAILING_TOKENS]


def build_tokenizer(vocabulary):
    return BertTokenizerFast(
        vocab={token: number for number, token in enumerate(vocabulary)},
        do_lower_case=True,
        model_max_length=TEXT_POSITIONS,
        extra_special_tokens=TRAILING_TOKENS,
    )


def rewordings(text):
    """Lists a question's text followed by versions with synonyms and without the question mark."""
    versions = [text]
    for word, others in SYNONYMS.items():
        versions += [re.sub(rf"\b{word}\b", other, version)
                     for version in versions for other in others if mentions(version, word)]
    return versions + [version.rstrip("?") for version in versions]


class QuestionBank:
    """The train questions as tensors, ready to be drawn image by image."""

    MOST_PER_IMAGE = 32

    def __init__(self, questions, image_count, tokenizer):
        texts = sorted({question.text for question in questions})
        versions = [rewordings(text) for text in texts]
        coded = tokenizer([version for group in versions for version in group], padding=True, return_tensors="pt")
        self.ids, self.mask = coded.input_ids, coded.attention_mask
        self.dec, self.enc, self.sep = tokenizer.convert_tokens_to_ids(["[DEC]", "[ENC]", "[SEP]"])

        text_number = {text: number for number, text in enumerate(texts)}
        numbers = torch.tensor([text_number[question.text] for question in questions])
        counts = torch.tensor([len(group) for group in versions])
        self.version_count = counts[numbers]
        self.first_version = (counts.cumsum(0) - counts)[numbers]
        self.answers = torch.tensor([self.answer_ids(question, tokenizer) for question in questions])
        self.file_by_image(questions, image_count)

    def answer_ids(self, question, tokenizer):
        return [self.dec, *tokenizer(question.answer, add_special_tokens=False).input_ids, self.sep]

    def file_by_image(self, questions, image_count):
        """Fills, for each image, one row of question numbers and one of their chances to be drawn."""
        self.table = torch.zeros(image_count, self.MOST_PER_IMAGE, dtype=torch.long)
        self.chances = torch.zeros(image_count, self.MOST_PER_IMAGE)
        filled = [0] * image_count
        for number, question in enumerate(questions):
            slot = filled[question.image]
            self.table[question.image, slot] = number
            self.chances[question.image, slot] = self.chance(question)
            filled[question.image] += 1

    @staticmethod
    def chance(question):
        """Favours open questions, and even more those that name the true colour: only one in ten yes/no questions on
        colour does so, and with equal chances the net would come to answer "absent" to them all."""
        if question.text.startswith("what"):
            return 2.0
        return 6.0 if " shape" in question.text and affirms(question) else 1.0

    def draw(self, images, per_image, generator):
        """Draws questions for some images: ids and mask (images, questions, tokens), and one answer per row."""
        slots = torch.multinomial(self.chances[images], per_image, replacement=True, generator=generator)
        numbers = self.table[images].gather(1, slots).view(-1)
        reworded = torch.rand(len(numbers), generator=generator) < 0.2
        version = (torch.rand(len(numbers), generator=generator) * self.version_count[numbers]).long()
        rows = self.first_version[numbers] + reworded * version
        ids = self.ids[rows]
        ids[torch.rand(len(numbers), generator=generator) < 0.25, 0] = self.enc
        shape = (len(images), per_image, -1)
        return ids.view(shape), self.mask[rows].view(shape), self.answers[numbers]


# -------------------------------------------------------------------------------------------------------- augmentation


class ShapeMixer:
    """Makes new training images: an image's shape is cut out, turned, scaled, mirrored and moved, and lands on some
    other image's background colour. Half of the results also get a change of brightness, clouds and noise."""

    def __init__(self, pixels, generator):
        self.pixels, self.generator, self.size = pixels, generator, pixels.shape[-1]
        codes = self.colour_codes(pixels)
        background = self.background_codes(codes)
        self.mask = (codes != background[:, None]).view(-1, 1, self.size, self.size)
        channels = [background // 65536, background // 256 % 256, background % 256]
        self.backgrounds = torch.stack(channels, 1).float().view(-1, 3, 1, 1)
        self.centre, self.half_extent = self.bounding_boxes()

    @staticmethod
    def colour_codes(pixels):
        """One integer per pixel, 0xRRGGBB, as (images, pixels)."""
        flat = pixels.permute(0, 2, 3, 1).flatten(1, 2).long()
        return (flat * torch.tensor([65536, 256, 1])).sum(-1)

    def background_codes(self, codes):
        """Each image's most frequent colour; if the shape may fill most of the image, the corners' colour instead."""
        square = codes.view(-1, self.size, self.size)
        corners = square[:, [0, 0, -1, -1], [0, -1, 0, -1]].mode(dim=1).values
        corners_are_common = (codes == corners[:, None]).float().mean(1) > 0.3
        return torch.where(corners_are_common, corners, codes.mode(dim=1).values)

    def bounding_boxes(self):
        """The shapes' centres and half extents as (x, y), in coordinates from -1 to 1."""
        centres, half_extents = [], []
        for other_axis in (2, 3):
            touched = self.mask.any(dim=other_axis).view(-1, self.size).float()
            first = touched.argmax(1)
            end = self.size - touched.flip(1).argmax(1)
            centres.append((first + end) / self.size - 1.0)
            half_extents.append((end - first) / self.size)
        return torch.stack(centres, 1), torch.stack(half_extents, 1)

    def uniform(self, low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=self.generator)

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.generator)

    def random_signs(self, count, chance_of_minus):
        return (self.uniform(0, 1, count) < chance_of_minus) * -2.0 + 1

    def __call__(self, images):
        """Returns one new image, in 0...255, and its shape's coverage for each of the given image numbers."""
        mask = self.mask[images].float()
        cut_out = torch.cat([self.pixels[images].float() * mask, mask], 1)
        moved = F.grid_sample(cut_out, self.sampling_grid(images), align_corners=False)
        shape, cover = moved[:, :3], moved[:, 3:]
        behind = torch.randint(len(self.backgrounds), (len(images),), generator=self.generator)
        composed = shape + (1 - cover) * self.backgrounds[behind]
        return self.roughen(composed).clamp(0, 255), cover

    def sampling_grid(self, images):
        """Draws where each shape goes, and returns where each new pixel comes from."""
        count = len(images)
        angle = self.normal(count) * math.radians(8)
        scale = torch.exp(self.uniform(-0.3, 0.3, count, 1) + self.uniform(-0.1, 0.1, count, 2))
        # A turn widens the box a little; shrink whatever would no longer fit into the image.
        extent = (self.half_extent[images] * scale) @ torch.tensor([[1.0, 0.15], [0.15, 1.0]])
        scale = scale * (0.98 / extent.amax(1, keepdim=True)).clamp(max=1.0)
        target = self.uniform(-1, 1, count, 2) * (1 - extent).clamp(min=0)
        mirror = torch.stack([self.random_signs(count, 0.5), self.random_signs(count, 0.15)], 1)

        cos, sin = angle.cos(), angle.sin()
        rotation = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
        linear = rotation * (mirror / scale)[:, :, None]
        shift = self.centre[images][:, :, None] - linear @ target[:, :, None]
        shape = (count, 3, self.size, self.size)
        return F.affine_grid(torch.cat([linear, shift], 2), shape, align_corners=False)

    def roughen(self, composed):
        count = len(composed)
        rough = (self.uniform(0, 1, count, 1, 1, 1) < 0.5).float()
        clouds = F.interpolate(self.normal(count, 3, 4, 4), size=self.size, mode="bilinear")
        brightness = 1 + rough * self.uniform(-0.1, 0.1, count, 1, 1, 1)
        clouded = composed * brightness + rough * 5 * clouds
        noise_level = rough * self.uniform(0, 8, count, 1, 1, 1)
        return clouded + noise_level * self.normal(*composed.shape)


# ------------------------------------------------------------------------------------------------------------- the net


def build_config(vocabulary, options):
    shared = {
        "hidden_size": options.hidden,
        "intermediate_size": options.hidden * options.mlp,
        "projection_dim": options.hidden,
        "num_attention_heads": options.heads,
        "hidden_act": "gelu",
        "initializer_range": 0.02,  # the library's default for images, 1e-10, cannot be trained from
    }
    text = {
        **shared,
        "vocab_size": len(vocabulary),
        "encoder_hidden_size": options.hidden,
        "num_hidden_layers": options.text_layers,
        "max_position_embeddings": TEXT_POSITIONS,
        "layer_norm_eps": 1e-12,
        "is_decoder": True,
        "pad_token_id": vocabulary.index("[PAD]"),
        "bos_token_id": vocabulary.index("[DEC]"),
        "sep_token_id": vocabulary.index("[SEP]"),
        "eos_token_id": vocabulary.index("[SEP]"),
    }
    vision = {
        **shared,
        "num_hidden_layers": options.vision_layers,
        "image_size": options.image_size,
        "patch_size": options.patch,
        "layer_norm_eps": 1e-5,
    }
    return BlipConfig(text_config=text, vision_config=vision, projection_dim=options.hidden,
                      image_text_hidden_size=options.hidden)


@torch.no_grad()
def prepare_image_encoder(vision, pixels):
    """Gives the image encoder a start from which it learns shapes far sooner than from random weights: patches along
    their whitened principal components, where faint edges count as much as flat colour, and wave-like positions."""
    embeddings, patch = vision.embeddings, vision.config.patch_size
    filters, mean = whitening_filters(F.unfold(pixels, patch, stride=patch), embeddings.embed_dim)
    embeddings.patch_embedding.weight[:len(filters)] = filters.view(-1, 3, patch, patch)
    embeddings.patch_embedding.bias[:len(filters)] = -filters @ mean
    side = vision.config.image_size // patch
    embeddings.position_embedding[0, 1:] = position_waves(side, embeddings.embed_dim)


def whitening_filters(unfolded, most):
    """Returns the strongest whitened components as rows, and the mean patch."""
    patches = unfolded.transpose(1, 2).flatten(0, 1)
    mean = patches.mean(0)
    centred = patches - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(patches))
    count = min(most, len(values))
    strongest = vectors.flip(1)[:, :count]
    return (strongest / (values.flip(0)[:count] + 1e-2).sqrt()).T * 0.5, mean


def position_waves(side, width):
    """Sines and cosines of x, then of y, for each patch of a square image."""
    rates = 20.0 ** -(torch.arange(width // 4) / (width // 4))
    waves = []
    for coordinate in torch.meshgrid(torch.arange(side), torch.arange(side), indexing="xy"):
        phase = coordinate.reshape(-1, 1) * rates
        waves += [phase.sin(), phase.cos()]
    return torch.cat(waves, 1) * 0.5


def answer_loss(model, pixels, ids, mask, answers):
    """The loss of `BlipForQuestionAnswering` for several questions per image, at less cost: an image's questions pass
    through the question encoder as one sequence in which each sees only itself, so its keys are computed once."""
    count, per_image, width = ids.shape
    image = model.vision_model(pixel_values=pixels).last_hidden_state
    owner = torch.arange(per_image).repeat_interleave(width)
    visible = (owner[:, None] == owner[None, :]) & mask.view(count, 1, 1, -1).bool()
    encoded = model.text_encoder(
        input_ids=ids.view(count, -1),
        attention_mask=torch.where(visible, 0.0, -1e9),
        position_ids=torch.arange(width).repeat(1, per_image),
        encoder_hidden_states=image,
    ).last_hidden_state
    logits = model.text_decoder(
        input_ids=answers[:, :-1],
        encoder_hidden_states=encoded.view(count * per_image, width, -1),
        encoder_attention_mask=mask.view(count * per_image, width),
    ).logits
    return F.cross_entropy(logits.flatten(0, 1), answers[:, 1:].flatten())


@torch.no_grad()
def predict(model, tokenizer, pixels, questions, batch=250):
    """Returns the greedy answers. Only questions of one length share a batch, so that none of them is padded: the
    decoder would attend to the padding, and answer differently than to the question alone."""
    model.eval()
    images = torch.cat([model.vision_model(pixel_values=part).last_hidden_state for part in pixels.split(batch)])
    ids = {text: tokenizer(text).input_ids for text in {question.text for question in questions}}
    by_length = collections.defaultdict(list)
    for number, question in enumerate(questions):
        by_length[len(ids[question.text])].append(number)

    answers = [None] * len(questions)
    for group in by_length.values():
        for start in range(0, len(group), batch):
            numbers = group[start:start + batch]
            question_ids = torch.tensor([ids[questions[number].text] for number in numbers])
            image = images[[questions[number].image for number in numbers]]
            sequences = generate_answers(model, image, question_ids)
            for number, answer in zip(numbers, tokenizer.batch_decode(sequences, skip_special_tokens=True)):
                answers[number] = answer
    return answers


def generate_answers(model, image, question_ids):
    everything = torch.ones_like(question_ids)
    question = model.text_encoder(
        input_ids=question_ids, attention_mask=everything, encoder_hidden_states=image,
        encoder_attention_mask=torch.ones(image.shape[:2], dtype=torch.long),
    ).last_hidden_state
    return model.text_decoder.generate(
        input_ids=torch.full((len(question_ids), 1), model.decoder_start_token_id),
        encoder_hidden_states=question, encoder_attention_mask=everything,
        eos_token_id=model.config.text_config.sep_token_id, pad_token_id=model.config.text_config.pad_token_id,
        do_sample=False, max_new_tokens=8,
    )


def accuracy(model, tokenizer, pixels, questions):
    """The share of questions whose answer matches word for word."""
    answers = predict(model, tokenizer, normalise(pixels), questions)
    return sum(answer == question.answer for answer, question in zip(answers, questions)) / len(questions)


def save(model, tokenizer, vocabulary, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in vocabulary), encoding="utf-8")
    side = model.config.vision_config.image_size
    processor = {
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": CHANNEL_MEAN,
        "image_std": CHANNEL_STD,
        "image_processor_type": "BlipImageProcessor",
        "processor_class": "BlipProcessor",
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"height": side, "width": side},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2), encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------ training


def known_facts(questions, image_count, words):
    """For each image, the number of the word that its questions and answers show to be true of it, or -1."""
    facts = torch.full((image_count,), -1)
    for question in questions:
        for number, word in enumerate(words):
            if question.answer == word or (affirms(question) and mentions(question.text, word)):
                facts[question.image] = number
    return facts


def edge_tokens(cover, patch, generator, count=20):
    """Finds the patches at the shape's edge: their numbers, and a weight that is 0 for those off the shape."""
    cover = F.avg_pool2d(cover, patch).flatten(1)
    tie_break = 1e-4 * torch.rand(cover.shape, generator=generator)
    nearness = cover * (1 - cover) + 1e-3 * (cover > 0) + tie_break
    chosen = nearness.topk(count, 1).indices
    return chosen, (cover.gather(1, chosen) > 0.02).float()


def pooled_features(vision, pixels, chosen, weight):
    """Runs the image encoder on the class token and the chosen patches only, and averages the patches' outputs."""
    tokens = vision.embeddings(pixels)
    patches = tokens[:, 1:].gather(1, chosen[:, :, None].expand(-1, -1, tokens.shape[2]))
    hidden = vision.encoder(inputs_embeds=torch.cat([tokens[:, :1], patches], 1)).last_hidden_state
    outputs = vision.post_layernorm(hidden)[:, 1:] * weight[:, :, None]
    return outputs.sum(1) / weight.sum(1, keepdim=True).clamp(min=1)


def rate_factor(step, rise, total, floor):
    """A linear rise of the learning rate, then a cosine's fall to the floor."""
    progress = max(0, step - rise) / max(1, total - rise)
    fall = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))
    return min((step + 1) / rise, 1.0) * fall


class Descent:
    """AdamW with a learning rate schedule and clipped gradients."""

    def __init__(self, groups, parameters, schedule, **settings):
        self.parameters = list(parameters)
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True, **settings)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, schedule)

    def step(self, loss):
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.schedule.step()


class Trainer:
    """The net, its data and its single source of random numbers."""

    def __init__(self, options):
        self.options, self.start = options, time.time()
        self.generator = torch.Generator().manual_seed(options.seed)
        self.pixels, self.questions = load_split("train", options.image_size)
        self.vocabulary = build_vocabulary(self.questions)
        self.tokenizer = build_tokenizer(self.vocabulary)
        self.hold_out_images()
        self.bank = QuestionBank(self.questions, len(self.pixels), self.tokenizer)
        self.model = BlipForQuestionAnswering(build_config(self.vocabulary, options))
        self.mixer = ShapeMixer(self.pixels, self.generator)
        prepare_image_encoder(self.model.vision_model, normalise(self.mixer(self.train_images[:1000])[0]))
        size = sum(parameter.numel() for parameter in self.model.parameters())
        self.report(f"{size:,} parameters, {len(self.vocabulary)} tokens, {len(self.train_images)} train images")

    def hold_out_images(self):
        shuffled = torch.randperm(len(self.pixels), generator=self.generator)
        held_out = set(shuffled[:self.options.dev].tolist())
        self.dev_questions = [question for question in self.questions if question.image in held_out]
        self.train_images = torch.tensor([image for image in range(len(self.pixels)) if image not in held_out])

    def report(self, message):
        print(f"{time.time() - self.start:6.0f} s  {message}", flush=True)

    def warm_up(self):
        """Teaches the image encoder shapes and colours through linear heads that are thrown away afterwards. It looks
        at the tokens at the shape's edge only: three times cheaper than all of them, and far easier to learn from."""
        options, vision = self.options, self.model.vision_model
        words = [[word for word in easy_vqa.get_answers() if word in kind] for kind in (SHAPES, COLOURS)]
        facts = torch.stack([known_facts(self.questions, len(self.pixels), kind) for kind in words], 1)
        heads = torch.nn.Linear(options.hidden, sum(len(kind) for kind in words))
        parameters = [*vision.parameters(), *heads.parameters()]
        descent = Descent(parameters, parameters, lambda step: rate_factor(step, 100, options.warm_steps, 0.1),
                          lr=2 * options.lr, weight_decay=options.decay)
        losses = []
        for step in range(1, options.warm_steps + 1):
            drawn = torch.randint(len(self.train_images), (32,), generator=self.generator)
            images = self.train_images[drawn]
            pixels, cover = self.mixer(images)
            chosen, weight = edge_tokens(cover, options.patch, self.generator)
            scores = heads(pooled_features(vision, normalise(pixels), chosen, weight))
            shape_scores, colour_scores = scores.split([len(kind) for kind in words], 1)
            shape_loss = F.cross_entropy(shape_scores, facts[images, 0], ignore_index=-1)
            colour_loss = F.cross_entropy(colour_scores, facts[images, 1], ignore_index=-1)
            descent.step(shape_loss + 0.1 * colour_loss)
            losses.append([shape_loss.item(), colour_loss.item()])
            if step % options.log == 0:
                shape_mean, colour_mean = np.mean(losses[-options.log:], 0)
                self.report(f"warm-up {step:5d}  shape loss {shape_mean:.4f}  colour loss {colour_mean:.4f}")

    def train(self):
        """Teaches the whole net to answer, and saves it at every check."""
        options, losses = self.options, []
        descent = Descent(self.parameter_groups(), self.model.parameters(),
                          lambda step: rate_factor(step, options.warmup, options.steps, 0.01))
        for step, images in zip(range(1, options.steps + 1), self.image_batches()):
            ids, mask, answers = self.bank.draw(images, options.per_image, self.generator)
            loss = answer_loss(self.model, normalise(self.mixer(images)[0]), ids, mask, answers)
            descent.step(loss)
            losses.append(loss.item())
            if step % options.log == 0:
                self.report(f"step {step:5d}  loss {np.mean(losses[-options.log:]):.4f}")
            if step % options.eval_every == 0 or step == options.steps:
                share = accuracy(self.model, self.tokenizer, self.pixels, self.dev_questions)
                self.report(f"step {step:5d}  accuracy on held-out images {share:.4f}")
                save(self.model, self.tokenizer, self.vocabulary, options.out)

    def parameter_groups(self):
        """The image encoder, already warm, learns at half the rate; biases and norms do not decay."""
        model, groups = self.model, []
        for part, factor in ((model.vision_model, 0.5), (model.text_encoder, 1.0), (model.text_decoder, 1.0)):
            parameters, rate = list(part.parameters()), self.options.lr * factor
            matrices = [parameter for parameter in parameters if parameter.ndim >= 2]
            vectors = [parameter for parameter in parameters if parameter.ndim < 2]
            groups.append({"params": matrices, "lr": rate, "weight_decay": self.options.decay})
            groups.append({"params": vectors, "lr": rate, "weight_decay": 0.0})
        return groups

    def image_batches(self):
        """Walks through the shuffled train images without end; a batch may span two rounds."""
        count, waiting = self.options.images, torch.empty(0, dtype=torch.long)
        while True:
            if len(waiting) < count:
                order = torch.randperm(len(self.train_images), generator=self.generator)
                waiting = torch.cat([waiting, self.train_images[order]])
            yield waiting[:count]
            waiting = waiting[count:]

    def test(self):
        pixels, questions = load_split("test", self.options.image_size)
        share = accuracy(self.model, self.tokenizer, pixels, questions)
        self.report(f"accuracy on the test split {share:.4f} ({len(questions)} questions)")


def main():
    options = parse_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    trainer = Trainer(options)
    trainer.warm_up()
    trainer.train()
    trainer.test()


if __name__ == "__main__":
    main()
