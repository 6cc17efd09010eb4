"""The command against the hub for tests: how the check_hub.py checks run it, and what the hub's log tells of it."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess

UNAVAILABLE, NO_INPUT, USAGE, BAD_DATA, CANNOT_CREATE = 69, 66, 64, 65, 73
PIECE = 4 << 20


@dataclasses.dataclass
class Done:
    """A run that ended: its exit status, what it printed, and the one error line and the hint without their marks."""

    status: int
    output: str
    errors: str

    @property
    def lines(self):
        """What it said on standard error but for what it tells of its progress."""
        return [line for line in self.errors.splitlines() if line.startswith(("ingot: error: ", "hint: "))]

    @property
    def error(self):
        return self.lines[0].removeprefix("ingot: error: ") if self.lines else ""

    @property
    def hint(self):
        return self.lines[1].removeprefix("hint: ") if len(self.lines) > 1 else ""

    @property
    def json(self):
        return json.loads(self.output)


class Command:
    """Runs `ingot` with a home and a cache of its own, and no variable of the caller's that the hub's clients read."""

    def __init__(self, ingot, hub, home, **variables):
        self.ingot, self.hub, self.home = str(ingot), hub, pathlib.Path(home)
        self.cache = self.home / "hub"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "HUGGING", "TRANSFORMERS_", "SSL_CERT", "CURL_", "REQUESTS_"))
            and not name.lower().endswith("_proxy")
        }
        self.environment = kept | {"HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        self.environment |= {"HF_ENDPOINT": hub.hub} if hub else {}
        if hub and hub.authority:
            self.environment["SSL_CERT_FILE"] = hub.authority
        self.environment |= variables

    def start(self, *arguments, prefix=(), **variables):
        command = [*prefix, self.ingot, *map(str, arguments)]
        environment = self.environment | variables
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", env=environment
        )

    def run(self, *arguments, prefix=(), seconds=120, **variables):
        """Runs it to its end; one that takes longer than `seconds` is killed, and has the status -9."""
        process = self.start(*arguments, prefix=prefix, **variables)
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
        return Done(process.returncode, output, errors)

    def folder(self, repository):
        """Where the clients keep a repository."""
        return self.cache / ("models--" + repository.replace("/", "--"))


def asked(records):
    """Bytes that ranges of these requests ask for; those that are redirected, which the next request asks for again,
    count nothing."""
    total = 0
    for record in records:
        if record["method"] == "GET" and not 300 <= (record["status"] or 0) < 400:
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", record["range"] or "")
            total += int(match[2]) + 1 - int(match[1]) if match else record["sent"]
    return total


def answered(records):
    """Requests that aren't redirected."""
    return [record for record in records if not 300 <= (record["status"] or 0) < 400]


def litter(folder):
    """What a pull leaves while it isn't done."""
    return sorted(str(file.relative_to(folder)) for file in pathlib.Path(folder).rglob("*.ingot-*"))
