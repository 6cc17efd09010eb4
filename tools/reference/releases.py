#!/usr/bin/env python3
"""Makes fine-tunes as one release of transformers saves them, or computes with them again: tools/checks/check_releases.py runs
this with the Python of each release.

    PYTHON releases.py make FOLDER          FOLDER/NAME, a fine-tune, and beside it what the release computes with it:
                                            NAME.reference.safetensors of a BLIP net, NAME.json of a classifier
    PYTHON releases.py again CHECKPOINT OUT the same of a folder that is there

The BLIP nets are the demo net with noise on its weights; the classifiers are tiny, with random weights.
"""

import json
import pathlib
import sys
import tempfile

import PIL.Image
import safetensors.torch
import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import outputs  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "weights/demo"
PICTURES = [ROOT / "Tests/MediaTests/Fixtures/images/cmyk.jpg", *sorted((DEMO / "pictures").glob("*.png"))[:3]]
QUESTIONS = ["what is the color?", "Is there a blüe shape [MASK] in the image?"]
TRANSFORMERS = int(transformers.__version__.split(".")[0])

# Settings of the image processor, whether weights are halved, further tokens.
BLIP = {
    "plain": ({}, False, []),
    "half": ({"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}, True, []),
    "bilinear": ({"resample": 2, "image_mean": [0.4, 0.5, 0.6]}, False, []),
    "lanczos": ({"resample": 1, "rescale_factor": 1 / 127.5}, False, []),
    "unnormalized": ({"do_normalize": False, "resample": 0}, False, []),
    "tokens": ({"do_convert_rgb": True}, False, ["<spot>", "[ENC]"]),
}
# Settings of the configuration and the image processor.
CLASSIFIERS = {
    "single": ({"num_labels": 5}, {}),
    "multi": ({"num_labels": 4, "problem_type": "multi_label_classification"}, {"resample": 3}),
    "one": ({"num_labels": 1}, {"image_mean": [0.1, 0.2, 0.3]}),
    "regression": ({"num_labels": 3, "problem_type": "regression"}, {"do_normalize": False}),
    "unbiased": ({"num_labels": 3, "qkv_bias": False, "layer_norm_eps": 1e-6}, {"do_rescale": False}),
    "half": ({"num_labels": 7}, {"image_std": [0.3, 0.3, 0.3], "resample": 1}),
}


def processor_class(name):
    """The fast one where torchvision is installed, as people who install it get."""
    try:
        import torchvision  # noqa: F401

        return getattr(transformers, name + "Fast", None) or getattr(transformers, name)
    except ImportError:
        return getattr(transformers, name + "Pil", None) or getattr(transformers, name)


def make_blip(folder, name, settings, is_half, tokens):
    config = json.loads((DEMO / "config.json").read_text())
    model = transformers.BlipForQuestionAnswering(
        transformers.BlipConfig(text_config=config["text_config"], vision_config=config["vision_config"]))
    missing, unexpected = model.load_state_dict(safetensors.torch.load_file(DEMO / "model.safetensors"), strict=False)
    assert not unexpected and all(key.endswith("position_ids") or "predictions" in key for key in missing), (missing, unexpected)
    torch.manual_seed(len(name))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * parameter.std(unbiased=False) * torch.randn_like(parameter)
    with tempfile.TemporaryDirectory() as words:
        (pathlib.Path(words) / "vocab.txt").write_bytes((DEMO / "vocab.txt").read_bytes())
        tokenizer = transformers.BertTokenizerFast.from_pretrained(words, model_max_length=64)
    if tokens:
        tokenizer.add_special_tokens({"additional_special_tokens": tokens})
        model.text_encoder.resize_token_embeddings(len(tokenizer))
        model.text_decoder.resize_token_embeddings(len(tokenizer))
        model.config.text_config.vocab_size = len(tokenizer)
    image = processor_class("BlipImageProcessor")(size={"height": 64, "width": 64}, **settings)
    try:
        (model.half() if is_half else model).save_pretrained(folder)
    except RuntimeError:  # releases that don't know that the head is tied say how it is to be saved then
        model.save_pretrained(folder, safe_serialization=False)
    transformers.BlipProcessor(image, tokenizer).save_pretrained(folder)


def make_classifier(folder, name, settings, prepared):
    torch.manual_seed(len(name))
    settings = settings | {"id2label": {i: f"class {i}" for i in range(settings["num_labels"])}}
    del settings["num_labels"]
    model = transformers.ViTForImageClassification(transformers.ViTConfig(
        hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=96, image_size=64, patch_size=8,
        initializer_range=0.3, **settings))
    (model.half() if name == "half" else model).save_pretrained(folder)
    processor_class("ViTImageProcessor")(size={"height": 64, "width": 64}, **prepared).save_pretrained(folder)


def compute(folder, out):
    """What this release computes with a folder: a reference file or, of a classifier, a JSON text."""
    if json.loads((folder / "config.json").read_text())["model_type"] == "blip":
        model = transformers.BlipForQuestionAnswering.from_pretrained(folder, attn_implementation="eager", torch_dtype=torch.float32)
        for parameter in model.parameters():  # where they stand in a mapped file decides which kernels add them up
            parameter.data = parameter.data.clone()
        processor = transformers.BlipProcessor.from_pretrained(folder)
        # Release 4.57's BlipProcessor takes the slow image processor whatever the file names.
        image = transformers.AutoImageProcessor.from_pretrained(folder)
        net = outputs.Net(model.eval(), processor.tokenizer, image, "hf-384", folder.name)
        cases = [outputs.Case(picture, question) for picture in PICTURES for question in QUESTIONS]
        outputs.save(out, *outputs.reference(net, cases, outputs.decoding(net), attention=False))
        return
    model = transformers.ViTForImageClassification.from_pretrained(folder, torch_dtype=torch.float32).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    found = []
    pipe = transformers.ImageClassificationPipeline(model=model, image_processor=processor, device="cpu")
    for picture in PICTURES:
        # Releases before 5 make probabilities of what is none.
        function = {"function_to_apply": "none"} if model.config.problem_type == "regression" else {}
        rows = pipe(PIL.Image.open(picture).convert("RGB"), top_k=model.config.num_labels, **function)
        found.append({row["label"]: row["score"] for row in rows})
    out.write_text(json.dumps([{"image": str(path), "classes": rows} for path, rows in zip(PICTURES, found)]))


def main():
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    verb, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if verb == "again":
        return compute(folder, pathlib.Path(sys.argv[3]))
    for name, given in BLIP.items():
        make_blip(folder / name, name, *given)
        compute(folder / name, folder / f"{name}.reference.safetensors")
    for name, given in CLASSIFIERS.items():
        make_classifier(folder / f"vit-{name}", name, *given)
        compute(folder / f"vit-{name}", folder / f"vit-{name}.json")
    print(transformers.__version__, torch.__version__, processor_class("BlipImageProcessor").__name__)


if __name__ == "__main__":
    main()
