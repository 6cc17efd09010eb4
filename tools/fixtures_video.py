#!/usr/bin/env python3
"""Makes the small videos that the tests read, the demo's video, and what must come of each.

    apt-get install ffmpeg; tools/setup --reference
    .venv-reference/bin/python tools/fixtures_video.py [--keep]

In Tests/MediaTests/Fixtures/videos/: one video per kind, and expected.json:

    files   {name: {"frames", "length", "width", "height", "picks": {N: [[index, time], …]}, "grids": {index: hex}}}
    demo    {name: {"embeds": […], "largest"}}: of the demo net's image features of 8 picks, averaged

`frames` and `length` (seconds) are of the whole video; `picks` are the frames for --frames N, with times since the
first frame; `grids` are the picked frames, averaged over cells to 8 × 8 pixels of RGB. `embeds` are every 131st element
of the averaged features, `largest` is the largest magnitude of all.

Frames and times come from other programs than the one that is tested: for GIF and WebP from Pillow, else from the
commands ffmpeg and ffprobe; which frames are picked is worked out here, in fractions. --keep leaves the videos as they
are, and makes expected.json again. tools/check_video.py compares all pixels and all features.
"""

import argparse
import fractions
import json
import pathlib
import subprocess

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "Tests" / "MediaTests" / "Fixtures" / "videos"
DEMO = ROOT / "weights" / "demo" / "videos" / "circles.mp4"
COUNTS = (1, 3, 8, 16)
#: Whose features of the demo net are compared.
WITH_FEATURES = ("h264.mp4", "vp9.webm", "animation.gif", "rotated.mp4", "variable.mp4", "animation.webp")
STRIDE = 131  # of the features that are kept; a prime, so that all columns are met
SIZE = (96, 64)


# -------------------------------------------------------------------------------------------------- frames by others


def run(*arguments, **options):
    return subprocess.run([*map(str, arguments)], stdout=subprocess.PIPE, check=True, **options).stdout


def pillow_frames(path):
    frames, durations = [], []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.array(image.convert("RGB")))
            durations.append(fractions.Fraction(int(image.info["duration"]), 1000))
    times = [sum(durations[:number], fractions.Fraction(0)) for number in range(len(durations))]
    return frames, times, sum(durations)


def ffmpeg_pictures(path, *options):
    data = run("ffmpeg", "-v", "error", *options, "-i", path, "-map", "0:v:0", "-vsync", "0", "-sws_flags",
               "bicubic+accurate_rnd+full_chroma_int", "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "-")
    frames = []
    while data:
        magic, size, most, rest = data.split(b"\n", 3)
        assert (magic, most) == (b"P6", b"255")
        width, height = map(int, size.split())
        count = width * height * 3
        frames.append(np.frombuffer(rest[:count], np.uint8).reshape(height, width, 3))
        data = rest[count:]
    return frames


def ffmpeg_frames(path):
    """All frames as ffmpeg shows them, their times, and the whole length, as ffprobe's decoder gives them."""
    told = json.loads(run(
        "ffprobe", "-v", "error", "-select_streams", "v", "-show_streams", "-show_frames", "-of", "json", path))
    base = fractions.Fraction(told["streams"][0]["time_base"])
    ticks = []
    for frame in told["frames"]:
        # What has no time of its own, in AVI, follows at the distance of the two before it.
        ticks.append(int(frame["best_effort_timestamp"]) if "best_effort_timestamp" in frame
                     else 2 * ticks[-1] - ticks[-2])
    last = int(told["frames"][-1].get("pkt_duration", 0))
    if last <= 0 and len(ticks) > 1:
        last = ticks[-1] - ticks[-2]
    times = [(tick - ticks[0]) * base for tick in ticks]
    # Turned here, after their conversion to RGB; ffmpeg itself, which turns them before, has to agree but for rounding.
    side_data = told["streams"][0].get("side_data_list", [])
    quarters = next((round(item["rotation"] / 90) for item in side_data if "rotation" in item), 0)
    frames = [np.rot90(frame, quarters) for frame in ffmpeg_pictures(path, "-noautorotate")]
    for frame, shown in zip(frames, ffmpeg_pictures(path), strict=True):
        assert frame.shape == shown.shape and np.abs(frame.astype(int) - shown).mean() < 1, path
    assert len(frames) == len(times), f"{path}: {len(frames)} frames, {len(times)} times"
    return frames, times, times[-1] + last * base


def read(path):
    return (pillow_frames if path.suffix in (".gif", ".webp") else ffmpeg_frames)(path)


def picks(times, length, count):
    """Numbers of the frames shown at the centres of `count` equal intervals."""
    out = []
    for number in range(count):
        centre = fractions.Fraction(2 * number + 1, 2 * count) * length
        out.append(max(index for index, time in enumerate(times) if index == 0 or time <= centre))
    return out


def grid(frame):
    """8 × 8 means of cells."""
    rows, columns = (np.linspace(0, side, 9).astype(int) for side in frame.shape[:2])
    cells = [[frame[rows[y]:rows[y + 1], columns[x]:columns[x + 1]].mean(axis=(0, 1)) for x in range(8)]
             for y in range(8)]
    return np.rint(np.array(cells)).astype(np.uint8)


# ------------------------------------------------------------------------------------------------------------- videos


def scene(number, count, size=SIZE):
    """A disc that goes from left to right over a ground that changes its colour; smooth, so that it stays small."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    part = number / max(1, count - 1)
    ground = np.stack([x * 1.2 + 40, y * 2.0 + 60 * part, np.full_like(x, 200 - 150 * part)], axis=-1)
    centre, radius = (12 + part * (width - 24), height * 0.4), 10
    distance = np.hypot(x - centre[0], y - centre[1])[..., None]
    disc = np.array([230, 40 + 150 * part, 30])
    weight = np.clip(radius + 1 - distance, 0, 1)
    return np.clip(ground * (1 - weight) + disc * weight, 0, 255).astype(np.uint8)


def encode(name, frames, *options, rate=15):
    height, width = frames[0].shape[:2]
    run("ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate,
        "-i", "-", *options, "-threads", 1, "-fflags", "+bitexact", "-flags:v", "+bitexact", FOLDER / name,
        input=b"".join(frame.tobytes() for frame in frames))


def pipe(name, frames, *options):
    """The same through a pipe: whoever writes can't go back and write the length."""
    height, width = frames[0].shape[:2]
    data = run(
        "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", 15, "-i", "-",
        *options, "-threads", 1, "-fflags", "+bitexact", "-flags:v", "+bitexact", "-",
        input=b"".join(frame.tobytes() for frame in frames))
    (FOLDER / name).write_bytes(data)


def make_videos():
    FOLDER.mkdir(parents=True, exist_ok=True)
    frames = [scene(number, 30) for number in range(30)]
    x264 = ["-c:v", "libx264", "-crf", "26", "-g", "10", "-bf", "2", "-pix_fmt", "yuv420p"]
    encode("h264.mp4", frames, *x264)
    encode("vp9.webm", frames, "-c:v", "libvpx-vp9", "-crf", "36", "-b:v", "0", "-g", "12", "-pix_fmt", "yuv420p")
    encode("av1.mp4", frames[::2], "-c:v", "libaom-av1", "-crf", "40", "-b:v", "0", "-cpu-used", "8", "-g", "8")
    encode("variable.mp4", frames[:24], *x264, "-vf", "setpts=(N*N*N/900+N/20)/TB", "-vsync", "0")
    encode("one.mp4", frames[:1], *x264)
    encode("ten-bit.mp4", frames[:20], "-c:v", "libx264", "-crf", "26", "-g", "10", "-pix_fmt", "yuv420p10le",
           "-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc",
           "bt709")
    encode("full-range.mp4", frames[:20], "-c:v", "libx264", "-crf", "26", "-g", "10", "-pix_fmt", "yuv444p", "-vf",
           "scale=out_color_matrix=bt709:out_range=pc", "-colorspace", "bt709", "-color_range", "pc")
    encode("no-times.avi", frames, "-c:v", "mpeg4", "-q:v", "5", "-g", "10", "-bf", "2")
    encode("broadcast.ts", frames, *x264)
    # VP8 with hidden reference frames, without a length, an index, or a known size.
    pipe("streamed.webm", frames, "-c:v", "libvpx", "-crf", "24", "-b:v", "200k", "-auto-alt-ref", "1",
         "-lag-in-frames", "10", "-g", "15", "-f", "webm")
    for name, angle in (("rotated.mp4", 90), ("upside-down.mp4", 180)):
        run("ffmpeg", "-v", "error", "-y", "-i", FOLDER / "h264.mp4", "-c", "copy", "-metadata:s:v", f"rotate={angle}",
            "-fflags", "+bitexact", FOLDER / name)
    pictures = [Image.fromarray(scene(number, 12, (64, 48))) for number in range(12)]
    durations = [100, 100, 300, 100, 50, 50, 400, 100, 200, 100, 100, 250]
    palette = [picture.quantize(48, dither=Image.Dither.NONE) for picture in pictures]
    palette[0].save(FOLDER / "animation.gif", save_all=True, append_images=palette[1:], duration=durations, loop=0)
    pictures[0].save(FOLDER / "animation.webp", save_all=True, append_images=pictures[1:], duration=durations, quality=60)
    # No videos of their own, but texts that name one.
    (FOLDER / "playlist.m3u8").write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\nbroadcast.ts\n#EXT-X-ENDLIST\n")
    (FOLDER / "list.ffconcat").write_text("ffconcat version 1.0\nfile h264.mp4\n")
    # A sound without a picture.
    run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=duration=0.3", "-c:a", "aac", "-b:a", "16k",
        "-fflags", "+bitexact", "-flags:a", "+bitexact", FOLDER / "sound.mp4")


def make_demo():
    """Circles of easy-VQA, one colour after the other."""
    DEMO.parent.mkdir(exist_ok=True)
    frames = []
    for name in ("red-circle-0004", "blue-circle-0014", "gray-circle-0033", "yellow-circle-0039"):
        picture = np.array(Image.open(ROOT / "weights" / "demo" / "pictures" / f"{name}.png").convert("RGB"))
        frames += [picture] * 4
    encode(DEMO, frames, "-c:v", "libx264", "-crf", "14", "-preset", "veryslow", "-pix_fmt", "yuv420p", rate=8)


# ----------------------------------------------------------------------------------------------------- what must come


def averaged_features(net, path, count):
    """The demo net's features of the picked frames, averaged: positions × width."""
    import sys
    sys.path.insert(0, str(ROOT / "tools" / "reference"))
    import outputs
    import torch

    frames, times, length = read(path)
    numbers = picks(times, length, count)
    with torch.no_grad():
        embeds = {number: outputs.run_image(net, Image.fromarray(frames[number]))[1][0].double().numpy()
                  for number in set(numbers)}
    return sum(embeds[number] for number in numbers) / count


def expectations():
    import sys
    sys.path.insert(0, str(ROOT / "tools" / "reference"))
    import outputs

    out = {"files": {}, "demo": {}}
    videos = sorted(path for path in FOLDER.iterdir()
                    if path.suffix in (".mp4", ".webm", ".avi", ".ts", ".gif", ".webp") and path.name != "sound.mp4")
    for path in [*videos, DEMO]:
        frames, times, length = read(path)
        chosen = {count: picks(times, length, count) for count in COUNTS}
        out["files"][path.name] = {
            "frames": len(frames), "length": float(length), "width": frames[0].shape[1], "height": frames[0].shape[0],
            "picks": {str(count): [[number, float(times[number])] for number in numbers]
                      for count, numbers in chosen.items()},
            "grids": {str(number): grid(frames[number]).tobytes().hex()
                      for number in sorted(set(chosen[1] + chosen[3] + chosen[8]))}}
    net = outputs.load(ROOT / "weights" / "demo")
    for name in WITH_FEATURES:
        embeds = averaged_features(net, FOLDER / name, 8)
        out["demo"][name] = {"embeds": [float(np.float32(value)) for value in embeds.reshape(-1)[::STRIDE]],
                             "largest": float(np.abs(embeds).max())}
    return out


def main():
    parser = argparse.ArgumentParser(description="Makes the videos of the tests and what must come of them.")
    parser.add_argument("--keep", action="store_true", help="leave the videos as they are")
    given = parser.parse_args()
    if not given.keep:
        make_videos()
        make_demo()
    (FOLDER / "expected.json").write_text(json.dumps(expectations(), separators=(",", ":")).replace("},", "},\n") + "\n")


if __name__ == "__main__":
    main()
