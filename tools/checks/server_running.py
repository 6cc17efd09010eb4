"""A server for the check_server_*.py scripts, on a shelf of small nets that it makes."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests" / "FamiliesTests" / "Fixtures"
PICTURE = ROOT / "weights" / "demo" / "pictures" / "red-circle-0004.png"
OTHER_PICTURE = ROOT / "weights" / "demo" / "pictures" / "teal-rectangle-0048.png"
DIGIT = ROOT / "weights" / "demo-digits" / "pictures" / "three" / "digit-1202.png"

VQA, INT8, CAPTION = "blip-vqa:demo", "blip-vqa:demo-int8", "blip-caption:demo-caption-demo-float16"
MATCH, DIGITS = "blip-match:demo-match-demo-float16", "vit-imagenet:demo-digits-custom-PatchSize-2-ImageSize-8-float16"
TEXTS, BOTH = "text-embedding:tiny", "clip:tiny-clip-custom"


def make_shelf(ingot, folder):
    """Converts the demo nets, and two embedders of the tests that are tiny."""
    sources = [
        (ROOT / "weights/demo", None), (ROOT / "weights/demo-caption", None), (ROOT / "weights/demo-match", None),
        (ROOT / "weights/demo-digits", "demo-digits"), (FIXTURES / "embedders/mean", "tiny"),
        (FIXTURES / "clip/1", "tiny-clip"),
    ]
    for source, release in sources:
        words = [] if release is None else ["--set", f"Release={release}"]
        run(ingot, "convert", source, *words, "--shelf", folder)
    run(ingot, "quantize", "--set", "Release=demo", "--shelf", folder)


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


class Server:
    """`ingot-serve` on a free port; to be used as a context."""

    def __init__(self, program, shelf, *arguments, **environment):
        command = [str(program), "--port", "0", "--shelf", str(shelf), *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment)
        self.log = []
        # Read always, or the server would wait for somebody to read it.
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.reader.start()
        line = self.process.stdout.readline()
        if "http://" not in line:
            self.process.wait(30)
            raise RuntimeError(f"the server did not start: {line}{''.join(self.log)}")
        self.address = line.split()[-1]
        self.host, port = self.address.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self, how=signal.SIGTERM, seconds=60):
        """Tells it to end, and waits; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def get(self, path, **headers):
        return self.request("GET", path, None, headers)

    def post(self, path, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data, {"Content-Type": "application/json"} | headers)

    def request(self, method, path, data, headers):
        """Status, headers and text of an answer."""
        request = urllib.request.Request(self.address + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read().decode()
