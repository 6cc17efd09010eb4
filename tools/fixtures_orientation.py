#!/usr/bin/env python3
"""Makes pictures that were taken with the camera turned, and what Pillow's ImageOps.exif_transpose makes of them.

    python3 tools/fixtures_orientation.py [--root DIR]

Needs Pillow 13.0.0. Below DIR, which is the repository unless given, Tests/MediaTests/Fixtures/orientation:
pictures of 5 × 3 pixels, and expected.json: {name: {"stored": [width, height, RGB in hexadecimal], "upright": the same}}.
"""

import argparse
import io
import json
import pathlib
import shutil
import struct
import zlib

from PIL import Image, ImageOps, PngImagePlugin

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = "Tests/MediaTests/Fixtures/orientation"

PICTURE = Image.frombytes("RGB", (5, 3), bytes((17 * i * i + 5 * i) % 256 for i in range(45)))


def saved(kind, **options):
    out = io.BytesIO()
    PICTURE.save(out, kind, **options)
    return out.getvalue()


def exif(number, order="<", kind=3, count=1, before=(), after=(), far=False):
    """EXIF with one directory; the value of `kind` 3 is a SHORT."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    sizes = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q"}
    value = struct.pack(order + ("II" if kind == 5 else sizes[kind]), *((number * 2, 2) if kind == 5 else (number,))) * count
    entries = [*before, (0x112, kind, count, value), *after]
    place = 8 + 2 + 12 * len(entries) + 4
    body, rest = struct.pack(order + "H", len(entries)), b""
    for tag, kind, count, value in entries:
        body += struct.pack(order + "HHI", tag, kind, count)
        if len(value) > 4 or far:
            body += struct.pack(order + "I", place + len(rest))
            rest += value
        else:
            body += value.ljust(4, b"\0")
    return head + struct.pack(order + "I", 8) + body + bytes(4) + rest


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def in_png(*chunks, behind=False):
    data = saved("PNG")
    place = data.index(b"IEND") - 4 if behind else data.index(b"IDAT") - 4
    return data[:place] + b"".join(chunks) + data[place:]


def in_jpeg(*segments):
    data = saved("JPEG", quality=95)
    return data[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(s) + 2) + s for s in segments) + data[2:]


def xmp(number, attribute=True):
    inner = f'tiff:Orientation="{number}"' if attribute else f"><tiff:Orientation>{number}</tiff:Orientation"
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {inner}/></x:xmpmeta>'.encode()


def raw_profile(data):
    text = data.hex()
    wrapped = "\n".join(text[i:i + 72] for i in range(0, len(text), 72))
    return f"\nexif\n{len(data):8}\n{wrapped}\n".encode()


def files():
    for number in range(10):
        note = exif(number)
        yield f"jpeg-{number}.jpg", in_jpeg(b"Exif\0\0" + note)
        yield f"png-{number}.png", in_png(chunk(b"eXIf", note))
        yield f"webp-{number}.webp", saved("WEBP", lossless=True, exif=note)
        yield f"tiff-{number}.tif", saved("TIFF", tiffinfo={0x112: number})
    yield "big.jpg", in_jpeg(b"Exif\0\0" + exif(6, ">"))
    yield "long.jpg", in_jpeg(b"Exif\0\0" + exif(8, ">", 4))
    yield "byte.jpg", in_jpeg(b"Exif\0\0" + exif(6, kind=1))
    yield "undefined.jpg", in_jpeg(b"Exif\0\0" + exif(6, kind=7))
    yield "signed.jpg", in_jpeg(b"Exif\0\0" + exif(3, kind=9))
    yield "negative.jpg", in_jpeg(b"Exif\0\0" + exif(-6, kind=8))
    yield "rational.jpg", in_jpeg(b"Exif\0\0" + exif(6, kind=5))
    yield "float.jpg", in_jpeg(b"Exif\0\0" + exif(8.0, ">", kind=11))
    yield "double.jpg", in_jpeg(b"Exif\0\0" + exif(5.0, kind=12))
    yield "half.jpg", in_jpeg(b"Exif\0\0" + exif(5.5, kind=12))
    yield "directory.jpg", in_jpeg(b"Exif\0\0" + exif(7, kind=13))
    yield "long8.jpg", in_jpeg(b"Exif\0\0" + exif(6, kind=16))
    yield "text-then-number.jpg", in_jpeg(b"Exif\0\0" + exif(6, before=[(0x112, 2, 2, b"3\0")]))
    yield "unknown-then-number.jpg", in_jpeg(b"Exif\0\0" + exif(6, before=[(0x112, 99, 1, b"\3\0")]))
    yield "bytes-and-xmp.jpg", in_jpeg(b"Exif\0\0" + exif(6, kind=7), b"http://ns.adobe.com/xap/1.0/\0" + xmp(6))
    yield "far.jpg", in_jpeg(b"Exif\0\0" + exif(6, count=3)[:-2])
    yield "two.jpg", in_jpeg(b"Exif\0\0" + exif(5, count=2))
    yield "many.jpg", in_jpeg(b"Exif\0\0" + exif(7, ">", count=5))
    make = (0x10f, 2, 12, b"A camera's m")
    yield "others.jpg", in_jpeg(b"Exif\0\0" + exif(6, ">", before=[(0x10e, 2, 4, b"abc\0"), make], after=[(0x131, 2, 2, b"x\0")]))
    yield "twice.jpg", in_jpeg(b"Exif\0\0" + exif(6, before=[(0x112, 3, 1, b"\3\0")]))
    yield "in-two.jpg", in_jpeg(b"Exif\0\0" + exif(6)[:20], b"Exif\0\0" + exif(6)[20:])
    yield "doubled.jpg", in_jpeg(b"Exif\0\0Exif\0\0" + exif(6))
    yield "xmp.jpg", in_jpeg(b"http://ns.adobe.com/xap/1.0/\0" + xmp(6))
    yield "xmp-element.jpg", in_jpeg(b"http://ns.adobe.com/xap/1.0/\0" + xmp(8, False))
    yield "both.jpg", in_jpeg(b"Exif\0\0" + exif(3), b"http://ns.adobe.com/xap/1.0/\0" + xmp(6))
    yield "xmp-first.jpg", in_jpeg(b"http://ns.adobe.com/xap/1.0/\0" + xmp(6), b"Exif\0\0" + exif(1))
    yield "behind.png", in_png(chunk(b"eXIf", exif(6)), behind=True)
    itxt = b"XML:com.adobe.xmp\0%b\0\0\0%b"
    yield "xmp.png", in_png(chunk(b"iTXt", itxt % (b"\0", xmp(6))))
    yield "xmp-packed.png", in_png(chunk(b"iTXt", itxt % (b"\1", zlib.compress(xmp(5)))))
    yield "raw.png", in_png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile(b"Exif\0\0" + exif(6)))))
    yield "raw-plain.png", in_png(chunk(b"tEXt", b"Raw profile type exif\0" + raw_profile(exif(8, ">"))))
    yield "xmp.webp", saved("WEBP", lossless=True, xmp=xmp(7))
    yield "jpeg-marked.webp", saved("WEBP", lossless=True, exif=b"Exif\0\0" + exif(6))


def pixels(picture):
    picture = picture.convert("RGB")
    return [*picture.size, picture.tobytes().hex()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="folder to write below")
    folder = parser.parse_args().root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    expected = {}
    for name, data in files():
        try:
            with Image.open(io.BytesIO(data)) as picture:
                expected[name] = {"stored": pixels(picture), "upright": pixels(ImageOps.exif_transpose(picture))}
        except Exception as error:  # Pillow can't: nothing to compare with
            print(f"{name}: {error!r}")
            continue
        (folder / name).write_bytes(data)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="ascii")
    turned = sum(item["stored"] != item["upright"] for item in expected.values())
    print(f"{folder}: {len(expected)} pictures, {turned} of them turned")


if __name__ == "__main__":
    main()
