#!/usr/bin/env python3
"""Opens the pages that `--html` writes in a browser, and fails on what a reader would stumble over.

    tools/setup --browser                                     (installs Debian's chromium)
    python3 tools/checks/check_pages.py .build/release/ingot [--screenshots FOLDER]
    python3 tools/checks/check_pages.py --pages FILE… [--screenshots FOLDER]

Makes the pages of the demo net, also from questions and pictures with hostile names, and opens each at 390 and 1280
pixels, in light and dark. Errors and warnings on the console, exceptions, breaches of the page's own content security
policy, any request to anywhere, a page that is wider than the window, text that is cut by its own box, and marks,
headings and choices that don't do their work are failures. Needs nothing but Python: the browser is spoken to through
its pipe.
"""

import argparse
import base64
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = [(390, 844), (1280, 900)]
MOST_BYTES = 5_000_000
HOSTILE = '<img src=x onerror=alert(1)>"\'&</script><script>alert(2)</script>\u202e\u2028${alert(3)}'

# Does what a reader does: sorts by each heading in both directions, points at marks, taps and uses keys, chooses.
INTERACTIONS = """
(() => {
  const failures = [];
  const say = (text) => failures.push(text);
  for (const table of document.querySelectorAll("table.sortable")) {
    const count = table.tBodies[0].rows.length;
    for (const button of table.querySelectorAll("th button")) {
      for (const way of ["descending", "ascending"]) {
        button.click();
        const head = button.closest("th");
        if (head.getAttribute("aria-sort") !== way) say("heading " + button.textContent + " is not " + way);
        const column = head.cellIndex;
        const keys = [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.k).filter((key) => key);
        for (let index = 1; index < keys.length; index++) {
          // Compared, not subtracted: a layer without error has an infinite ratio, as others have.
          const [last, key] = [Number(keys[index - 1]), Number(keys[index])];
          if (way === "descending" ? key <= last : key >= last) continue;
          say("column " + button.textContent + " is unsorted");
          break;
        }
      }
    }
    if (table.tBodies[0].rows.length !== count) say("rows were lost");
  }
  const detail = document.querySelector(".detail");
  for (const drawing of document.querySelectorAll("svg[tabindex]")) {
    if (!drawing.getClientRects().length) continue;
    const marks = [...drawing.querySelectorAll("[data-i]")];
    if (!marks.length) { say("a drawing has no marks"); continue; }
    for (const mark of marks) {
      mark.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
      if (!detail.querySelector(".name")?.textContent) { say("a mark shows nothing"); break; }
    }
    marks[0].dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const held = detail.textContent;
    marks[marks.length - 1].dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
    if (detail.textContent !== held) say("a click doesn't hold");
    drawing.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    if (marks.length > 1 && detail.textContent === held) say("arrow keys do nothing");
  }
  const all = document.querySelectorAll(".flip").length;
  for (const choice of document.querySelectorAll(".choices:not(.picks) input")) {
    choice.click();
    const shown = [...document.querySelectorAll(".flip")].filter((flip) => flip.getClientRects().length).length;
    const stated = Number(choice.parentElement.textContent.match(/(\\d+)\\s*$/)[1]);
    if (shown !== stated) say("a choice shows " + shown + " of the " + stated + " it states");
  }
  document.querySelector(".choices:not(.picks) input")?.click();
  // Of attention: each block, head and word changes the heat, and the shares of a row have the sum 1.
  const patches = [...document.querySelectorAll(".heat rect[data-i]")];
  if (document.querySelector(".word")) {
    const seen = () => patches.map((patch) => patch.style.fill).join();
    for (const group of document.querySelectorAll(".picks")) {
      const states = new Set();
      const inputs = [...group.querySelectorAll("input")];
      for (const input of inputs) { input.click(); states.add(seen()); }
      if (states.size !== inputs.length) say("of " + inputs.length + " choices " + states.size + " show something else");
      inputs[0].click();
    }
    const words = [...document.querySelectorAll(".word")];
    for (const word of words) {
      word.dispatchEvent(new PointerEvent("pointerenter", { pointerType: "mouse" }));
      if (word.getAttribute("aria-pressed") !== "true") say("a word isn't chosen: " + word.textContent);
    }
    words[0].dispatchEvent(new FocusEvent("focus"));
    if (words[0].getAttribute("aria-pressed") !== "true") say("a word that is gone to isn't chosen");
    const own = document.getElementById("own"), scale = document.getElementById("most").textContent;
    own?.click();
    if (own && document.getElementById("most").textContent === scale) say("the scale doesn't change");
    own?.click();
    for (const row of document.querySelectorAll("#answer tbody tr")) {
      const sum = [...row.cells].slice(1).reduce((sum, cell) => sum + parseFloat(cell.textContent), 0);
      if (Math.abs(sum - 100) > 1) say("a row of the answer has the sum " + sum);
    }
  }
  // Of features: the other map has other places, and each image shows its neighbours.
  const points = [...document.querySelectorAll(".point")];
  if (points.length) {
    const seen = () => points.map((point) => point.getAttribute("transform")).join();
    const before = seen();
    const maps = [...document.querySelectorAll("input[name=map]")];
    maps[1]?.click();
    if (maps.length && seen() === before) say("both maps are the same");
    maps[0]?.click();
    if (seen() !== before) say("the map doesn't come back");
    for (const point of points) {
      point.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
      const near = document.querySelectorAll(".near li").length;
      if (near !== Math.min(6, points.length - 1)) { say("an image shows " + near + " neighbours"); break; }
    }
    const places = points.map((point) => point.getBoundingClientRect());
    const frame = points[0].closest("svg").getBoundingClientRect();
    if (places.some((place) => place.left < frame.left || place.right > frame.right || place.top < frame.top
      || place.bottom > frame.bottom)) say("an image is off the map");
  }
  // Of features of many images: the drawing changes with what is done to it.
  const drawn = document.querySelector(".features canvas");
  if (drawn) {
    const seen = () => { draw(); return drawn.toDataURL(); };
    const press = (key) => drawn.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    const [before, maps] = [seen(), [...document.querySelectorAll("input[name=map]")]];
    maps[1].click();
    if (seen() === before) say("both maps are the same");
    maps[0].click();
    if (seen() !== before) say("the map doesn't come back");
    const chosen = new Set();
    for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft"]) { press(key); chosen.add(shown); }
    if (chosen.size < 2 || chosen.has(null)) say("the arrow keys go nowhere");
    if (document.querySelectorAll(".near li").length !== 6) say("an image doesn't show 6 neighbours");
    document.querySelector(".near button").click();
    if (shown === null || chosen.has(shown) && chosen.size > 4) say("a neighbour can't be gone to");
    const [x, y] = [across(shown), down(shown)];
    for (let times = 0; times < 20; times++) press("+");
    if (Math.hypot(across(shown) - x, down(shown) - y) > 0.5 * drawn.clientWidth) say("what is zoomed to goes away");
    draw();
    if (!(Number(drawn.dataset.pictures) > 0)) say("no picture is shown, however near");
    const wanted = shown;
    const box = drawn.getBoundingClientRect();
    const at = { bubbles: true, pointerType: "mouse", pointerId: 7, clientX: box.left + across(shown), clientY: box.top + down(shown) };
    show((wanted + 1) % data.names.length);
    drawn.dispatchEvent(new PointerEvent("pointerdown", at));
    drawn.dispatchEvent(new PointerEvent("pointerup", at));
    if (shown !== wanted) say("a tap chooses another image");
    press("0");
    if (view.scale !== 1) say("the whole map doesn't come back");
  }
  return failures;
})()
"""

# What is wrong with where things stand.
LAYOUT = """
(() => {
  const failures = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.querySelectorAll("main *")].filter((element) =>
      element.getBoundingClientRect().right > width + 1 && !element.closest(".box, svg"));
    failures.push("is wider than the window: " + wide.slice(0, 3).map((e) => e.tagName + "." + e.className).join(", "));
  }
  for (const element of document.querySelectorAll("h1, h2, h3, p, dt, dd, label, .file, button")) {
    if (element.getClientRects().length && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0
      && getComputedStyle(element).display !== "inline") failures.push("cut: " + element.textContent.slice(0, 60));
  }
  for (const image of document.images) if (!image.naturalWidth) failures.push("a picture can't be shown");
  if (document.querySelectorAll("script").length !== 2) failures.push("a script was added");
  if (!document.title) failures.push("has no title");
  return failures;
})()
"""


class Browser:
    """Chromium, headless, spoken to by its DevTools protocol through a pipe."""

    def __init__(self, folder, hosts="MAP * ~NOTFOUND"):
        command = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if not command:
            sys.exit("there is no chromium: run tools/setup --browser")
        self.number = 0
        self.events = []
        self.buffer = b""
        theirs_in, self.out = os.pipe()
        self.input, theirs_out = os.pipe()

        def place_pipes():
            # The browser reads from 3 and writes to 4; copies first, as these may be the numbers themselves.
            first, second = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [command, "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run",
             # The browser refuses to run as root with its sandbox.
             *(["--no-sandbox"] if os.geteuid() == 0 else []),
             "--disable-background-networking", "--disable-component-update", "--disable-extensions",
             f"--host-resolver-rules={hosts}", f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=place_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.input, 1 << 20)
            if not piece:
                raise RuntimeError("the browser ended")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            return [f"exception: {result['exceptionDetails'].get('exception', {}).get('description')}"]
        return result["result"].get("value")

    def open(self, path, width, height, scheme, media=""):
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        start = time.monotonic()
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("Page.loadEventFired")
        return time.monotonic() - start

    def complaints(self, path):
        """What the page said or asked for."""
        out = []
        for event in self.events:
            method, given = event.get("method"), event.get("params", {})
            if method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
                out.append(f"console: {[item.get('value') for item in given['args']]}")
            elif method == "Runtime.exceptionThrown":
                out.append(f"exception: {given['exceptionDetails'].get('exception', {}).get('description')}")
            elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
                out.append(f"log: {given['entry']['text']}")
            elif method == "Page.javascriptDialogOpening":
                out.append(f"a dialog: {given['message']}")
                self.call("Page.handleJavaScriptDialog", accept=True)
            elif method == "Network.requestWillBeSent":
                url = given["request"]["url"]
                if not url.startswith("data:") and url != path.resolve().as_uri():
                    out.append(f"a request: {url}")
        return out

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12_000),
                               "scale": 1})
        path.write_bytes(base64.b64decode(shot["data"]))

    def print(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))

    def close(self):
        try:
            self.call("Browser.close")
        except (OSError, RuntimeError):
            pass
        self.process.wait(timeout=30)


def run(ingot, *arguments):
    done = subprocess.run([ingot, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"ingot {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr}")


def write_hostile_net(path):
    """A safetensors file with names and values that nobody would want."""
    numbers = [float("nan"), float("inf"), -1e300, 1e300] + [0.0] * 60
    data = struct.pack("<64d", *numbers)
    header = {
        "__metadata__": {HOSTILE: HOSTILE},
        f"{HOSTILE}.0.weight": {"dtype": "F64", "shape": [8, 8], "data_offsets": [0, 512]},
        f"{HOSTILE}.1.{'long' * 60}": {"dtype": "F64", "shape": [64], "data_offsets": [512, 1024]},
        "empty": {"dtype": "F32", "shape": [0, 3], "data_offsets": [1024, 1024]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data + data)


def write_vectors(path, pictures, count):
    """Vectors of many images in a few clouds, as `ingot features` writes them; only some of the images are there."""
    random_numbers = random.Random(1)
    numbers, names = [], []
    for index in range(count):
        cloud = index % len(pictures)
        numbers += [random_numbers.gauss(3 * (cloud >> bit & 1), 0.4) for bit in range(8)]
        names.append(str(pictures[cloud]) if index < count // 2 else f"{HOSTILE}{index}.png")
    data = struct.pack(f"<{len(numbers)}f", *numbers)
    header = {
        "__metadata__": {"images": json.dumps(names),
                         "classes": json.dumps([f"{HOSTILE}{index % len(pictures)}" for index in range(count)])},
        "features": {"dtype": "F32", "shape": [count, 8], "data_offsets": [0, len(data)]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_blind_checkpoint(folder):
    """The demo net, all of whose pictures look the same: many of its answers are others."""
    shutil.copytree(ROOT / "weights/demo", folder)
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    start, end = header["vision_model.post_layernorm.weight"]["data_offsets"]
    data[8 + length + start:8 + length + end] = bytes(end - start)
    path.chmod(0o644)
    path.write_bytes(data)


def make_pages(ingot, folder):
    """The pages of the demo net: an evaluation with and without a comparison, with hostile texts, and inspections."""
    shelf = ["--shelf", folder / "shelf"]
    net = ["--set", "Release=demo"]
    run(ingot, "convert", "weights/demo", *shelf)
    run(ingot, "quantize", *net, *shelf)
    write_blind_checkpoint(folder / "blind")
    run(ingot, "convert", folder / "blind", "--set", "Release=blind", *shelf)
    write_hostile_net(folder / "hostile.safetensors")
    lines = [json.loads(line) for line in open(ROOT / "weights/demo/questions.jsonl")]
    pictures = folder / "pictures"
    pictures.mkdir()
    for index, line in enumerate(lines):
        source = ROOT / "weights/demo" / line["image"]
        # A slash can't be in a name; all else can.
        name = source.name if index % 2 else HOSTILE.replace("/", "|")[:60] + source.name
        shutil.copy(source, pictures / name)
        line["image"] = str(pictures / name)
    usual, hostile = folder / "usual.jsonl", folder / "hostile.jsonl"
    usual.write_text("".join(json.dumps(line) + "\n" for line in lines))
    hostile.write_text("".join(
        json.dumps({**line, "question": f"{line['question']} {HOSTILE[:28]}", "answer": HOSTILE}) + "\n"
        for line in lines))
    write_vectors(folder / "vectors.safetensors", sorted(pictures.iterdir()), 1200)
    compare = ["--set", "Precision=int8", "--against", "Precision=float32"]
    blind = ["--set", "Release=blind", "--against", "Release=demo"]
    pages = {
        "evaluation": ["evaluate", *net, *compare, "--questions", usual, *shelf],
        "evaluation-alone": ["evaluate", *net, "--questions", usual, *shelf],
        "evaluation-flipped": ["evaluate", *blind, "--questions", usual, *shelf],
        "evaluation-hostile": ["evaluate", *blind, "--questions", hostile, *shelf],
        "attention": ["attention", ROOT / "weights/demo/pictures/red-circle-0004.png", "what is the color of the circle?",
                      *net, *shelf],
        "attention-class": ["attention", ROOT / "weights/demo/pictures/red-circle-0004.png", *net, *shelf],
        "attention-hostile": ["attention", pictures / lines[0]["image"], HOSTILE[:40], *net, *shelf],
        "features": ["features", ROOT / "weights/demo/pictures", "--class-part", "2", *net, *shelf],
        "features-hostile": ["features", pictures, *net, *shelf],
        "features-many": ["features", folder / "vectors.safetensors"],
        "features-few": ["features", ROOT / "weights/demo/pictures/red-circle-0004.png", *net, *shelf],
        "inspection": ["inspect", *net, "--set", "Part=TextDecoder", *shelf],
        "inspection-int8": ["inspect", *net, "--set", "Part=TextDecoder", "--set", "Precision=int8", *shelf],
        "inspection-checkpoint": ["inspect", "weights/demo", "--layers"],
        "inspection-types": ["inspect", "Tests/NetFileTests/Fixtures/every-type.safetensors"],
        "inspection-blind": ["inspect", "--set", "Release=blind", "--set", "Part=ImageEncoder", *shelf],
        "inspection-hostile": ["inspect", folder / "hostile.safetensors"],
        "inspection-none": ["inspect", "--set", "Release=vqa-base", "--set", "Part=TextEncoder", *shelf],
    }
    out = []
    for name, arguments in pages.items():
        path = folder / f"{name}.html"
        run(ingot, *arguments, "--html" if arguments[0] in ("evaluate", "inspect") else "--output", path)
        out.append(path)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ingot", nargs="?")
    parser.add_argument("--pages", nargs="*", type=pathlib.Path, help="pages that are there already")
    parser.add_argument("--screenshots", type=pathlib.Path, help="a folder for screenshots, and for each page as PDF")
    options = parser.parse_args()
    if not options.ingot and not options.pages:
        parser.error("give the command or --pages")
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        pages = options.pages or make_pages(str(pathlib.Path(options.ingot).resolve()), folder)
        browser = Browser(folder / "profile")
        for page in pages:
            failures = []
            if page.stat().st_size > MOST_BYTES:
                failures.append(f"has {page.stat().st_size} bytes")
            slowest = 0
            for width, height in SIZES:
                for scheme in ("light", "dark"):
                    slowest = max(slowest, browser.open(page, width, height, scheme))
                    found = browser.value(LAYOUT)
                    if options.screenshots:
                        options.screenshots.mkdir(parents=True, exist_ok=True)
                        browser.screenshot(options.screenshots / f"{page.stem}-{width}-{scheme}.png")
                    found += browser.value(INTERACTIONS) + browser.value(LAYOUT)
                    if options.screenshots and scheme == "light":
                        browser.screenshot(options.screenshots / f"{page.stem}-{width}-used.png")
                    failures += [f"{width} {scheme}: {text}" for text in found + browser.complaints(page)]
            if options.screenshots:
                browser.open(page, 1280, 900, "light")
                browser.print(options.screenshots / f"{page.stem}.pdf")
            for text in dict.fromkeys(failures):
                print(f"FAILED: {page.name}: {text}")
            failed += bool(failures)
            print(f"{page.name}: {page.stat().st_size:,} bytes, opens in {slowest:.2f} s, "
                  f"{'FAILED' if failures else 'no complaint'}")
        browser.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
