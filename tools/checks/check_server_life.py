"""How the server lives and ends: full, slow clients, clients that go, nets that come and go, tokens, kills, and an end under load.

Called by check_server.py.
"""

import base64
import concurrent.futures
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from check_server_requests import is_error, png
from server_running import BOTH, CAPTION, PICTURE, ROOT, TEXTS, VQA, Server

PICTURES = sorted((ROOT / "weights/demo/pictures").glob("*.png"))
QUESTION = "what is the color of the shape?"


def asked(picture, model=VQA, question=QUESTION):
    return {"model": model, "prompt": question, "images": [base64.b64encode(picture.read_bytes()).decode()], "stream": False}


def mixed_requests():
    """Paths and bodies of many kinds, whose answers depend on nothing else."""
    out = []
    for index, picture in enumerate(PICTURES[:8]):
        out.append(("/api/generate", asked(picture)))
        out.append(("/v1/embeddings", {"model": TEXTS, "input": [f"a text {index}", "the color of a shape"]}))
        out.append(("/api/generate", asked(picture, CAPTION, "")))
        out.append(("/v1/embeddings", {"model": BOTH, "input": [{"image": base64.b64encode(picture.read_bytes()).decode()}, f"the text {index}"], "encoding_format": "base64"}))
    return out


def kept(text):
    """What of an answer doesn't depend on the time."""
    told = json.loads(text)
    return {key: value for key, value in told.items() if key in ("response", "data", "embeddings", "usage", "eval_count", "error")}


def at_once(server, requests, workers):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda request: server.post(*request), requests))


def check_load(checks, program, shelf):
    """Answers under load are those of a server that has nothing else to do."""
    requests = mixed_requests()
    with Server(program, shelf, "--log", "warning") as server:
        alone = [kept(server.post(*request)[2]) for request in requests]
    shuffled = list(range(len(requests))) * 3
    random.Random(1).shuffle(shuffled)
    with Server(program, shelf, "--log", "warning", "--looks", "4", "--allow", "queue=1000") as server:
        answers = at_once(server, [requests[index] for index in shuffled], 24)
    for index, (status, _, text) in zip(shuffled, answers):
        checks.check(status == 200 and kept(text) == alone[index], f"under load: {requests[index][0]}: {status} {text[:100]}")
    checks.end_group("answers under load")


def check_full(checks, program, shelf):
    with Server(program, shelf, "--log", "warning", "--looks", "0", "--allow", "queue=2") as server:
        answers = at_once(server, [("/api/generate", asked(picture)) for picture in PICTURES[:10]] * 3, 30)
        statuses = [status for status, _, _ in answers]
        checks.check(set(statuses) == {200, 503}, f"full: {statuses}")
        for status, headers, text in answers:
            if status == 503:
                checks.check(1 <= int(headers["Retry-After"]) <= 60 and is_error("/api", text), f"full: {headers['Retry-After']} {text}")
        checks.check(server.post("/api/generate", asked(PICTURE))[0] == 200, "after it was full")
    with Server(program, shelf, "--log", "warning", "--allow", "request-memory=100") as server:
        status, headers, text = server.post("/api/generate", asked(PICTURE))
        checks.check(status == 503 and headers["Retry-After"] and is_error("/api", text), f"no room for bodies: {status} {text}")
    with Server(program, shelf, "--log", "warning", "--allow", "request-bytes=100") as server:
        status, _, text = server.post("/v1/chat/completions", asked(PICTURE))
        checks.check(status == 413 and is_error("/v1", text), f"a body that is too long: {status} {text}")
    with Server(program, shelf, "--log", "warning", "--allow", "request-pixels=100") as server:
        status, _, text = server.post("/api/generate", asked(PICTURE))
        checks.check(status == 400 and "pixels" in text, f"too many pixels: {status} {text}")
    checks.end_group("full")


def connect(server):
    return socket.create_connection((server.host, server.port), timeout=20)


def check_slow(checks, program, shelf):
    """Many that trickle do no harm to others, and are not waited for without end."""
    with Server(program, shelf, "--log", "warning", "--allow", "head-seconds=2", "--allow", "body-seconds=2") as server:
        slow = []
        body = json.dumps(asked(PICTURE)).encode()
        head = f"POST /api/generate HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for index in range(300):
            connection = connect(server)
            connection.sendall(head[:20] if index % 2 else head + body[:50])
            slow.append(connection)
        start = time.monotonic()
        status, _, text = server.post("/api/generate", asked(PICTURE))
        checks.check(status == 200, f"beside 300 slow ones: {status} {text}")
        late = slow[0].recv(4096)
        checks.check(late.startswith(b"HTTP/1.1 408") and b'{"error"' in late, f"a slow body: {late[:80]}")
        checks.check(slow[1].recv(4096) == b"", "a slow head is closed")
        checks.check(time.monotonic() - start < 30, f"slow ones are closed after {time.monotonic() - start:.0f} s")
        for connection in slow:
            connection.close()
        # A client that waits to be told that its body is wanted.
        with connect(server) as connection:
            connection.sendall(head[:-2] + b"Expect: 100-continue\r\n\r\n")
            checks.check(connection.recv(4096).startswith(b"HTTP/1.1 100"), "a body that is waited for")
            connection.sendall(body)
            checks.check(connection.recv(4096).startswith(b"HTTP/1.1 200"), "and its answer")
        # A body that comes in two pieces is a body.
        with connect(server) as connection:
            connection.sendall(head + body[:100])
            time.sleep(0.5)
            connection.sendall(body[100:])
            checks.check(connection.recv(4096).startswith(b"HTTP/1.1 200"), "a body in two pieces")
            # And the connection serves another request.
            connection.sendall(head + body)
            checks.check(connection.recv(4096).startswith(b"HTTP/1.1 200"), "a connection that is used again")
    with Server(program, shelf, "--log", "warning", "--allow", "connections=5") as server:
        held = [connect(server) for _ in range(5)]
        time.sleep(0.3)
        waiting = connect(server)
        waiting.sendall(f"GET /healthz HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
        waiting.settimeout(1)
        try:
            checks.fail(f"a sixth connection of five is answered: {waiting.recv(100)}")
        except TimeoutError:
            pass
        held[0].close()
        waiting.settimeout(20)
        checks.check(waiting.recv(100).startswith(b"HTTP/1.1 200"), "a connection that had to wait")
        for connection in [*held, waiting]:
            connection.close()
    checks.end_group("slow clients")


def check_gone(checks, program, shelf):
    """What nobody waits for isn't computed."""
    with Server(program, shelf, "--looks", "0") as server:
        body = json.dumps(asked(PICTURE)).encode()
        head = f"POST /api/generate HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        gone = [connect(server) for _ in range(20)]
        for connection in gone:
            connection.sendall(head + body)
        for connection in gone:
            connection.close()
        # And some that go in the middle of their bodies.
        for index in range(20):
            with connect(server) as connection:
                connection.sendall(head + body[:100 * index + 1])
        status, _, _ = server.post("/api/generate", asked(PICTURES[1]))
        checks.check(status == 200, f"after clients that went: {status}")
        for _ in range(100):
            count = sum("status=499" in line for line in server.log)
            if count:
                break
            time.sleep(0.1)
        checks.check(count > 0, "clients that went are told in the log")
        checks.check(not any(" error " in line for line in server.log), "clients that went are no failures of the server")
        names = "".join(server.log)
        checks.check("color" not in names and body.decode()[60:100] not in names, "the log tells no contents")
    checks.end_group("clients that go")


def check_shelf(checks, program, shelf, work):
    """Nets come and go without a stop."""
    folder = pathlib.Path(work) / "changing"
    folder.mkdir()
    shutil.copytree(f"{shelf}/blip-vqa", folder / "blip-vqa")
    with Server(program, folder, "--idle", "1") as server:
        names = lambda: [model["id"] for model in json.loads(server.get("/v1/models")[2])["data"]]
        checks.check(VQA in names() and CAPTION not in names(), f"nets at first: {names()}")
        checks.check(server.post("/api/generate", asked(PICTURE, CAPTION))[0] == 404, "a net that isn't there")
        shutil.copytree(f"{shelf}/blip-caption", folder / "blip-caption")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(1.2)
        checks.check(CAPTION in names(), f"a net that came: {names()}")
        checks.check(server.post("/api/generate", asked(PICTURE, CAPTION))[0] == 200, "a net that came is asked")
        shutil.rmtree(folder / "blip-caption")
        time.sleep(1.2)
        checks.check(server.post("/api/generate", asked(PICTURE, CAPTION))[0] == 404, "a net that went")
        # One of three parts is no net.
        for path in (folder / "blip-vqa").glob("*Part=TextEncoder,Precision=int8*"):
            path.unlink()
        (folder / "blip-vqa" / "damaged.ingot").write_bytes(b"INGOT" * 100)
        time.sleep(1.2)
        checks.check(names() == [VQA], f"a part that went, a file that is none: {names()}")
        server.post("/api/generate", asked(PICTURE))
        for _ in range(150):
            if not json.loads(server.get("/api/ps")[2])["models"]:
                break
            time.sleep(0.1)
        checks.check(json.loads(server.get("/api/ps")[2])["models"] == [], "nets that nobody asks are let go")
    empty = pathlib.Path(work) / "empty"
    empty.mkdir()
    with Server(program, empty) as server:
        checks.check(server.get("/healthz")[0] == 200 and server.get("/readyz")[0] == 503, "without nets it lives, but isn't ready")
    checks.end_group("nets that come and go")


def check_tokens(checks, program, shelf, work):
    file = pathlib.Path(work) / "token"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    with Server(program, shelf, "--host", "0.0.0.0", "--token-file", file, "--allow-origin", "https://friend.example") as server:
        server.host = "127.0.0.1"
        server.address = f"http://127.0.0.1:{server.port}"
        right = {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"}
        for path in ("/v1/models", "/api/tags", "/v2/models/" + VQA, "/metrics", "/none"):
            for wrong in ({}, {"Authorization": "Bearer 0123"}, {"Authorization": "Basic MDEyMw=="}, {"Authorization": "Bearer " + "0" * 32}):
                status, headers, text = server.get(path, **wrong)
                checks.check(status == 401 and headers["WWW-Authenticate"] == "Bearer" and is_error(path, text), f"{path} {wrong}: {status} {text}")
        checks.check(server.get("/v1/models", **right)[0] == 200, "with the token")
        checks.check(server.get("/healthz")[0] == 200 and server.get("/v2/health/live")[0] == 200, "health needs none")
        checks.check(server.get("/v1/models", Host="server.example", **right)[0] == 200, "any name, with the token")
        origin = {"Origin": "https://friend.example"}
        status, headers, _ = server.request("OPTIONS", "/v1/models", None, origin | {"Access-Control-Request-Method": "GET"})
        checks.check(status == 204 and headers["Access-Control-Allow-Origin"] == "https://friend.example", f"an origin that was allowed: {status}")
        checks.check(server.get("/v1/models", **right, **origin)[1]["Access-Control-Allow-Origin"] == "https://friend.example", "its answer")
        checks.check(server.get("/v1/models", **right, Origin="https://evil.example")[0] == 403, "another origin")
    checks.end_group("tokens")


def check_starts(checks, ingot, program, shelf, work):
    """What is wrong at the start is told, with the status of its kind."""
    short = pathlib.Path(work) / "short"
    short.write_text("abc\n")
    with Server(program, shelf) as server:
        cases = [
            (["--host", "0.0.0.0"], 64, "token"), (["--host", "192.0.2.1"], 64, "token"), (["--token-file", short], 65, "token"), (["--token-file", f"{work}/none"], 66, "none"),
            (["--port", "70000"], 64, "port"), (["--threads", "0"], 64, "threads"), (["--log", "loud"], 64, "log level"), (["--allow", "none=1"], 64, "limit"), (["--unknown"], 64, "unknown"),
            (["--port", server.port], 69, "listened on"), (["--shelf", short], 66, "shelf"),
        ]
        for words, status, text in cases:
            done = subprocess.run([program, "--shelf", shelf, *map(str, words)], capture_output=True, text=True, timeout=60)
            checks.check(done.returncode == status and text in done.stderr.lower(), f"{words}: {done.returncode} {done.stderr}")
    # The command starts what stands beside it, and says so where nothing does.
    told = subprocess.run([ingot, "serve", "--version"], capture_output=True, text=True, timeout=60)
    checks.check(told.returncode == 0 and told.stdout.strip(), f"ingot serve: {told}")
    alone = pathlib.Path(work) / "alone"
    alone.mkdir()
    shutil.copy(ingot, alone / "ingot")
    told = subprocess.run([alone / "ingot", "serve"], capture_output=True, text=True, timeout=60, env={"PATH": str(alone)})
    checks.check(told.returncode == 69 and "hint:" in told.stderr, f"ingot serve alone: {told}")
    checks.end_group("starts")


def children_of(program):
    """Processes of the program or of the command beside it, that nobody waits for."""
    names = {str(pathlib.Path(program).resolve()), str(pathlib.Path(program).resolve().parent / "ingot")}
    out = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if os.readlink(folder / "exe") in names:
                    out.append(int(folder.name))
            except OSError:
                pass
    return out


def check_kills(checks, program, shelf, kills):
    """Killed at any moment, it leaves nothing, and starts again."""
    before = set(children_of(program))
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as scratch:
        for index in range(kills):
            server = Server(program, shelf, "--log", "warning", "--looks", "0", TMPDIR=scratch)
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                for picture in PICTURES[:6]:
                    pool.submit(lambda picture=picture: try_post(server, asked(picture)))
                time.sleep(chance.uniform(0.02, 0.6))
                server.end(signal.SIGKILL)
        for _ in range(50):
            left = set(children_of(program)) - before
            if not left:
                break
            time.sleep(0.1)
        checks.check(not left, f"after {kills} kills {len(left)} processes are left")
        checks.check(os.listdir(scratch) == [], f"after {kills} kills there is {os.listdir(scratch)}")
    with Server(program, shelf) as server:
        checks.check(server.post("/api/generate", asked(PICTURE))[0] == 200, "after the kills it answers")
    checks.end_group(f"{kills} kills")


def large_picture(side=3500):
    """What asks about a picture that takes a while to be decoded."""
    return {"model": VQA, "prompt": "what?", "stream": False,
            "images": [base64.b64encode(png(side, side, bytes(side * (3 * side + 1)))).decode()]}


def check_waiting(checks, program, shelf):
    """Whose turn doesn't come in time is told so; what its child may not do, neither."""
    with Server(program, shelf, "--log", "warning", "--looks", "0", "--allow", "queue=1000", "--allow", "request-seconds=4") as server:
        answers = at_once(server, [("/api/generate", large_picture())] * 150, 150)
        statuses = {status for status, _, _ in answers}
        checks.check(statuses == {200, 503}, f"turns that don't come: {statuses}")
        checks.check(all(headers["Retry-After"] and is_error("/api", text) for status, headers, text in answers if status == 503), "turns that don't come")
    with Server(program, shelf, "--log", "warning", "--allow", "picture-memory=150MB") as server:
        status, _, text = server.post("/api/generate", large_picture(6000))
        checks.check(status in (400, 500) and is_error("/api", text), f"a picture for which there is no memory: {status} {text}")
        checks.check(server.get("/healthz")[0] == 200, "the server lives")
    checks.end_group("waiting")


def check_fetching(checks, program, shelf):
    """An address is fetched from a host that was allowed, and from none that is private, whatever its name."""
    def ask(server, url):
        parts = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": url}}]
        return server.post("/v1/chat/completions", {"model": VQA, "messages": [{"role": "user", "content": parts}]})

    asked = []

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(ROOT / "weights/demo/pictures"))

        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    port = files.server_port
    names = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", f"0.0.0.0:{port}", f"2130706433:{port}"]
    words = [word for name in names for word in ("--allow-fetch", name)]
    with Server(program, shelf, "--log", "warning", *words, http_proxy=f"http://127.0.0.1:{port}") as server:
        for name in names:
            status, _, text = ask(server, f"http://{name}/{PICTURE.name}")
            checks.check(status == 400 and is_error("/v1", text) and "can't be fetched" in text, f"{name}: {status} {text}")
        for url in (f"http://other.example:{port}/a.png", f"http://127.0.0.1/{PICTURE.name}", f"http://a@127.0.0.1:{port}/", f"http://127.0.0.1:{port}@b/", "http://", "https://[::1/"):
            status, _, text = ask(server, url)
            checks.check(status == 400 and is_error("/v1", text), f"{url}: {status} {text}")
    checks.check(asked == [], f"private addresses were asked: {asked}")
    files.shutdown()
    if subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True).returncode != 0:
        print("skipped: fetching from an address of the world, because no network of its own can be made here")
    else:
        script = pathlib.Path(__file__).with_name("server_fetching.py")
        done = subprocess.run(["unshare", "--net", sys.executable, script, program, shelf], capture_output=True, text=True, timeout=300)
        found = json.loads(done.stdout or "{}")
        wanted = {"a picture": "circle", "by a redirect": "circle", "a redirect to this machine": "can't be fetched", "a redirect elsewhere": "not fetched from",
                  "redirects without end": "leads on", "nothing": "status 404", "no end": "more than", "no picture": "not an image"}
        checks.check(found.keys() == wanted.keys(), f"fetching: {done.stderr}")
        for what, (status, text) in found.items():
            checks.check(wanted[what] in text and (status == 200) == (wanted[what] == "circle"), f"fetching {what}: {status} {text}")
    checks.end_group("fetching")


def held_by(child):
    """What a process has open besides its streams, but for the libraries that it is opening itself."""
    held = {}
    for name in os.listdir(f"/proc/{child}/fd"):
        try:
            held[int(name)] = os.readlink(f"/proc/{child}/fd/{name}")
        except FileNotFoundError:
            pass  # closed meanwhile
    own = re.compile(r"/.*\.so(\.[0-9.]+)?|/etc/ld\.so\..*|/proc/.*")
    return {number: what for number, what in held.items() if number > 3 and not own.fullmatch(what)}


def check_children(checks, program, shelf):
    """What decodes pictures has no connection of the server: only its own streams, and the one by which it sees its parent end."""
    large = large_picture()
    before = set(children_of(program))
    with Server(program, shelf, "--log", "warning", "--looks", "0") as server:
        held = [connect(server) for _ in range(5)]
        seen = []
        # A child may be gone before it is seen: until some have been, pictures are sent again.
        end = time.monotonic() + 60
        running = []
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            while not all(one.done() for one in running) or not seen and time.monotonic() < end:
                if all(one.done() for one in running):
                    running += [pool.submit(try_post, server, large) for _ in range(6)]
                for child in set(children_of(program)) - before - {server.process.pid}:
                    try:
                        # Until it runs the program, a new process is a copy of the server.
                        if b"picture-child" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                            seen.append(held_by(child))
                    except OSError:
                        pass
        checks.check(all(one.result()[0] == 200 for one in running), f"large pictures: {[one.result()[2][:80] for one in running]}")
        for connection in held:
            connection.close()
    wrong = [each for each in seen if each]
    checks.check(seen and not wrong, f"children have more than their streams: {wrong[:3]}, seen {len(seen)} times")
    checks.end_group("children")


def try_post(server, body):
    try:
        return server.post("/api/generate", body)
    except OSError:
        return None


def check_end(checks, program, shelf):
    """Told to end, it answers what it was asked, and ends with status 0."""
    for how in (signal.SIGTERM, signal.SIGINT):
        server = Server(program, shelf, "--looks", "0", "--allow", "queue=1000")
        # All are taken before it is told.
        body = [json.dumps(asked(picture)).encode() for picture in PICTURES[:12]]
        connections = []
        for data in body:
            connection = connect(server)
            connection.sendall(f"POST /api/generate HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            connections.append(connection)
        time.sleep(0.4)
        server.process.send_signal(how)
        time.sleep(0.2)
        try:
            connect(server).close()
            refused = False
        except ConnectionError:
            refused = True
        for connection in connections:
            out = b""
            connection.settimeout(60)
            while piece := connection.recv(65536):
                out += piece
            checks.check(out.startswith(b"HTTP/1.1 200") and b'"done":true' in out, f"{how.name}: a request that was taken: {out[:100]}")
        status = server.process.wait(60)
        checks.check(status == 0, f"{how.name}: it ends with {status}")
        checks.check(refused, f"{how.name}: more connections are taken")
    checks.end_group("ends")


def check_life(checks, ingot, program, shelf, work, kills):
    check_load(checks, program, shelf)
    check_full(checks, program, shelf)
    check_slow(checks, program, shelf)
    check_gone(checks, program, shelf)
    check_shelf(checks, program, shelf, work)
    check_tokens(checks, program, shelf, work)
    check_starts(checks, ingot, program, shelf, work)
    check_waiting(checks, program, shelf)
    check_fetching(checks, program, shelf)
    check_children(checks, program, shelf)
    check_end(checks, program, shelf)
    check_kills(checks, program, shelf, kills)
