#!/usr/bin/env python3
"""Checks that damaged HDF5 files, videos and pictures do no harm to the command that reads them.

    python3 tools/checks/check_hostile.py .build/release/ingot hdf5 --count 20000
    python3 tools/checks/check_hostile.py .build/release/ingot videos --count 2000
    python3 tools/checks/check_hostile.py .build/release/ingot pictures --count 5000
    python3 tools/checks/check_hostile.py .build/release/ingot hdf5 --files FOLDER      (the files of a folder as they are)

Files of the tests are damaged at random (tools/checks/hostile_mutations.py), by a generator with a seed: the same numbers give
the same files. Each HDF5 file is read whole by `ingot inspect --statistics`; videos and pictures are asked about, many
by one `ingot ask`. Of every file must come a result or one error: the status documented for bad data, a line and a hint
on standard error, nothing on standard output, or of `ask` an object that says so. And then: the command was not ended
by a signal; it took less than its time, and less memory than its limit (--memory, the largest of it and its children);
no child is left behind; and beside the file there is nothing in its folder, nor in the one for temporary files: no core.

Where h5py can be imported (by --python), arrays of damaged HDF5 files that were read without an error are compared with
what h5py reads of them, digest by digest, --compare of the files at most. What h5py, which has another release of
libhdf5, refuses or crashes on is counted apart.

With --sanitize, the C sources that read such files are compiled with clang's AddressSanitizer and
UndefinedBehaviorSanitizer instead (tools/checks/hostile_sanitized.c), and must do nothing that these report: of libhdf5, which
isn't so compiled, faults are seen too, and counted apart.

Prints how often each outcome came, and exits with status 1 if anything went wrong; --keep FOLDER keeps those files.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import hostile_mutations
import orphans

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASES = {
    "hdf5": [ROOT / "Tests/CheckpointsTests/Fixtures/hdf5" / kind for kind in ("good", "partly", "refused")],
    "videos": [ROOT / "Tests/MediaTests/Fixtures/videos"],
    "heic": [ROOT / "Tests/MediaTests/Fixtures/heic"],
    "pictures": [ROOT / "Tests/MediaTests/Fixtures/images"],
}
LARGEST_BASE = 200_000
#: Files that one process is asked about.
TOGETHER = {"hdf5": 1, "videos": 25, "heic": 25, "pictures": 100}
#: A child may take so many seconds of processor time here, and a run of the command so many on the clock for a file.
CHILD_SECONDS, RUN_SECONDS = 10, 40
ERROR = re.compile(r"ingot: error: [^\n]+\nhint: [^\n]+\n")


class Case:
    def __init__(self, name, data):
        self.name, self.data = name, data


def cases_of(options, bases):
    """Numbers of batches, each of so many files."""
    count = len(bases) if options.files else options.count
    step = TOGETHER[options.kind]
    return [range(first, min(first + step, count)) for first in range(0, count, step)]


def make(options, bases, index):
    if options.files:
        return Case(bases[index].name, bases[index].read_bytes())
    generator = random.Random(f"{options.seed} {options.kind} {index}")
    path = generator.choice(bases)
    base = CONTENTS[path]
    return Case(f"{index}-{path.name}", hostile_mutations.mutate(base, OTHERS, generator))


def kind_of(reason):
    """An error without what is particular to its file."""
    reason = re.sub(r"\(libhdf5: .*|\(FFmpeg: .*", "", reason)
    reason = re.sub(r"\"[^\"]*\"|\[[^\]]*\]", "…", reason)
    return re.sub(r"\s+", " ", re.sub(r"-?\d[\d,.]*", "N", reason)).strip()[:110]


def error_kind(line, path):
    """The reason of an error line, which stands behind the file and a place in it."""
    text = line.removeprefix("ingot: error: ").removeprefix(str(path) + ": ")
    for words in ("libhdf5 crashes", "FFmpeg crashes", "it takes ", "the reading process"):
        if words in text:
            return kind_of(text[text.index(words):])
    return kind_of(text.split(": ", 1)[-1])


class Runner:
    """Runs the command in a folder of its own, and looks at what it leaves behind."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=options.work))
        self.temporary = self.folder / "tmp"
        self.files = self.folder / "files"
        self.temporary.mkdir()
        self.files.mkdir()
        orphans.adopt()

    def run(self, arguments, input=b"", seconds=RUN_SECONDS):
        """Gives status (negative: signal), output, errors, and the largest memory; or None instead of the status."""
        with tempfile.TemporaryFile(dir=self.folder) as out, tempfile.TemporaryFile(dir=self.folder) as err, \
                tempfile.TemporaryFile(dir=self.folder) as given:
            given.write(input)
            given.seek(0)
            process = subprocess.Popen(
                [self.options.program, *map(str, arguments)], stdin=given, stdout=out, stderr=err, cwd=self.files,
                env={"PATH": os.environ["PATH"], "TMPDIR": str(self.temporary), "SWIFT_BACKTRACE": "enable=no"})
            end = time.monotonic() + seconds
            while True:
                done, status, usage = os.wait4(process.pid, os.WNOHANG)
                if done:
                    break
                if time.monotonic() > end:
                    process.kill()
                    done, status, usage = os.wait4(process.pid, 0)
                    status = None
                    break
                time.sleep(0.002)
            process.returncode = 0
            out.seek(0)
            err.seek(0)
            status = None if status is None else os.waitstatus_to_exitcode(status)
            return status, out.read(), err.read().decode("utf-8", "replace"), usage.ru_maxrss * 1024

    def faults_left(self, names):
        faults = []
        # A child that was just killed needs a moment.
        if orphans.left(patience=2):
            faults.append("a child is left behind")
        litter = {path.name for path in self.files.iterdir()} - set(names) | {p.name for p in self.temporary.iterdir()}
        if litter:
            faults.append(f"litter: {sorted(litter)}")
            for path in [*self.files.iterdir(), *self.temporary.iterdir()]:
                if path.name in litter:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        return faults

    def hdf5(self, cases):
        """Outcome, faults and digest of arrays of one file."""
        case = cases[0]
        path = self.files / case.name
        path.write_bytes(case.data)
        status, output, errors, memory = self.run(
            ["inspect", path, "--statistics", "--json", "--allow", f"hdf5-seconds={CHILD_SECONDS}"])
        outcome, faults = judged(status, output, errors, path)
        found = None
        if outcome == "read" and self.options.compare:
            found = self.digests(path)
        faults += self.faults_left([case.name])
        path.unlink()
        if memory > self.options.memory:
            faults.append(f"{memory} bytes of memory")
        return [(case.name, outcome, faults, memory, found)]

    def digests(self, path):
        """SHA-256 of each array as `ingot convert` stores it; None where it doesn't."""
        shelf = self.folder / "shelf"
        status, output, errors, _ = self.run(
            ["convert", path, "--family", "plain", "--set", "Name=x", "--shelf", shelf, "--json"])
        found = None
        if status == 0:
            data = pathlib.Path(json.loads(output)["nets"][0]["file"]).read_bytes()
            length = int.from_bytes(data[16:24], "little")
            found = {array["name"]: array["sha256"] for array in json.loads(data[64:64 + length])["arrays"]}
        shutil.rmtree(shelf, ignore_errors=True)
        return found

    def asked(self, cases):
        """The same of pictures or videos, many by one process."""
        lines, names = [], []
        for case in cases:
            (self.files / case.name).write_bytes(case.data)
            names.append(case.name)
            lines.append(json.dumps({"image": case.name, "question": "what shape is it?"}))
        extra = ["--frames", 4] if self.options.kind == "videos" else []
        status, output, errors, memory = self.run(
            ["ask", "--set", "Release=demo", "--shelf", self.options.shelf, "--threads", 1, *extra,
             "--allow", f"video-seconds={CHILD_SECONDS}"],
            "".join(line + "\n" for line in lines).encode(), RUN_SECONDS * len(cases))
        answers = output.decode().splitlines()
        results = []
        for index, case in enumerate(cases):
            outcome, faults = "read", []
            if index >= len(answers):
                # The first that has no answer is the one that ended the process.
                outcome = "no answer"
                faults = [f"status {status}: {errors[-300:]}"] if index == len(answers) else []
            else:
                answer = json.loads(answers[index])
                if "error" in answer:
                    error = answer["error"]
                    outcome = error_kind(error["message"], case.name)
                    if error["status"] != 65 or not error["hint"] or "\n" in error["message"]:
                        faults.append(f"{error}")
                elif not answer["answer"]:
                    outcome = "read, no answer"
            results.append([case.name, outcome, faults, memory, None])
        if len(answers) == len(cases) and (status not in (0, 1) or errors):
            results[-1][2].append(f"status {status}: {errors}")
        results[-1][2] += self.faults_left(names)
        if memory > self.options.memory:
            results[-1][2].append(f"{memory} bytes of memory")
        for case in cases:
            (self.files / case.name).unlink()
        return results


def judged(status, output, errors, path):
    """Outcome and faults of a run of its own."""
    faults = []
    if status == 0:
        outcome = "read"
        try:
            json.loads(output)
        except ValueError:
            faults.append("no JSON")
        if errors:
            faults.append(f"it says: {errors[:300]}")
    elif status == 65:
        if output or not ERROR.fullmatch(errors) or re.search(r"[\x00-\x09\x0b-\x1f\x7f]", errors):
            faults.append(f"not a line and a hint: {errors[:300]!r}")
        outcome = error_kind(errors.split("\n")[0], path)
    else:
        outcome = "hangs" if status is None else f"status {status}"
        faults.append(f"{outcome}: {errors[:300]}")
    return outcome, faults


def work(options, bases, batch):
    """In a process of the pool."""
    global RUNNER
    if "RUNNER" not in globals():
        RUNNER = Runner(options)
    cases = [make(options, bases, index) for index in batch]
    results = RUNNER.hdf5(cases) if options.kind == "hdf5" else RUNNER.asked(cases)
    return [(index, *result) for index, result in zip(batch, results)]


# ------------------------------------------------------------------------------------------------- what h5py makes of it

H5PY = """
import hashlib, json, sys
import h5py, numpy
def digest(dataset):
    kind = dataset.dtype
    if kind.kind == "b": value = dataset[()].astype("u1")
    else: value = dataset[()]
    value = numpy.asarray(value)
    # NumPy has no bfloat16: h5py widens it, and loses the bits of what is no number.
    if value.dtype.kind == "f" and dataset.id.get_type().get_size() < value.dtype.itemsize:
        kind = dataset.id.get_type()
        value = numpy.empty(dataset.shape, "<u2" if kind.get_order() == h5py.h5t.ORDER_LE else ">u2")
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, value, mtype=kind)
    return hashlib.sha256(value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()
for path in sys.stdin:
    found = {}
    print("begin", flush=True)
    try:
        with h5py.File(path.strip(), "r") as file:
            def visit(name, item):
                if isinstance(item, h5py.Dataset):
                    try: found[name] = digest(item) if item.size * item.dtype.itemsize < 1 << 28 else "large"
                    except Exception as error: found[name] = None
            file.visititems(visit)
    except Exception as error: pass
    print(json.dumps(found), flush=True)
"""


def by_h5py(options, paths):
    """What h5py finds in each file; None where it crashes or takes too long."""
    out, left = [], list(paths)
    while left:
        done = subprocess.run(
            ["timeout", "-s", "KILL", "120", options.python, "-c", H5PY], input="".join(f"{p}\n" for p in left), text=True,
            capture_output=True)
        lines = [line for line in done.stdout.splitlines() if line != "begin"]
        out += [json.loads(line) for line in lines]
        left = left[len(lines):]
        if left:
            out.append(None)
            left = left[1:]
    return out


def compare(options, bases, read):
    """Compares arrays that were read with h5py's. Gives counts and what differs."""
    counts, different = collections.Counter(), []
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        paths = []
        for index, *_ in read:
            paths.append(pathlib.Path(folder) / str(index))
            paths[-1].write_bytes(make(options, bases, index).data)
        for (index, found), theirs in zip(read, by_h5py(options, paths)):
            if theirs is None:
                counts["files that h5py crashes on"] += 1
                continue
            for name, digest in found.items():
                if theirs.get(name) is None:
                    counts["arrays that h5py refuses"] += 1
                elif theirs[name] == "large":
                    counts["arrays too large to be compared"] += 1
                elif theirs[name] == digest:
                    counts["arrays the same in h5py"] += 1
                else:
                    counts["arrays that differ"] += 1
                    different.append((index, name))
    return counts, different


# ------------------------------------------------------------------------------------------------------ with sanitizers


def sanitized(options, bases):
    """Reads all files in the sources as compiled with sanitizers. Gives outcomes and faults."""
    folder = pathlib.Path(options.work)
    program, report, files = folder / "sanitized", folder / "report", folder / "files"
    files.mkdir()
    sources = [path for name in ("CHDF5", "CVideo", "CImages", "CLoading") for path in sorted((ROOT / "Sources" / name).glob("*.c"))]
    includes = [f"-I{ROOT / 'Sources' / name / 'include'}" for name in ("CHDF5", "CVideo", "CImages", "CChild", "CLoading")]
    subprocess.run(
        [options.clang, "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-w", *includes,
         "-I/usr/include/hdf5/serial", ROOT / "tools" / "checks" / "hostile_sanitized.c", *sources, "-ljpeg", "-lpng16", "-lm",
         "-ldl", "-o", program], check=True, capture_output=True)
    count = len(bases) if options.files else options.count
    paths = {}
    for index in range(options.first, count):
        case = make(options, bases, index)
        (files / case.name).write_bytes(case.data)
        paths[str(files / case.name)] = index
    # What libhdf5 does is told by its signals, not by the sanitizer.
    quiet = "exitcode=99:detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=2000" + "".join(
        f":handle_{signal}=0" for signal in ("segv", "abort", "sigfpe", "sigbus"))
    done = subprocess.run(
        [program, options.kind, report], input="".join(f"{path}\n" for path in paths), text=True, capture_output=True,
        env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": quiet, "UBSAN_OPTIONS": "exitcode=99:print_stacktrace=1"})
    lines = done.stdout.splitlines()
    words = report.read_text(errors="replace") if report.exists() else ""
    outcomes, faults = collections.Counter(), []
    # Of each report, the first frame that isn't the sanitizer's own.
    guilty = []
    for text in re.split(r"(?m)^(?===+\d+==ERROR: AddressSanitizer|.*runtime error: )", words)[1:]:
        frames = re.findall(r"#\d+ 0x[0-9a-f]+ +(?:in \S+ )?(\(?\S+)", text)
        guilty.append(next((frame for frame in frames if "compiler-rt" not in frame), text[:200]))
    for line in lines:
        outcome, path = line.rsplit(" ", 1)
        if outcome == "report":
            blame = guilty.pop(0) if guilty else "nobody knows whom"
            outcome = "report in libhdf5" if "libhdf5" in blame else f"report in {blame}"
        outcomes[outcome] += 1
        # libhdf5 crashes, which is what its process is for; nothing else may.
        if outcome not in ("done", "report in libhdf5") and not (outcome.startswith("signal") and options.kind == "hdf5"):
            faults.append((paths[path], pathlib.Path(path).name, outcome))
    if len(lines) < len(paths):
        faults.append((len(lines), "", "the program ended early"))
    return outcomes, faults, len(lines)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("kind", choices=BASES)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--files", type=pathlib.Path, help="check the files below this folder as they are")
    parser.add_argument("--bases", type=pathlib.Path, help="also damage the files below this folder")
    parser.add_argument("--first", type=int, default=0, help="begin with this number, to repeat a case")
    parser.add_argument("--compare", type=int, default=2000, help="files to compare with h5py at most")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has h5py")
    parser.add_argument("--memory", type=int, default=3 << 30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sanitize", action="store_true", help="run the C sources compiled with sanitizers")
    parser.add_argument("--clang", default="clang")
    parser.add_argument("--keep", type=pathlib.Path, help="keep files here that something is wrong with")
    return parser.parse_args()


def main():
    global CONTENTS, OTHERS
    options = parsed()
    folders = [options.files] if options.files else BASES[options.kind] + ([options.bases] if options.bases else [])
    bases = sorted(
        path for folder in folders for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".json", ".m3u8", ".ffconcat")
        and (options.files or 0 < path.stat().st_size <= LARGEST_BASE))
    CONTENTS = {} if options.files else {path: path.read_bytes() for path in bases}
    OTHERS = list(CONTENTS.values())
    has_h5py = subprocess.run([options.python, "-c", "import h5py"], capture_output=True).returncode == 0
    if options.kind != "hdf5" or not has_h5py:
        options.compare = 0
    outcomes, faults, read, largest, number = collections.Counter(), [], [], 0, 0
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as options.work:
        options.shelf = pathlib.Path(options.work) / "shelf"
        if options.sanitize:
            outcomes, faults, number = sanitized(options, bases)
            options.compare = 0
        elif options.kind != "hdf5":
            subprocess.run(
                [options.program, "convert", ROOT / "weights/demo", "--shelf", options.shelf], check=True,
                capture_output=True)
        batches = [batch for batch in cases_of(options, bases) if batch.stop > options.first and not options.sanitize]
        with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
            jobs = [pool.apply_async(work, (options, bases, batch)) for batch in batches]
            for job in jobs:
                for index, name, outcome, wrong, memory, found in job.get():
                    number += 1
                    outcomes[outcome] += 1
                    largest = max(largest, memory)
                    if found is not None and len(read) < options.compare:
                        read.append((index, found))
                    for fault in wrong:
                        faults.append((index, name, fault))
        counts, different = compare(options, bases, read) if read else ({}, [])
        faults += [(index, name, "differs from what h5py reads") for index, name in different]
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            for index, *_ in faults:
                case = make(options, bases, index)
                (options.keep / case.name).write_bytes(case.data)
    for outcome, count in outcomes.most_common():
        print(f"{count:7}  {outcome}")
    for what, count in counts.items():
        print(f"{count:7}  {what} ({len(read)} files)")
    if options.kind == "hdf5" and not has_h5py:
        print("skipped: the comparison with h5py, because it can't be imported here")
    for index, name, fault in faults[:40]:
        print(f"FAILED: {index} {name}: {fault}")
    seconds = time.monotonic() - begin
    print(
        f"{options.kind}: {number} files, {number - len({index for index, *_ in faults})} as they should be, "
        f"largest memory {largest / 1e6:.0f} MB, {seconds:.0f} s, seed {options.seed}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
