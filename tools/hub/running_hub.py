"""Starts the hub for tests from a test written in Python, and speaks to its control addresses."""

import json
import pathlib
import ssl
import subprocess
import sys
import urllib.request

SERVE = pathlib.Path(__file__).resolve().parent / "serve.py"


class RunningHub:
    """A hub in a process of its own; `hub`, `content`, `third`, `plain`, `proxy` are addresses, `authority` a file.

    It ends with the `with` statement, and with this process at the latest. Raises RuntimeError if it doesn't start.
    """

    def __init__(self, repositories, *options):
        command = [sys.executable, str(SERVE), "--repositories", str(repositories), "--until-eof", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the hub for tests ended with status {self.process.wait()}")
        self.addresses = json.loads(line)
        self.hub, self.content, self.third = (self.addresses[name] for name in ("hub", "content", "third"))
        self.plain, self.proxy = self.addresses.get("plain"), self.addresses["proxy"]
        self.authority = self.addresses["authority"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the hub; its exit status."""
        self.process.stdin.close()
        status = self.process.wait()
        self.process.stdout.close()
        return status

    def control(self, method, path, value=None):
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.hub + path, body, method=method)
        context = ssl.create_default_context(cafile=self.authority) if self.authority else None
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request) as answer:
            return json.load(answer)

    def faults(self, *rules):
        """Sets these rules and no others, and forgets what was asked before."""
        self.control("PUT", "/-/faults", list(rules))
        self.control("DELETE", "/-/log")

    def rules(self):
        return self.control("GET", "/-/faults")

    def log(self, **wanted):
        """Requests with these values, in order."""
        records = self.control("GET", "/-/log")
        return [record for record in records if all(record[name] == value for name, value in wanted.items())]
