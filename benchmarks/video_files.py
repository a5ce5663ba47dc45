"""Files that the loader benchmark reads where no folder is given."""

from pathlib import Path

import av
import numpy as np


def write_files(folder: Path) -> Path:
    """Write noise that moves, 320x240 at 25 frames a second, in three kinds of files."""
    for number in range(12):
        write_file(folder / f"{number:03d}.avi", 180, "mpeg4")
        write_file(folder / f"{number:03d}.mp4", 180, "libx264")
    write_file(folder / "long.mp4", 3000, "libx264")
    return folder


def write_file(path: Path, count: int, codec: str) -> None:
    """Write one file of `count` frames."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    noise = noise.repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = 240, 320, "yuv420p"
        stream.bit_rate = 500_000
        for step in range(count):
            moved = np.roll(noise, (-step, -step), (0, 1))[:240, :320]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moved), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
