"""What `timeline` and `predict` save: one pass over a long video, one process for many files.

    python -m benchmarks.recognition [--minutes 2] [--files 30]

Prints one Markdown table. The network is narrow, so that decoding and starting count; every row is
a ratio of two ways of the same work in this run, the results compared.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from pytorchvideo.data.encoded_video import EncodedVideo

from snl_video.data.clips import ClipSettings
from snl_video.data.synthetic.video_writer import write_frames
from snl_video.evaluation.views import ViewSetting
from snl_video.inference.recognizer import Recognizer
from snl_video.inference.viewing import Frames, Viewing
from snl_video.weights import build_model

FPS = 25


def main() -> None:
    """Measure both, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="length of the long video")
    parser.add_argument("--files", type=int, default=30, help="number of short videos")
    options = parser.parse_args()
    torch.manual_seed(0)
    network = build_model("i3d_inception", 10, width=8).eval()
    viewing = Viewing(ClipSettings(32, 2), short_side=128, size=112, views=ViewSetting(1, 1))
    recognizer = Recognizer(network, [str(i) for i in range(10)], viewing, device="cpu")
    print("| work | the other way | s | here | s | times faster |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "long.mp4"
        write_frames(long, _frames(round(options.minutes * 60 * FPS)))
        theirs, ours = _long_video(recognizer, long)
        work = f"{options.minutes:g} minutes, window 2.52 s, stride 0.64 s"
        print(_row(work, "PyTorchVideo, a clip a window", theirs, "timeline", ours))
        files = [Path(folder) / f"{i}.mp4" for i in range(options.files)]
        for file in files:
            write_frames(file, _frames(3 * FPS))
        theirs, ours = _many_files(files)
        work = f"{options.files} files of 3 s"
        print(_row(work, "a process a file", theirs, "one process", ours))


def _long_video(recognizer: Recognizer, path: Path) -> tuple[float, float]:
    """Seconds of a loop over overlapping windows with PyTorchVideo, and of a timeline."""
    start = time.perf_counter()
    found = recognizer.timeline(path, stride=16 / FPS)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    video = EncodedVideo.from_path(str(path), decode_audio=False, decoder="pyav")
    theirs = []
    for begin, end in found.seconds:
        clip = video.get_clip(begin, end - 0.5 / FPS)["video"]  # float (C, T, H, W)
        frames = clip.to(torch.uint8).permute(1, 2, 3, 0)
        theirs.append(recognizer.scores(Frames(frames).pixels))
    seconds = time.perf_counter() - start
    agree = (torch.stack(theirs).argmax(1) == found.scores.argmax(1)).float().mean()
    if agree < 0.9:
        raise SystemExit(f"the two ways agree on {agree:.0%} of the windows only")
    return seconds, ours


def _many_files(files: list[Path]) -> tuple[float, float]:
    """Seconds of one process a file, measured on five of them, and of one for all."""
    few = files[:5]
    start = time.perf_counter()
    for file in few:
        _predict([file])
    each = (time.perf_counter() - start) / len(few)
    start = time.perf_counter()
    _predict(files)
    return each * len(files), time.perf_counter() - start


def _predict(files: list[Path]) -> None:
    code = (
        "import sys, torch; from benchmarks.recognition import *; torch.manual_seed(0);"
        "n = build_model('i3d_inception', 10, width=8);"
        "v = Viewing(ClipSettings(16, 2), short_side=128, size=112);"
        "print(Recognizer(n, list('0123456789'), v, device='cpu').predict_all(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", code, *map(str, files)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    if len(done.stdout.splitlines()) != len(files):
        raise SystemExit(f"{len(files)} files gave {done.stdout}")


def _frames(count: int) -> np.ndarray:
    """uint8 (T, 144, 192, 3): a ground that drifts."""
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 255, (18, 24 + count // 8 + 1, 3), dtype=np.uint8)
    ground = ground.repeat(8, axis=0).repeat(8, axis=1)
    return np.stack([ground[:, i : i + 192] for i in range(count)])


def _row(work: str, other: str, theirs: float, own: str, ours: float) -> str:
    return f"| {work} | {other} | {theirs:.1f} | {own} | {ours:.1f} | {theirs / ours:.1f} |"


if __name__ == "__main__":
    main()
