"""Net files that a reader must refuse, and some that it must take, for check_formats.py: each is a golden file with a
change, whose header's digest is right."""

import hashlib
import json
import struct

#: Instead of a value: takes away what is there.
REMOVE = object()


def put(value, path, new):
    """Puts a new value at a path into a JSON value, or takes away what is there."""
    for key in path[:-1]:
        value = value[key]
    if new is REMOVE:
        del value[path[-1]]
    else:
        value[path[-1]] = new


def read_header(path):
    """The header of a net file, taken from it without any check."""
    data = path.read_bytes()
    return json.loads(data[64:64 + struct.unpack_from("<Q", data, 16)[0]])


def rewritten(data, change=None, text=None, prologue=None, tail=b""):
    """A net file with another header, of the same length if possible, and right digests."""
    length = struct.unpack_from("<Q", data, 16)[0]
    header = json.loads(data[64:64 + length])
    if change:
        change(header)
    out = (text or (lambda text: text))(json.dumps(header, separators=(",", ":"), ensure_ascii=False)).encode()
    out = out.ljust(length) if len(out) <= length else out
    body = data[64 + length:] + tail
    start = struct.pack("<8sHHIQQ", b"\x89INGOT\r\n", *(prologue or (1, 0, 0)), len(out), 64 + len(out) + len(body))
    return start + hashlib.sha256(start + out).digest() + out + body


def wrong_files(plain, compressed):
    """Files against the rules, though their header's digest is right; and, first, some that are not. Made of the golden files."""
    data, frames = plain.read_bytes(), compressed.read_bytes()

    def setting(*change):
        return lambda header: put(header, change[:-1], change[-1])

    golden = read_header(plain)
    arrays = [array["name"] for array in golden["arrays"]]
    quantized, scales = arrays.index("quantized.weight"), arrays.index("quantized.weight.scales")
    yield True, "unchanged", rewritten(data)
    yield True, "minor version 7", rewritten(data, prologue=(1, 7, 0))
    shorter = setting("tokenizer", REMOVE)  # which makes room for changes to the text
    tokenizer = golden["tokenizer"] | {"vocabulary": [], "new": [None]}
    yield True, "a new member", rewritten(data, setting("tokenizer", tokenizer))
    yield True, "white space around the header", rewritten(data, shorter, text=lambda text: f" \n{text}\t")
    for prologue in [(0, 0, 0), (3, 0, 0), (1, 0, 1)]:
        yield False, f"major and minor version and reserved bytes {prologue}", rewritten(data, prologue=prologue)
    yield False, "a tail", rewritten(data, tail=b"\0")
    yield False, "no JSON", rewritten(data, text=lambda text: text[:-1])
    yield False, "two values", rewritten(data, shorter, text=lambda text: text + "{}")
    yield False, "a key twice", rewritten(data, shorter, text=lambda text: '{"format":"ingot",' + text[1:])
    for change in [
        ["format", "other"], ["initialized", False], ["arrays", REMOVE], ["provenance", REMOVE],
        ["ties", [{"name": "a"}]], ["ties", [{"name": "a", "same": "b"}]],
        ["ties", [{"name": arrays[0], "same": arrays[1]}]], ["arrays", 2, "name", arrays[0]],
        ["arrays", 0, "name", "a\tb"], ["arrays", 0, "name", ""], ["arrays", 0, "name", "a" * 4097],
        ["arrays", 0, "elementType", "float128"], ["arrays", 0, "elementType", "int32"],
        ["arrays", 0, "shape", [15, 2]], ["arrays", 0, "shape", [-3, -5]], ["arrays", 0, "shape", [1] * 7 + [3, 5]],
        ["arrays", 0, "shape", [3.0, 5]], ["arrays", 0, "shape", [1 << 62, 8]], ["arrays", 0, "shape", "3"],
        ["arrays", 0, "offset", 0], ["arrays", 0, "offset", 1 << 62], ["arrays", 0, "bytes", 64],
        ["arrays", 0, "bytes", -1], ["arrays", 0, "bytes", 120.0], ["arrays", 0, "sha256", "0" * 63],
        ["arrays", 0, "encoding", "plain"], ["arrays", 0, "encoding", "zstd-planes"],
        ["arrays", quantized, "scales", "values.float32"], ["arrays", quantized, "scales", "none"],
        ["arrays", scales, "scales", "quantized.weight.scales"],
    ]:
        yield False, f"header: {change[:-1]} set", rewritten(data, setting(*change))
    axis = ["arrays", quantized, "scaleAxis"]
    yield False, "a scale axis in version 1", rewritten(data, setting(*axis, 1))
    for value in [0, 1, 3, 1.0, "1"]:  # none of which the scales are of
        yield False, f"a scale axis {value!r}", rewritten(data, setting(*axis, value), prologue=(2, 0, 0))
    yield False, "arrays in another order", rewritten(data, lambda header: header["arrays"].reverse())
    yield False, "the last array left out", rewritten(data, lambda header: header["arrays"].pop())

    # Stored frames that are right by their own digest but hold other data, too little, or too much.
    stored = read_header(compressed)["arrays"]
    last, other = len(stored) - 1, arrays.index("values.float64")
    yield True, "compressed, unchanged", rewritten(frames)
    yield False, "unpacked digest", rewritten(frames, setting("arrays", 0, "sha256", "0" * 64))
    yield False, "stored digest", rewritten(frames, setting("arrays", 0, "storedSHA256", "0" * 64))
    yield False, "stored size missing", rewritten(frames, setting("arrays", 0, "storedBytes", REMOVE))
    entry = stored[last]
    for what, replaced in {
        "a frame cut short": frames[entry["offset"]:-1],
        "a frame too few": frames[entry["offset"]:frames.rindex(b"\x28\xb5\x2f\xfd")],
        "no frame": bytes(entry["storedBytes"]),
        "bytes after the frames": frames[entry["offset"]:] + b"\0",
        "a frame of another size": frames[stored[other]["offset"]:][:stored[other]["storedBytes"]],
    }.items():
        def change(header, replaced=replaced):
            header["arrays"][last] |= {
                "storedBytes": len(replaced), "storedSHA256": hashlib.sha256(replaced).hexdigest()}
        yield False, what, rewritten(frames[:entry["offset"]] + replaced, change)
