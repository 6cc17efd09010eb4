"""Kills pulls at random moments and goes on with them; runs two at once, and one beside the official client."""

import hashlib
import os
import pathlib
import random
import shutil
import statistics
import threading
import time

from address_samples import LARGE
from hub_command import PIECE, Command, asked, litter

ADDRESS = "hf://samples/large"
# Bytes that may be asked for a second time because of a kill.
MOST_TWICE = 32_000_000


def digest(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Pulls:
    """Pulls of the large file into one cache, which is emptied between."""

    def __init__(self, checks, ingot, hub, folder, work):
        self.checks, self.hub = checks, hub
        self.command = Command(ingot, hub, f"{work}/kills")
        self.wanted = digest(folder / "samples/large/model.bin")
        self.blob = self.command.folder("samples/large") / "blobs" / self.wanted

    def begin(self):
        shutil.rmtree(self.command.home, ignore_errors=True)
        self.hub.faults()

    def start(self):
        return self.command.start("pull", ADDRESS, "--include", "model.bin")

    def end(self, process, what):
        output, errors = process.communicate(timeout=120)
        self.checks.check(process.returncode == 0, f"{what}: status {process.returncode}, {errors}")
        place = pathlib.Path(output.strip() or "/nowhere", "model.bin")
        right = place.exists() and place.resolve() == self.blob and digest(place) == self.wanted
        self.checks.check(right, f"{what}: {place} isn't what it ought to be")

    def asked(self):
        return asked(self.hub.log(port="content"))

    def is_clean(self, what):
        left = litter(self.command.home)
        self.checks.check(not left, f"{what}: left over: {left}")
        names = sorted(file.name for file in self.blob.parent.iterdir())
        self.checks.check(names == [self.wanted], f"{what}: blobs {names}")


def kill(pulls, number):
    """Each pull is killed up to four times before it may end."""
    checks, seconds = pulls.checks, []
    for _ in range(3):
        pulls.begin()
        started = time.monotonic()
        pulls.end(pulls.start(), "a pull that nobody kills")
        seconds.append(time.monotonic() - started)
        checks.check(pulls.asked() == LARGE, f"a pull that nobody kills asks for {pulls.asked()} bytes")
    length, done, worst, total = statistics.median(seconds), 0, 0, 0
    while done < number:
        pulls.begin()
        killed, moments = 0, []
        for _ in range(random.randint(1, 4)):
            moments.append(random.uniform(0, 1.05 * length))
            process = pulls.start()
            time.sleep(moments[-1])
            process.kill()
            process.communicate()
            killed += process.returncode != 0
            if pulls.blob.exists() and digest(pulls.blob) != pulls.wanted:
                checks.fail(f"killed after {moments}: a file that isn't whole stands in its place")
        what = f"killed after {', '.join(f'{moment:.2f}' for moment in moments)} s of {length:.2f}"
        pulls.end(pulls.start(), what)
        twice = pulls.asked() - LARGE
        checks.check(twice <= killed * MOST_TWICE, f"{what}: {twice} bytes asked twice")
        worst, total, done = max(worst, twice / max(1, killed)), total + twice, done + killed
        pulls.is_clean(what)
    print(f"{done} kills within {length:.2f} s: {total / done / 1e6:.1f} MB asked twice for each, at most "
          f"{worst / 1e6:.1f}", flush=True)  # fmt: skip
    checks.end_group("kills")
    return length


def together(pulls, length, number):
    """Two pulls: each waits for the other, or both do parts; one goes on where the other is killed."""
    checks = pulls.checks
    for _ in range(number):
        pulls.begin()
        later = random.uniform(0, length / 2)
        first = pulls.start()
        time.sleep(later)
        second = pulls.start()
        what = f"two pulls, one {later:.2f} s later"
        pulls.end(first, what)
        pulls.end(second, what)
        checks.check(pulls.asked() <= LARGE + PIECE, f"{what}: {pulls.asked()} bytes asked for")
        pulls.is_clean(what)
    for _ in range(number):
        pulls.begin()
        first = pulls.start()
        time.sleep(length / 4)
        second = pulls.start()
        time.sleep(random.uniform(0, length / 4))
        first.kill()
        first.communicate()
        pulls.end(second, "a pull that waited for one that is killed")
        checks.check(pulls.asked() <= LARGE + MOST_TWICE, f"waited for one that is killed: {pulls.asked()} bytes")
        pulls.is_clean("a pull that waited for one that is killed")
    checks.end_group("two at once")


def beside_client(pulls, length):
    """The client's lock is kept: whoever comes second waits, and finds the file."""
    os.environ |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    import huggingface_hub

    api = huggingface_hub.HfApi(endpoint=pulls.hub.hub)

    def download():
        api.hf_hub_download("samples/large", "model.bin", cache_dir=pulls.command.cache)

    for is_first in (True, False):
        pulls.begin()
        # Slow enough for the second to come while the first is at it.
        rate = 150_000_000 if is_first else 25_000_000
        pulls.hub.faults({"fault": "rate", "port": "content", "bytes_per_second": rate})
        client = threading.Thread(target=download)
        if is_first:
            client.start()
            time.sleep(0.5)
        process = pulls.start()
        if not is_first:
            time.sleep(0.5)
            client.start()
        pulls.end(process, "a pull beside the client")
        client.join()
        bytes_asked = sum(record["sent"] for record in pulls.hub.log(port="content"))
        what = f"the client {'before' if is_first else 'after'} a pull"
        pulls.checks.check(bytes_asked <= LARGE + PIECE, f"{what}: {bytes_asked} bytes were sent")
        pulls.is_clean(what)
    pulls.checks.end_group("beside the client")


def check_kills(checks, ingot, hub, folder, work, number):
    pulls = Pulls(checks, ingot, hub, folder, work)
    length = kill(pulls, number)
    together(pulls, length, max(3, number // 25))
    beside_client(pulls, length)
    shutil.rmtree(pulls.command.home)
