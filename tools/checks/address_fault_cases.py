"""The faults of check_hub.py: rules for the hub for tests (tools/hub/README.md), and what the command makes of them.

In errors, {hub}, {content} and {file} are addresses; … is any text, which is libcurl's or the network's own.
"""

from hub_command import BAD_DATA, NO_INPUT, UNAVAILABLE

SIZE, PIECE = 24_000_000, 4 << 20
API = {"port": "hub", "path": "/api/models/*"}
CONTENT = {"port": "content", "path": "samples/medium/*"}
RESOLVE = {"port": "hub", "path": "/samples/medium/resolve/*"}
LIST = "{hub}/api/models/samples/medium/revision/main"
FILE = "hf://samples/medium/model.bin"
AGAIN = "try again; if it stays so, the server, or a proxy before it, is at fault"
LATER = "the server, or a proxy before it, is at fault: try again later"
SPELLING = "check the spelling"
PULL = ("pull", "hf://samples/medium", "--include", "model.bin")
WHOLE = "fetch the whole file by another program, and name it here"
SHORT = ("--timeout", "2")


def status(number, where=API, **values):
    return where | {"fault": "status", "status": number} | values


# What passes when it is asked again: a rule, the most bytes of the file that are asked for a second time, and the
# seconds that must pass before the second request of that port.
REPAIRED = [
    (status(429, times=1, retry_after=2), 0, 2),
    (status(429, times=1, retry_after_date=3), 0, 1.5),
    (status(429, CONTENT, times=1, retry_after=2), PIECE, 0),
    *[(status(number, times=2), 0, 0) for number in (429, 500, 502, 503, 504)],
    *[(status(number, CONTENT, times=2), 2 * PIECE, 0) for number in (429, 500, 502, 503, 504)],
    *[(where | {"fault": fault, "at": at, "times": 2}, 2 * PIECE, 0)
      for fault in ("close", "reset")
      for where, at in ((API, "start"), (API, "headers"), (API, 100), (RESOLVE, "start"), (CONTENT, "start"),
                        (CONTENT, "headers"), (CONTENT, 100_000))],
    (CONTENT | {"fault": "stall", "seconds": 60, "at": 100_000, "times": 1}, PIECE, 0),
    (API | {"fault": "stall", "seconds": 60, "times": 1}, 0, 0),
    (CONTENT | {"fault": "length", "by": 1000, "times": 1}, PIECE, 0),
    (CONTENT | {"fault": "length", "none": True}, 0, 0),
    (CONTENT | {"fault": "chunked"}, 0, 0),
    (API | {"fault": "chunked"}, 0, 0),
    (CONTENT | {"fault": "redirect", "to": "{third}{target}"}, 0, 0),
    (CONTENT | {"fault": "headers", "bytes": 50_000, "lines": 10}, 0, 0),
    (CONTENT | {"fault": "latency", "ms": 20}, 0, 0),
]  # fmt: skip

# What nothing helps against: rules, the command, its exit status, error and hint.
REFUSED = [
    ("no such repository", [], ("inspect", "hf://samples/none"), UNAVAILABLE,
     "hf://samples/none: there is no such repository, or it is private: Invalid username or password.",
     "check the spelling; where it is private, set HF_TOKEN"),
    ("a private one", [], ("pull", "hf://samples/private"), UNAVAILABLE,
     "hf://samples/private: there is no such repository, or it is private: Invalid username or password.",
     "check the spelling; where it is private, set HF_TOKEN"),
    ("a gated one", [], ("pull", "hf://samples/gated"), UNAVAILABLE,
     "…: is given only to those who accepted its conditions: Access to model samples/gated is restricted. "
     "You must have access to it and be authenticated to access it. Please log in.",
     "open {hub}/samples/gated in a browser, accept the conditions there, then set HF_TOKEN"),
    ("a disabled one", [], ("inspect", "hf://samples/disabled"), UNAVAILABLE,
     "hf://samples/disabled: may not be read by whoever asks (status 403): Access to this resource is disabled.", "…"),
    ("no such revision", [], ("inspect", "hf://samples/both@none"), NO_INPUT,
     "hf://samples/both@none: has no such revision: Invalid rev id: none",
     "name a branch, a tag or a commit, or leave it out for main"),
    ("no such file", [], ("inspect", "hf://samples/both/none.bin"), NO_INPUT,
     "hf://samples/both/none.bin: there is no such file in the repository",
     "it has README.md, config.json, model.safetensors, pytorch_model.bin, tokenizer_config.json, vocab.txt"),
    ("no file like it", [], ("pull", "hf://samples/both", "--include", "none*"), NO_INPUT,
     "hf://samples/both: has no file like none*",
     "it has README.md, config.json, model.safetensors, pytorch_model.bin, tokenizer_config.json, vocab.txt"),
    ("401", [status(401)], PULL, UNAVAILABLE,
     "hf://samples/medium: there is no such repository, or it is private",
     "check the spelling; where it is private, set HF_TOKEN"),
    ("404", [status(404, code="RepoNotFound", message="Repository not found")], PULL, NO_INPUT,
     "hf://samples/medium: there is no such repository: Repository not found", SPELLING),
    ("a message for terminals", [status(404, code="RepoNotFound", message="a\x1b[2Jb\x9b2J")], PULL, NO_INPUT,
     "hf://samples/medium: there is no such repository: a…", SPELLING),
    # The hub knows the file: it is the content network that doesn't give it.
    *[(f"{number} of the content network", [status(number, CONTENT)], PULL, UNAVAILABLE,
       "…: may not be read by whoever asks (status %d)" % number, "try again later") for number in (401, 403)],
    ("429", [status(429, retry_after=1000)], PULL, UNAVAILABLE,
     "hf://samples/medium: the server takes no more requests for now (it says to wait: 1000)",
     "try again later; who sets HF_TOKEN may ask more often"),
    ("503", [status(503)], PULL, UNAVAILABLE,
     "hf://samples/medium: the server fails (status 503)", "try again later"),
    ("503 of the content network", [status(503, CONTENT)], PULL, UNAVAILABLE,
     FILE + ": the server fails (status 503)", "try again later"),
    ("416", [status(416, CONTENT)], PULL, UNAVAILABLE,
     FILE + ": became shorter while it was being read", "run the command again"),
    ("cut before an answer", [API | {"fault": "close"}], PULL, UNAVAILABLE,
     LIST + ": the connection was cut: …", "try again"),
    ("cut within a body", [CONTENT | {"fault": "close", "at": 1000}], PULL, UNAVAILABLE,
     "{content}…: the connection was cut: …", "try again"),
    ("reset", [CONTENT | {"fault": "reset", "at": 1000}], PULL, UNAVAILABLE,
     "{content}…: the connection was cut: …", "try again"),
    ("ranges ignored", [CONTENT | {"fault": "ignore_range"}], PULL, UNAVAILABLE,
     "{content}…: doesn't give parts of files: its server ignores ranges", WHOLE),
    *[(f"Content-Range {values}", [CONTENT | {"fault": "content_range"} | values], PULL, UNAVAILABLE,
       FILE + ": gives other bytes than the … that were asked for", LATER)
      for values in ({"by": 5}, {"value": "bytes nonsense"}, {"total": 77})],
    ("Content-Range of a larger file", [CONTENT | {"fault": "content_range", "total": SIZE + 1}], PULL, UNAVAILABLE,
     FILE + ": changed while it was being read", "run the command again"),
    *[(f"a size that changes by {by}", [where | {"fault": "changed", "by": by, "skip": skip}], PULL, UNAVAILABLE,
       FILE + ": changed while it was being read", "run the command again")
      for where, by, skip in ((CONTENT, 1000, 2), (CONTENT, -1000, 2), (RESOLVE, 1000, 0))],
    ("a shorter body", [CONTENT | {"fault": "length", "by": -1000}], PULL, UNAVAILABLE,
     FILE + ": gives other bytes than the … that were asked for", LATER),
    ("endless redirects", [CONTENT | {"fault": "redirect"}], PULL, UNAVAILABLE,
     "{content}…: leads on and on: more than 10 redirects", AGAIN),
    ("a redirect to a file", [CONTENT | {"fault": "redirect", "to": "file:///etc/passwd"}], PULL, UNAVAILABLE,
     "{content}…: leads to what is no address: file:///etc/passwd", AGAIN),
    ("a redirect to another protocol", [API | {"fault": "redirect", "to": "gopher://x/"}], PULL, UNAVAILABLE,
     LIST + ": leads to what is no address: gopher://x/", AGAIN),
    ("stalls", [CONTENT | {"fault": "stall", "seconds": 60, "at": 1000}], PULL + SHORT, UNAVAILABLE,
     "{content}…: gave less than a kilobyte a second for 2 seconds", "try again, or be more patient by --timeout"),
    ("a trickle", [CONTENT | {"fault": "rate", "bytes_per_second": 100}], PULL + SHORT, UNAVAILABLE,
     "{content}…: gave less than a kilobyte a second for 2 seconds", "try again, or be more patient by --timeout"),
    *[(f"1 MB of headers in {lines} lines", [CONTENT | {"fault": "headers", "bytes": 1_000_000, "lines": lines}], PULL,
       UNAVAILABLE, "{content}…: its headers are longer than 262144 bytes", AGAIN) for lines in (1000, 10)],
    ("1 MB in one header", [CONTENT | {"fault": "headers", "bytes": 1_000_000, "lines": 1}], PULL, UNAVAILABLE,
     "{content}…: …header…", AGAIN),
    ("a body that is packed", [CONTENT | {"fault": "gzip"}], PULL, UNAVAILABLE,
     "{content}…: packs its answer (gzip), which it was asked not to", AGAIN),
    ("a list that is packed", [API | {"fault": "gzip"}], PULL, UNAVAILABLE,
     LIST + ": packs its answer (gzip), which it was asked not to", AGAIN),
    ("a byte that is always wrong", [CONTENT | {"fault": "flip", "offset": 10_000_000}], PULL, BAD_DATA,
     FILE + ": is not what the hub says that it is: its SHA-256 is another",
     "don't use it; try again later, and tell the repository's owner if it stays so"),
    *[(f"{body[:20]} for a list", [status(200, body=body)], PULL, UNAVAILABLE,
       f"{LIST}: gives no list of files: {why}", AGAIN)
      for body, why in (("{nonsense", "a key in quotes expected in an object"), ("{}", 'has no member "sha"'),
                        ("<html>", "'<' where a JSON value is needed"), ("", "…"),
                        ('{"siblings":' + "[" * 100_000, "nested more than 64 deep"),
                        ('{"sha": "../../x", "siblings": []}', '"../../x" is no commit'),
                        ('{"sha": "%s", "siblings": [{"rfilename": "a", "size": -1}]}' % ("0" * 40),
                         '"a" has no size'))],
    ("a name that no text can hold", [], ("inspect", "hf://samples/hostile"), UNAVAILABLE,
     "{hub}/api/models/samples/hostile/revision/main: gives no list of files: half of a surrogate pair", AGAIN),
]  # fmt: skip

# By the environment: no hub is there, or none may be asked.
ELSEWHERE = [
    ("offline", {"HF_HUB_OFFLINE": "1"}, LIST + ": is not asked: $HF_HUB_OFFLINE says that no address may be",
     "unset HF_HUB_OFFLINE, or name files that are here"),
    ("a closed port", {"HF_ENDPOINT": "http://127.0.0.1:1"},
     "http://127.0.0.1:1/api/models/samples/medium/revision/main: can't be reached: …",
     "check the address, the network, and $https_proxy where one is needed"),
    ("an unknown host", {"HF_ENDPOINT": "http://host.invalid"},
     "http://host.invalid/api/models/samples/medium/revision/main: can't be reached: …host.invalid…",
     "check the address, the network, and $https_proxy where one is needed"),
]  # fmt: skip
