"""The demo net: its configuration and first weights, its loss and answers, for train_demo.py."""

import collections
import json

import torch
import torch.nn.functional as F
from demo_data import CHANNEL_MEAN, CHANNEL_STD, TEXT_POSITIONS, normalise
from transformers import BlipConfig


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
