"""Mutated videos, read one after the other: every outcome is a clip or a named error.

    PYTHONPATH=. python tests/data/fuzz.py FOLDER COUNT SEED TIMEOUT few|all

Prints one line of JSON with the number of each outcome; stops at any other outcome. TIMEOUT is that
of the decoder, 0 to decode in this process. "all" takes more codecs and containers, both ways to
read a file, and looks at it as `snl-video check --full true` does.
"""

import json
import os
import subprocess
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
from snl_video.data.decoding.guard import shared_guard
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
MORE = {
    "g.mp4": {  # smaller frames corrupt the memory of its encoder
        "codec": "libx265",
        "options": {"x265-params": "log-level=none"},
        "size": (96, 128),
    },
    "h.webm": {"codec": "libvpx-vp9"},
    "i.mp4": {"codec": "libsvtav1", "size": (96, 128)},
    "j.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "k.mkv": {"codec": "ffv1"},
    "l.flv": {"codec": "flv"},
    "m.wmv": {"codec": "wmv2"},
    "n.mpg": {"codec": "mpeg1video"},
    "o.mov": {"codec": "prores", "pix_fmt": "yuv422p10le"},
    "p.mov": {"codec": "qtrle", "pix_fmt": "rgb24"},
    "q.3gp": {"codec": "h263", "size": (96, 128)},
    "r.ts": {"codec": "libx264"},
}
KINDS = {"few": SEEDS, "all": {**SEEDS, **MORE}}
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


def start(folder: Path, count: int, seed: int, timeout: float, kinds: str) -> subprocess.Popen:
    """Fuzz in a process of its own."""
    command = [sys.executable, __file__, str(folder), str(count), str(seed), str(timeout), kinds]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment, **streams)


def finish(process: subprocess.Popen, limit: float) -> Counter[str]:
    """Its outcomes; AssertionError names the file of any other end."""
    try:
        out, error = process.communicate(timeout=limit)
    finally:
        process.kill()
    number = Path(process.args[2]) / "number"
    where = f"file {number.read_text() if number.exists() else '-'}: {error[-2000:]}"
    assert process.returncode == 0, where
    return Counter(json.loads(out.splitlines()[-1]))


def main(folder: Path, count: int, seed: int, timeout: float, kinds: str) -> Counter[str]:
    """Read `count` mutated files; returns how often each outcome came."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        name: write_video(folder / name, 16, **{"size": (32, 48), **options}).read_bytes()
        for name, options in KINDS[kinds].items()
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
        backend = ("auto", "pyav")[number // len(files) % 2 if kinds == "all" else 0]
        decoding = DecodingSettings(backend, timeout)
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
        if kinds == "all":
            outcomes[_check(path, timeout)] += 1
        path.unlink()
    return outcomes


def _check(path: Path, timeout: float) -> str:
    try:
        facts = shared_guard().inspect(str(path), True, timeout)
    except VideoError as error:
        named = "stopped" if "its decoder" in error.reason else "error"
        return f"check: {named}" if error.path == str(path) else "another file"
    assert facts.frames >= 1
    return "check: whole"


if __name__ == "__main__":
    where, how_many, first, seconds, some = sys.argv[1:]
    print(json.dumps(main(Path(where), int(how_many), int(first), float(seconds), some)))
