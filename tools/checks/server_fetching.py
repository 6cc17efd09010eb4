"""Fetching of pictures from an address of the world, which a network of this process's own has: started by check_server_life.py with

    unshare --net python3 server_fetching.py INGOT_SERVE SHELF
"""

import http.server
import json
import subprocess
import sys
import threading

from server_running import PICTURE, ROOT, VQA, Server

WORLD = "93.184.216.34"


class Files(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments):
        super().__init__(*arguments, directory=str(ROOT / "weights/demo/pictures"))

    def do_GET(self):
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(1 << 20))
            except OSError:
                pass
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


def main():
    program, shelf = sys.argv[1:]
    subprocess.run("ip link set lo up && ip address add " + WORLD + "/32 dev lo", shell=True, check=True)
    files = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Files)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    port, host = files.server_port, f"{WORLD}:{files.server_port}"
    found = {}
    with Server(program, shelf, "--log", "warning", "--allow-fetch", host, "--allow-fetch", f"127.0.0.1:{port}") as server:
        for what, url in {
                "a picture": f"http://{host}/{PICTURE.name}", "by a redirect": f"http://{host}/to//{PICTURE.name}",
                "a redirect to this machine": f"http://{host}/to/http://127.0.0.1:{port}/{PICTURE.name}",
                "a redirect elsewhere": f"http://{host}/to/http://{WORLD}:1/x", "redirects without end": f"http://{host}/to/" * 5,
                "nothing": f"http://{host}/none.png", "no end": f"http://{host}/endless", "no picture": f"http://{host}/"}.items():
            parts = [{"type": "text", "text": "what shape is present?"}, {"type": "image_url", "image_url": {"url": url}}]
            status, _, text = server.post("/v1/chat/completions", {"model": VQA, "messages": [{"role": "user", "content": parts}]})
            told = json.loads(text)
            found[what] = [status, told["choices"][0]["message"]["content"] if status == 200 else told["error"]["message"]]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
