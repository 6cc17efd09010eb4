"""Checks of faults (address_fault_cases.py), of hostile names and full disks: what is repaired, what is said."""

import concurrent.futures
import os
import pathlib
import queue
import re
import shutil
import unicodedata

from address_fault_cases import CONTENT, ELSEWHERE, PIECE, PULL, REFUSED, REPAIRED, SHORT, SIZE
from hub_command import CANNOT_CREATE, UNAVAILABLE, Command, asked, litter
from running_hub import RunningHub

# Faults wait more than they compute.
WORKERS = 6
DISK = ["unshare", "--mount", "sh", "-c"]


def fits(text, pattern, hub):
    """Whether a message is as the pattern says, in which … is any text."""
    for name in ("hub", "content"):
        pattern = pattern.replace(f"{{{name}}}", getattr(hub, name))
    return re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), text) is not None


class Worker:
    """A hub of its own, so that faults of one case don't hit another."""

    def __init__(self, ingot, folder, work, index):
        self.hub = RunningHub(folder)
        self.command = Command(ingot, self.hub, f"{work}/faults-{index}")

    def begin(self, *rules):
        shutil.rmtree(self.command.home, ignore_errors=True)
        self.hub.faults(*rules)

    def file(self):
        """What the cache has of the file, under its name."""
        found = list(self.command.home.glob("hub/*/snapshots/*/model.bin"))
        return found[0].read_bytes() if len(found) == 1 and found[0].exists() else None


def repaired(checks, worker, wanted, rule, most, seconds):
    worker.begin(rule)
    done = worker.command.run(*PULL, *(SHORT if rule["fault"] == "stall" else ()))
    hits = worker.hub.rules()[0]["hits"]
    checks.check(done.status == 0 and hits > 0, f"{rule}: {done.status}, {hits} hits, {done.errors}")
    checks.check(worker.file() == wanted and not litter(worker.command.home), f"{rule}: what is in the cache")
    twice = asked(worker.hub.log(port="content")) + asked(worker.hub.log(port="third")) - SIZE
    checks.check(0 <= twice <= most, f"{rule}: {twice} bytes are asked for twice")
    times = [record["time"] for record in worker.hub.log(port=rule["port"])]
    checks.check(not seconds or times[1] - times[0] >= seconds, f"{rule}: {seconds} s weren't waited")


def refused(checks, worker, what, rules, arguments, status, error, hint):
    worker.begin(*rules)
    done = worker.command.run(*arguments)
    checks.check(done.status == status, f"{what}: status {done.status}")
    whole = [line for line in done.errors.splitlines() if not re.match(r"\d+ files? to fetch", line)]
    checks.check(len(whole) == 2 and not done.output, f"{what}: prints {done.errors}{done.output}")
    checks.check(fits(done.error, error, worker.hub), f"{what}: {done.error}")
    checks.check(fits(done.hint, hint, worker.hub), f"{what}: hint: {done.hint}")
    checks.check("Signature" not in done.errors, f"{what}: tells a signature")
    checks.check(is_harmless(done.errors), f"{what}: speaks to the terminal: {done.errors!r}")
    checks.check(worker.file() is None, f"{what}: a file is in its place")
    if "headers" in what or "in one header" in what:
        checks.check(len(worker.hub.log(port="content")) <= 6, f"{what}: asked again, which can't help")
    if rules and status == UNAVAILABLE:
        # When the fault is over, the pull is gone on with.
        worker.hub.faults()
        done = worker.command.run(*PULL)
        right = worker.file() is not None and not litter(worker.command.home)
        checks.check(done.status == 0 and right, f"after {what}: {done.status}, {done.errors}")


def elsewhere(checks, worker, what, variables, error, hint):
    for command in ("pull", "inspect"):
        worker.begin()
        done = worker.command.run(command, "hf://samples/medium", **variables)
        right = done.status == UNAVAILABLE and fits(done.error, error, worker.hub) and fits(done.hint, hint, worker.hub)
        checks.check(right and not worker.hub.log(), f"{what}, {command}: {done.status}, {done.errors}")


def flipped(checks, worker, wanted, offset):
    """A byte that is damaged on its way, once, where TLS doesn't see it."""
    worker.begin(CONTENT | {"fault": "flip", "offset": offset, "times": 1})
    done = worker.command.run(*PULL)
    checks.check(done.status == 0 and worker.file() == wanted, f"a flipped byte: {done.status}, {done.errors}")
    twice = asked(worker.hub.log(port="content")) - SIZE
    # Pieces are fetched again from the front on until one differs.
    right = PIECE <= twice <= (offset // PIECE + 1) * PIECE
    checks.check(right, f"a flipped byte at {offset}: {twice} bytes are asked for twice")


def swapped(checks, worker, folder):
    """A file of a server that is no hub, replaced between two ranges of it."""
    place = folder / f"samples/swap-{id(worker)}"
    place.mkdir()
    shutil.copy(folder / "samples/both/model.safetensors", place)
    shutil.copy(folder / "samples/other/model.safetensors", place / "new")
    name = str((place / "model.safetensors").relative_to(folder))
    rule = {"fault": "swap", "file": name, "with": str((place / "new").relative_to(folder)), "times": 1}
    worker.begin({"path": f"/files/{name}", "method": "GET"} | rule)
    address = f"{worker.hub.content}/files/{name}"
    done = worker.command.run("inspect", address, "--statistics")
    told = (done.status, done.error, done.hint)
    wanted = (UNAVAILABLE, f"{address}: changed while it was being read", "run the command again")
    checks.check(told == wanted, f"a file that is replaced: {told}")
    done = worker.command.run("inspect", address, "--statistics")
    checks.check(done.status == 0, f"then: {done.errors}")
    shutil.rmtree(place)


def expired(checks, ingot, folder, work):
    """Addresses of the content network run out while the file comes; then the hub is asked for another."""
    with RunningHub(folder, "--lifetime", "1", "--rate", "15000000") as hub:
        command = Command(ingot, hub, f"{work}/expired")
        done = command.run("pull", "hf://samples/large", "--include", "*")
        place = pathlib.Path(done.output.strip() or "/nowhere", "model.bin")
        right = done.status == 0 and place.read_bytes() == (folder / "samples/large/model.bin").read_bytes()
        checks.check(right, f"addresses that run out: {done.status}, {done.errors}")
        statuses = {record["status"] for record in hub.log(port="content")}
        checks.check(statuses == {206, 403}, f"addresses that run out: {statuses}")
    with RunningHub(folder, "--lifetime", "0") as hub:
        done = Command(ingot, hub, f"{work}/expired-at-once").run(*PULL)
        told = "may not be read by whoever asks (status 403)"
        right = done.status == UNAVAILABLE and told in done.error and len(hub.log()) < 40
        checks.check(right, f"addresses that have run out at once: {len(hub.log())} requests, {done.errors}")


def is_harmless(text):
    return all(letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf") for letter in text)


def hostile_names(checks, worker, folder):
    """Whatever a list names, files are written in the repository's folder only, and no terminal is spoken to."""
    worker.begin()
    around = pathlib.Path(worker.command.home, "a/b/c")
    command = Command(worker.command.ingot, worker.hub, around / "home")
    planned = command.run("pull", "hf://samples/names", "--include", "*", "--dry-run")
    checks.check(planned.status == 0 and is_harmless(planned.output + planned.errors), "hostile names are printed raw")
    done = command.run("pull", "hf://samples/names", "--include", "*")
    checks.check(done.status == 0, f"hostile names: {done.status}, {done.errors}")
    home = os.path.realpath(command.folder("samples/names"))
    for place in worker.command.home.rglob("*"):
        inside = str(place).startswith((home + "/", f"{command.cache}/.locks/")) or home.startswith(str(place))
        checks.check(inside or place == command.cache / ".locks", f"hostile names: {place} is outside")
        if place.is_symlink():
            leads = os.path.realpath(place).startswith(home + "/blobs/")
            checks.check(leads, f"hostile names: {place} leads elsewhere")
        checks.check(place.name not in (".git", ".GIT"), f"hostile names: {place}")
    snapshot = pathlib.Path(done.output.strip() or "/nowhere")
    same = snapshot.exists() and all(
        (snapshot / file.name).read_bytes() == file.read_bytes() for file in (folder / "samples/names").iterdir()
    )
    checks.check(same, "hostile names: the other files")


def full_disks(checks, worker):
    """A disk that is too small, and one that is filled while the file comes."""
    worker.begin()
    cache = pathlib.Path(worker.command.home, "disk")
    cache.mkdir(parents=True)
    mount = f"mount -t tmpfs -o size=%dm none {cache} || exit 99; "
    script = [*DISK, mount % 8 + '"$@"', "sh"]
    done = worker.command.run(*PULL, prefix=script, HF_HUB_CACHE=str(cache))
    if done.status == 99:
        print("skipped: full disks, because none can be mounted here")
        return
    checks.check(done.status == CANNOT_CREATE, f"a small disk: {done.status}, {done.errors}")
    told = fits(done.error, f"{cache}/…: {SIZE} bytes more are needed, and the disk has … left", worker.hub)
    checks.check(told and done.hint.startswith("free some space"), f"a small disk: {done.errors}")
    checks.check(not worker.hub.log(port="content"), "a small disk: bytes were fetched")
    both = ("pull", "hf://samples/two", "--include", "*")
    done = worker.command.run(*both, prefix=[*DISK, mount % 40 + '"$@"', "sh"], HF_HUB_CACHE=str(cache))
    told = fits(done.error, f"{cache}…: {2 * SIZE} bytes more are needed, and the disk has … left", worker.hub)
    checks.check(done.status == CANNOT_CREATE and told, f"a disk with room for one of two: {done.errors}")
    checks.check(not worker.hub.log(port="content"), "a disk with room for one of two: bytes were fetched")
    worker.hub.faults(CONTENT | {"fault": "rate", "bytes_per_second": 3_000_000})
    fill = f'"$@" & process=$!; sleep 0.4; cat /dev/zero >{cache}/filler 2>/dev/null; wait $process'
    done = worker.command.run(*PULL, prefix=[*DISK, mount % 28 + fill, "sh"], HF_HUB_CACHE=str(cache))
    right = done.status in (CANNOT_CREATE, 74) and len(done.lines) == 2 and "space" in done.error + done.hint
    checks.check(right, f"a disk that is filled: {done.status}, {done.errors}")


def check_faults(checks, ingot, folder, work):
    wanted = (folder / "samples/medium/model.bin").read_bytes()
    cases = [(refused, case) for case in REFUSED] + [(repaired, (wanted, *case)) for case in REPAIRED]
    cases += [(elsewhere, case) for case in ELSEWHERE]
    cases += [(flipped, (wanted, offset)) for offset in (0, 5_000_000, SIZE - 1)]
    cases += [(swapped, (folder,)), (hostile_names, (folder,)), (full_disks, ())]
    # Those that wait long begin first.
    cases.sort(key=lambda case: "--timeout" not in str(case[1])[:2000])
    workers = queue.SimpleQueue()
    hubs = [Worker(ingot, folder, work, index) for index in range(WORKERS)]
    for worker in hubs:
        workers.put(worker)

    def run(case):
        worker = workers.get()
        try:
            case[0](checks, worker, *case[1])
        except Exception as problem:  # or the thread would keep it to itself
            checks.fail(f"{case[0].__name__} {str(case[1])[:200]}: {problem!r}")
        finally:
            workers.put(worker)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(run, cases))
    for worker in hubs:
        worker.hub.stop()
        shutil.rmtree(worker.command.home, ignore_errors=True)
    expired(checks, ingot, folder, work)
    print(f"{len(cases) + 2} faults", flush=True)
    checks.end_group("faults")
