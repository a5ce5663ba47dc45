"""Odd but readable files, by what they are. Their frames show their numbers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.videos import DARK, numbered_frames, write_video

NUM_FRAMES = 24
Writer = Callable[[Path], Path]


def _matrix(*numbers: int) -> bytes:
    return b"".join((number & 0xFFFFFFFF).to_bytes(4, "big") for number in numbers)


ONE = 1 << 16
TURN_90 = _matrix(0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30)
TURN_180 = _matrix(-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30)
MATRIX_IN_TKHD = 48


def _video(name: str, **options) -> Writer:
    return lambda folder: write_video(folder / name, **{"num_frames": NUM_FRAMES, **options})


def _renamed(folder: Path) -> Path:
    return write_video(folder / "a.mkv", NUM_FRAMES).rename(folder / "a.avi")


def with_matrix(path: Path, matrix: bytes) -> Path:
    """Make an MP4 ask to be shown through a display matrix."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") - 4 + MATRIX_IN_TKHD
    data[start : start + len(matrix)] = matrix
    path.write_bytes(bytes(data))
    return path


def _rotated(folder: Path) -> Path:
    return with_matrix(write_video(folder / "a.mp4", NUM_FRAMES), TURN_90)


def _flipped_bits(folder: Path) -> Path:
    path = write_video(folder / "a.mp4", NUM_FRAMES, options={"g": "4"})
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    rng = np.random.default_rng(0)
    for place in rng.integers((start + end) // 2, end, 12):
        data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(bytes(data))
    return path


def _changing_size(folder: Path) -> Path:
    """A broadcast stream whose second half has other dimensions."""
    half = NUM_FRAMES // 2
    numbers = numbered_frames(NUM_FRAMES, (48, 64)), numbered_frames(NUM_FRAMES, (64, 96))
    first = write_video(folder / "first.ts", frames=numbers[0][:half])
    second = write_video(folder / "second.ts", frames=numbers[1][half:])
    path = folder / "a.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path


def _latin_1_tags(folder: Path) -> Path:
    path = write_video(folder / "a.mp4", NUM_FRAMES, metadata={"title": "CAFE-TITLE"})
    path.write_bytes(path.read_bytes().replace(b"CAFE-TITLE", b"caf\xe9-\xff\xfe\xe8\xe9\xea"))
    return path


def _variable_rate(folder: Path) -> Path:
    times = np.cumsum([20 if i % 3 else 150 for i in range(NUM_FRAMES)]).tolist()
    return write_video(folder / "a.mp4", NUM_FRAMES, times=times)


def _variable_rate_with_b_frames(folder: Path) -> Path:
    times = np.cumsum([10 if i < 12 else 90 for i in range(NUM_FRAMES)]).tolist()
    return write_video(folder / "a.mkv", NUM_FRAMES, times=times, options={"g": "6", "bf": "2"})


def _edit_list(folder: Path) -> Path:
    """An MP4 whose first frame is not at time zero."""
    return write_video(folder / "a.mp4", NUM_FRAMES, times=range(2000, 2000 + 40 * NUM_FRAMES, 40))


def _three_by_five(folder: Path) -> Path:
    frames = np.full((NUM_FRAMES, 3, 5, 3), DARK, np.uint8)
    return write_video(folder / "a.mkv", frames=frames, codec="ffv1", pix_fmt="bgr0")


ODD_FILES: dict[str, tuple[Writer, tuple[int, int]]] = {
    "one frame": (_video("a.mp4", num_frames=1), (48, 64)),
    "3x5 pixels": (_three_by_five, (3, 5)),
    "10,000 pixels wide": (_video("a.mp4", size=(16, 10000), num_frames=3), (16, 10000)),
    "odd sizes": (_video("a.mkv", size=(47, 63), codec="ffv1", pix_fmt="yuv444p"), (47, 63)),
    "wrong extension": (_renamed, (48, 64)),
    "bit flips in the middle": (_flipped_bits, (48, 64)),
    "changing resolution": (_changing_size, (48, 64)),
    "rotated by 90 degrees": (_rotated, (64, 48)),
    "variable rate": (_variable_rate, (48, 64)),
    "variable rate with B-frames": (_variable_rate_with_b_frames, (48, 64)),
    "starts at 2 s": (_edit_list, (48, 64)),
    "gray": (_video("a.mkv", codec="ffv1", pix_fmt="gray"), (48, 64)),
    "10-bit": (_video("a.mp4", pix_fmt="yuv420p10le"), (48, 64)),
    "alpha": (_video("a.mov", codec="qtrle", pix_fmt="argb"), (48, 64)),
    "alpha, VP9": (_video("a.webm", codec="libvpx-vp9", pix_fmt="yuva420p"), (48, 64)),
    "interlaced": (_video("a.mp4", options={"x264-params": "tff=1"}), (48, 64)),
    "audio track": (_video("a.mp4", audio=True), (48, 64)),
    "tags that are not UTF-8": (_latin_1_tags, (48, 64)),
    "HEVC": (_video("a.mp4", codec="libx265", options={"x265-params": "log-level=none"}), (48, 64)),
    "MPEG-2 transport stream": (_video("a.ts", codec="mpeg2video"), (48, 64)),
    "AVI with B-frames": (_video("a.avi", codec="mpeg4", options={"bf": "2"}), (48, 64)),
}
