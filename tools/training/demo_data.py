"""Images, questions and tokens of the demo net, and new pictures made of them, for train_demo.py."""

import collections
import math
import re

import easy_vqa
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from transformers import BertTokenizerFast

# The channel statistics that BLIP's image processor (and CLIP's before it) normalises with.
CHANNEL_MEAN = [0.48145466, 0.4578275, 0.40821073]
CHANNEL_STD = [0.26862954, 0.26130258, 0.27577711]

LEADING_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TRAILING_TOKENS = ["[DEC]", "[ENC]"]
PUNCTUATION = "!'(),-.:;?"
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
TEXT_POSITIONS = 64

SYNONYMS = {"color": ["colour"], "gray": ["grey"], "shape": ["object"], "image": ["picture", "photo"]}

Question = collections.namedtuple("Question", "text answer image")


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
    texts = [question.text for question in questions] + easy_vqa.get_answers()
    words = {word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower())}
    words.update(word for others in SYNONYMS.values() for word in others)
    return tokens_of(words)


def tokens_of(words):
    """Lists all tokens in order of id; single characters let any other word be spelt out."""
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
