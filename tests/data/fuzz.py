"""Mutated videos, read one after the other: every outcome is a clip or a named error.

    PYTHONPATH=.:tests python tests/data/fuzz.py FOLDER COUNT SEED TIMEOUT

Prints one line of JSON with the number of each outcome; stops at any other outcome. TIMEOUT is that
of the decoder, 0 to decode in this process.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from snl_video.data import (
    ClipSettings,
    CropSettings,
    DecodingSettings,
    TrainVideos,
    VideoList,
    VideoRecord,
)
from snl_video.data.transforms.crops import TrainTransform
from snl_video.errors import VideoError
from tests.videos import write_video

SEEDS = {
    "a.mp4": {"codec": "libx264", "options": {"g": "6"}},
    "b.mp4": {"codec": "libx264", "container_options": {"movflags": "faststart"}, "audio": True},
    "c.avi": {"codec": "mpeg4", "options": {"g": "6"}},
    "d.mkv": {"codec": "libx264"},
    "e.webm": {"codec": "libvpx"},
    "f.ts": {"codec": "mpeg2video"},
}
HEAD = 600
SIZES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4))


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """One to three random edits; half of them near the start, where the headers are."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        size = len(out)
        if size < 8:
            break
        place = int(rng.integers(min(HEAD, size) if rng.random() < 0.5 else size))
        length = int(rng.integers(1, max(2, size // 8)))
        kind = rng.integers(7)
        if kind == 0:
            out[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            for other in rng.integers(0, size, int(rng.integers(1, 60))):
                out[other] = int(rng.integers(256))
        elif kind == 2:
            del out[place + 1 :]
        elif kind == 3:
            del out[place : place + length]
        elif kind == 4:
            out[place:place] = rng.bytes(length)
        elif kind == 5:
            out[place : place + length] = bytes(len(out[place : place + length]))
        else:
            out[place : place + 4] = rng.choice(
                [b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"]
            )
    return bytes(out)


def main(folder: Path, count: int, seed: int, timeout: float) -> Counter[str]:
    """Read `count` mutated files; returns how often each outcome came."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        name: write_video(folder / name, 16, (32, 48), **options).read_bytes()
        for name, options in SEEDS.items()
    }
    outcomes: Counter[str] = Counter()
    transform = TrainTransform(CropSettings(16))
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        name = list(files)[number % len(files)]
        path = folder / f"mutated{Path(name).suffix}"
        path.write_bytes(mutate(files[name], rng))
        (folder / "number").write_text(str(number))
        videos = VideoList([VideoRecord(str(path), 0, name)], ["a"])
        decoding = DecodingSettings(timeout=timeout)
        dataset = TrainVideos(videos, ClipSettings(4, 3), transform, decoding=decoding)
        try:
            clip = dataset[number, 0]["clips"]
        except VideoError as error:
            reason = str(error)
            if str(path) not in reason:
                raise
            outcomes["stopped" if "its decoder" in reason else "error"] += 1
        else:
            assert clip.shape == (1, 3, 4, 16, 16)
            assert clip.dtype == torch.uint8
            outcomes["clip"] += 1
        path.unlink()
    return outcomes


if __name__ == "__main__":
    where, how_many, first, seconds = sys.argv[1:]
    print(json.dumps(main(Path(where), int(how_many), int(first), float(seconds))))
