"""Checks of what is cast while it arrives: convert and the tasks' --pull, HDF5 files at addresses, kills and damage."""

import hashlib
import json
import pathlib
import random
import shutil
import time

from hub_command import NO_INPUT, PIECE, UNAVAILABLE, Command, asked, litter
from sample_weights import write_safetensors

# A net of 40 MB: more than a piece, and arrays that lie across two.
WIDE = {f"layers.{index}.{part}": ("F32", shape) for index in range(8)
        for part, shape in (("weight", [1250, 1000]), ("bias", [1250]))}
MOST_TWICE = 32_000_000
TESTS = pathlib.Path(__file__).resolve().parents[2] / "Tests"
VOCABULARY = TESTS / "TextTests/Fixtures/tokenizer/vocab.txt"


def make(folder):
    """samples/wide (one file), wide-shards (three and an index), keras (HDF5 files and an archive that holds one)."""
    top = pathlib.Path(folder, "samples")
    fixtures = TESTS / "CheckpointsTests/Fixtures/hdf5/good"
    for name in ("wide", "wide-shards", "keras"):
        (top / name).mkdir()
    write_safetensors(top / "wide/model.safetensors", WIDE)
    weight_map, names = {}, sorted(WIDE)
    for number in range(3):
        file = f"model-{number + 1:05}-of-00003.safetensors"
        part = {name: WIDE[name] for name in names[number::3]}
        write_safetensors(top / "wide-shards" / file, part)
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (top / "wide-shards/model.safetensors.index.json").write_text(json.dumps(index))
    for name in ("keras-2.h5", "keras-3.weights.h5", "chunked.h5", "archive.keras", "userblock.h5", "superblock-3.h5"):
        shutil.copy(fixtures / name, top / "keras" / name)


def nets(shelf):
    """SHA-256 of each net on a shelf."""
    files = sorted(pathlib.Path(shelf).rglob("*.ingot"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class Conversions:
    def __init__(self, checks, ingot, hub, folder, work):
        self.checks, self.hub, self.folder, self.work = checks, hub, folder, pathlib.Path(work)
        self.command = Command(ingot, hub, f"{work}/convert")
        self.shelf = self.work / "arriving"
        self.wanted = {}

    def begin(self, *rules):
        shutil.rmtree(self.command.home, ignore_errors=True)
        shutil.rmtree(self.shelf, ignore_errors=True)
        self.hub.faults(*rules)

    def here(self, name):
        """The nets that the files here make."""
        if name not in self.wanted:
            shelf = self.work / f"here-{len(self.wanted)}"
            done = self.command.run("convert", self.folder / "samples" / name, "--set", "Name=net", "--shelf", shelf)
            self.checks.check(done.status == 0, f"convert of {name} here: {done.errors}")
            self.wanted[name] = nets(shelf)
        return self.wanted[name]

    def words(self, name, *more):
        return ("convert", f"hf://samples/{name}", "--set", "Name=net", "--shelf", self.shelf, *more)

    def is_right(self, name, done, what):
        self.checks.check(done.status == 0, f"{what}: {done.status} {done.errors}")
        made = nets(self.shelf)
        self.checks.check(len(made) == 1 and made == self.here(name), f"{what}: other nets than of the files here")
        self.checks.check(not litter(self.command.home), f"{what}: left over: {litter(self.command.home)}")
        self.checks.check(not litter(self.shelf), f"{what}: left over: {litter(self.shelf)}")

    def large(self):
        """Large files that the cache holds."""
        return [file for file in self.command.home.rglob("blobs/*") if file.stat().st_size > PIECE]


def check_arriving(run):
    checks = run.checks
    for name, parts in (("wide", 1), ("wide-shards", 3)):
        run.begin()
        size = sum(file.stat().st_size for file in (run.folder / "samples" / name).glob("*.safetensors"))
        run.is_right(name, run.command.run(*run.words(name)), f"convert of {name}")
        fetched = asked(run.hub.log(port="content"))
        checks.check(fetched == size, f"{name}: {fetched} bytes are asked for of {size}")
        checks.check(not run.large(), f"{name}: the cache holds {run.large()}")
        run.begin()
        done = run.command.run(*run.words(name, "--keep"))
        run.is_right(name, done, f"convert --keep of {name}")
        checks.check(len(run.large()) == parts, f"{name}: the cache holds {run.large()}")
        run.hub.faults()
        done = run.command.run("pull", f"hf://samples/{name}", "--json")
        checks.check(not asked(run.hub.log(port="content")), f"{name}: a pull after convert --keep fetches again")
        links = [] if done.status else list(pathlib.Path(done.json["place"]).glob("*.safetensors"))
        checks.check(len(links) == parts and all(link.exists() for link in links), f"{name}: links {links}")
        run.hub.faults()
        shutil.rmtree(run.shelf)
        run.is_right(name, run.command.run(*run.words(name)), f"convert of {name} in the cache")
        checks.check(not asked(run.hub.log(port="content")), f"{name}: convert of what is there fetches again")
    checks.end_group("convert while it arrives")


def check_damage(run):
    checks, size = run.checks, (run.folder / "samples/wide/model.safetensors").stat().st_size
    content = {"port": "content", "path": "samples/wide/*"}
    run.begin(content | {"fault": "flip", "offset": size - 9, "mask": 4, "times": 1})
    run.is_right("wide", run.command.run(*run.words("wide")), "a byte that is flipped on its way")
    checks.check(run.hub.rules()[0]["hits"] == 1, "no byte was flipped")
    run.begin(content | {"fault": "flip", "offset": size - 9, "mask": 4})
    done = run.command.run(*run.words("wide"))
    right = done.status == 65 and "its SHA-256 is another" in done.error and not nets(run.shelf)
    checks.check(right, f"a byte that is always flipped: {done.status} {done.errors} {nets(run.shelf)}")
    checks.check(not litter(run.command.home), f"a byte that is always flipped: left over: {litter(run.command.home)}")
    run.begin(content | {"fault": "status", "status": 503, "skip": 4})
    done = run.command.run(*run.words("wide"))
    checks.check(done.status == UNAVAILABLE and len(done.lines) == 2, f"503: {done.status} {done.errors}")
    checks.check(not nets(run.shelf), f"503: nets {nets(run.shelf)}")
    run.hub.faults()
    run.is_right("wide", run.command.run(*run.words("wide")), "after 503")
    checks.check(asked(run.hub.log(port="content")) < size, "after 503: what was there is fetched again")
    # What is refused is not kept.
    run.begin()
    done = run.command.run("convert", "hf://samples/wide", "--family", "blip-vqa", "--shelf", run.shelf)
    checks.check(done.status == 65 and not nets(run.shelf), f"refused: {done.status} {done.errors}")
    checks.check(not litter(run.command.home), f"refused: left over: {litter(run.command.home)}")
    checks.end_group("damage and refusals")


def check_kills(run, number):
    checks, size = run.checks, (run.folder / "samples/wide/model.safetensors").stat().st_size
    run.here("wide")
    run.begin()
    started = time.monotonic()
    run.command.run(*run.words("wide"))
    length = time.monotonic() - started
    for _ in range(number):
        run.begin()
        moment = random.uniform(0, 1.05 * length)
        process = run.command.start(*run.words("wide"))
        time.sleep(moment)
        process.kill()
        process.communicate()
        what = f"convert killed after {moment:.2f} s of {length:.2f}"
        made = nets(run.shelf) if run.shelf.exists() else {}
        checks.check(not made or made == run.here("wide"), f"{what}: a net that isn't whole")
        done = run.command.run(*run.words("wide"))
        run.is_right("wide", done, what)
        twice = asked(run.hub.log(port="content")) - size
        checks.check(not made and twice <= MOST_TWICE or bool(made), f"{what}: {twice} bytes asked twice")
    checks.end_group("kills of convert")


def check_hdf5(run):
    """Through the ranges that the reading child asks its parent for."""
    checks, folder = run.checks, run.folder / "samples/keras"
    for file in sorted(folder.iterdir()):
        run.begin()
        address = f"hf://samples/keras/{file.name}"
        done, here = run.command.run("inspect", address, "--json"), run.command.run("inspect", file, "--json")
        same = done.status == here.status == 0 and all(
            done.json.get(key) == here.json.get(key) for key in ("arrays", "totals", "container", "leftovers"))
        checks.check(same, f"{address}: {done.status} {done.errors}, here {here.status} {here.errors}")
        shelves = [run.work / f"hdf5-{place}-{file.name}" for place in ("there", "here")]
        for source, shelf in zip((address, file), shelves, strict=True):
            done = run.command.run("convert", source, "--set", "Name=net", "--shelf", shelf)
            checks.check(done.status == 0, f"convert {source}: {done.status} {done.errors}")
        checks.check(nets(shelves[0]) == nets(shelves[1]) != {}, f"{address}: other nets than of the file here")
        done = run.command.run("diff", address, file)
        checks.check(done.status == 0, f"diff {address}: {done.status} {done.output} {done.errors}")
    # A large one, packed and not, whose arrays are read while it arrives.
    large = run.folder / "samples/keras-wide"
    large.mkdir(exist_ok=True)
    for net in run.work.rglob("here-0/**/*.ingot"):
        done = run.command.run("export", net, "--to", "hdf5", large / "model.weights.h5", "--force")
        checks.check(done.status == 0, f"export to HDF5: {done.errors}")
    run.begin()
    run.here("keras-wide")
    run.is_right("keras-wide", run.command.run(*run.words("keras-wide")), "convert of a large HDF5 file")
    run.begin({"port": "content", "path": "samples/keras-wide/*", "fault": "status", "status": 503})
    done = run.command.run("inspect", "hf://samples/keras-wide")
    checks.check(done.status == UNAVAILABLE and "503" in done.error, f"HDF5 and 503: {done.status} {done.errors}")
    checks.end_group("HDF5")


def check_pulled(run):
    """The tasks' --pull, with a published name: never without being told."""
    checks, name = run.checks, "sentence-transformers/all-MiniLM-L6-v2"
    made, net = run.work / "made", ("--set", "Release=all-MiniLM-L6-v2")
    for words in (("create", *net, "--seed", "1", "--shelf", made),
                  ("export", *net, "--shelf", made, "--to", "safetensors", run.folder / name),
                  ("convert", run.folder / name, *net, "--shelf", made, "--force")):
        if words[0] == "convert":
            shutil.copy(VOCABULARY, run.folder / name)
        done = run.command.run(*words)
        checks.check(done.status == 0, f"{words[0]}: {done.errors}")
    run.begin()
    words = ("embed", "a red house", "two dogs", "--json", "--shelf")
    done = run.command.run(*words, run.shelf)
    right = done.status == NO_INPUT and f"hf://{name}" in done.hint and not run.hub.log()
    checks.check(right, f"without --pull: {done.status} {done.errors}, {len(run.hub.log())} requests")
    pulled, wanted = run.command.run(*words, run.shelf, "--pull"), run.command.run(*words, made)
    right = pulled.status == wanted.status == 0 and pulled.json["texts"] == wanted.json["texts"]
    checks.check(right, f"--pull: {pulled.status} {pulled.errors}")
    checks.check(name in pulled.errors and "apache-2.0" in pulled.errors, f"--pull doesn't tell whose: {pulled.errors}")
    checks.check(not run.large() and not litter(run.command.home), f"--pull: the cache holds {run.large()}")
    run.hub.faults()
    done = run.command.run(*words, run.shelf, "--pull")
    checks.check(done.status == 0 and not run.hub.log(), f"--pull of what is there: {done.errors}")
    done = run.command.run(*words, run.shelf, "--pull", "--set", "Release=bge-small-en-v1.5")
    checks.check(done.status == UNAVAILABLE and "BAAI" in done.error, f"--pull of none: {done.status} {done.errors}")
    checks.end_group("--pull")


def check_conversions(checks, ingot, hub, folder, work, kills):
    run = Conversions(checks, ingot, hub, folder, work)
    check_arriving(run)
    check_damage(run)
    check_kills(run, kills)
    check_hdf5(run)
    check_pulled(run)
