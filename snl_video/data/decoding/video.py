"""Open a video and take frames from it by index.

Frame i is the i-th frame that comes out of the decoder when the file is read from its start. All
backends keep to that. PyAV is used unless another one is asked for: it reads every container, seeks
where a frame can be known by its time, and is as fast as any (docs/benchmarks.md).

* A file that asks to be shown rotated comes rotated, as a player shows it.
* decord and TorchCodec are used on request, for containers in which they are trusted to seek
  (`backends.READ_RIGHT`). TorchCodec needs FFmpeg's shared libraries, and PyAV reads what it can't.
* decord may differ by up to 2 grey levels in MPEG-4 Part 2, whose inverse transform is not
  bit-exact between FFmpeg builds; H.264 frames are equal.

A folder, tar or zip of numbered pictures is a video too; `frames_reader` reads it.

A reader is meant to live for one call: open it, take the frames, drop it. Never hand one to
another process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snl_video.data.decoding.backends import Backend, check_backend, open_reader
from snl_video.data.decoding.frames_reader import FRAMES_FPS
from snl_video.data.decoding.guard import shared_guard
from snl_video.data.decoding.reader import MAX_PIXELS, NOT_A_VIDEO, Known, video_errors
from snl_video.errors import VideoError

MAX_SAMPLE_PIXELS = 1 << 30
"""Pixels that are decoded at once where nothing else is said: 3 GB, 500 frames of 1920x1080."""


@dataclass(frozen=True)
class DecodingSettings:
    """With what videos are read.

    Attributes:
        backend: decoder, "auto", "decord", "pyav" or "torchcodec"; see `Video`.
        timeout: seconds after which a decoder that hangs is stopped and its video counts as
            unreadable; 0 decodes in the worker itself and waits for ever.
        index: Parquet or CSV from `snl-video check`, so that no file is opened to learn its length;
            by default video_index.parquet in the data set's root, where there is one.
        max_pixels: of a frame; a video with larger ones counts as unreadable.
        max_sample_pixels: of all frames of a video that are decoded at once, 3 bytes each.
        frames_fps: frames per second of videos that are kept as pictures of their frames.
        cache: folder of the local disk that keeps copies of videos at addresses, so that each is
            fetched once for all epochs, processes and runs; by default nothing is kept.
    """

    backend: Backend = "auto"
    timeout: float = 0.0
    index: str | None = None
    max_pixels: int = MAX_PIXELS
    max_sample_pixels: int = MAX_SAMPLE_PIXELS
    frames_fps: float = FRAMES_FPS
    cache: str | None = None


class Video:
    """An open video: `num_frames`, `fps`, `height`, `width` and `get_frames`.

    Args:
        path: the file, or a folder, tar or zip of frames.
        backend: "auto" (PyAV), "pyav", "decord", or "torchcodec" (where it can be trusted, else
            PyAV).
        timeout: when positive, a child process decodes, and is stopped when it does not answer
            within this many seconds; see `guard`.
        known: what a catalogue knows of the file; see `backends.open_reader`.
        max_pixels: see `DecodingSettings`.
        max_sample_pixels: see `DecodingSettings`.
        frames_fps: see `DecodingSettings`.

    Raises:
        VideoError: the file is missing, empty, cut short, not a video, or a directory without
            frames; its decoder hangs or crashes and `timeout` is positive.
    """

    def __init__(
        self,
        path: str | Path,
        backend: Backend = "auto",
        timeout: float = 0,
        known: Known | None = None,
        max_pixels: int = MAX_PIXELS,
        max_sample_pixels: int = MAX_SAMPLE_PIXELS,
        frames_fps: float = FRAMES_FPS,
    ) -> None:
        self.path = str(path)
        self._max_sample_pixels = max_sample_pixels
        check_backend(backend)
        with video_errors(self.path, NOT_A_VIDEO, backend):
            self._reader = (
                shared_guard().open(self.path, backend, timeout, known, max_pixels, frames_fps)
                if timeout > 0
                else open_reader(self.path, backend, known, max_pixels, frames_fps)
            )

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
            VideoError: nothing decodes, or the frames are too large.
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
        pixels = len(distinct) * self._reader.pixels
        if pixels > self._max_sample_pixels:
            raise VideoError(
                self.path,
                f"{len(distinct)} frames at once have {pixels} pixels, more than "
                f"decoding.max_sample_pixels={self._max_sample_pixels}; scale the video down, take "
                "fewer clips, or raise that setting if there is memory for it",
            )
        with video_errors(self.path, "its frames cannot be taken", "NumPy"):
            frames = torch.from_numpy(self._reader.read(distinct.tolist()))
        if len(distinct) == len(wanted) and bool((place[1:] > place[:-1]).all()):
            return frames
        return frames[torch.from_numpy(place.reshape(-1))]


def open_video(
    path: str | Path,
    backend: Backend = "auto",
    timeout: float = 0,
    known: Known | None = None,
    max_pixels: int = MAX_PIXELS,
    max_sample_pixels: int = MAX_SAMPLE_PIXELS,
    frames_fps: float = FRAMES_FPS,
) -> Video:
    """Open one video for one call. See `Video`."""
    return Video(path, backend, timeout, known, max_pixels, max_sample_pixels, frames_fps)
