"""Open a video and take frames from it by index.

Frame i is the i-th frame that comes out of the decoder when the file is read from its start. Both
backends keep to that. decord is faster because it seeks; PyAV reads forward, and is used where
decord is not installed, fails on the file, or cannot be trusted to seek:

* AVI keeps no presentation times, so a dropped frame (an empty packet) or a packed B-frame makes
  every index after a seek wrong by one or more. Such files are read forward.
* The two backends may differ by up to 2 grey levels in MPEG-4 Part 2, whose inverse transform is
  not bit-exact between FFmpeg builds; their H.264 frames are equal.

A reader is meant to live for one call: open it, take the frames, drop it. Never hand one to
another process.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from snl_video.data.backends import DecordReader, PyAVReader, have_decord
from snl_video.data.containers import check_file, seeks_are_exact
from snl_video.data.errors import VideoError

Backend = Literal["auto", "decord", "pyav"]


class VideoReader(Protocol):
    """What a backend offers."""

    @property
    def num_frames(self) -> int:
        """Frames that the container promises."""

    @property
    def fps(self) -> float:
        """Mean frames per second."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def width(self) -> int:
        """Pixels."""

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""


class Video:
    """An open video: `num_frames`, `fps`, `height`, `width` and `get_frames`.

    Args:
        path: the file.
        backend: "auto" (decord where it can be trusted, else PyAV), "decord" or "pyav".

    Raises:
        VideoError: the file is missing, empty, cut short, not a video, or a directory.
    """

    def __init__(self, path: str | Path, backend: Backend = "auto") -> None:
        self.path = str(path)
        if backend not in ("auto", "decord", "pyav"):
            raise ValueError(f"unknown backend {backend!r}; choose auto, decord or pyav")
        if backend == "decord" and not have_decord():
            raise ImportError("decord is not installed; pip install decord, or use backend=pyav")
        check_file(self.path)
        self._may_fall_back = backend == "auto"
        if backend == "auto":
            seekable = have_decord() and seeks_are_exact(self.path)
            backend = "decord" if seekable else "pyav"
        self._reader = self._open(backend)

    def _open(self, backend: Backend) -> VideoReader:
        if backend == "pyav":
            return PyAVReader(self.path)
        try:
            return DecordReader(self.path)
        except VideoError:
            if not self._may_fall_back:
                raise
            return PyAVReader(self.path)

    @property
    def num_frames(self) -> int:
        """Frames that the container promises, at least 1."""
        return self._reader.num_frames

    @property
    def fps(self) -> float:
        """Mean frames per second."""
        return self._reader.fps

    @property
    def height(self) -> int:
        """Pixels."""
        return self._reader.height

    @property
    def width(self) -> int:
        """Pixels."""
        return self._reader.width

    def get_frames(self, indices: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """Frames by index, in the order asked, each distinct index decoded once.

        An index below `num_frames` that the file cannot deliver, because it promises more frames
        than it has, gives the last frame that decodes.

        Args:
            indices: integers in [0, num_frames), any order, repeats allowed.

        Returns:
            uint8 (T, H, W, 3), RGB.

        Raises:
            IndexError: an index is outside [0, num_frames).
            VideoError: nothing decodes.
        """
        wanted = np.asarray(indices, dtype=np.int64).reshape(-1)
        if wanted.size == 0:
            return torch.empty(0, self.height, self.width, 3, dtype=torch.uint8)
        if wanted.min() < 0 or wanted.max() >= self.num_frames:
            raise IndexError(
                f"frame indices {wanted.min()}..{wanted.max()} are outside "
                f"0..{self.num_frames - 1} of {self.path}"
            )
        distinct, place = np.unique(wanted, return_inverse=True)
        frames = torch.from_numpy(self._read(distinct.tolist()))
        if len(distinct) == len(wanted) and bool((place[1:] > place[:-1]).all()):
            return frames
        return frames[torch.from_numpy(place.reshape(-1))]

    def _read(self, indices: list[int]) -> np.ndarray:
        try:
            return self._reader.read(indices)
        except VideoError:
            if not self._may_fall_back or isinstance(self._reader, PyAVReader):
                raise
            self._reader = PyAVReader(self.path)
            # The two count packets alike, except where one of them gave up early.
            last = self._reader.num_frames - 1
            reachable = sorted({min(i, last) for i in indices})
            frames = self._reader.read(reachable)
            return frames[np.searchsorted(reachable, np.minimum(indices, last))]


def open_video(path: str | Path, backend: Backend = "auto") -> Video:
    """Open one video for one call. See `Video`."""
    return Video(path, backend)
