"""The server's page in a browser, as people use it: a real picture, questions, a caption, matches, a map, the nets.

Called by check_server.py where there is a chromium. At 390 and 1280 pixels, light and dark: nothing on the console, nothing wider than the
window, no request but to the server.
"""

import base64
import json
import pathlib
import tempfile
import time

from check_pages import Browser
from server_running import PICTURE, ROOT

PICTURES = sorted((ROOT / "weights/demo/pictures").glob("*.png"))[:6]


def wait_for(browser, expression, what, checks, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if browser.value(f"!!({expression})") is True:
            checks.check(True, what)
            return True
        time.sleep(0.1)
    checks.fail(f"page: {what}: {browser.value('document.body.innerText.slice(0, 600)')}")
    return False


def put_files(browser, selector, paths):
    node = browser.call("DOM.querySelector", nodeId=browser.call("DOM.getDocument")["root"]["nodeId"], selector=selector)
    browser.call("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(path) for path in paths])


def use(checks, browser, shots, name):
    """What a reader does, in their order."""
    def shoot(what):
        if shots:
            told = browser.call("Page.captureScreenshot", captureBeyondViewport=True)
            (shots / f"server-{name}-{what}.png").write_bytes(base64.b64decode(told["data"]))

    wait_for(browser, "document.querySelector('#ask-net').value", "the nets are there", checks)
    put_files(browser, "#file", [PICTURE])
    wait_for(browser, "!document.querySelector('#ask button').disabled", "a picture is taken", checks)
    browser.value("document.querySelector('#question').value = 'what shape is present?'")
    browser.value("document.querySelector('#ask').requestSubmit()")
    if wait_for(browser, "document.querySelectorAll('#answer .words button').length > 2", "an answer and its words", checks):
        checks.check(browser.value("document.querySelector('#answer .say').textContent") == "circle", "page: the answer")
        drawn = browser.value("(() => { const c = document.querySelector('#heat'); return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0) })()")
        checks.check(drawn is True, "page: what a word looks at is drawn")
    shoot("answer")
    browser.value("document.querySelector('#compare').click()")
    wait_for(browser, "document.querySelectorAll('#answer tbody tr').length == 2 && ![...document.querySelectorAll('#answer td')].some(c => c.textContent === '…' || c.className === 'n' && !c.textContent)", "int8 beside float", checks)
    browser.value("document.querySelector('#caption').requestSubmit()")
    wait_for(browser, "document.querySelectorAll('#captioned .words button').length > 2", "a caption and its words", checks)
    browser.value("document.querySelector('#match').requestSubmit()")
    wait_for(browser, "document.querySelectorAll('#matched tr').length == 2", "matches", checks)
    shoot("picture")
    # By the keyboard to the next tabs.
    for key, panel in (("ArrowRight", "map"), ("ArrowRight", "nets")):
        browser.value(f"document.querySelector('[role=tab][aria-selected=true]').dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")
        checks.check(browser.value(f"!document.getElementById('{panel}').hidden"), f"page: by the keyboard to {panel}")
        if panel == "map":
            put_files(browser, "#files", PICTURES)
            wait_for(browser, f"document.querySelectorAll('#plane img').length == {len(PICTURES)}", "a map", checks)
            shoot("map")
    wait_for(browser, "document.querySelectorAll('#tree div').length > 5", "arrays", checks)
    checks.check(browser.value("document.querySelectorAll('#list tbody tr').length") >= 6, "page: the list of nets")
    shoot("nets")


def check_page(checks, server, shots=None):
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(folder, "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
        browser.call("DOM.enable")
        for width, height in ((390, 844), (1280, 900)):
            for scheme in ("light", "dark"):
                name = f"{width}-{scheme}"
                browser.events.clear()
                browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
                browser.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": scheme}])
                browser.call("Page.navigate", url=server.address + "/")
                browser.wait("Page.loadEventFired")
                use(checks, browser, shots, name)
                checks.check(browser.value("document.documentElement.scrollWidth <= innerWidth"), f"page {name}: wider than the window")
                for event in browser.events:
                    told = json.dumps(event.get("params", {}))[:300]
                    if event.get("method") == "Network.requestWillBeSent":
                        url = event["params"]["request"]["url"]
                        checks.check(url.startswith((server.address + "/", "data:", "blob:")), f"page {name}: asks {url}")
                    elif event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded") or event.get("method") == "Runtime.consoleAPICalled":
                        checks.fail(f"page {name}: {told}")
        browser.close()
    checks.end_group("the page")
