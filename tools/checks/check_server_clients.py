"""The server as its interfaces' own clients see it: openai, ollama, tritonclient and prometheus-client, from PyPI.

Called by check_server.py. What the server answers is held against what the command answers, and embeddings against the
command's numbers, to the bit.
"""

import base64
import datetime
import json
import subprocess

import numpy
from server_running import (
    BOTH, CAPTION, DIGITS, FIXTURES, INT8, MATCH, OTHER_PICTURE, PICTURE, TEXTS, VQA, run)

QUESTIONS = ["what shape is present?", "what is the color of the circle?", "is there a blue shape in the image?"]


def picture_address(path):
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def command_answers(ingot, shelf, picture, questions, *words):
    told = json.loads(run(ingot, "ask", picture, *questions, "--set", "Release=demo", *words, "--shelf", shelf, "--json"))
    images = told.get("images") or [told]
    return [answer["answer"] for answer in images[0]["answers"]]


def command_caption(ingot, shelf, picture, *words):
    out = run(ingot, "caption", "--set", "Release=demo-caption", *words, "--shelf", shelf,
              input=json.dumps({"image": str(picture)}) + "\n")
    return json.loads(out)["caption"]


def command_vectors(ingot, shelf, lines, *words):
    out = run(ingot, "embed", *words, "--shelf", shelf, input="".join(json.dumps(line) + "\n" for line in lines))
    return [numpy.array(json.loads(line)["embedding"], dtype=numpy.float32) for line in out.splitlines()]


def ask_message(question, picture):
    parts = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": picture_address(picture)}}]
    return {"role": "user", "content": parts}


def check_openai(checks, server, ingot, shelf):
    import openai

    client = openai.OpenAI(base_url=server.address + "/v1", api_key="none", max_retries=0)
    names = {model.id for model in client.models.list()}
    checks.check({VQA, INT8, CAPTION, MATCH, DIGITS, TEXTS, BOTH} <= names, f"openai: models {sorted(names)}")
    checks.check(client.models.retrieve(VQA).id == VQA, "openai: one model")
    for picture in (PICTURE, OTHER_PICTURE):
        for model, words in ((VQA, []), (INT8, ["--set", "Precision=int8"])):
            wanted = command_answers(ingot, shelf, picture, QUESTIONS, *words)
            for question, answer in zip(QUESTIONS, wanted):
                made = client.chat.completions.create(model=model, messages=[ask_message(question, picture)])
                choice = made.choices[0]
                checks.check(choice.message.content == answer, f"openai: {model} {question}: {choice.message.content}, not {answer}")
                checks.check(choice.finish_reason == "stop" and made.model == model, f"openai: {question}: {choice.finish_reason}")
                usage = made.usage
                checks.check(
                    usage.total_tokens == usage.prompt_tokens + usage.completion_tokens and usage.completion_tokens >= 1,
                    f"openai: usage {usage}")
    # A conversation: the picture may be in an earlier message, and what isn't read is told.
    made = client.chat.completions.create(
        model=VQA, messages=[
            {"role": "system", "content": "Answer in rhymes."}, ask_message(QUESTIONS[0], PICTURE),
            {"role": "assistant", "content": "circle"}, {"role": "user", "content": QUESTIONS[1]}])
    checks.check(made.choices[0].message.content == "red", f"openai: a conversation: {made.choices[0].message.content}")
    checks.check(len(made.ingot["notes"]) == 2, f"openai: what isn't read: {made.ingot}")
    caption = command_caption(ingot, shelf, PICTURE)
    stream = client.chat.completions.create(
        model=CAPTION, messages=[ask_message("", PICTURE)], stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    checks.check("".join(pieces) == caption, f"openai: a stream says {''.join(pieces)!r}, not {caption!r}")
    checks.check(len(pieces) > 1, f"openai: a stream has {len(pieces)} pieces")
    checks.check(chunks[-1].usage is not None and not chunks[-1].choices, "openai: usage at the stream's end")
    reasons = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    checks.check(reasons[-1] == "stop" and reasons[:-1] == [None] * (len(reasons) - 1), f"openai: {reasons}")
    # What a caption begins with, its length, its stop.
    begun = client.chat.completions.create(
        model=CAPTION, messages=[ask_message("", PICTURE), {"role": "assistant", "content": "there is"}])
    wanted = command_caption(ingot, shelf, PICTURE, "--prompt", "there is")
    checks.check(begun.choices[0].message.content == wanted, f"openai: a beginning: {begun.choices[0].message.content}, not {wanted}")
    cut = client.chat.completions.create(model=CAPTION, messages=[ask_message("", PICTURE)], max_completion_tokens=2)
    checks.check(cut.choices[0].finish_reason == "length", f"openai: cut: {cut.choices[0].finish_reason}")
    checks.check(cut.usage.completion_tokens == 2, f"openai: cut: {cut.usage}")
    word = caption.split()[-1]
    stopped = client.chat.completions.create(model=CAPTION, messages=[ask_message("", PICTURE)], stop=[word])
    checks.check(stopped.choices[0].message.content == caption.split(word)[0], f"openai: stop: {stopped.choices[0].message.content!r}")
    # Vectors: the client asks for base64 where nothing is said.
    texts = ["a red circle", "the color of a shape", "one"]
    wanted = command_vectors(ingot, shelf, [{"text": text} for text in texts], "--set", "Release=tiny")
    for form in ({}, {"encoding_format": "float"}):
        made = client.embeddings.create(model=TEXTS, input=texts, **form)
        for index, vector in enumerate(wanted):
            found = numpy.array(made.data[index].embedding, dtype=numpy.float32)
            checks.check(numpy.array_equal(found, vector), f"openai: the vector of {texts[index]!r} differs {form}")
    alone = client.embeddings.create(model=TEXTS, input=texts[2], encoding_format="float")
    checks.check(alone.data[0].embedding == made.data[2].embedding, "openai: a vector alone differs")
    lines = [{"image": str(PICTURE)}, {"text": texts[0]}]
    wanted = command_vectors(ingot, shelf, lines, "--family", "clip", "--set", "Release=tiny-clip")
    made = client.embeddings.create(model=BOTH, input=[{"image": picture_address(PICTURE)}, texts[0]], encoding_format="float")
    for found, vector in zip(made.data, wanted):
        checks.check(numpy.array_equal(numpy.array(found.embedding, dtype=numpy.float32), vector), f"openai: clip's vector {found.index} differs")
    check_openai_errors(checks, client, openai)
    checks.end_group("openai")


def check_openai_errors(checks, client, openai):
    cases = [
        ("no such model", openai.NotFoundError, lambda: client.chat.completions.create(
            model="gpt-4o", messages=[ask_message("what?", PICTURE)]), "model"),
        ("no picture", openai.BadRequestError, lambda: client.chat.completions.create(
            model=VQA, messages=[{"role": "user", "content": "what?"}]), "messages"),
        ("two answers", openai.BadRequestError, lambda: client.chat.completions.create(
            model=VQA, messages=[ask_message("what?", PICTURE)], n=2), "n"),
        ("an address elsewhere", openai.BadRequestError, lambda: client.chat.completions.create(
            model=VQA, messages=[{"role": "user", "content": [
                {"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}]}]),
            "messages[0].content[1].image_url.url"),
        ("a net that embeds", openai.BadRequestError, lambda: client.chat.completions.create(
            model=TEXTS, messages=[ask_message("what?", PICTURE)]), "model"),
        ("a net that answers", openai.BadRequestError, lambda: client.embeddings.create(model=VQA, input="a"), "model"),
        ("token ids", openai.BadRequestError, lambda: client.embeddings.create(model=TEXTS, input=[1, 2]), "input[0]"),
    ]
    for what, kind, ask, parameter in cases:
        try:
            ask()
            checks.fail(f"openai: {what}: no error")
        except kind as error:
            checks.check(error.param == parameter, f"openai: {what}: about {error.param}")
        except openai.OpenAIError as error:
            checks.fail(f"openai: {what}: {type(error).__name__} {error}")


def check_ollama(checks, server, ingot, shelf):
    import ollama

    client = ollama.Client(host=server.address)
    listed = {model.model: model for model in client.list().models}
    checks.check({VQA, CAPTION, TEXTS, BOTH} <= listed.keys(), f"ollama: {sorted(listed)}")
    checks.check(listed[INT8].details.quantization_level == "int8" and listed[INT8].size > 0, f"ollama: {listed[INT8]}")
    checks.check(isinstance(listed[VQA].modified_at, datetime.datetime), "ollama: when it was changed")
    shown = client.show(VQA)
    checks.check("vision" in shown.capabilities and shown.details.family == "blip-vqa", f"ollama: show {shown}")
    wanted = command_answers(ingot, shelf, PICTURE, QUESTIONS)
    picture = PICTURE.read_bytes()
    for question, answer in zip(QUESTIONS, wanted):
        made = client.generate(VQA, question, images=[picture])
        checks.check(made.response == answer and made.done and made.done_reason == "stop", f"ollama: {question}: {made}")
        streamed = list(client.generate(VQA, question, images=[picture], stream=True))
        checks.check("".join(piece.response for piece in streamed) == answer, f"ollama: streamed {question}: {streamed}")
        checks.check([piece.done for piece in streamed][-1] and streamed[-1].eval_count >= 1, f"ollama: {streamed[-1]}")
        talked = client.chat(VQA, [{"role": "user", "content": question, "images": [picture]}])
        checks.check(talked.message.content == answer and talked.message.role == "assistant", f"ollama: chat {talked}")
    caption = command_caption(ingot, shelf, PICTURE)
    pieces = list(client.chat(CAPTION, [{"role": "user", "content": "", "images": [picture]}], stream=True))
    checks.check("".join(piece.message.content for piece in pieces) == caption, f"ollama: a caption: {pieces}")
    raw = client.generate(CAPTION, "there is", images=[picture], raw=True).response
    checks.check(raw == command_caption(ingot, shelf, PICTURE, "--prompt", "there is"), f"ollama: raw: {raw}")
    texts = ["a red circle", "one"]
    wanted = command_vectors(ingot, shelf, [{"text": text} for text in texts], "--set", "Release=tiny")
    made = client.embed(TEXTS, texts).embeddings
    for found, vector in zip(made, wanted, strict=True):
        checks.check(numpy.array_equal(numpy.array(found, dtype=numpy.float32), vector), "ollama: a vector differs")
    old = client.embeddings(TEXTS, texts[1]).embedding
    checks.check(list(old) == list(made[1]), "ollama: the older form differs")
    checks.check(client.generate(VQA).done_reason == "load", "ollama: load")
    checks.check(VQA in {model.model for model in client.ps().models}, "ollama: ps")
    checks.check(client.generate(VQA, keep_alive=0).done_reason == "unload", "ollama: unload")
    checks.check(VQA not in {model.model for model in client.ps().models}, "ollama: ps after")
    cases = [
        ("no such model", 404, lambda: client.generate("llava", "what?", images=[picture])),
        ("no picture", 400, lambda: client.generate(VQA, "what?")),
        ("a damaged picture", 400, lambda: client.generate(VQA, "what?", images=[picture[:200]])),
        ("JSON wanted", 400, lambda: client.generate(VQA, "what?", images=[picture], format="json")),
        ("pull", 501, lambda: client.pull("llava")),
    ]
    for what, status, ask in cases:
        try:
            ask()
            checks.fail(f"ollama: {what}: no error")
        except ollama.ResponseError as error:
            checks.check(error.status_code == status and error.error, f"ollama: {what}: {error.status_code} {error}")
    checks.end_group("ollama")


def check_triton(checks, server, ingot, shelf):
    import tritonclient.http
    from tritonclient.utils import InferenceServerException

    client = tritonclient.http.InferenceServerClient(server.address.removeprefix("http://"))
    checks.check(client.is_server_live() and client.is_server_ready(), "triton: health")
    checks.check(client.is_model_ready(TEXTS) and not client.is_model_ready("none"), "triton: models' health")
    told = client.get_model_metadata(TEXTS)
    checks.check([item["name"] for item in told["inputs"]] == ["input_ids", "attention_mask"], f"triton: {told}")
    # The vector of given tokens is that of the text they are of.
    text = "a red circle"
    words = json.loads((FIXTURES / "embedders/mean/tokenizer.json").read_text())["model"]["vocab"]
    told = json.loads(run(ingot, "tokenize", text, "--set", "Release=tiny", "--family", "text-embedding", "--shelf", shelf))
    ids = [words["[CLS]"], *told["ids"], words["[SEP]"]]
    wanted = command_vectors(ingot, shelf, [{"text": text}], "--set", "Release=tiny")[0]
    for is_binary in (True, False):
        # Filled up, as others batch texts.
        given = tritonclient.http.InferInput("input_ids", [1, len(ids) + 2], "INT64")
        given.set_data_from_numpy(numpy.array([ids + [0, 0]], dtype=numpy.int64), binary_data=is_binary)
        mask = tritonclient.http.InferInput("attention_mask", [1, len(ids) + 2], "INT64")
        mask.set_data_from_numpy(numpy.array([[1] * len(ids) + [0, 0]], dtype=numpy.int64), binary_data=is_binary)
        output = tritonclient.http.InferRequestedOutput("sentence_embedding", binary_data=is_binary)
        made = client.infer(TEXTS, [given, mask], outputs=[output], request_id="7")
        found = made.as_numpy("sentence_embedding")
        checks.check(found.dtype == numpy.float32 and numpy.array_equal(found[0], wanted), f"triton: a vector differs, binary {is_binary}")
        checks.check(made.get_response()["id"] == "7", "triton: the request's id")
    made = client.infer(TEXTS, [given, mask])
    checks.check(numpy.array_equal(made.as_numpy("sentence_embedding")[0], wanted), "triton: all outputs, as the client asks")
    side = client.get_model_metadata(DIGITS)["inputs"][0]["shape"][2]
    pixels = numpy.linspace(-1, 1, 2 * 3 * side * side, dtype=numpy.float32).reshape(2, 3, side, side)
    both = infer(client, tritonclient, DIGITS, pixels).as_numpy("logits")
    single = numpy.concatenate([infer(client, tritonclient, DIGITS, pixels[i:i + 1]).as_numpy("logits") for i in range(2)])
    checks.check(both.shape == (2, 10) and numpy.array_equal(both, single), "triton: two images differ from each alone")
    cases = [
        ("a model that isn't there", lambda: infer(client, tritonclient, "none", pixels)),
        ("another shape", lambda: infer(client, tritonclient, DIGITS, pixels[:, :, :-1])),
        ("no pixels", lambda: client.infer(DIGITS, [])),
        ("a token that isn't there", lambda: infer_tokens(client, tritonclient, [[10**9]])),
    ]
    for what, ask in cases:
        try:
            ask()
            checks.fail(f"triton: {what}: no error")
        except InferenceServerException as error:
            checks.check(len(error.message()) > 10 and error.status() in ("400", "404"), f"triton: {what}: {error}")
    client.close()
    checks.end_group("tritonclient")


def infer(client, tritonclient, model, pixels):
    given = tritonclient.http.InferInput("pixel_values", list(pixels.shape), "FP32")
    given.set_data_from_numpy(pixels)
    return client.infer(model, [given])


def infer_tokens(client, tritonclient, ids):
    given = tritonclient.http.InferInput("input_ids", [len(ids), len(ids[0])], "INT64")
    given.set_data_from_numpy(numpy.array(ids, dtype=numpy.int64))
    return client.infer(TEXTS, [given])


def check_prometheus(checks, server):
    from prometheus_client.parser import text_string_to_metric_families

    status, headers, text = server.get("/metrics")
    checks.check(status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), f"metrics: {status} {headers}")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    asked = families["ingot_requests"]
    count = sum(sample.value for sample in asked.samples if sample.labels["route"] == "/v1/chat/completions")
    checks.check(asked.type == "counter" and count > 0, f"metrics: {asked.samples}")
    seconds = families["ingot_request_seconds"]
    buckets = [sample for sample in seconds.samples if sample.name.endswith("_bucket") and sample.labels["route"] == "/v1/embeddings"]
    checks.check(seconds.type == "histogram" and buckets[-1].labels["le"] == "+Inf", "metrics: a histogram")
    checks.check([item.value for item in buckets] == sorted(item.value for item in buckets), "metrics: buckets rise")
    checks.check(families["process_resident_memory_bytes"].samples[0].value > 1e6, "metrics: memory")
    checks.check(families["ingot_look_hits"].samples[0].value > 0, "metrics: pictures that were known")
    checks.end_group("prometheus-client")


def check_together(checks, server):
    """Texts that go through a net together have the vectors that each has alone, however many they are."""
    texts = ["a", "a b"] + [f"the text {number}" for number in range(62)]
    for model in (TEXTS, BOTH):
        def vectors(some):
            status, _, text = server.post("/v1/embeddings", {"model": model, "input": some, "encoding_format": "base64"})
            return [item["embedding"] for item in json.loads(text)["data"]] if status == 200 else []

        alone = [vector for text in texts for vector in vectors([text])]
        for count in (2, 8, 9, 10, 17, 64):
            checks.check(vectors(texts[:count]) == alone[:count], f"{model}: {count} texts together are not as each alone")
    checks.end_group("texts together")


def check_phones(checks, server, ingot, shelf):
    """Pictures that are decoded by the libraries for videos."""
    for name in ("heic/full.heic", "heic/turned.heic", "avif/full.avif"):
        path = FIXTURES.parents[1] / "MediaTests" / "Fixtures" / name
        try:
            wanted = command_answers(ingot, shelf, path, QUESTIONS)
        except subprocess.CalledProcessError as error:
            print(f"skipped: {name}: {error.stderr.strip()}")
            continue
        for question, answer in zip(QUESTIONS, wanted):
            status, _, text = server.post("/api/generate", {
                "model": VQA, "prompt": question, "stream": False, "images": [base64.b64encode(path.read_bytes()).decode()]})
            checks.check(status == 200 and json.loads(text)["response"] == answer, f"{name}: {question}: {status} {text}")
    checks.end_group("pictures of phones")


def check_clients(checks, server, ingot, shelf):
    check_openai(checks, server, ingot, shelf)
    check_ollama(checks, server, ingot, shelf)
    check_triton(checks, server, ingot, shelf)
    check_phones(checks, server, ingot, shelf)
    check_together(checks, server)
    check_prometheus(checks, server)
