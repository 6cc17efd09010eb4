#!/usr/bin/env python3
"""Checks frames and features of videos against other programs: ffmpeg, ffprobe, Pillow, and the publisher's library.

    tools/setup --reference
    .venv-reference/bin/python tools/checks/check_video.py .build/release/ingot

For the videos of the tests and the demo's, and several numbers of frames:

1. The frames that Ingot's child process decodes are those that the rule picks, at their times, and differ from what the
   other program decodes by at most 2 levels of 255, averaged over a frame.
2. The image features of the demo net that `ingot ask --trace` writes equal the mean of those that transformers computes
   for the other program's frames, within 1e-3 of their largest magnitude.
3. Colours: H.264 frames are brought to RGB once more by this script, by the standards' formulas, whatever swscale does.

Exits with status 1 if anything differs.
"""

import argparse
import json
import pathlib
import struct
import sys
import tempfile

import numpy as np

TOLERANCE_FRAME, TOLERANCE_FEATURES = 2.0, 1e-3
TOOLS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS / "reference"))
sys.path.append(str(TOOLS / "fixtures"))

import fixtures_video as videos  # noqa: E402
import outputs  # noqa: E402
import safetensors.numpy  # noqa: E402
import torch  # noqa: E402


def decoded(program, path, count):
    """What the child process writes: number of frames, length, [(index, time, picks, frame)]."""
    data = videos.run(program, "video-child", "--", path, count)
    assert data[:9] == b"INGOTVF\1H" and data[-1:] == b"E", path
    frames, length, records = struct.unpack("<QdI", data[9:29])
    out, position = [], 29
    for _ in range(records):
        assert data[position:position + 1] == b"F"
        index, time, picks, width, height = struct.unpack("<QdIII", data[position + 1:position + 29])
        position += 29
        pixels = np.frombuffer(data, np.uint8, width * height * 3, position)
        out.append((index, time, picks, pixels.reshape(height, width, 3)))
        position += width * height * 3
    assert position == len(data) - 1
    return frames, length, out


def check_frames(program, path):
    """The largest mean difference of a frame; None if other frames were picked."""
    frames, times, length = videos.read(path)
    largest = 0.0
    for count in (1, 2, 3, 5, 8, 16, 33, 200):
        total, seconds, ours = decoded(program, path, count)
        picked = [index for index, _, picks, _ in ours for _ in range(picks)]
        if total != len(frames) or picked != videos.picks(times, length, count):
            return None
        if abs(seconds - float(length)) > 1e-6 or any(abs(time - float(times[index])) > 1e-6 for index, time, *_ in ours):
            return None
        for index, _, _, frame in ours:
            if frame.shape != frames[index].shape:
                return None
            largest = max(largest, float(np.abs(frame.astype(int) - frames[index]).mean()))
    return largest


def check_colors(program, path, kr, kb, is_full):
    """The same against this script's own conversion of the decoder's YUV, 8 bits, 4:2:0 or 4:4:4."""
    _, _, ours = decoded(program, path, 3)
    height, width = ours[0][3].shape[:2]
    largest = 0.0
    for index, _, _, frame in ours:
        data = np.frombuffer(videos.run(
            "ffmpeg", "-v", "error", "-i", path, "-vf", f"select=eq(n\\,{index})", "-vsync", "0", "-f", "rawvideo", "-pix_fmt",
            "yuvj444p" if is_full else "yuv420p", "-"), np.uint8).astype(float)
        y = data[:width * height].reshape(height, width)
        chroma = data[width * height:].reshape(2, height if is_full else height // 2, -1)
        if not is_full:
            chroma = chroma.repeat(2, axis=1).repeat(2, axis=2)
        luma, (cb, cr) = (y / 255, (chroma - 128) / 255) if is_full else ((y - 16) / 219, (chroma - 128) / 224)
        red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
        green = (luma - kr * red - kb * blue) / (1 - kr - kb)
        rgb = np.clip(np.stack([red, green, blue], axis=-1) * 255, 0, 255)
        largest = max(largest, float(np.abs(frame - rgb).mean()))
    return largest


def check_features(program, shelf, folder, net, path, count):
    trace = pathlib.Path(folder) / f"{path.name}-{count}.safetensors"
    videos.run(program, "ask", path, "what shape is present?", "--frames", count, "--trace", trace, "--set", "Release=demo",
               "--shelf", shelf)
    ours = safetensors.numpy.load_file(trace)["image_embeds"]
    reference = videos.averaged_features(net, path, count)
    return float(np.abs(ours - reference).max() / np.abs(reference).max())


def main():
    parser = argparse.ArgumentParser(description="Checks videos against ffmpeg, Pillow and transformers.")
    parser.add_argument("program", type=pathlib.Path, help="the built binary, e.g. .build/release/ingot")
    program = parser.parse_args().program.resolve()
    torch.set_num_threads(2)
    net = outputs.load(videos.ROOT / "weights" / "demo")
    names = json.loads((videos.FOLDER / "expected.json").read_text())["files"]
    paths = [videos.DEMO if name == videos.DEMO.name else videos.FOLDER / name for name in names]
    failed = 0

    def tell(what, value, tolerance):
        nonlocal failed
        good = value is not None and value <= tolerance
        failed += not good
        print(f"{what:44} {'other frames' if value is None else f'{value:.2e}'}  {'' if good else 'DIFFERS'}", flush=True)

    with tempfile.TemporaryDirectory(prefix="ingot-check-") as folder:
        shelf = pathlib.Path(folder) / "shelf"
        videos.run(program, "convert", videos.ROOT / "weights" / "demo", "--shelf", shelf)
        for path in paths:
            tell(f"frames of {path.name}", check_frames(program, path), TOLERANCE_FRAME)
        tell("colours of h264.mp4 (BT.601, limited)",
             check_colors(program, videos.FOLDER / "h264.mp4", 0.299, 0.114, False), TOLERANCE_FRAME)
        tell("colours of full-range.mp4 (BT.709, full)",
             check_colors(program, videos.FOLDER / "full-range.mp4", 0.2126, 0.0722, True), TOLERANCE_FRAME)
        for path in paths:
            tell(f"features of {path.name}", check_features(program, shelf, folder, net, path, 8), TOLERANCE_FEATURES)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
