#!/usr/bin/env python3
"""Trains the matching demo net in weights/demo-match: a small BLIP net that tells how well a text fits a picture.

The net is a plain transformers `BlipForImageTextRetrieval`, only small: the matching head and the contrastive vectors
are both trained. It has the picture encoder of weights/demo-caption, which does not learn any more, and begins with the
question encoder of weights/demo. No GPU is used.

    python3 -m venv .venv
    .venv/bin/pip install torch 'transformers>=5' safetensors pillow numpy easy-vqa==1.0
    nice -n 19 .venv/bin/python tools/training/train_demo_match.py --out checkpoint

Pictures are those of easy-VQA (train_demo.py tells of them); what they show is measured on their pixels
(demo_scenes.py). Each picture of a step meets texts that say all or some of what is true of it, and as many in which
one thing is changed (demo_pairs.py): these the matching head has to tell apart. The vectors learn from all pictures and
texts of the step, true and false. Progress is measured on train pictures set aside beforehand, the test split once, at
the end. Weights are saved as float16. A seed and a thread count fix the result on one machine.
"""

import numpy as np
import torch
import torch.nn.functional as F
from demo_data import normalise
from demo_descent import Descent, batches, decaying, rate_factor
from demo_net import save
from demo_pairs import TextDrawer, true_of
from demo_run import begin
from demo_scenes import ScenePictures
from demo_start import CAPTIONER, configuration, round_to_half, take_over, tokenizer_and_vocabulary
from transformers import BlipForImageTextRetrieval

IMAGES, PER_IMAGE, HELD_OUT, WARM_UP, RATE, DECAY = 32, 4, 200, 80, 1e-3, 0.05
VECTOR_SIZE, TEMPERATURE = 64, 0.05


def encoded(model, coded, image=None):
    """The vector of the first token, of texts alone or with a picture each."""
    return model.text_encoder(
        input_ids=coded.input_ids, attention_mask=coded.attention_mask, encoder_hidden_states=image,
    ).last_hidden_state[:, 0]


def losses_of(model, tokenizer, image, scenes, drawer):
    """The matching head's loss for encoded images, and that of the contrastive vectors both ways."""
    claims = []
    for scene in scenes:
        for number in range(PER_IMAGE // 2):
            claim = scene if number == 0 else drawer.part(scene)
            claims += [drawer.part(scene) if number else claim, drawer.changed(claim, scene)]
    coded = tokenizer([drawer.text(claim) for claim in claims], padding=True, return_tensors="pt")
    matching = model.itm_head(encoded(model, coded, image.repeat_interleave(PER_IMAGE, 0)))
    truth = torch.tensor([1, 0]).repeat(len(claims) // 2)

    image_vectors = F.normalize(model.vision_proj(image[:, 0]), dim=-1)
    text_vectors = F.normalize(model.text_proj(encoded(model, coded)), dim=-1)
    scores = text_vectors @ image_vectors.T / TEMPERATURE
    holds = true_of(claims, scenes).float()
    return F.cross_entropy(matching, truth), (shared_out(scores, holds) + shared_out(scores.T, holds.T)) / 2


def shared_out(scores, holds):
    """Cross-entropy with all that hold in a row sharing its probability alike; rows in which none does are left out."""
    some = holds.sum(1) > 0
    wanted = holds[some] / holds[some].sum(1, keepdim=True)
    return -(wanted * scores[some].log_softmax(1)).sum(1).mean()


@torch.no_grad()
def encoded_pictures(model, pictures, images):
    """A new picture of each shape, encoded, and their scenes."""
    vectors, scenes = [], []
    for some in images.split(100):
        pixels, _, shown = pictures.mixed(some)
        vectors.append(model.vision_model(pixel_values=pixels).last_hidden_state)
        scenes += shown
    return torch.cat(vectors), scenes


@torch.no_grad()
def measure(model, tokenizer, pixels, scenes):
    """Of pictures with a true text each and one that is false by one thing: the share of pairs that the matching head
    tells rightly, and the share of pictures whose vector is nearer to the true text's."""
    model.eval()
    drawer = TextDrawer(torch.Generator().manual_seed(1))
    right = nearer = 0
    for at in range(0, len(scenes), 250):
        some = scenes[at:at + 250]
        image = model.vision_model(pixel_values=normalise(pixels[at:at + 250])).last_hidden_state
        texts = [drawer.text(scene) for scene in some] + [drawer.text(drawer.changed(scene, scene)) for scene in some]
        coded = tokenizer(texts, padding=True, return_tensors="pt")
        said = model.itm_head(encoded(model, coded, image.repeat(2, 1, 1))).argmax(1).view(2, -1)
        right += int((said[0] == 1).sum() + (said[1] == 0).sum())
        image_vectors = F.normalize(model.vision_proj(image[:, 0]), dim=-1)
        cosines = (F.normalize(model.text_proj(encoded(model, coded)), dim=-1) * image_vectors.repeat(2, 1)).sum(1)
        nearer += int((cosines[:len(some)] > cosines[len(some):]).sum())
    return right / len(scenes) / 2, nearer / len(scenes)


def main():
    options, generator, report = begin(__doc__, steps=800)
    tokenizer, vocabulary = tokenizer_and_vocabulary()
    model = BlipForImageTextRetrieval(configuration(vocabulary, VECTOR_SIZE))
    take_over(model.vision_model, model.text_encoder, vocabulary, encoder_of=CAPTIONER)
    pictures = ScenePictures("train", model.config.vision_config.image_size, generator)
    drawer = TextDrawer(generator)
    order = torch.randperm(len(pictures.pixels), generator=generator)
    held_out, train = order[:HELD_OUT], order[HELD_OUT:]
    report(f"{sum(one.numel() for one in model.parameters()):,} parameters, {len(vocabulary)} tokens, "
           f"{len(train)} train pictures")

    vectors, scenes = encoded_pictures(model, pictures, train)
    report(f"{len(scenes)} pictures made and encoded")
    learning = torch.nn.ModuleList([model.text_encoder, model.vision_proj, model.text_proj, model.itm_head])
    descent = Descent(decaying(learning.parameters(), RATE, DECAY), learning.parameters(),
                      lambda step: rate_factor(step, WARM_UP, options.steps, 0.01))
    losses = []
    for step, images in zip(range(1, options.steps + 1), batches(torch.arange(len(scenes)), IMAGES, generator)):
        model.train()
        matching, contrast = losses_of(
            model, tokenizer, vectors[images], [scenes[image] for image in images], drawer)
        descent.step(matching + 0.5 * contrast)
        losses.append([matching.item(), contrast.item()])
        if step % 50 == 0:
            report("step {:5d}  matching loss {:.4f}  contrastive loss {:.4f}".format(step, *np.mean(losses[-50:], 0)))
        if step % 250 == 0 or step == options.steps:
            own = [pictures.scenes[image] for image in held_out]
            shares = measure(model, tokenizer, pictures.pixels[held_out], own)
            report("step {:5d}  held-out: right pairs {:.4f}  nearer to the true text {:.4f}".format(step, *shares))

    round_to_half(model)
    test = ScenePictures("test", model.config.vision_config.image_size, generator)
    shares = measure(model, tokenizer, test.pixels, test.scenes)
    report("test split: right pairs {:.4f}  nearer to the true text {:.4f}".format(*shares))
    save(model.half(), tokenizer, vocabulary, options.out)


if __name__ == "__main__":
    main()
