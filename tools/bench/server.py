#!/usr/bin/env python3
"""How the server does beside a web framework with the publisher's library, and with ONNX Runtime: the same net, machine and time.

    .venv-bench/bin/pip install fastapi uvicorn
    .venv-bench/bin/python tools/bench/server.py --checkpoint HF_FOLDER --programs FOLDER [--seconds 60] [--clients 4] [--rounds 1] [--peer NAME]…

HF_FOLDER is made as README.md beside this file says; FOLDER is what `tools/serve --build` prints. Peers are transformers, onnxruntime
and onnxruntime-int8, behind FastAPI each. Servers are asked one after the other, as many rounds as wanted, so that the machine's noise hits all alike:

    one       each request has a picture that was not sent before, and a question
    ten       ten questions about one picture, one after the other, then the next picture
    overload  as `one`, by twice as many clients as the queue has places: only 200 and 503 may come

Prints a table: requests a second, p50, p95 and p99 of the answered ones in milliseconds, the most memory, start to first answer. Our answers under
load are compared with those that were given alone.
"""

import argparse
import base64
import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
QUESTION = "what is in the picture ?"


def draw(seed, path):
    """A PNG of 640 x 480 that no other seed gives."""
    chance = random.Random(seed)
    picture = Image.new("RGB", (640, 480), tuple(chance.randrange(256) for _ in range(3)))
    for _ in range(40):
        box = (chance.randrange(640), chance.randrange(480))
        picture.paste(tuple(chance.randrange(256) for _ in range(3)), (*box, box[0] + 60, box[1] + 60))
    picture.save(path)


def memory(process):
    """The most that a process and its children had, in MB."""
    total = 0
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line)
                if int(folder.name) == process.pid or int(status["PPid"]) == process.pid:
                    total += int(status["VmHWM"].split()[0]) / 1000
            except (OSError, KeyError, ValueError):
                pass
    return total


class Asked:
    """One server, started; its address and how it is asked."""

    def __init__(self, command, model, environment):
        self.model, self.start = model, time.monotonic()
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | environment)
        while "http://" not in (line := self.process.stdout.readline()):
            if not line:
                sys.exit(f"{command[0]} does not start")
        host = line.split("http://")[1].split()[0]
        self.host, self.port = host.split(":")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def body(self, picture, question=QUESTION):
        parts = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(picture).decode()}}]
        return json.dumps({"model": self.model, "max_tokens": 5, "messages": [{"role": "user", "content": parts}]}).encode()

    def connect(self):
        return http.client.HTTPConnection(self.host, int(self.port), timeout=300)

    def ask(self, connection, body):
        """Status, answer and seconds."""
        start = time.monotonic()
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        told = json.loads(text)["choices"][0]["message"]["content"] if answer.status == 200 else text
        return answer.status, told, time.monotonic() - start

    def end(self):
        self.process.terminate()
        self.process.wait(120)


def load(server, bodies, seconds, clients):
    """Asks for a time; returns (index, status, answer, seconds) of each, and how long it took."""
    out, lock, end = [], threading.Lock(), time.monotonic() + seconds
    numbers = iter(range(10**9))

    def client():
        connection = server.connect()
        while time.monotonic() < end:
            with lock:
                index = next(numbers)
            status, told, took = server.ask(connection, bodies(index))
            with lock:
                out.append((index, status, told, took))
            if status == 503:
                time.sleep(0.05)

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        for running in [pool.submit(client) for _ in range(clients)]:
            running.result()
    return out, time.monotonic() - start


def row(name, what, found, took, server, first):
    answered = sorted(item[3] for item in found if item[1] == 200)
    if not answered:
        sys.exit(f"{name}, {what}: no answers: {found[:2]}")
    at = lambda share: 1000 * answered[min(len(answered) - 1, int(share * len(answered)))]
    others = {status: sum(item[1] == status for item in found) for status in {item[1] for item in found} - {200}}
    print(f"| {name} | {what} | {len(answered) / took:.2f} | {at(.5):.0f} | {at(.95):.0f} | {at(.99):.0f} | {memory(server.process):.0f} | {first:.2f} | {others or ''} |", flush=True)


def measure(name, server, pictures, options, overloads):
    bodies = {}

    def fresh(index):
        # Bytes behind a PNG's end change no pixel, but the file.
        return server.body(pictures[index % len(pictures)] + index.to_bytes(4, "big"))

    def ten(index):
        return server.body(pictures[index // 10 % len(pictures)] + b"ten" + (index // 10).to_bytes(4, "big"), f"{QUESTION} {index % 10}")

    connection = server.connect()
    status, _, _ = server.ask(connection, server.body(pictures[0]))
    first = time.monotonic() - server.start
    if status != 200:
        sys.exit(f"{name} answers with {status}")
    alone = {index: server.ask(connection, fresh(index))[1] for index in range(len(pictures))}
    for what, bodies in (("one", fresh), ("ten", ten)):
        found, took = load(server, bodies, options.seconds, options.clients if what == "one" else 1)
        row(name, what, found, took, server, first)
        if what == "one":
            wrong = sum(told != alone[index % len(pictures)] for index, status, told, _ in found if status == 200)
            print(f"  of {len(found)} answers under load {wrong} differ from those given alone", flush=True)
    if overloads:
        found, took = load(server, fresh, options.overload, options.queue * 2)
        row(name, "overload", found, took, server, first)
        wrong = sum(told != alone[index % len(pictures)] for index, status, told, _ in found if status == 200)
        print(f"  of {len(found)} {wrong} differ; {sum(item[1] not in (200, 503) for item in found)} are neither 200 nor 503", flush=True)


def make_graphs(checkpoint, folder, kind):
    """The files that ONNX Runtime runs, as graphs.py makes them."""
    folder.mkdir(parents=True, exist_ok=True)
    for piece in ("exported", kind):
        if not (folder / f"{piece}.made").exists():
            subprocess.run([sys.executable, HERE / "graphs.py", "--checkpoint", checkpoint, "--out", folder, "--make", piece], check=True, stdout=subprocess.DEVNULL)
            (folder / f"{piece}.made").touch()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--overload", type=float, default=60, help="seconds; 0: none")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--queue", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--peer", action="append", default=[], choices=["transformers", "onnxruntime", "onnxruntime-int8"])
    parser.add_argument("--graphs", type=pathlib.Path, help="folder for ONNX Runtime's files, made where they aren't there yet")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        pictures = []
        for seed in range(8):
            draw(seed, f"{work}/{seed}.png")
            pictures.append(pathlib.Path(f"{work}/{seed}.png").read_bytes())
        ingot, shelf = options.programs / "ingot", f"{work}/shelf"
        run = lambda *words: subprocess.run([str(ingot), *map(str, words), "--shelf", shelf], check=True, stdout=subprocess.DEVNULL)
        run("convert", options.checkpoint, "--set", "Release=bench")
        run("quantize", "--set", "Release=bench")
        print("| server | what | requests/s | p50 ms | p95 ms | p99 ms | MB | first answer s | others |\n|---|---|--:|--:|--:|--:|--:|--:|---|")
        own = ["--port", 0, "--shelf", shelf, "--log", "error", "--allow", f"queue={options.queue}"]
        servers = [("ingot float32", "blip-vqa:bench"), ("ingot int8", "blip-vqa:bench-int8")]
        servers = [(name, [options.programs / "ingot-serve", *own], model) for name, model in servers]
        graphs = options.graphs or pathlib.Path(work) / "graphs"
        for peer in options.peer:
            if peer == "transformers":
                command = [sys.executable, HERE / "server_peer.py", options.checkpoint]
            else:
                make_graphs(options.checkpoint, graphs, peer)
                command = [sys.executable, HERE / "server_onnx_peer.py", options.checkpoint, graphs, *["--int8"] * peer.endswith("int8")]
            servers.append((f"FastAPI, {peer}", command, "bench"))
        for _ in range(options.rounds):
            for name, command, model in servers:
                server = Asked(command, model, {})
                measure(name, server, pictures, options, overloads=options.overload > 0 and model != "bench")
                server.end()


if __name__ == "__main__":
    main()
