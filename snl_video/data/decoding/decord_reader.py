"""decord: fast, because it seeks."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from snl_video.data.decoding.reader import (
    NOT_A_VIDEO,
    SizedByFirstFrame,
    no_frames,
    video_errors,
)


@lru_cache(maxsize=1)
def have_decord() -> bool:
    """Whether decord is installed; silences its log the first time."""
    if find_spec("decord") is None:
        return False
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    return True


class DecordReader(SizedByFirstFrame):
    """Reads with decord, one thread, whatever decord's process-wide bridge is set to.

    decord's own reader is dropped after one read, and opened again for another: it holds a thread,
    and a process that is forked meanwhile would wait for that thread for ever.

    Args:
        path: the file.
        pixels: of a frame, which decord tells only by decoding one.

    Raises:
        VideoError: decord cannot open the file.
    """

    def __init__(self, path: str, pixels: int) -> None:
        self._path = path
        self.pixels = pixels
        with video_errors(path, NOT_A_VIDEO, "decord"):
            self._reader = self._open()
            self.num_frames = len(self._reader)
            self.fps = float(self._reader.get_avg_fps())

    def _open(self) -> Any:
        import decord

        return decord.VideoReader(os.path.abspath(self._path), num_threads=1)

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        with video_errors(self._path, no_frames(indices), "decord"):
            reader, self._reader = self._reader or self._open(), None
            frames = reader.get_batch(indices)
            return frames.asnumpy() if hasattr(frames, "asnumpy") else np.asarray(frames)
