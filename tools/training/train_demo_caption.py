#!/usr/bin/env python3
"""Trains the captioning demo net in weights/demo-caption: a small BLIP net that says what shape a picture shows.

The net is a plain transformers `BlipForConditionalGeneration`, only small. It begins with the picture encoder and the
question encoder of weights/demo. No GPU is used.

    python3 -m venv .venv
    .venv/bin/pip install torch 'transformers>=5' safetensors pillow numpy easy-vqa==1.0
    nice -n 19 .venv/bin/python tools/training/train_demo_caption.py --out checkpoint

Pictures are those of easy-VQA (train_demo.py tells of them); what they show is measured on their pixels
(demo_scenes.py), and each has three captions: "a small red triangle at the top", which is half of what the net learns,
"there is a little red triangle at the upper edge", and "the picture shows a red triangle". Progress is measured on
train pictures set aside beforehand, the test split once, at the end. Weights are saved as float16. A seed and a thread
count fix the result on one machine.
"""

import numpy as np
import torch
import torch.nn.functional as F
from demo_data import normalise
from demo_descent import Descent, batches, decaying, rate_factor
from demo_net import save
from demo_run import begin
from demo_scenes import ScenePictures, captions
from demo_start import (
    SceneHeads, configuration, round_to_half, stress_places, take_over, tokenizer_and_vocabulary,
)
from transformers import BlipForConditionalGeneration

IMAGES, HELD_OUT, WARM_UP, RATE, DECAY = 24, 200, 150, 7e-4, 0.05
USES = (0.5, 0.25, 0.25)  # how much each wording counts


def caption_loss(model, tokenizer, image, scenes):
    """The loss of `BlipForConditionalGeneration` for an encoded image, with each wording's weight."""
    texts = [text for scene in scenes for text in captions(scene)]
    coded = tokenizer(texts, padding=True, return_tensors="pt")
    ids, mask = coded.input_ids, coded.attention_mask
    ids[:, 0] = model.config.text_config.bos_token_id
    logits = model.text_decoder(
        input_ids=ids[:, :-1], attention_mask=mask[:, :-1],
        encoder_hidden_states=image.repeat_interleave(len(USES), 0)).logits
    weights = mask[:, 1:] * torch.tensor(USES).repeat(len(scenes))[:, None]
    losses = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()


@torch.no_grad()
def share_of_usual_captions(model, tokenizer, pixels, scenes):
    """The share of pictures whose greedy caption is the usual one, word for word."""
    model.eval()
    right = 0
    for part, some in zip(normalise(pixels).split(250), (scenes[at:at + 250] for at in range(0, len(scenes), 250))):
        ids = model.generate(pixel_values=part, max_new_tokens=20, do_sample=False)
        texts = tokenizer.batch_decode(ids, skip_special_tokens=True)
        right += sum(text == captions(scene)[0] for text, scene in zip(texts, some))
    return right / len(scenes)


def main():
    options, generator, report = begin(__doc__, steps=1500)
    tokenizer, vocabulary = tokenizer_and_vocabulary()
    model = BlipForConditionalGeneration(configuration(vocabulary, vector_size=64))
    take_over(model.vision_model, model.text_decoder.bert, vocabulary)
    stress_places(model.vision_model)
    heads = SceneHeads(model.config.vision_config.hidden_size, model.config.vision_config.patch_size)
    pictures = ScenePictures("train", model.config.vision_config.image_size, generator)
    order = torch.randperm(len(pictures.pixels), generator=generator)
    held_out, train = order[:HELD_OUT], order[HELD_OUT:]
    report(f"{sum(one.numel() for one in model.parameters()):,} parameters, {len(vocabulary)} tokens, "
           f"{len(train)} train pictures")

    groups = decaying(model.vision_model.parameters(), RATE, DECAY)
    groups += decaying([*model.text_decoder.parameters(), *heads.parameters()], RATE, DECAY)
    descent = Descent(groups, [*model.parameters(), *heads.parameters()],
                      lambda step: rate_factor(step, WARM_UP, options.steps, 0.01))
    losses = []
    for step, images in zip(range(1, options.steps + 1), batches(train, IMAGES, generator)):
        model.train()
        pixels, covers, scenes = pictures.mixed(images)
        image = model.vision_model(pixel_values=pixels).last_hidden_state
        loss, heads_loss = caption_loss(model, tokenizer, image, scenes), heads(image, covers, scenes)
        descent.step(loss + 2 * heads_loss)
        losses.append([loss.item(), heads_loss.item()])
        if step % 50 == 0:
            report("step {:5d}  loss {:.4f}  heads' loss {:.4f}".format(step, *np.mean(losses[-50:], 0)))
        if step % 500 == 0 or step == options.steps:
            share = share_of_usual_captions(
                model, tokenizer, pictures.pixels[held_out], [pictures.scenes[image] for image in held_out])
            report(f"step {step:5d}  usual captions of held-out pictures {share:.4f}")

    round_to_half(model)
    test = ScenePictures("test", model.config.vision_config.image_size, generator)
    share = share_of_usual_captions(model, tokenizer, test.pixels, test.scenes)
    report(f"usual captions of the test split {share:.4f} ({len(test.scenes)} pictures)")
    save(model.half(), tokenizer, vocabulary, options.out)


if __name__ == "__main__":
    main()
