"""What the captioning demo net begins with: the question encoder and the picture encoder of the net in weights/demo, which
know shapes and colours already; and what teaches it sizes and places."""

import pathlib

import torch
import torch.nn.functional as F
from demo_data import build_tokenizer, tokens_of
from demo_net import position_waves
from demo_scenes import COLOURS, PLACES, SHAPES, SIZES, vocabulary_words
from transformers import BertTokenizerFast, BlipConfig, BlipForConditionalGeneration, BlipForQuestionAnswering

WEIGHTS = pathlib.Path(__file__).resolve().parents[2] / "weights"
START, CAPTIONER = WEIGHTS / "demo", WEIGHTS / "demo-caption"


def tokenizer_and_vocabulary():
    vocabulary = tokens_of(vocabulary_words())
    return build_tokenizer(vocabulary), vocabulary


def configuration(vocabulary, vector_size):
    """That of weights/demo, with other words and contrastive vectors of a length of their own."""
    config = BlipConfig.from_pretrained(START, dtype=torch.float32)
    config.image_text_hidden_size = vector_size
    text = config.text_config
    text.vocab_size, text.bos_token_id = len(vocabulary), vocabulary.index("[DEC]")
    text.eos_token_id = text.sep_token_id = vocabulary.index("[SEP]")
    return config


@torch.no_grad()
def take_over(vision, text, vocabulary, encoder_of=START):
    """Gives a net a picture encoder, and a text net the start's question encoder; words that the start has keep their
    vectors."""
    start = BlipForQuestionAnswering.from_pretrained(START, dtype=torch.float32)
    source = start
    if encoder_of != START:
        source = BlipForConditionalGeneration.from_pretrained(encoder_of, dtype=torch.float32)
    vision.load_state_dict(source.vision_model.state_dict())
    state, own = start.text_encoder.state_dict(), text.state_dict()
    name = "embeddings.word_embeddings.weight"
    words, known = own[name], BertTokenizerFast.from_pretrained(START).get_vocab()
    for number, token in enumerate(vocabulary):
        if token in known:
            words[number] = state[name][known[token]]
    text.load_state_dict({**state, name: words})


@torch.no_grad()
def stress_places(vision):
    """Makes positions as loud as patches: the start, which was never asked where a shape is, all but lost them."""
    side = vision.config.image_size // vision.config.patch_size
    vision.embeddings.position_embedding[0, 1:] += 6 * position_waves(side, vision.config.hidden_size)


class SceneHeads(torch.nn.Module):
    """Linear heads that read a scene from the picture encoder's vectors while it learns, and are thrown away: one reads
    the class token, one the mean of the patches that the shape covers. A decoder alone teaches it places far later."""

    KINDS = [len(SHAPES), len(COLOURS), len(SIZES), len(PLACES)]

    def __init__(self, width, patch):
        super().__init__()
        self.heads = torch.nn.ModuleList(torch.nn.Linear(width, sum(self.KINDS)) for _ in range(2))
        self.patch = patch

    def forward(self, vectors, covers, scenes):
        """The mean of the cross-entropies."""
        weight = F.avg_pool2d(covers, self.patch).flatten(1)[:, :, None]
        pooled = (vectors[:, 1:] * weight).sum(1) / weight.sum(1)
        truth, losses = torch.tensor(scenes), []
        for head, inputs in zip(self.heads, (vectors[:, 0], pooled)):
            scores = head(inputs).split(self.KINDS, 1)
            losses += [F.cross_entropy(scores[kind], truth[:, kind]) for kind in range(len(self.KINDS))]
        return sum(losses) / len(losses)


@torch.no_grad()
def round_to_half(model):
    """Rounds weights to float16, so that what is measured is what is saved."""
    for parameter in model.parameters():
        parameter.copy_(parameter.half().float())
