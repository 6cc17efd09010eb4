#!/usr/bin/env python3
"""Makes the small image files that the tests read, and what must come of each.

    pip install pillow==13.0.0 numpy            (transformers and torch too, for --check: see below)
    python3 tools/fixtures_images.py [--root DIR] [--check]

Below DIR, which is the repository unless given, in Tests/MediaTests/Fixtures/images/:

    *.jpg, *.png, …     images that are read
    expected.json       {"pillow": version, "files": [{"file", "width", "height", "rgb_sha256", "resized_384_sha256",
                        "resized_480_sha256", "resized_224_bilinear_sha256", "pixel_values_384_sha256"}]}
    malformed/          files that are damaged, forged, or no images
    malformed.json      [{"file", "pillow_refuses"}]: all are refused here; Pillow reads some of them

The digests are those of what Pillow makes: of Image.open(file).convert("RGB"), of that resized to 384 x 384 and
480 x 480 with Image.BICUBIC, and of the pixel values of the first of these: 32-bit floats, little-endian, one channel
after the other. Pixel values are computed as transformers' BlipImageProcessorPil does with that RGB image:

    x = float32(float64(byte) * (1 / 255)); value = (x - float32(mean)) / float32(std), each step rounded to float32

--check compares them with those of the class itself. A second run with the same Pillow makes the same bytes.
"""

import argparse
import hashlib
import io
import json
import pathlib
import shutil
import struct
import warnings
import zlib

import numpy as np
import PIL
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

good = {}
malformed = {}


# ---- pictures ----


def picture(width, height, channels=3, seed=1):
    """Something like a photo: slopes, an edge, a texture, some noise."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for channel in range(channels):
        slope = x * (150 + 40 * channel) // max(width - 1, 1) + y * (90 - 20 * channel) // max(height - 1, 1)
        edge = np.where((x * 3 + y * 2) % 61 < 17, 70, 0)
        planes.append(slope + edge + (x * y * (channel + 1)) % 23)
    noise = np.random.RandomState(seed).randint(-12, 13, (height, width, channels))
    pixels = np.clip(np.stack(planes, -1) + noise, 0, 255).astype(np.uint8)
    return pixels[:, :, 0] if channels == 1 else pixels


def image(width, height, mode="RGB", seed=1):
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    return Image.frombytes(mode, (width, height), picture(width, height, channels, seed).tobytes())


def indexed(width, height, colors, seed=1):
    """Indices, as rows of numbers, and a palette of `colors` triples."""
    indices = picture(width, height, 1, seed).astype(int) * colors // 256
    return indices, np.random.RandomState(seed).randint(0, 256, (colors, 3))


def saved(picture, format, **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def packed(rows, bits):
    """Packs rows of numbers into bytes, the first number in the highest bits."""
    result = []
    for row in np.asarray(rows, dtype=np.int64).reshape(len(rows), -1):
        digits = (row[:, None] >> np.arange(bits - 1, -1, -1)) & 1
        result.append(np.packbits(digits.astype(np.uint8).ravel()).tobytes())
    return result


# ---- JPEG ----


def segments(jpeg):
    """Splits a JPEG into its marker segments, of which the last is all from the first scan on."""
    position, result = 2, [jpeg[:2]]
    while jpeg[position + 1] != 0xDA:
        end = position + 2 + struct.unpack(">H", jpeg[position + 2 : position + 4])[0]
        result.append(jpeg[position:end])
        position = end
    return result + [jpeg[position:]]


def resampled(jpeg, factors, width, height):
    """Gives a JPEG other sampling factors for its luminance, and another size, with as many blocks in all."""
    parts = segments(jpeg)
    for index, part in enumerate(parts):
        if part[:2] in (b"\xff\xc0", b"\xff\xc2"):
            part = bytearray(part)
            part[5:9] = struct.pack(">HH", height, width)
            part[11] = factors
            parts[index] = bytes(part)
    return b"".join(parts)


def adobe(jpeg, transform):
    """Changes what the Adobe segment says of the color space, or takes that segment out."""
    parts = segments(jpeg)
    index = next(index for index, part in enumerate(parts) if part[:2] == b"\xff\xee")
    parts[index] = b"" if transform is None else parts[index][:-1] + bytes([transform])
    return b"".join(parts)


def jpegs():
    good["grey.jpg"] = saved(image(61, 47, "L"), "JPEG", quality=80)
    good["grey_progressive.jpg"] = saved(image(47, 61, "L"), "JPEG", quality=70, progressive=True)
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        good[f"ycc_{name}.jpg"] = saved(image(101, 67), "JPEG", quality=85, subsampling=subsampling)
        good[f"progressive_{name}.jpg"] = saved(
            image(67, 101, seed=2), "JPEG", quality=75, subsampling=subsampling, progressive=True
        )
    good["ycc_440.jpg"] = resampled(saved(image(128, 32), "JPEG", subsampling=1), 0x12, 64 - 3, 64 - 5)
    good["ycc_411.jpg"] = resampled(saved(image(64, 64), "JPEG", subsampling=2), 0x41, 128 - 9, 32 - 3)
    good["rgb.jpg"] = saved(image(40, 30), "JPEG", quality=90, keep_rgb=True)
    cmyk = saved(image(45, 33, "CMYK"), "JPEG", quality=85)
    good["cmyk.jpg"] = cmyk
    good["ycck.jpg"] = adobe(cmyk, 2)
    good["cmyk_unmarked.jpg"] = adobe(cmyk, None)
    good["cmyk_progressive.jpg"] = saved(image(33, 45, "CMYK"), "JPEG", quality=60, progressive=True)
    good["restarts.jpg"] = saved(image(90, 60), "JPEG", restart_marker_blocks=3)
    exif = Image.Exif()
    exif[0x0112] = 6
    good["exif_rotated.jpg"] = saved(image(70, 40), "JPEG", exif=exif)
    good["one_pixel.jpg"] = saved(image(1, 1), "JPEG")
    good["tall.jpg"] = saved(image(9, 200), "JPEG", quality=50)
    good["wide.jpg"] = saved(image(200, 7), "JPEG", quality=95)
    good["portrait.jpg"] = saved(image(120, 160, seed=7), "JPEG", quality=60)
    plain = good["ycc_420.jpg"]
    good["trailing_bytes.jpg"] = plain + b"more than an image" * 3
    malformed["jpeg_header_only.jpg"] = plain[:100]
    malformed["jpeg_half.jpg"] = plain[: len(plain) // 2]
    malformed["jpeg_progressive_half.jpg"] = good["progressive_420.jpg"][: len(good["progressive_420.jpg"]) // 2]
    malformed["jpeg_no_end_marker.jpg"] = plain[:-2]
    malformed["jpeg_marker_only.jpg"] = b"\xff\xd8\xff"
    sof = plain.index(b"\xff\xc0")
    malformed["jpeg_bomb.jpg"] = plain[: sof + 5] + struct.pack(">HH", 30000, 30000) + plain[sof + 9 :]
    malformed["jpeg_zero_height.jpg"] = plain[: sof + 5] + struct.pack(">HH", 0, 100) + plain[sof + 9 :]
    malformed["jpeg_12_bits.jpg"] = plain[: sof + 4] + b"\x0c" + plain[sof + 5 :]


# ---- PNG ----


def chunk(name, data, checksum=None):
    checksum = zlib.crc32(name + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def filtered(rows, step):
    """Filters rows of bytes, by all five filters in turn."""
    result, above = bytearray(), bytes(len(rows[0]) if rows else 0)
    for index, row in enumerate(rows):
        kind = index % 5
        result.append(kind)
        for position, byte in enumerate(row):
            left = row[position - step] if position >= step else 0
            corner = above[position - step] if position >= step else 0
            guess = left + above[position] - corner
            near = min((left, above[position], corner), key=lambda value: abs(guess - value))
            result.append((byte - (0, left, above[position], (left + above[position]) // 2, near)[kind]) & 255)
        above = row
    return bytes(result)


PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(samples, depth, color, before=(), after=(), interlaced=False, split=0, size=None, data=None):
    """A PNG of samples (rows, columns, channels)."""
    samples = np.asarray(samples)
    samples = samples.reshape(*samples.shape[:2], -1)
    height, width, channels = samples.shape
    step = max(1, depth * channels // 8)
    raw = b""
    for x, y, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        part = samples[y::down, x::across]
        if part.size:
            raw += filtered(packed(part.reshape(len(part), -1), depth), step)
    data = zlib.compress(raw, 9) if data is None else data
    pieces = [data[at : at + split] for at in range(0, len(data), split)] if split else [data]
    width, height = size or (width, height)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *before]
        + [chunk(b"IDAT", piece) for piece in pieces]
        + [*after, chunk(b"IEND", b"")]
    )


def frame(sequence, width, height, x=0, y=0):
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, width, height, x, y, 1, 10, 0, 0))


def pngs():
    for depth in (1, 2, 4):
        rows, palette = indexed(37, 29, 1 << depth)
        good[f"grey{depth}.png"] = png(rows, depth, 0)
        good[f"grey{depth}_interlaced.png"] = png(rows[:, :35], depth, 0, interlaced=True)
        colors = chunk(b"PLTE", palette.astype(np.uint8).tobytes())
        good[f"palette{depth}.png"] = png(rows, depth, 3, [colors])
        good[f"palette{depth}_interlaced.png"] = png(rows[:, :31], depth, 3, [colors], interlaced=True)
    grey = picture(53, 71, 1)
    wide = (picture(31, 43, 1).astype(int) * 5) % 700
    deep = picture(43, 31, 4).astype(int) * 257 + 93
    deep = deep % 65536
    good["grey8.png"] = png(grey, 8, 0)
    good["grey8_transparent.png"] = png(grey, 8, 0, [chunk(b"tRNS", b"\0\x50")])
    good["grey16.png"] = png(wide, 16, 0)
    good["grey16_interlaced.png"] = png(wide, 16, 0, interlaced=True)
    good["grey16_dark.png"] = png(wide // 3, 16, 0)
    good["grey_alpha8.png"] = png(picture(30, 50, 2), 8, 4)
    good["grey_alpha16.png"] = png(deep[:, :, :2], 16, 4)
    good["rgb8.png"] = png(picture(60, 40), 8, 2, split=500)
    good["rgb8_interlaced.png"] = png(picture(45, 39), 8, 2, interlaced=True, split=333)
    good["rgb8_transparent.png"] = png(picture(20, 22), 8, 2, [chunk(b"tRNS", b"\0\1\0\2\0\3")])
    good["rgb16.png"] = png(deep[:, :, :3], 16, 2)
    good["rgb16_interlaced.png"] = png(deep[:20, :21, :3], 16, 2, interlaced=True)
    good["rgba8.png"] = png(picture(40, 33, 4), 8, 6)
    good["rgba8_interlaced.png"] = png(picture(27, 33, 4), 8, 6, interlaced=True)
    good["rgba16.png"] = png(deep[:24, :25], 16, 6)
    rows, palette = indexed(50, 38, 200)
    colors = chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    good["palette8.png"] = png(rows, 8, 3, [colors])
    good["palette8_transparent.png"] = png(rows, 8, 3, [colors, chunk(b"tRNS", bytes(range(0, 200)))])
    good["palette8_one_transparent.png"] = png(rows, 8, 3, [colors, chunk(b"tRNS", b"\xff\xff\0\xff")])
    good["palette_too_short.png"] = png(rows, 8, 3, [chunk(b"PLTE", palette[:90].astype(np.uint8).tobytes())])
    good["one_pixel.png"] = png([[[9, 200, 77]]], 8, 2)
    good["one_pixel_interlaced.png"] = png([[[9, 200, 77]]], 8, 2, interlaced=True)
    good["column.png"] = png(picture(1, 150), 8, 2)
    good["row.png"] = png(picture(150, 1), 8, 2)
    good["tall.png"] = png(picture(30, 140, seed=5), 8, 2)
    good["size384.png"] = png((np.mgrid[0:384, 0:384].sum(0) // 8 * 8)[:, :, None] % 256 * np.ones(3, int), 8, 2)
    good["width384.png"] = png(np.mgrid[0:3, 0:384][1][:, :, None] % 256 * np.ones(3, int), 8, 2)
    orientation = b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\x06\0\0\0\0\0\0"
    info = [chunk(b"gAMA", struct.pack(">I", 99999)), chunk(b"eXIf", orientation), chunk(b"tEXt", b"Title\0a test")]
    good["rotated_with_gamma.png"] = png(picture(24, 36), 8, 2, info)
    animation = chunk(b"acTL", struct.pack(">II", 2, 0))
    second = zlib.compress(filtered(packed(255 - picture(20, 16).reshape(16, -1), 8), 3))
    later = [frame(1, 20, 16), chunk(b"fdAT", struct.pack(">I", 2) + second)]
    good["animated.png"] = png(picture(20, 16), 8, 2, [animation, frame(0, 20, 16)], later)
    good["animated_hidden_default.png"] = png(
        picture(20, 16), 8, 2, [animation], [frame(0, 20, 16), chunk(b"fdAT", struct.pack(">I", 1) + second)]
    )
    good["animated_part.png"] = png(
        picture(12, 9), 8, 2, [animation, frame(0, 12, 9, 5, 4)], later, size=(20, 16)
    )
    plain = good["rgb8.png"]
    good["no_end.png"] = plain[:-12]
    good["wrong_data_checksum.png"] = plain.replace(plain[-16:-12], b"\1\2\3\4")
    malformed["png_signature_only.png"] = plain[:8]
    malformed["png_header_only.png"] = plain[:33]
    malformed["png_half.png"] = plain[: len(plain) // 2]
    malformed["png_no_data.png"] = plain[:33] + chunk(b"IEND", b"")
    malformed["png_wrong_header_checksum.png"] = plain[:29] + b"\0\0\0\0" + plain[33:]
    malformed["png_bomb.png"] = png(picture(2, 2), 8, 2, size=(30000, 30000))
    malformed["png_bomb_interlaced.png"] = png(picture(2, 2), 8, 6, size=(2**31 - 1, 2**31 - 1), interlaced=True)
    malformed["png_zero_width.png"] = png(picture(2, 2), 8, 2, size=(0, 10))
    malformed["png_too_few_rows.png"] = png(picture(10, 5), 8, 2, size=(10, 9), data=zlib.compress(b"\0" * 50))
    # Pillow fills up with black, if the data end with a row.
    malformed["png_missing_rows.png"] = png(picture(10, 5), 8, 2, size=(10, 9))
    malformed["png_bad_filter.png"] = png(picture(3, 1), 8, 2, data=zlib.compress(b"\x09" + b"\0" * 9))
    malformed["png_bad_zlib.png"] = png(picture(3, 3), 8, 2, data=b"no zlib stream at all")
    malformed["png_bad_color_type.png"] = png(picture(3, 3), 8, 5)
    malformed["png_large_palette.png"] = png([[[0]]], 8, 3, [chunk(b"PLTE", bytes(257 * 3))])


# ---- WebP ----


def webps():
    good["lossy.webp"] = saved(image(99, 66), "WEBP", quality=70)
    good["lossy_odd.webp"] = saved(image(33, 55), "WEBP", quality=30)
    good["lossless.webp"] = saved(image(58, 39), "WEBP", lossless=True)
    good["lossless_alpha.webp"] = saved(image(38, 29, "RGBA"), "WEBP", lossless=True, exact=True)
    good["lossy_alpha.webp"] = saved(image(61, 83, "RGBA"), "WEBP", quality=60)
    good["one_pixel.webp"] = saved(image(1, 1), "WEBP", lossless=True)
    exif = Image.Exif()
    exif[0x0112] = 8
    good["rotated.webp"] = saved(image(40, 20), "WEBP", quality=50, exif=exif)
    frames = [image(50, 41, "RGBA", seed) for seed in (3, 4)]
    good["animated.webp"] = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=50)
    good["animated_lossless.webp"] = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    # An animation whose first image is smaller than the canvas.
    for name, still in (
        ("animated_part.webp", saved(image(21, 17), "WEBP", quality=80)[12:]),
        ("animated_part_lossless.webp", saved(image(21, 17), "WEBP", lossless=True)[12:]),
        ("animated_part_alpha.webp", saved(image(21, 17, "RGBA"), "WEBP", quality=80)[30:]),
    ):
        place = struct.pack("<I", 4)[:3] + struct.pack("<I", 3)[:3]
        size = struct.pack("<I", 20)[:3] + struct.pack("<I", 16)[:3]
        data = place + size + b"\x64\0\0\0" + still
        canvas = b"VP8X" + struct.pack("<I", 10) + b"\x12\0\0\0" + struct.pack("<I", 39)[:3] + struct.pack("<I", 29)[:3]
        body = canvas + b"ANIM" + struct.pack("<IIH", 6, 0xFF3366FF, 0) + b"ANMF" + struct.pack("<I", len(data)) + data
        good[name] = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    plain = good["lossy.webp"]
    malformed["webp_half.webp"] = plain[: len(plain) // 2]
    malformed["webp_header_only.webp"] = plain[:20]
    malformed["webp_garbage.webp"] = plain[:32] + bytes(range(256)) * 2
    bomb = b"WEBPVP8X" + struct.pack("<II", 10, 0) + struct.pack("<I", 29999)[:3] * 2 + b"VP8 \0\0\0\0"
    malformed["webp_bomb.webp"] = b"RIFF" + struct.pack("<I", len(bomb)) + bomb
    lossless = good["lossless.webp"]
    malformed["webp_lossless_half.webp"] = lossless[: len(lossless) // 2]


# ---- BMP ----


def bmp(
    rows, bits, width, height, header=40, palette=b"", compression=0, masks=(), colors=0, top_down=False, offset=None
):
    """A BMP of rows of bytes, the lowest first unless `top_down`, or of one string of run lengths."""
    body = rows if isinstance(rows, bytes) else b"".join(row + bytes(-len(row) % 4) for row in rows)
    signed = -height if top_down else height
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, signed, 1, bits, compression, len(body), 0, 0, colors, 0)
        info += b"".join(struct.pack("<I", mask) for mask in masks)
        info += bytes(max(0, header - len(info)))
    start = 14 + len(info) + len(palette)
    file = struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start if offset is None else offset)
    return file + info + palette + body


def bmps():
    for bits in (1, 4, 8):
        rows, palette = indexed(43, 29, 1 << bits)
        colors = b"".join(bytes([b, g, r, 0]) for r, g, b in palette.tolist())
        good[f"palette{bits}.bmp"] = bmp(packed(rows, bits), bits, 43, 29, palette=colors)
        short = b"".join(bytes([b, g, r]) for r, g, b in palette.tolist())
        good[f"core{bits}.bmp"] = bmp(packed(rows, bits), bits, 43, 29, header=12, palette=short)
    rows, palette = indexed(22, 35, 90)
    colors = b"".join(bytes([b, g, r, 0]) for r, g, b in palette.tolist())
    good["palette8_short.bmp"] = bmp(packed(rows, 8), 8, 22, 35, palette=colors, colors=90)
    good["palette8_top_down.bmp"] = bmp(packed(rows, 8), 8, 22, 35, palette=colors, colors=90, top_down=True)
    good["palette_index_out_of_range.bmp"] = bmp(packed(rows, 8), 8, 22, 35, palette=colors[:200], colors=50)
    good["offset_at_palette.bmp"] = bmp(packed(rows, 8), 8, 22, 35, palette=colors, colors=90, offset=54)
    greys = b"".join(bytes([shade, shade, shade, 0]) for shade in range(256))
    good["grey8.bmp"] = bmp(packed(picture(31, 21, 1), 8), 8, 31, 21, palette=greys)
    bilevel, _ = indexed(51, 20, 2)
    good["bilevel.bmp"] = bmp(packed(bilevel, 1), 1, 51, 20, palette=greys[:4] + greys[-4:])
    good["white_first.bmp"] = bmp(packed(bilevel, 1), 1, 51, 20, palette=greys[-4:] + greys[:4])
    rgb = picture(37, 26)
    blue_first = [row[:, ::-1].tobytes() for row in rgb]
    good["rgb24.bmp"] = bmp(blue_first, 24, 37, 26)
    good["rgb24_core.bmp"] = bmp(blue_first, 24, 37, 26, header=12)
    good["rgb24_v5.bmp"] = bmp(blue_first, 24, 37, 26, header=124)
    good["rgb24_top_down.bmp"] = bmp(blue_first, 24, 37, 26, top_down=True)
    deep = np.random.RandomState(5).randint(0, 65536, (19, 27))
    rows16 = [row.astype("<u2").tobytes() for row in deep]
    good["rgb16.bmp"] = bmp(rows16, 16, 27, 19)
    good["rgb555.bmp"] = bmp(rows16, 16, 27, 19, compression=3, masks=(0x7C00, 0x3E0, 0x1F))
    good["rgb565.bmp"] = bmp(rows16, 16, 27, 19, compression=3, masks=(0xF800, 0x7E0, 0x1F))
    rows32 = [row.tobytes() for row in picture(18, 24, 4)]
    good["rgb32.bmp"] = bmp(rows32, 32, 18, 24)
    for name, masks in (
        ("bgrx", (0xFF0000, 0xFF00, 0xFF, 0)),
        ("xbgr", (0xFF000000, 0xFF0000, 0xFF00, 0)),
        ("bgra", (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        ("rgba", (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        ("abgr", (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
    ):
        good[f"v4_{name}.bmp"] = bmp(rows32, 32, 18, 24, header=108, compression=3, masks=masks)
    good["v5_rgba.bmp"] = bmp(rows32, 32, 18, 24, header=124, compression=3, masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000))
    # 10 pixels wide: runs, a literal of odd length with its padding, a move, a run that is too long, the end.
    colors16 = b"".join(bytes([index * 16, 255 - index * 9, index * 3, 0]) for index in range(16))
    runs8 = bytes([6, 3, 0, 3, 1, 2, 3, 0, 1, 9, 0, 0, 10, 7, 0, 0, 0, 2, 4, 1, 3, 5, 20, 6, 0, 0])
    runs8 += bytes([0, 4, 9, 8, 7, 6, 6, 1, 0, 0]) + bytes([10, 2, 0, 0]) * 3 + b"\0\1"
    good["rle8.bmp"] = bmp(runs8, 8, 10, 8, palette=colors16, compression=1, colors=16)
    runs4 = bytes([6, 0x35, 0, 3, 0x12, 0x30, 1, 0x90, 0, 0, 10, 0x7A, 0, 0, 0, 2, 4, 1, 3, 0x5B, 20, 0x61, 0, 0])
    good["rle4.bmp"] = bmp(runs4 + bytes([10, 0x2C, 0, 0]) * 4 + b"\0\1", 4, 10, 8, palette=colors16, compression=2)
    good["one_pixel.bmp"] = bmp([b"\1\2\3"], 24, 1, 1)
    plain = good["rgb24.bmp"]
    malformed["bmp_half.bmp"] = plain[: len(plain) // 2]
    malformed["bmp_header_half.bmp"] = plain[:30]
    malformed["bmp_magic_only.bmp"] = b"BM"
    malformed["bmp_bomb.bmp"] = bmp([b"\0" * 8], 24, 30000, 30000)
    malformed["bmp_bomb_runs.bmp"] = bmp(b"\xff\0" * 8, 8, 30000, 30000, palette=greys, compression=1)
    malformed["bmp_zero_width.bmp"] = bmp([b"\0" * 8], 24, 0, 5)
    malformed["bmp_runs_cut_short.bmp"] = good["rle8.bmp"][:-12]
    malformed["bmp_odd_masks.bmp"] = bmp(rows32, 32, 18, 24, header=108, compression=3, masks=(1, 2, 4, 8))
    malformed["bmp_2_bits.bmp"] = bmp([b"\0" * 4] * 4, 2, 4, 4, palette=colors16)
    malformed["bmp_png_inside.bmp"] = bmp([b"\0" * 4] * 4, 24, 4, 4, compression=5)


# ---- GIF ----


def lzw(indices, bits):
    """Codes of all the same width: a clear code comes before it would grow."""
    width, clear, codes = bits + 1, 1 << bits, []
    for position, index in enumerate(indices):
        if position % (clear - 2) == 0:
            codes.append(clear)
        codes.append(index)
    codes.append(clear + 1)
    number = sum(code << (width * position) for position, code in enumerate(codes))
    data = number.to_bytes((width * len(codes) + 7) // 8, "little")
    blocks = [data[at : at + 255] for at in range(0, len(data), 255)]
    return bytes([bits]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def gif(
    rows, screen=None, place=(0, 0), palette=None, local=None, transparent=None, interlaced=False, data=None,
    background=0,
):  # fmt: skip
    rows = np.asarray(rows)
    height, width = rows.shape
    screen = screen or (width, height)

    def packed_size(colors):
        return len(colors).bit_length() - 2

    flags = 0x80 | packed_size(palette) if palette is not None else 0
    file = b"GIF89a" + struct.pack("<HHBBB", *screen, flags, background, 0)
    file += bytes(np.asarray(palette).ravel().tolist()) if palette is not None else b""
    if transparent is not None:
        file += b"!\xf9\4\1\0\0" + bytes([transparent]) + b"\0"
    flags = (0x80 | packed_size(local) if local is not None else 0) | (0x40 if interlaced else 0)
    file += b"," + struct.pack("<HHHHB", *place, width, height, flags)
    file += bytes(np.asarray(local).ravel().tolist()) if local is not None else b""
    order = [y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(start, height, step)]
    lines = rows[order] if interlaced else rows
    return file + (lzw(lines.ravel().tolist(), 8) if data is None else data) + b";"


def gifs():
    rows, palette = indexed(44, 31, 256)
    local = palette[::-1]
    good["global.gif"] = gif(rows, palette=palette)
    good["local.gif"] = gif(rows, palette=palette, local=local)
    good["local_only.gif"] = gif(rows, local=local)
    good["no_palette.gif"] = gif(rows)
    good["small_palette.gif"] = gif(rows, palette=palette[:64])
    good["grey_palette.gif"] = gif(rows, palette=[[index] * 3 for index in range(128)])
    good["interlaced.gif"] = gif(rows, palette=palette, interlaced=True)
    good["interlaced_low.gif"] = gif(rows[:3, :9], palette=palette, interlaced=True)
    good["transparent.gif"] = gif(rows, palette=palette, transparent=int(rows[0, 0]))
    good["part.gif"] = gif(rows[:15, :20], screen=(35, 40), place=(7, 11), palette=palette, background=9)
    good["part_transparent.gif"] = gif(rows[:15, :20], screen=(35, 40), place=(7, 11), palette=palette, transparent=99)
    good["larger_than_screen.gif"] = gif(rows, screen=(20, 10), place=(3, 4), palette=palette)
    good["one_pixel.gif"] = gif([[5]], palette=palette)
    picture_, frames = image(60, 45), [image(60, 45, seed=8)]
    good["animated.gif"] = saved(picture_, "GIF", save_all=True, append_images=frames)
    good["bilevel.gif"] = saved(image(90, 63, "L").convert("1"), "GIF")
    plain = good["animated.gif"]
    good["no_terminator.gif"] = good["global.gif"][:-1]
    malformed["gif_half.gif"] = plain[: len(plain) // 4]
    malformed["gif_header_half.gif"] = plain[:10]
    malformed["gif_no_image.gif"] = plain[:13] + b";"
    malformed["gif_bomb.gif"] = gif([[0, 0], [0, 0]], screen=(30000, 30000), palette=palette)
    malformed["gif_bomb_place.gif"] = gif([[0, 0], [0, 0]], place=(60000, 60000), palette=palette)
    malformed["gif_codes_out_of_range.gif"] = gif(rows, palette=palette, data=b"\x08\x20" + b"\xff" * 32 + b"\0")
    malformed["gif_too_few_pixels.gif"] = gif(rows, palette=palette, data=lzw([1, 2, 3, 4, 5], 8))
    malformed["gif_code_size.gif"] = gif(rows, palette=palette, data=b"\x0e\x04\1\2\3\4\0")


# ---- TIFF ----


def tiff(blocks, tags, order="<", big=False):
    """A TIFF of strips or tiles; `tags` are {tag: (type, values)}, without those that say where the blocks are."""
    position = 16 if big else 8
    offsets, body = [], b""
    for block in blocks:
        offsets.append(position + len(body))
        body += block + bytes(len(block) % 2)
    is_tiled = 322 in tags
    tags = dict(tags)
    tags[324 if is_tiled else 273] = (4, offsets)
    tags[325 if is_tiled else 279] = (4, [len(block) for block in blocks])
    sizes = {1: "B", 3: "H", 4: "I", 11: "f"}
    extra_start = position + len(body)
    extra, entries = b"", b""
    room = 8 if big else 4
    for tag in sorted(tags):
        kind, values = tags[tag]
        data = struct.pack(order + sizes[kind] * len(values), *values)
        if len(data) > room:
            place = extra_start + len(extra)
            extra += data + bytes(len(data) % 2)
            data = struct.pack(order + ("Q" if big else "I"), place)
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, len(values)) + data.ljust(room, b"\0")
    ifd = extra_start + len(extra)
    mark = b"II" if order == "<" else b"MM"
    if big:
        header = mark + struct.pack(order + "HHHQ", 43, 8, 0, ifd)
        return header + body + extra + struct.pack(order + "Q", len(tags)) + entries + bytes(8)
    header, count = mark + struct.pack(order + "HI", 42, ifd), struct.pack(order + "H", len(tags))
    return header + body + extra + count + entries + bytes(4)


def samples_to_tiff(
    samples, bits, photometric, order="<", compression=1, rows=None, tile=None, separate=False, big=False, **more
):
    """A TIFF of samples (rows, columns, channels)."""
    samples = np.asarray(samples)
    samples = samples.reshape(*samples.shape[:2], -1)
    height, width, channels = samples.shape
    kind = {8: "u1", 16: order + "u2", 32: order + more.pop("number", "i4")}.get(bits)

    def encoded(part):
        lines = packed(part.reshape(len(part), -1), bits) if kind is None else [part.astype(kind).tobytes()]
        data = b"".join(lines)
        return zlib.compress(data, 9) if compression == 8 else data

    tags = {
        256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * channels), 259: (3, [compression]),
        262: (3, [photometric]), 277: (3, [channels]), 284: (3, [2 if separate else 1]),
    }  # fmt: skip
    planes = [samples[:, :, [index]] for index in range(channels)] if separate else [samples]
    blocks = []
    if tile:
        across, down = tile
        tags |= {322: (3, [across]), 323: (3, [down])}
        for plane in planes:
            for y in range(0, height, down):
                for x in range(0, width, across):
                    part = plane[y : y + down, x : x + across]
                    part = np.pad(part, ((0, down - part.shape[0]), (0, across - part.shape[1]), (0, 0)))
                    blocks.append(encoded(part))
    else:
        rows = rows or height
        tags[278] = (4, [rows])
        blocks = [encoded(plane[y : y + rows]) for plane in planes for y in range(0, height, rows)]
    tags |= {int(tag[1:]): value for tag, value in more.items()}
    return tiff(blocks, tags, order, big)


def tiffs():
    grey, rgb, rgba = picture(53, 37, 1), picture(41, 29), picture(33, 47, 4)
    deep = (picture(23, 31, 4).astype(int) * 257 + 93) % 65536
    for name, order in (("little", "<"), ("big", ">")):
        good[f"rgb_{name}.tif"] = samples_to_tiff(rgb, 8, 2, order, rows=8)
        good[f"grey16_{name}.tif"] = samples_to_tiff((grey.astype(int) * 3) % 600, 16, 1, order)
        good[f"rgb16_{name}.tif"] = samples_to_tiff(deep[:, :, :3], 16, 2, order)
        good[f"rgb16_deflate_{name}.tif"] = samples_to_tiff(deep[:, :, :3], 16, 2, order, compression=8, rows=7)
        good[f"grey16_deflate_{name}.tif"] = samples_to_tiff((grey.astype(int) * 3) % 600, 16, 1, order, compression=8)
    good["bigtiff.tif"] = samples_to_tiff(rgb, 8, 2, big=True)
    malformed["tiff_big_endian_bigtiff.tif"] = samples_to_tiff(rgb, 8, 2, ">", big=True)
    for bits in (1, 2, 4, 8):
        rows, palette = indexed(45, 27, 1 << bits)
        good[f"grey{bits}.tif"] = samples_to_tiff(rows, bits, 1)
        good[f"white_first{bits}.tif"] = samples_to_tiff(rows, bits, 0, rows=10)
        colors = (3, (palette.T.ravel() * 257).tolist())
        good[f"palette{bits}.tif"] = samples_to_tiff(rows, bits, 3, t320=colors)
    good["fill_order.tif"] = samples_to_tiff(indexed(45, 27, 2)[0], 1, 1, t266=(3, [2]))
    good["palette_deflate.tif"] = samples_to_tiff(
        indexed(45, 27, 256)[0], 8, 3, compression=8, t320=(3, (indexed(45, 27, 256)[1].T.ravel() * 257).tolist())
    )
    good["grey_alpha.tif"] = samples_to_tiff(picture(20, 30, 2), 8, 1, t338=(3, [2]))
    good["rgba.tif"] = samples_to_tiff(rgba, 8, 2, t338=(3, [2]))
    good["rgba_undeclared.tif"] = samples_to_tiff(rgba, 8, 2)
    good["rgbx.tif"] = samples_to_tiff(rgba, 8, 2, t338=(3, [0]))
    good["rgba_premultiplied.tif"] = samples_to_tiff(rgba, 8, 2, t338=(3, [1]))
    good["rgba_premultiplied_deflate.tif"] = samples_to_tiff(rgba, 8, 2, compression=8, t338=(3, [1]))
    good["rgba16.tif"] = samples_to_tiff(deep, 16, 2, t338=(3, [2]))
    good["rgba16_premultiplied.tif"] = samples_to_tiff(deep, 16, 2, ">", t338=(3, [1]))
    good["cmyk.tif"] = samples_to_tiff(rgba, 8, 5)
    good["cmyk16.tif"] = samples_to_tiff(deep, 16, 5)
    good["cmyk_separate.tif"] = samples_to_tiff(rgba, 8, 5, compression=8, separate=True, rows=9)
    good["separate.tif"] = samples_to_tiff(rgb, 8, 2, separate=True, rows=10)
    good["separate_deflate.tif"] = samples_to_tiff(rgb, 8, 2, compression=8, separate=True, rows=11)
    good["separate16_deflate.tif"] = samples_to_tiff(deep[:, :, :3], 16, 2, compression=8, separate=True)
    good["separate_premultiplied.tif"] = samples_to_tiff(rgba, 8, 2, compression=8, separate=True, t338=(3, [1]))
    good["tiled.tif"] = samples_to_tiff(rgb, 8, 2, tile=(16, 16))
    good["tiled_deflate.tif"] = samples_to_tiff(rgb, 8, 2, compression=8, tile=(32, 16))
    good["tiled_separate_deflate.tif"] = samples_to_tiff(rgb, 8, 2, compression=8, tile=(16, 32), separate=True)
    good["tiled_bilevel_deflate.tif"] = samples_to_tiff(indexed(45, 27, 2)[0], 1, 1, compression=8, tile=(32, 16))
    good["predictor.tif"] = saved(image(50, 40), "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    signed = picture(19, 23, 1).astype(int) * 3 - 200
    good["grey16_signed.tif"] = samples_to_tiff(signed & 0xFFFF, 16, 1, t339=(3, [2]))
    good["grey32_signed.tif"] = samples_to_tiff(signed, 32, 1, t339=(3, [2]))
    good["grey_float.tif"] = samples_to_tiff(signed * 0.75, 32, 1, number="f4", t339=(3, [3]))
    number = {"number": "f4", "t339": (3, [3])}
    good["grey_float_big.tif"] = samples_to_tiff(signed * 0.75, 32, 1, ">", **number)
    good["grey_float_deflate.tif"] = samples_to_tiff(signed * 0.75, 32, 1, compression=8, **number)
    # Pillow exchanges the bytes of this once too often.
    malformed["tiff_float_big_deflate.tif"] = samples_to_tiff(signed * 0.75, 32, 1, ">", compression=8, **number)
    good["grey12.tif"] = samples_to_tiff(picture(22, 17, 1).astype(int) * 2, 12, 1)
    good["ycbcr.tif"] = samples_to_tiff(rgb, 8, 6, t530=(3, [1, 1]))
    good["ycbcr_deflate.tif"] = samples_to_tiff(rgb, 8, 6, compression=8, rows=10, t530=(3, [1, 1]))
    for orientation in range(2, 9):
        good[f"orientation{orientation}.tif"] = samples_to_tiff(rgb[:20], 8, 2, t274=(3, [orientation]))
    good["orientation6_deflate.tif"] = samples_to_tiff(rgb[:20], 8, 2, compression=8, rows=6, t274=(3, [6]))
    good["orientation3_ycbcr.tif"] = samples_to_tiff(
        rgb, 8, 6, compression=8, rows=10, t530=(3, [1, 1]), t274=(3, [3])
    )
    for name in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        good[f"{name}.tif"] = saved(image(64, 50), "TIFF", compression=name)
    good["jpeg_grey.tif"] = saved(image(35, 44, "L"), "TIFF", compression="jpeg")
    good["jpeg_ycbcr.tif"] = saved(image(48, 32).convert("YCbCr"), "TIFF", compression="jpeg")
    bilevel = image(77, 52, "L").convert("1")
    for name in ("tiff_ccitt", "group3", "group4"):
        good[f"{name}.tif"] = saved(bilevel, "TIFF", compression=name)
    good["pages.tif"] = saved(image(30, 20), "TIFF", save_all=True, append_images=[image(25, 35)])
    plain, packed_ = good["rgb_little.tif"], good["tiff_lzw.tif"]
    malformed["tiff_half.tif"] = plain[: len(plain) // 2]
    malformed["tiff_header_only.tif"] = plain[:8]
    malformed["tiff_directory_cut_short.tif"] = plain[:-30]
    malformed["tiff_lzw_garbage.tif"] = packed_[:8] + b"\xa5" * 900 + packed_[908:]
    size = {256: (4, [30000]), 257: (4, [30000]), 278: (4, [30000])}
    malformed["tiff_bomb.tif"] = tiff([b"\0" * 16], size | {258: (3, [8] * 3), 262: (3, [2]), 277: (3, [3])})
    malformed["tiff_zero_width.tif"] = tiff(
        [b"\0" * 16], {256: (4, [0]), 257: (4, [3]), 258: (3, [8]), 262: (3, [1]), 277: (3, [1]), 278: (4, [3])}
    )
    malformed["tiff_no_palette.tif"] = samples_to_tiff(indexed(45, 27, 16)[0], 4, 3)
    size = {256: (4, [2]), 257: (4, [2]), 278: (4, [2])}
    malformed["tiff_64_bits.tif"] = tiff(
        [b"\0" * 32], size | {258: (3, [64]), 262: (3, [1]), 277: (3, [1]), 339: (3, [3])}
    )
    malformed["tiff_lab.tif"] = samples_to_tiff(rgb, 8, 9)
    malformed["tiff_endless_directory.tif"] = b"II*\0\x08\0\0\0" + b"\xff\xff" + bytes(40)
    size = {256: (4, [20]), 257: (4, [20]), 322: (4, [1 << 28]), 323: (4, [1 << 28])}
    malformed["tiff_huge_tiles.tif"] = tiff(
        [b"\0" * 16], size | {258: (3, [8]), 259: (3, [8]), 262: (3, [1]), 277: (3, [1])}
    )


def others():
    malformed["empty"] = b""
    malformed["one_byte"] = b"\xff"
    malformed["text.txt"] = b"This is no image.\n" * 20
    malformed["page.html"] = b"<!DOCTYPE html>\n<html><body><img src='cat.jpg'></body></html>\n"
    malformed["drawing.svg"] = b"<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>\n"
    malformed["zeros.jpg"] = bytes(500)
    malformed["graymap.pgm"] = b"P5 4 2 255\n" + bytes(8)


# ---- what is expected ----


def pixel_values(resized):
    pixels = np.asarray(resized)
    scaled = (pixels.astype(np.float64) * (1 / 255)).astype(np.float32)
    values = (scaled - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1), dtype="<f4")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def expected(name, data):
    rgb = Image.open(io.BytesIO(data)).convert("RGB")
    resized = {size: rgb.resize((size, size), Image.Resampling.BICUBIC) for size in (384, 480)}
    return {
        "file": name,
        "width": rgb.width,
        "height": rgb.height,
        "rgb_sha256": digest(rgb.tobytes()),
        "resized_384_sha256": digest(resized[384].tobytes()),
        "resized_480_sha256": digest(resized[480].tobytes()),
        "resized_224_bilinear_sha256": digest(rgb.resize((224, 224), Image.Resampling.BILINEAR).tobytes()),
        "pixel_values_384_sha256": digest(pixel_values(resized[384]).tobytes()),
    }


def pillow_refuses(data):
    try:
        Image.open(io.BytesIO(data)).convert("RGB")
        return False
    except Exception:
        return True


def check():
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    processor = BlipImageProcessorPil()
    blended = []
    for name, data in good.items():
        rgb = Image.open(io.BytesIO(data)).convert("RGB")
        ours = pixel_values(rgb.resize((384, 384), Image.Resampling.BICUBIC)).tobytes()
        # convert("RGB") leaves a note of which color was transparent, if one was. transformers from 5 on paints that
        # color white; earlier ones do not. Without the note there is nothing to paint.
        noted = processor(rgb, return_tensors="np")["pixel_values"][0]
        if np.asarray(noted).tobytes() != ours:
            blended.append(name)
        rgb.info.pop("transparency", None)
        theirs = np.asarray(processor(rgb, return_tensors="np")["pixel_values"][0])
        assert theirs.dtype == np.float32 and theirs.tobytes() == ours, name
    print(f"{len(good)} files: the pixel values are those of BlipImageProcessorPil")
    print("but where it is told of a transparent color:", *blended)


def main():
    parser = argparse.ArgumentParser(description="Makes the image files that the tests read.")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--check", action="store_true", help="compare pixel values with those of transformers")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for make in (jpegs, pngs, webps, bmps, gifs, tiffs, others):
        make()
    folder = options.root / "Tests/MediaTests/Fixtures/images"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "malformed").mkdir(parents=True)
    for name, data in good.items():
        (folder / name).write_bytes(data)
    for name, data in malformed.items():
        (folder / "malformed" / name).write_bytes(data)
    files = [expected(name, data) for name, data in sorted(good.items())]
    text = json.dumps({"pillow": PIL.__version__, "files": files}, indent=1)
    (folder / "expected.json").write_text(text + "\n")
    refused = [{"file": name, "pillow_refuses": pillow_refuses(data)} for name, data in sorted(malformed.items())]
    (folder / "malformed.json").write_text(json.dumps(refused, indent=1) + "\n")
    total = sum(map(len, good.values())) + sum(map(len, malformed.values()))
    print(f"{len(good)} files, {len(malformed)} malformed ones, {total} bytes, Pillow {PIL.__version__}")
    if options.check:
        check()


if __name__ == "__main__":
    main()
