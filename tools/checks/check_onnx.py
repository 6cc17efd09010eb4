#!/usr/bin/env python3
"""Checks what ONNX Runtime, and OpenVINO where it is installed, compute of nets that `ingot export --to onnx` wrote.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_onnx.py .build/release/ingot [--only NAME]…

The small nets of every family in Tests, and the demo nets, are converted and exported as float32, float16 and int8. Of each

1. onnx's own checker finds nothing wrong with the graphs, with shapes inferred through all of them;
2. of float32, what a runtime computes is at most 1e-4 of its largest from what the publisher's library computed
   (Tests/ReferenceFixtures), and tokens are the same; of the demo net, answers to all its 45 questions;
3. `ingot verify --reference` finds what docs/onnx_reference.py writes the same as our own, of every precision;
4. of the demo net's int8, at least 99 % of the first tokens of answers are our own;
5. images and texts of several lengths together give what each gives alone.

Prints a line per net and the sum; exits with status 1 if anything failed.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import PIL.Image
import safetensors.numpy
from checks import Checks

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "tools" / "reference")]

import onnx_reference  # noqa: E402

NETS, MADE = ROOT / "Tests" / "FamiliesTests" / "Fixtures", ROOT / "Tests" / "ReferenceFixtures"
# Folder and what the publisher's library computed with it.
CASES = [(NETS / "layouts" / name, MADE / f"{name}.safetensors") for name in ("huggingface", "untied", "salesforce")]
CASES += [(MADE / "nets" / name, MADE / f"{name}.safetensors") for name in ("odd-huggingface", "odd-salesforce")]
CASES += [(NETS / kind / name, MADE / kind / f"{name}.safetensors")
          for kind, names in (("captions", ("1", "2", "3", "salesforce")), ("matches", ("1", "2", "3", "salesforce")),
                              ("clip", ("1", "2", "3")))
          for name in names]
CASES += [(NETS / "vision" / path.stem, path) for path in sorted((MADE / "vision").glob("*.safetensors"))
          if (NETS / "vision" / path.stem).exists()]
CASES += [(NETS / "embedders" / "mean", MADE / "embedder.safetensors")]
EMBEDDERS = ("bare", "folder", "heads", "joined", "mean")
NEAR = 1e-4
NEAR_INT8 = 5e-2
INPUTS = (".rgb", "pixel_values", "input_ids")


def runtimes():
    try:
        import openvino  # noqa: F401

        return ("onnxruntime", "openvino")
    except ImportError:
        print("skipped: OpenVINO, which isn't installed")
        return ("onnxruntime",)


class Program:
    def __init__(self, path, shelf, checks):
        self.path, self.shelf, self.checks = str(path), shelf, checks

    def run(self, *arguments, status=0, **more):
        words = [self.path, *map(str, arguments)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=1800, **more)
        shown = f"ingot {' '.join(words[1:])}"
        self.checks.check(done.returncode == status, f"{shown}: exit status {done.returncode}\n{done.stdout[-1500:]}{done.stderr}")
        return done.stdout

    def export(self, precision, folder):
        """Nets of the shelf, which are of one combination but for their precision; None: there is one only."""
        chosen = [net for net in sorted(self.shelf.rglob("*.ingot")) if f"Precision={precision or ''}" in net.name]
        self.run("export", *chosen, "--to", "onnx", folder)
        return chosen


def error(found, wanted):
    scale = max(float(np.abs(wanted).max()), 1e-30)
    return float(np.abs(found.astype(np.float64) - wanted).max()) / scale if found.shape == wanted.shape else np.inf


def compare(checks, what, found, wanted, near=NEAR):
    """Outputs that both have; the worst error."""
    worst, count = 0.0, 0
    for name in sorted(found.keys() & wanted.keys()):
        if name.endswith(INPUTS):
            continue
        count += 1
        if wanted[name].dtype == np.int64:
            checks.check(np.array_equal(found[name], wanted[name]), f"{what}: {name}: {found[name]}, not {wanted[name]}")
            continue
        # A cosine may be zero: it is held against the largest that there can be.
        far = error(np.append(found[name], 1), np.append(wanted[name], 1)) if name.endswith("cosine") else error(
            found[name], wanted[name])
        checks.check(far <= near, f"{what}: {name} is off by {far:.1e} of the largest")
        worst = max(worst, far)
    checks.check(count > 0, f"{what}: nothing was compared")
    return worst


def check_graphs(checks, what, folder):
    for path in sorted(folder.glob("*.onnx")):
        try:
            onnx.checker.check_model(str(path), full_check=True)
        except Exception as problem:
            checks.fail(f"{what}: {path.name}: {problem}")
            continue
        checks.check(True, "")
        model = onnx.load(path, load_external_data=False)
        known = {entry.key: entry.value for entry in model.metadata_props}
        checks.check(known.get("ingot.family") and json.loads(known["ingot.parameters"]), f"{what}: metadata of {path.name}")
        stored = [tensor for tensor in model.graph.initializer if tensor.data_location]
        places = [{entry.key: entry.value for entry in tensor.external_data} for tensor in stored]
        end = max(int(place["offset"]) + int(place["length"]) for place in places)
        checks.check(
            {place["location"] for place in places} == {"model.onnx_data"}
            and end <= (folder / "model.onnx_data").stat().st_size, f"{what}: where weights of {path.name} are")


def check_captions(checks, what, export, arrays):
    """The graph that makes whole captions makes those that the decoder makes step by step; of several images together too."""
    names = [name.removesuffix("input_ids") for name in arrays if name.endswith("input_ids")]
    end = onnx_reference.profile(export, "caption.endToken")
    pixels = [arrays[name] for name in sorted(arrays) if name.endswith("pixel_values")]
    most = 6
    for name in names:
        ids = arrays[name + "input_ids"]
        wanted = []
        for one in pixels:
            _, context = onnx_reference.look(export, one)
            wanted.append(onnx_reference.decoded(export, ids.tolist(), context, end, most)[0])
        length = max(map(len, wanted))
        wanted = np.array([made + [end] * (length - len(made)) for made in wanted])
        found = export["model"](
            pixel_values=np.stack(pixels), input_ids=np.repeat(ids[None], len(pixels), 0), max_new_tokens=np.array(most))
        compare(checks, f"{what}, whole captions", {"sequences": found["sequences"]}, {"sequences": wanted})


def check_together(checks, what, export, arrays):
    """Several at once, of several lengths, as each alone."""
    pixels = [array for name, array in arrays.items() if name.endswith("pixel_values")]
    ids = [array for name, array in arrays.items() if name.endswith("input_ids")][:3]
    if ids:
        length = max(len(one) for one in ids)
        padded = np.zeros((len(ids), length), np.int64)
        mask = np.zeros_like(padded)
        for row, one in enumerate(ids):
            padded[row, :len(one)], mask[row, :len(one)] = one, 1
        if export.has("vision_model"):  # behind the end there may be anything but a second end
            padded = np.where(mask, padded, ids[0][0])
    if export.has("question"):
        images = np.concatenate([onnx_reference.look(export, one)[0] for one in (pixels * 3)[:len(ids)]])
        both = export["image"](pixel_values=np.stack((pixels * 3)[:len(ids)]))["image_embeds"]
        compare(checks, f"{what}, images together", {"image_embeds": both}, {"image_embeds": images}, 1e-5)
        for kind, given in (("of an image each", images), ("of one image", images[:1])):
            asked = export["question"](input_ids=padded, attention_mask=mask, image_embeds=given)
            context = {name: asked[name] for name in asked if ".encoder." in name} | {"encoder_attention_mask": mask}
            graph, first = export["decoder"], np.full((len(ids), 1), 1)
            past = {name: np.repeat(onnx_reference.empty(graph, name, context), len(ids), 0)
                    for name in graph.inputs if name.endswith((".decoder.key", ".decoder.value"))}
            said = graph(input_ids=first, **context, **past)["logits"]
            for row, one in enumerate(ids):
                image = given[row:row + 1] if len(given) > 1 else given
                alone = export["question"](input_ids=one[None], attention_mask=np.ones_like(one[None]), image_embeds=image)
                context = {name: alone[name] for name in alone if ".encoder." in name}
                context["encoder_attention_mask"] = np.ones_like(one[None])
                own = {name: onnx_reference.empty(graph, name, context) for name in past}
                logits = graph(input_ids=first[:1], **context, **own)["logits"]
                compare(
                    checks, f"{what}, questions together, {kind}",
                    {"question_embeds": asked["question_embeds"][row:row + 1, :len(one)], "logits": said[row:row + 1]},
                    {"question_embeds": alone["question_embeds"], "logits": logits}, 1e-5)
    elif export.has("decoder"):
        both = export["image"](pixel_values=np.stack(pixels))
        for row, one in enumerate(pixels):
            alone = export["image"](pixel_values=one[None])
            compare(checks, f"{what}, images together", {name: both[name][row:row + 1] for name in alone}, alone, 1e-5)
    elif export.has("model") and ids:
        graph = export["model"]
        given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": 0 * padded, "pooling_mask": mask}
        if pixels:
            given["pixel_values"] = pixels[0][None]
        together = graph(**given)
        for row, one in enumerate(ids):
            single = {name: np.ones_like(one[None]) for name in given} | {
                "input_ids": one[None], "token_type_ids": 0 * one[None], "pixel_values": given.get("pixel_values")}
            alone = graph(**single)
            kept = [name for name in ("sentence_embedding", "itm_score", "text_embeds") if name in alone]
            compare(checks, f"{what}, texts together", {name: together[name][row:row + 1] for name in kept},
                    {name: alone[name] for name in kept}, 1e-5)
    elif export.has("model"):
        graph = export["model"]
        together = graph(pixel_values=np.stack(pixels))
        for row, one in enumerate(pixels):
            alone = graph(pixel_values=one[None])
            compare(checks, f"{what}, images together", {name: together[name][row:row + 1] for name in alone}, alone, 1e-5)


def made_by(export, arrays, metadata, file):
    """What graphs compute of some inputs, as a file for `ingot verify`."""
    said = (".answer", ".caption", "ranking", "kTest", "answers")
    metadata = {key: value for key, value in metadata.items() if not key.endswith(said)}
    found = {name: np.ascontiguousarray(array) for name, array in onnx_reference.outputs(export, arrays, metadata).items()}
    safetensors.numpy.save_file(found, file, metadata)
    return found


def check_net(checks, program, source, reference, folder):
    what = f"{source.parent.name}/{source.name}"
    arrays, metadata = onnx_reference.read(reference)
    program.run("convert", source, "--set", f"Release={source.name}", "--shelf", program.shelf)
    floats = sorted(program.shelf.rglob("*.ingot"))
    told = []
    for precision in ("float32", "float16", "int8"):
        if precision != "float32":
            program.run("quantize", *floats, "--precision", precision, "--shelf", program.shelf)
        out = folder / precision
        nets = program.export(precision, out)
        check_graphs(checks, f"{what}, {precision}", out)
        for runtime in runtimes_here:
            export, file = onnx_reference.Export(out, runtime), folder / f"{precision}-{runtime}.safetensors"
            title = f"{what}, {precision}, {runtime}"
            found = made_by(export, arrays, metadata, file)
            if precision == "float32":
                told.append(f"{runtime} {compare(checks, title, found, arrays):.0e}")
            # Where a processor has bfloat16, our own int8 nets round attention to it. What is rounded to 8 bits may be rounded
            # otherwise where a sum is another in its last bit.
            near = NEAR_INT8 if precision == "int8" else NEAR
            program.run("verify", *nets, "--reference", file, "--tolerance", near, "--kernels", "portable")
            if precision == "float32":
                check_together(checks, title, export, arrays)
                if (out / "decoder.onnx").exists() and (out / "model.onnx").exists():
                    check_captions(checks, title, export, arrays)
    checks.end_group(f"{what}: {', '.join(told)}")


def check_embedders(checks, program_of, folder):
    """Every way of pooling, and prompts, by what SentenceTransformer gave."""
    given = json.loads((MADE / "embedders.json").read_text())
    for name in EMBEDDERS:
        place = folder / f"embedder-{name}"
        program = program_of(place / "shelf")
        program.run("convert", NETS / "embedders" / name, "--shelf", program.shelf, "--set", f"Release={name}")
        program.export(None, place / "onnx")
        check_graphs(checks, name, place / "onnx")
        for runtime in runtimes_here:
            graph = onnx_reference.Export(place / "onnx", runtime)["model"]
            for case in given["nets"][name]["cases"]:
                # Of the text that is empty: all but its last token, where there are more than the two that every text has.
                prompt = len(case["ids"][0]) - 1 if len(case["ids"][0]) > 2 else 0
                for ids, wanted in zip(case["ids"], case["embeddings"], strict=True):
                    ids = np.array([ids], np.int64)
                    pooled = np.ones_like(ids)
                    pooled[0, :min(prompt, ids.shape[1] - 1)] = 0
                    found = graph(
                        input_ids=ids, attention_mask=np.ones_like(ids), token_type_ids=0 * ids, pooling_mask=pooled)
                    compare(checks, f"embedders/{name}, {runtime}, prompt {case['prompt']}",
                            {"embedding": found["sentence_embedding"][0]}, {"embedding": np.array(wanted)})
        checks.end_group(f"embedders/{name}, all prompts")


def check_demo(checks, program, folder):
    """All its questions by the publisher's library; and of int8 every question about every picture by ourselves."""
    import outputs

    source = ROOT / "weights" / "demo"
    cases = outputs.read_cases(source / "questions.jsonl")
    net = outputs.load(source)
    wanted, metadata = outputs.reference(net, cases, outputs.decoding(net), attention=False)
    wanted = {name: array.numpy() for name, array in wanted.items()}
    program.run("convert", source, "--set", "Release=demo", "--shelf", program.shelf)
    program.export("float32", folder / "float32")
    for runtime in runtimes_here:
        found = made_by(onnx_reference.Export(folder / "float32", runtime), wanted, metadata, folder / "made.safetensors")
        answers = [name for name in wanted if name.endswith("answer_ids")]
        checks.check(len(answers) == len(cases) and set(answers) <= found.keys(), f"demo, {runtime}: answers are missing")
        compare(checks, f"demo, {runtime}", found, wanted)
    checks.end_group(f"demo, {len(cases)} questions")
    program.run("quantize", "--set", "Release=demo", "--shelf", program.shelf)
    program.export("int8", folder / "int8")
    pictures = sorted({case.image for case in cases})
    questions = sorted({case.question for case in cases})
    lines = "".join(json.dumps({"image": str(picture), "question": question}) + "\n"
                    for picture in pictures for question in questions)
    ours = program.run(
        "ask", "--set", "Release=demo", "--set", "Precision=int8", "--shelf", program.shelf, input=lines).splitlines()
    ours = [json.loads(line)["tokens"][0] for line in ours]
    pixels = [net.processor(PIL.Image.open(picture).convert("RGB"), return_tensors="np").pixel_values[0] for picture in pictures]
    for runtime in runtimes_here:
        export, theirs = onnx_reference.Export(folder / "int8", runtime), []
        start, end = (onnx_reference.profile(export, f"answer.{kind}Token") for kind in ("start", "end"))
        for one in pixels:
            image, _ = onnx_reference.look(export, one.astype(np.float32))
            for question in questions:
                ids = outputs.encoded(net, question).numpy()[0]
                found = onnx_reference.answer(export, image, ids, start, end, {"maximumTokens": 1})
                theirs.append(int(found["first_step_logits"].argmax()))
        same = np.mean(np.array(ours) == np.array(theirs))
        print(f"demo, int8, {runtime}: {same:.2%} of {len(ours)} first tokens are ours", flush=True)
        checks.check(len(ours) == len(theirs) and same >= 0.99, f"demo, int8, {runtime}: {same:.2%} of first tokens are ours")
    checks.end_group(f"demo, int8, {len(ours)} pairs")


def main():
    global runtimes_here
    parser = argparse.ArgumentParser(description="Checks ONNX exports by ONNX Runtime and OpenVINO.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    parser.add_argument("--only", action="append", help="nets whose folder's path holds this; repeatable")
    given = parser.parse_args()
    checks, runtimes_here = Checks(), runtimes()
    with tempfile.TemporaryDirectory(prefix="ingot-check-") as place:
        place = pathlib.Path(place)

        def program_of(shelf):
            return Program(given.program.resolve(), shelf, checks)

        for number, (source, reference) in enumerate(CASES):
            if given.only and not any(word in str(source) for word in given.only):
                continue
            folder = place / str(number)
            check_net(checks, program_of(folder / "shelf"), source, reference, folder)
        if not given.only or "demo" in given.only:
            check_demo(checks, program_of(place / "demo" / "shelf"), place / "demo")
        if not given.only or "embedders" in given.only:
            check_embedders(checks, program_of, place)
    checks.exit()


if __name__ == "__main__":
    main()
