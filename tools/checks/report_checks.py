"""That everything which the program prints with --json obeys the schemas, on nets of every kind."""

import json
import pathlib
import subprocess

import export_checks
import numpy as np
import numpy_checks
import receipt_checks
from format_files import CLIP, DEMO, EMBEDDER, EVERY_TYPE, ROOT, TINY
from schema_checks import check_refused, check_valid
from wrong_net_files import REMOVE, read_header

import fixtures_plain
import plain_cases
import read_ingot


class Program:
    """The program under test, with a shelf of its own."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def run(self, *arguments):
        return subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True, timeout=600)

    def report(self, checks, errors, name, *arguments, status=0):
        """Runs a command with --json, checks what it prints, and returns that."""
        what = " ".join(map(str, arguments))
        done = self.run(*arguments, "--json")
        checks.check(done.returncode == status, f"{what}: exit status {done.returncode}\n{done.stderr}")
        checks.check(done.stderr == "", f"{what}: on standard error: {done.stderr}")
        report = json.loads(done.stdout)
        check_valid(checks, errors, name, report, what)
        return report


def check_captioning(checks, errors, program):
    """Captions of a tiny net, of pictures and of a video, and a line of them."""
    shelf = program.folder / "captions"
    source = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "captions" / "2"
    done = program.run("convert", source, "--set", "Release=tiny", "--shelf", shelf)
    checks.check(done.returncode == 0, f"{source}: {done.stderr}")
    picture, video = DEMO / "pictures" / "red-circle-0004.png", ROOT / "weights" / "demo" / "videos" / "circles.mp4"
    told = program.report(checks, errors, "caption", "caption", picture, "--shelf", shelf)
    for options in (["--prompt", "a red dog", "--beams", "3"], ["--repetition-penalty", "1.5"], ["--temperature", "1"]):
        program.report(checks, errors, "caption", "caption", picture, picture, *options, "--shelf", shelf)
    of_video = program.report(checks, errors, "caption", "caption", video, "--frames", "4", "--shelf", shelf)
    checks.check(len(of_video["captions"][0]["frames"]) == 4, "a video's caption without its frames")
    lines = [json.dumps({"image": str(picture), "prompt": "two", "id": "x"}), "no JSON"]
    done = subprocess.run([program.path, "caption", "--shelf", shelf], input="\n".join(lines), capture_output=True,
                          text=True, timeout=600)
    checks.check(done.returncode == 1, f"a bad line: exit status {done.returncode}")
    caption, failure = map(json.loads, done.stdout.splitlines())
    check_valid(checks, errors, "caption", {"captions": [caption], "kernels": "portable"}, "a line of captions")
    checks.check(failure["line"] == 2 and "error" in failure, "a line that failed")
    check_refused(checks, errors, "caption", told, [
        ["captions", []], ["captions", 0, "tokens", []], ["captions", 0, "promptTokens", REMOVE],
        ["captions", 0, "caption", 1], ["kernels", "gpu"]])


def check_matching(checks, errors, program):
    """Matches of a tiny net, of pictures and of a video, and a line of them."""
    shelf = program.folder / "matches"
    source = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "matches" / "2"
    done = program.run("convert", source, "--set", "Release=tiny", "--shelf", shelf)
    checks.check(done.returncode == 0, f"{source}: {done.stderr}")
    picture, video = DEMO / "pictures" / "red-circle-0004.png", ROOT / "weights" / "demo" / "videos" / "circles.mp4"
    told = program.report(checks, errors, "match", "match", picture, picture, "a red circle", "two", "--shelf", shelf)
    checks.check(len(told["matches"]) == 4, "two pictures and two texts make four matches")
    of_video = program.report(checks, errors, "match", "match", video, "two", "--frames", "4", "--shelf", shelf)
    checks.check(len(of_video["matches"][0]["frames"]) == 4, "a video's match without its frames")
    lines = [json.dumps({"image": str(picture), "text": "two", "id": "x"}), "no JSON"]
    done = subprocess.run([program.path, "match", "--shelf", shelf], input="\n".join(lines), capture_output=True,
                          text=True, timeout=600)
    checks.check(done.returncode == 1, f"a bad line: exit status {done.returncode}")
    match, failure = map(json.loads, done.stdout.splitlines())
    check_valid(checks, errors, "match", {"matches": [match], "kernels": "portable"}, "a line of matches")
    checks.check(failure["line"] == 2 and "error" in failure, "a line that failed")
    check_refused(checks, errors, "match", told, [
        ["matches", []], ["matches", 0, "logits", [1.0]], ["matches", 0, "cosine", REMOVE],
        ["matches", 0, "probability", 2], ["kernels", "gpu"]])


def check_signing(checks, errors, program, net):
    """Signatures of a net and of a folder, which is changed then."""
    keys = ROOT / "Tests" / "SigningTests" / "Fixtures"
    folder = program.folder / "signed"
    (folder / "a").mkdir(parents=True)
    for name in ("a/b", "c"):
        (folder / name).write_text(name)
    by_key, trust = ["--key", keys / "p256.pem"], ["--key", keys / "p256.pub"]
    by_certificate = ["--key", keys / "signer.pem", "--certificate", keys / "signer.crt", "--certificate-chain",
                      keys / "between.crt"]
    signed = program.report(checks, errors, "sign", "sign", folder, net, *by_key)
    program.report(checks, errors, "sign", "sign", folder / "c", "--signature", program.folder / "c.sig", *by_certificate)
    verified = program.report(checks, errors, "verify", "verify", folder, net, *trust)
    checks.check(len(verified["signatures"]) == 2 and len(verified["files"]) == 1, "two signatures, one net")
    program.report(checks, errors, "verify", "verify", folder / "c", "--signature", program.folder / "c.sig",
                   "--certificate-chain", keys / "root.crt")
    (folder / "c").rename(folder / "d")
    changed = program.report(checks, errors, "verify", "verify", folder, *trust, "--ignore", "a", status=1)
    told = [(one["name"], one["kind"]) for one in changed["signatures"][0]["differences"]]
    checks.check(told == [("c", "missing"), ("d", "unsigned")], f"a renamed file: {told}")
    check_refused(checks, errors, "sign", signed, [
        ["signatures", []], ["signatures", 0, "signer", {}], ["signatures", 0, "rootSha256", "?"],
        ["signatures", 0, "files", -1], ["signatures", 0, "signature", REMOVE]])
    check_refused(checks, errors, "verify", changed, [
        ["signatures", []], ["signatures", 0, "differences", 0, "kind", "other"], ["signatures", 0, "verified", REMOVE],
        ["verified", True], ["signatures", REMOVE]])


def flipped(data, place, bit=0):
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1:]


def check_asking(checks, errors, program, shelf):
    """Returns the report of one question."""
    picture, answers = DEMO / "pictures" / "red-circle-0004.png", program.folder / "answers.txt"
    answers.write_text("yes\ncircle\ntriangle\n")
    subject = ["ask", picture, "what shape is present?", "--set", "Release=demo", "--shelf", shelf]
    asked = program.report(checks, errors, "ask", *subject)
    ranked = program.report(checks, errors, "ask", *subject, "--answers", answers)
    video = ROOT / "weights" / "demo" / "videos" / "circles.mp4"
    of_video = program.report(
        checks, errors, "ask", "ask", video, "what?", "--frames", "4", "--set", "Release=demo", "--shelf", shelf)
    checks.check(len(of_video["answers"][0]["frames"]) == 4, "a video's answer without its frames")
    for report in asked, ranked:
        checks.check(report["answers"][0]["answer"] == "circle", "the demo net sees a circle")
    lines = [json.dumps({"image": str(picture), "question": "what shape is present?"}), "no JSON"]
    done = subprocess.run([program.path, "ask", "--set", "Release=demo", "--shelf", shelf], input="\n".join(lines),
                          capture_output=True, text=True, timeout=600)
    checks.check(done.returncode == 1, f"a bad line: exit status {done.returncode}")
    answer, failure = map(json.loads, done.stdout.splitlines())
    check_valid(checks, errors, "ask", {"answers": [answer], "kernels": "portable"}, "a line of answers")
    check_failures(checks, errors, program, shelf, picture)
    checks.check(failure["line"] == 2 and failure["error"]["status"] == 65, f"a bad line: {failure}")
    return asked


def check_failures(checks, errors, program, shelf, picture):
    """One picture of several that can't be read is told beside the others, and all of several too."""
    for images, answered in ((["none.png", picture], 1), (["none.png", "nothing.png"], 0)):
        done = subprocess.run([program.path, "ask", images[0], "what?", "--image", images[1], "--json", "--set",
                               "Release=demo", "--shelf", shelf], capture_output=True, text=True, timeout=600)
        checks.check(done.returncode == 1, f"a missing picture: exit status {done.returncode}")
        report = json.loads(done.stdout)
        check_valid(checks, errors, "ask", report, "a report with pictures that failed")
        checks.check(len(report["answers"]) == answered and len(report["failed"]) == 2 - answered, f"failed: {report}")
        checks.check(report["failed"][0]["error"]["status"] == 66, "a missing picture's status")


def check_evaluating(checks, errors, program, shelf):
    """Returns the report of a comparison, whose figures are computed again from its parts."""
    subject = ["evaluate", "--set", "Release=demo", "--shelf", shelf, "--questions", DEMO / "questions.jsonl"]
    alone = program.report(checks, errors, "evaluate", *subject)
    report = program.report(
        checks, errors, "evaluate", *subject, "--set", "Precision=int8", "--against", "Precision=float32")
    flipped = report["flipped"]
    checks.check(report["agreement"] == 1 - len(flipped) / report["questions"], "agreement")
    checks.check(alone["accuracy"]["a"] == report["accuracy"]["b"] == 42 / 45, "the float net's accuracy")
    changed = sum(answer["accuracyA"] - answer["accuracyB"] for answer in flipped) / report["questions"]
    checks.check(abs(report["accuracy"]["difference"] - changed) < 1e-12, "difference of accuracies")
    names = [layer["name"] for layer in report["layers"]]
    checks.check(len(names) == len(set(names)) == 58, f"{len(names)} layers")
    return report


def check_embedding(checks, errors, program):
    """Vectors of texts, told, written and searched."""
    chosen = ["--set", "Release=mean", "--shelf", program.folder / "embedders"]
    program.report(checks, errors, "convert", "convert", EMBEDDER, *chosen)
    told = program.report(checks, errors, "embed", "embed", "a cat", "the red circle", *chosen)
    checks.check([len(text["embedding"]) for text in told["texts"]] == [told["elements"]] * 2, "vectors of texts")
    lines, vectors = program.folder / "lines.txt", program.folder / "vectors.safetensors"
    lines.write_text("a cat\nthe red circle\n")
    written = program.report(checks, errors, "embed", "embed", "--lines", lines, "--output", vectors, *chosen)
    checks.check(written["count"] == 2 and "texts" not in written, "vectors of lines")
    found = program.report(checks, errors, "embed", "embed", "--search", "a cat", "--vectors", vectors, *chosen)
    checks.check([match["line"] for match in found["searches"][0]["results"]] == [1, 2], "vectors are found")
    clip = ["--family", "clip", "--shelf", program.folder / "embedders"]
    program.report(checks, errors, "convert", "convert", CLIP, "--set", "Release=tiny", *clip[2:])
    both = program.report(checks, errors, "embed", "embed", CLIP.parent / "picture.png", "a cat", *clip)
    checks.check(both["count"] == 2 and len(both["images"]) == len(both["texts"]) == 1, "an image and a text")
    program.report(checks, errors, "embed", "embed", "--search", CLIP.parent / "picture.png", "--text", "a cat", *clip)
    retrieval = ROOT / "Tests" / "AssuranceTests" / "Fixtures" / "retrieval.json"
    captions = program.folder / "retrieval.json"
    captions.write_text(json.dumps(json.loads(retrieval.read_text())["captions"]))
    recalls = program.report(checks, errors, "evaluate", "evaluate", "--captions", captions, "--images", DEMO / "pictures", *clip)
    checks.check(recalls["captions"] == 24 and [one["depth"] for one in recalls["recall"]["images"]] == [1, 5, 10], "retrieval")
    check_refused(checks, errors, "evaluate", recalls, [["recall", REMOVE], ["recall", "images", 0, "a", 2], ["captions", 0]])
    seen = program.report(
        checks, errors, "attention", "attention", CLIP.parent / "picture.png", *clip, "--output", program.folder / "class.png")
    check_refused(checks, errors, "attention", seen, [["subject", "word"], ["grid", 0]])
    check_refused(checks, errors, "embed", both, [["images", 0, "image", REMOVE], ["images", 0, "embedding", []]])
    program.report(checks, errors, "quantize", "quantize", *chosen)
    pairs = program.folder / "pairs.csv"
    pairs.write_text("sentence1,sentence2,score\na,b,1\na,c,2\nb,a cat,0\nc,the red circle,5\n")
    int8 = [*chosen, "--set", "Precision=int8", "--against", "Precision=float32"]
    measured = program.report(checks, errors, "evaluate", "evaluate", *int8, "--pairs", pairs)
    checks.check(measured["pairs"] == 4 and measured["texts"] == 5, "an embedder is evaluated")
    program.report(checks, errors, "evaluate", "evaluate", *int8, "--texts", lines)
    check_refused(checks, errors, "evaluate", measured, [
        ["texts", REMOVE], ["pairs", REMOVE], ["spearman", "a", REMOVE], ["comparison", "neighboursKept", 2]])
    check_refused(checks, errors, "embed", told, [
        ["texts", 0, "tokens", 1], ["texts", 0, "embedding", []], ["texts", REMOVE], ["elements", REMOVE]])
    check_refused(checks, errors, "embed", written, [["output", ""], ["full", REMOVE]])
    check_refused(checks, errors, "embed", found, [
        ["similarity", REMOVE], ["searches", []], ["searches", 0, "results", 0, "line", 0], ["similarity", "jaccard"]])


def check_classifying(checks, errors, program):
    """A classifier on its own answers: every one is right, and int8 is compared with float32."""
    shelf, images = program.folder / "classes", program.folder / "labelled"
    chosen = ["--set", "Release=tiny", "--shelf", shelf]
    program.report(checks, errors, "convert", "convert", TINY[1], *chosen)
    pictures = sorted((DEMO / "pictures").glob("*.png"))[:6]
    float32 = ["--set", "Precision=float32"]
    found = program.report(checks, errors, "classify", "classify", *pictures, *chosen, "--top", 1)
    for picture, image in zip(pictures, found["images"]):
        folder = images / image["classes"][0]["label"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / picture.name).write_bytes(picture.read_bytes())
    made = program.report(
        checks, errors, "quantize", "quantize", *chosen, "--labelled", images, "--min-agreement", 50)
    checks.check(made["search"]["images"] == 6 and made["search"]["floatAccuracy"] == 1, "quantized by images")
    alone = program.report(checks, errors, "evaluate", "evaluate", *chosen, *float32, "--labelled", images)
    checks.check(alone["accuracy"]["a"] == alone["top5"]["a"] == 1 and alone["images"] == 6, "a classifier alone")
    report = program.report(
        checks, errors, "evaluate", "evaluate", *chosen, "--set", "Precision=int8", "--against", "Precision=float32",
        "--labelled", images)
    checks.check(abs(report["agreement"] - (1 - len(report["flipped"]) / 6)) < 1e-12, "agreement of classes")
    checks.check(report["accuracy"]["a"] == report["agreement"], "what flipped is wrong")
    checks.check(sum(line["images"] for line in report["accuracy"]["perClass"].values()) == 6, "images by class")


def check_plain(checks, errors, program):
    """int8 of a plain net, and what is told of its errors, against NumPy. Returns the paths of the float net and an int8 one."""
    source, shelf = program.folder / "cases.safetensors", program.folder / "plain"
    source.write_bytes(fixtures_plain.safetensors_file(plain_cases.arrays()))
    converted = program.report(checks, errors, "convert", "convert", source, "--shelf", shelf)
    floats = pathlib.Path(converted["nets"][0]["file"])
    for options in [], ["--min-sqnr", "40"], ["--keep", "conv.weight"]:
        report = program.report(checks, errors, "quantize", "quantize", floats, "--shelf", shelf, "--force", *options)
        path = pathlib.Path(report["nets"][0]["file"])
        check_valid(checks, errors, "net-file", read_header(path), path.name)
        numpy_checks.check_quantized(checks, path, floats)
        numpy_checks.check_errors(checks, path, floats, report["quantized"][0])
        program.report(checks, errors, "verify", "verify", path, "--source", floats)
    check_refused(checks, errors, "quantize", report, [
        ["quantized", 0, "errors", 0, "sqnr", REMOVE], ["quantized", 0, "errors", 0, "noise", -1],
        ["quantized", 0, "left", 0, "reason", REMOVE], ["quantized", 0, "errors", 0, "worstRow", {"row": 1}]])
    different = program.report(checks, errors, "diff", "diff", floats, path, status=1)
    checks.check(different["onlyInB"] == [], "scales are no arrays of their own")
    found = {array["name"]: array["sqnr"] for array in different["different"]}
    for error in report["quantized"][0]["errors"]:
        checks.check(abs(found[error["array"]] - error["sqnr"]) < 1e-3, f"diff's SQNR of {error['array']}")
    return floats, path


def check_plain_exports(checks, errors, program, floats, int8):
    folder = program.folder / "exports"
    export_checks.check_all(checks, program, floats, int8, folder, plain_cases.arrays())
    program.report(checks, errors, "export", "export", floats, folder / "named.npz")
    for form in ["--dequantize"], ["--dequantize", "--force", "--config", DEMO / "config.json"]:
        report = program.report(
            checks, errors, "export", "export", int8, "--to", "compressed-tensors", *form, folder / "compressed")
        checks.check(("notes" in report) == (len(form) == 1), "a note says that config.json lacks the net's settings")
    check_refused(checks, errors, "export", report, [["quantized", -1], ["dequantized", 0, "reason", ""], ["notes", [""]]])


def check_reports(checks, errors, program):
    """Returns the reports of the conversions, by the arguments that were given for them."""
    folder = program.folder
    conversions = {}
    for options in [(), ("--compress",), ("--precision", "float16"), ("--precision", "bfloat16")]:
        shelf = folder / "-".join(["shelf", *options])
        conversions[options] = program.report(checks, errors, "convert", "convert", DEMO, "--shelf", shelf, *options)
    shelf, half = folder / "shelf", folder / "shelf---precision-bfloat16"
    plain = [pathlib.Path(net["file"]) for net in conversions[()]["nets"]]
    checks.check(len(plain) == 3 and all(path.is_file() for path in plain), "the demo has three net files")
    for report in conversions.values():
        for net in report["nets"]:
            check_valid(checks, errors, "net-file", read_header(pathlib.Path(net["file"])), net["file"])
    converted = read_header(pathlib.Path(conversions["--precision", "bfloat16"]["nets"][0]["file"]))
    checks.check(converted["provenance"]["convertedFrom"] == "float32", "convertedFrom")

    create = [program.report(checks, errors, "create", "create", "--shelf", shelf, "--set", "CapFilt=false", *options)
              for options in [("--uninitialized",), ("--set", "Release=demo", "--set", "Part=TextDecoder", "--seed=-3"),
                              ("--set", "Release=demo", "--seed", "3", "--compress")]]
    for report in create:
        check_valid(checks, errors, "net-file", read_header(pathlib.Path(report["nets"][0]["file"])), "a created net")

    lists = [program.report(checks, errors, "list", "list", *family, "--shelf", place)
             for family in [(), ("blip-vqa",), ("vit-imagenet",)] for place in [shelf, half, folder / "none"]]
    (shelf / "blip-vqa" / "broken.ingot").write_bytes(b"no net")
    lists.insert(0, program.report(checks, errors, "list", "list", "--shelf", shelf))
    checks.check(len(lists[0]["families"][0]["unreadable"]) == 1, "an unreadable file is listed")
    (shelf / "blip-vqa" / "broken.ingot").unlink()
    statuses = {net["status"] for family in lists[0]["families"] for net in family["nets"]}
    checks.check(statuses == {"on shelf", "published", "uninitialized"}, f"the list shows {statuses}")

    subjects = [
        [plain[0]], [EVERY_TYPE], [plain[2]], [conversions["--compress",]["nets"][1]["file"]],
        [create[0]["nets"][0]["file"]], [DEMO], [DEMO / "model.safetensors"],
        ["--set", "Release=demo"], ["--set", "Part=TextDecoder"], ["--family", "vit-imagenet"],
        ["--set", "CapFilt=false", "--set", "Part=TextDecoder", "--set", "Release=nobody"], *([path] for path in TINY)]
    inspected = [
        program.report(checks, errors, "inspect", "inspect", *subject, "--shelf", shelf) for subject in subjects]
    kinds = {report["kind"] for report in inspected}
    inspected.append(program.report(checks, errors, "inspect", "inspect", DEMO, "--layers"))
    checks.check(
        kinds == {"net file", "uninitialized net file", "checkpoint", "published", "uninitialized"}, f"kinds {kinds}")

    for path, report in zip(TINY, inspected[-3:]):
        facts = json.loads(path.with_name(f"{path.name}-facts.json").read_text())
        counted = {name: report["totals"][name] for name in ("arrays", "parameters")}
        checks.check(counted.items() <= facts.items(), f"{path.name} has {counted}")
        for net in report["nets"] if "nets" in facts else []:
            name = net.pop("net")
            checks.check(net == facts["nets"][name], f"{path.name}, {name}: {net}")

    damaged = folder / "damaged.ingot"
    data, last = plain[0].read_bytes(), read_header(plain[0])["arrays"][-1]
    damaged.write_bytes(flipped(data, last["offset"]))
    verified = [
        program.report(checks, errors, "verify", "verify", plain[0]),
        program.report(checks, errors, "verify", "verify", "--shelf", shelf),
        program.report(checks, errors, "verify", "verify", plain[1], "--source", DEMO),
        program.report(checks, errors, "verify", "verify", plain[1], damaged, status=1),
        program.report(checks, errors, "verify", "verify", *plain, "--reference", DEMO / "reference.safetensors"),
        program.report(
            checks, errors, "verify", "verify", *plain, "--reference", DEMO / "reference.safetensors",
            "--tolerance", "1e-15", status=1)]
    checks.check(
        [report["verified"] for report in verified] == [True, True, True, False, True, False], "what is verified")
    failed = [array["name"] for array in verified[3]["arrays"]["failed"]]
    checks.check(failed == [last["name"]], f"the damaged array is named: {failed}")
    asked = check_asking(checks, errors, program, shelf)
    check_captioning(checks, errors, program)
    check_matching(checks, errors, program)
    quantized = program.report(checks, errors, "quantize", "quantize", *plain, "--shelf", shelf)
    for net, path in zip(quantized["nets"], plain):
        numpy_checks.check_quantized(checks, pathlib.Path(net["file"]), path)
        program.report(checks, errors, "verify", "verify", net["file"], "--source", path)
    check_signing(checks, errors, program, plain[0])
    check_classifying(checks, errors, program)
    check_embedding(checks, errors, program)
    receipt_checks.check_receipts(checks, errors, program, shelf)
    check_plain_exports(checks, errors, program, *check_plain(checks, errors, program))
    evaluated = check_evaluating(checks, errors, program, shelf)
    questions = ["--questions", DEMO / "questions.jsonl"]
    searched = program.report(
        checks, errors, "quantize", "quantize", *plain, "--shelf", shelf, "--force", *questions, "--min-agreement", "100")
    checks.check(searched["search"]["best"]["agreement"] == 1, "a search ends within its budget")
    for options in ["--limit", "20"], ["--rest", "float16"]:
        quantized = program.report(
            checks, errors, "quantize", "quantize", *plain, "--shelf", shelf, "--force", *questions, *options)
        for net, path in zip(quantized["nets"], plain):
            if "--rest" not in options:
                numpy_checks.check_quantized(checks, pathlib.Path(net["file"]), path)
            checks.check(read_ingot.read(net["file"])[0]["profile"]["quantization"]["biases"], "biases are corrected")
            program.report(checks, errors, "verify", "verify", net["file"], "--source", path)
    halved = program.report(checks, errors, "quantize", "quantize", *plain, "--shelf", shelf, "--precision", "float16")
    for net, path in zip(halved["nets"], plain):
        source, found = read_ingot.read(path)[1], read_ingot.read(net["file"])[1]
        checks.check(all(np.array_equal(found[name], source[name].astype("f2")) for name in source), f"{path.name}: halved")
        program.report(checks, errors, "verify", "verify", net["file"], "--source", path)
    program.run("create", "--set", "ModelSize=tiny", "--seed", "1", "--shelf", folder / "vit")
    classified = program.report(
        checks, errors, "classify", "classify", DEMO / "pictures" / "red-circle-0004.png", "--set", "ModelSize=tiny",
        "--shelf", folder / "vit")
    looked = program.report(
        checks, errors, "attention", "attention", DEMO / "pictures" / "red-circle-0004.png", "what shape is present?",
        "--set", "Release=demo", "--shelf", shelf, "--output", folder / "attention.html")
    features = program.report(
        checks, errors, "features", "features", DEMO / "pictures", "--class-part", "2", "--set", "Release=demo", "--shelf",
        shelf, "--output", folder / "features.csv")
    for options in ["--set", "ModelSize=tiny", "--shelf", folder / "vit"], ["--set", "Release=demo", "--shelf", shelf]:
        few = program.report(
            checks, errors, "features", "features", DEMO / "pictures" / "red-circle-0004.png", *options, "--output",
            folder / "few.safetensors")
        checks.check("purity" not in few and "tsne" not in few["points"][0], "one picture has no neighbours")
    exported = program.report(
        checks, errors, "export", "export", *plain, "--to", "safetensors", folder / "exported")
    different = [
        program.report(checks, errors, "diff", "diff", DEMO, folder / "exported"),
        program.report(checks, errors, "diff", "diff", DEMO, plain[1]),
        program.report(checks, errors, "diff", "diff", DEMO, damaged, status=1),
        program.report(checks, errors, "diff", "diff", TINY[0], TINY[1], status=1),
        program.report(checks, errors, "diff", "diff", EVERY_TYPE, EVERY_TYPE)]
    evil = folder / "evil.pkl"
    evil.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    unknown = folder / "unknown.lz4"
    unknown.write_bytes(bytes([4, 0x22, 0x4D, 0x18]))
    scanned = program.report(checks, errors, "scan", "scan", evil, DEMO, unknown, status=1)
    program.report(checks, errors, "scan", "scan", DEMO)
    program.report(checks, errors, "scan", "scan", unknown, status=65)
    checks.check([len(report["different"]) for report in different[:3]] == [0, 0, 1], "what differs")
    checks.check(different[2]["different"][0]["name"].endswith(last["name"]), "the differing array is named")
    checks.end_group("what the program prints, against the schemas")

    check_refused(checks, errors, "ask", asked, [
        ["answers", []], ["answers", 0, "tokens", []], ["answers", 0, "logProbability", 1], ["answers", 0, "answer", None],
        ["answers", 0, "seconds", "image", REMOVE], ["answers", 0, "ranking", [{"answer": "yes"}]]])
    check_refused(checks, errors, "quantize", quantized, [
        ["nets", []], ["quantized", 0, "bytesBefore", -1], ["quantized", 0, "arrays", [1]]])
    check_refused(checks, errors, "evaluate", evaluated, [
        ["questions", 0], ["accuracy", "a", 97.3], ["agreement", REMOVE], ["flipped", REMOVE], ["layers", 0, "name", 1],
        ["accuracy", "interval", [0]], ["nets", "a", "files", []], ["klDivergence", -1], ["layerQuestions", REMOVE]])
    check_refused(checks, errors, "quantize", searched, [
        ["search", "best", REMOVE], ["search", "trials", []], ["search", "best", "agreement", 100],
        ["search", "helped", [{"net": "TextDecoder"}]]])
    check_refused(checks, errors, "classify", classified, [
        ["images", []], ["images", 0, "classes", 0, "probability", 2], ["images", 0, "image", REMOVE]])
    check_refused(checks, errors, "attention", looked, [
        ["tokens", []], ["tokens", 0, "id", -1], ["grid", 0], ["answer", REMOVE], ["answerTokens", 0, "text", REMOVE]])
    check_refused(checks, errors, "features", features, [
        ["points", []], ["points", 0, "pca", [1]], ["purity", "share", 2], ["purity", "classes", REMOVE],
        ["purity", "classes", 0, "class", REMOVE], ["variance", [1, 2]], ["points", 0, "neighbours", 0, "cosine", 3]])
    check_refused(checks, errors, "export", exported, [["files", []], ["arrays", -1], ["folder", ""]])
    limits = program.report(checks, errors, "limits", "limits", "--allow", "shards=7")
    checks.check([limit["value"] for limit in limits["limits"] if limit["name"] == "shards"] == [7], "a limit is set")
    check_refused(checks, errors, "limits", limits, [
        ["limits", []], ["limits", 0, "unit", "kg"], ["limits", 0, "name", "A b"], ["limits", 0, "default", 0]])
    check_refused(checks, errors, "scan", scanned, [
        ["verdict", "none"], ["files", []], ["files", 0, "findings", []], ["files", 0, "verdict", "nothing"],
        ["files", 0, "findings", 0, "offset", -1], ["files", 0, "findings", 0, "rule", "x"], ["files", 0, "pickles", REMOVE]])
    check_refused(checks, errors, "diff", different[2], [
        ["identical", True], ["different", 0, "kind", "type"], ["different", 0, "shapes", [[1]]],
        ["equal", REMOVE], ["onlyInA", [1]], ["equivalent", [{"name": "a", "how": "?"}]]])
    check_refused(checks, errors, "convert", conversions[()], [
        ["nets", []], ["nets", 0, "file", None], ["nets", 0, "parameters", "Part", []],
        ["nets", 0, "totals", "bytes", -1], ["coverage", REMOVE], ["coverage", "missing", ["a"]],
        ["coverage", "ignored", ["a"]], ["coverage", "used", REMOVE], ["published", "file", REMOVE], ["notes", "none"]])
    check_refused(checks, errors, "create", create[0], [["nets", []], ["nets", 0, "totals", REMOVE]])
    nets = lists[0]["families"][0]["nets"]
    first = {status: [net["status"] for net in nets].index(status) for status in statuses}
    in_nets = ["families", 0, "nets"]
    check_refused(checks, errors, "list", lists[0], [
        ["shelf", REMOVE], ["families", []], ["families", 0, "axes", 0, "values", []],
        ["families", 0, "unreadable", [""]],
        [*in_nets, first["on shelf"], "status", "on the shelf"], [*in_nets, first["on shelf"], "file", None],
        [*in_nets, first["on shelf"], "bytes", REMOVE], [*in_nets, first["published"], "published", REMOVE],
        [*in_nets, first["published"], "published", "files", 0, "sha256", "?"],
        [*in_nets, first["uninitialized"], "file", "a"], [*in_nets, first["uninitialized"], "bytes", 1]])
    required = [
        "path", "kind", "family", "parameters", "arrays", "totals", "elementTypes", "layerTypes", "nets", "ties",
        "configuration", "profile", "provenance", "notes"]
    check_refused(checks, errors, "inspect", inspected[0], [
        *([name, REMOVE] for name in required), ["kind", "checkpoint"], ["family", None], ["path", None],
        ["arrays", 0, "elementType", "half"], ["arrays", 0, "shape", 3], ["totals", "parameters", -1],
        ["layerTypes", "Linear", 0], ["elementTypes", {"float": {}}], ["provenance", "sources", 0, "sha256", REMOVE]])
    check_refused(checks, errors, "inspect", inspected[1], [["layerTypes", {"Linear": 1}], ["totals", "parameters", 3]])
    net = ["nets", 1]
    check_refused(checks, errors, "inspect", inspected[-1], [
        [*net, "multiplyAdds", REMOVE], [*net, "layers", REMOVE], [*net, "tokens", 0], [*net, "context", "net", REMOVE],
        [*net, "layers", 0, "type", "word"], [*net, "layers", 0, "input", ["X"]],
        *([*net, "layers", 0, name, REMOVE] for name in ("path", "type", "output", "multiplyAdds", "isRun"))])
    check_refused(checks, errors, "verify", verified[3], [
        ["verified", True], ["outputs", REMOVE], ["arrays", "failed", 0, "reason", REMOVE], ["files", []],
        ["files", 0, "verified", "yes"], ["outputs", [{"name": "logits"}]]])
    check_refused(checks, errors, "verify", verified[4], [
        ["outputs", 0, "passed", False], ["outputs", 0, "maxError", -1], ["outputs", 0, "tolerance", REMOVE]])
    checks.end_group("wrong reports, refused by the schemas")
    return conversions
