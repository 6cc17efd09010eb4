"""What check_faults.py and check_crashes.py have in common: commands that write files, run on small nets, and a look at
the folder afterwards, whose files must be all of the state before or all of the state after; and commands that only
read, which must leave it as it is."""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYOUTS = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "layouts"
PICTURE = ROOT / "weights" / "demo" / "pictures" / "red-circle-0004.png"
VIDEO = ROOT / "weights" / "demo" / "videos" / "circles.mp4"
STATUSES = {0, 1, 64, 65, 66, 69, 73, 74}


def damage_lowest_bits(source, target):
    """Copies a safetensors checkpoint with another first byte in each array: as valid, and another one throughout."""
    shutil.copytree(source, target)
    path = target / "model.safetensors"
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            data[8 + length + entry["data_offsets"][0]] ^= 1
    path.write_bytes(data)


def digests(folder):
    """SHA-256 of every file below a folder, by its path there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def is_litter(name):
    base = name.rsplit("/", 1)[-1]
    return base.endswith(".ingot-partial") or base == ".ingot-replacing"


class Job:
    """A command that changes files of a folder, from one known state to another, or none."""

    def __init__(self, name, arguments, before, ingot, scratch, looking):
        """before: a folder as it is before, or None; arguments: a function of the folder; looking: the program that
        looks at the result."""
        self.name, self.arguments, self.before, self.ingot, self.looking = name, arguments, before, ingot, looking
        work = scratch / f"{name}-after"
        self.reset(work)
        done = subprocess.run(self.command(work), capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        self.old = digests(before) if before else {}
        self.new = digests(work)
        self.output = self.plain(done.stdout, work)

    @staticmethod
    def plain(output, work):
        """What is printed, but for the folder and how long things took."""
        return re.sub(r'"seconds": (\{[^}]*\}|[0-9.e+-]+)', "", output.replace(str(work), ""))

    def command(self, work):
        return [str(self.ingot), *map(str, self.arguments(work))]

    def reset(self, work):
        shutil.rmtree(work, ignore_errors=True)
        if self.before:
            shutil.copytree(self.before, work)
        else:
            work.mkdir(parents=True)

    def state(self, work):
        """`old`, `new` or `mixture`, and the litter beside."""
        found = digests(work)
        litter = sorted(name for name in found if is_litter(name))
        files = {name: digest for name, digest in found.items() if not is_litter(name)}
        if files == self.new:
            return "new", litter
        if files == self.old:
            return "old", litter
        known = all(digest in (self.old.get(name), self.new.get(name)) for name, digest in files.items())
        return ("mixture" if known else "damaged"), litter

    def settle(self, work):
        """What the next command that writes there does to litter; its own file is removed again."""
        for folder in {path.parent for path in work.rglob("*") if path.is_file()}:
            page = folder / "page.html"
            net = LAYOUTS / "huggingface" / "model.safetensors"
            done = subprocess.run([self.looking, "inspect", net, "--html", page], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            page.unlink()

    def is_readable(self, work):
        """Whether the shelf can be listed and every file on it is what its header says."""
        for command in (["list"], ["verify"]) if list(work.glob("*/*.ingot")) else []:
            done = subprocess.run([self.looking, *command, "--shelf", work], capture_output=True, text=True)
            if done.returncode != 0:
                return False, f"{command}: {done.stdout}{done.stderr}"
        return True, ""


def jobs(ingot, scratch, looking=None):
    """Every command that writes files, with a state before and another one after, and some that read many; what they
    print is compared. What is before was made of other weights."""
    other = scratch / "other"
    damage_lowest_bits(LAYOUTS / "huggingface", other)

    def run(*arguments):
        done = subprocess.run([str(ingot), *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    shelves = {}
    for name, checkpoint in [("new", LAYOUTS / "huggingface"), ("old", other)]:
        shelves[name] = scratch / f"shelf-{name}"
        run("convert", checkpoint, "--set", "Release=tiny", "--shelf", shelves[name])
    quantized = scratch / "quantized"
    run("quantize", "--set", "Release=tiny", "--shelf", shelves["old"])
    shutil.copytree(shelves["old"], quantized)
    for path in (shelves["old"] / "blip-vqa").glob("*Precision=int8*"):
        path.unlink()
    run("convert", LAYOUTS / "huggingface", "--set", "Release=tiny", "--shelf", quantized, "--force")
    exported, keras = scratch / "exported", scratch / "keras"
    run("export", "--set", "Release=tiny", "--shelf", shelves["old"], exported)
    run("export", "--set", "Release=tiny", "--shelf", shelves["old"], "--to", "hdf5", keras)
    pages = scratch / "pages"
    pages.mkdir()
    run("inspect", other, "--html", pages / "page-of-net.html")
    questions = scratch / "questions.jsonl"
    questions.write_text(f'{{"image": "{PICTURE}", "question": "a", "answer": "b"}}\n')
    tiny = ["--set", "Release=tiny"]
    new = ["--shelf", shelves["new"]]
    made = [
        ("convert", lambda at: ["convert", LAYOUTS / "huggingface", *tiny, "--shelf", at, "--force", "--json"],
         shelves["old"]),
        ("convert-first", lambda at: ["convert", LAYOUTS / "huggingface", *tiny, "--shelf", at, "--json"], None),
        ("convert-hdf5", lambda at: ["convert", LAYOUTS / "keras", *tiny, "--shelf", at, "--force", "--json"],
         shelves["old"]),
        ("convert-compressed",
         lambda at: ["convert", LAYOUTS / "huggingface", *tiny, "--shelf", at, "--force", "--compress", "--json"],
         shelves["old"]),
        ("quantize", lambda at: ["quantize", *tiny, "--shelf", at, "--force", "--json"], quantized),
        ("export", lambda at: ["export", *tiny, *new, at, "--force", "--json"], exported),
        ("export-hdf5", lambda at: ["export", *tiny, *new, "--to", "hdf5", at, "--force", "--json"], keras),
        ("create", lambda at: ["create", "--set", "Part=TextEncoder", "--uninitialized", "--shelf", at, "--json"], None),
        ("inspect-html", lambda at: ["inspect", LAYOUTS / "huggingface", "--html", at / "page-of-net.html", "--json"],
         pages),
        ("ask-trace", lambda at: ["ask", PICTURE, "a", *tiny, *new, "--threads", 2, "--trace", at / "trace", "--json"],
         None),
        ("ask-video",
         lambda at: ["ask", VIDEO, "a", "--frames", 2, *tiny, *new, "--threads", 2, "--trace", at / "trace", "--json"],
         None),
        ("evaluate-html",
         lambda at: ["evaluate", *tiny, *new, "--threads", 2, "--questions", questions, "--html", at / "page-of-net.html",
                     "--json"], pages),
        ("diff", lambda at: ["diff", LAYOUTS / "huggingface", LAYOUTS / "bin", "--json"], pages),
    ]
    return [Job(name, arguments, before, ingot, scratch, looking or ingot) for name, arguments, before in made]
