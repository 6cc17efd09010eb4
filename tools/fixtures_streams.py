#!/usr/bin/env python3
"""Makes videos of several streams, and notes which of them the program ffmpeg takes.

    python3 tools/fixtures_streams.py [--root DIR]

Needs the command ffmpeg. Below DIR, which is the repository unless given, Tests/MediaTests/Fixtures/streams: the
videos, and expected.json: {name: [width, height]} of the pictures that `ffmpeg -i NAME` makes without any -map. The
streams of each have other sizes.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = "Tests/MediaTests/Fixtures/streams"
SMALL, MIDDLE, LARGE = ((f"color={color}:s={size}:r=10:d=0.4") for color, size in
                        (("red", "32x32"), ("green", "48x32"), ("blue", "64x48")))


def ffmpeg(*arguments):
    return subprocess.run(("ffmpeg", "-hide_banner", "-y", *map(str, arguments)), check=True, capture_output=True, text=True)


def make(path, sources, *options):
    inputs = [argument for source in sources for argument in ("-f", "lavfi", "-i", source)]
    maps = [argument for index in range(len(sources)) for argument in ("-map", f"{index}:v")]
    ffmpeg(*inputs, *maps, "-c:v", "mpeg4", "-fflags", "+bitexact", "-flags:v", "+bitexact", *options, path)


def taken(path):
    """The size of the stream that ffmpeg takes by itself."""
    told = ffmpeg("-i", path, "-f", "null", "-").stderr
    return [int(side) for side in re.search(r"Output #0.*?Video: wrapped_avframe.*? (\d+)x(\d+)", told, re.DOTALL).groups()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="folder to write below")
    folder = parser.parse_args().root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # Of MP4's tracks the first is the default, which counts for more than its size.
    make(folder / "default-first.mp4", (SMALL, LARGE, MIDDLE))
    make(folder / "default-last.mp4", (LARGE, MIDDLE, SMALL), "-disposition:v:0", "0", "-disposition:v:2", "default")
    none = ("-disposition:v:0", "0", "-default_mode", "passthrough")
    make(folder / "largest-last.mkv", (SMALL, MIDDLE, LARGE), *none)
    make(folder / "largest-first.mkv", (LARGE, SMALL, MIDDLE), *none)
    make(folder / "largest-amid.ts", (SMALL, LARGE, MIDDLE))
    make(folder / "largest-last.avi", (MIDDLE, SMALL, LARGE))
    expected = {path.name: taken(path) for path in sorted(folder.iterdir())}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    print(f"{folder}: {expected}")


if __name__ == "__main__":
    main()
