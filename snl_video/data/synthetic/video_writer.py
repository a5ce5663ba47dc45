"""Encoding frames as a video file, the same bytes every time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

H264 = {"preset": "veryfast", "crf": "20", "x264-params": "mbtree=0"}
"""Without macroblock trees: with them libx264 writes other bytes from one call to the next."""

INTRA_ONLY = {"g": "1"}


def write_frames(
    path: Path, frames: np.ndarray, fps: int | Fraction = 25, *, intra: bool = False
) -> None:
    """Encode uint8 (T, H, W, 3) as H.264, or as MPEG-4 where PyAV has no encoder for that.

    The same frames give the same file, byte for byte. With `intra` no frame is predicted from
    another one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    h264 = "libx264" in av.codecs_available
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264" if h264 else "mpeg4", rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = (H264 if h264 else {"qscale": "3"}) | (INTRA_ONLY if intra else {})
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
