"""Open a video and take frames from it by index.

Frame i is the i-th frame that comes out of the decoder when the file is read from its start. Both
backends keep to that. decord is faster because it seeks; PyAV reads forward, and is used where
decord is not installed, fails on the file, or cannot be trusted to seek:

* AVI keeps no presentation times, so a dropped frame (an empty packet) or a B-frame makes every
  index after a seek wrong by one or more. Such files are read forward, and so is every container
  other than AVI, MP4, MOV, Matroska and WebM.
* A file that asks to be shown rotated comes rotated, as a player shows it. decord fails on most of
  these; PyAV then reads them.
* The two backends may differ by up to 2 grey levels in MPEG-4 Part 2, whose inverse transform is
  not bit-exact between FFmpeg builds; their H.264 frames are equal.

* TorchCodec is used on request, in decord's place. It needs FFmpeg's shared libraries.

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
from snl_video.data.decoding.guard import shared_guard
from snl_video.data.decoding.reader import Known


@dataclass(frozen=True)
class DecodingSettings:
    """With what videos are read.

    Attributes:
        backend: decoder, "auto", "decord", "pyav" or "torchcodec"; see `Video`.
        timeout: seconds after which a decoder that hangs is stopped and its video counts as
            unreadable; 0 decodes in the worker itself and waits for ever.
        index: Parquet or CSV from `snl-video check`, so that no file is opened to learn its length;
            by default video_index.parquet in the data set's root, where there is one.
    """

    backend: Backend = "auto"
    timeout: float = 0.0
    index: str | None = None


class Video:
    """An open video: `num_frames`, `fps`, `height`, `width` and `get_frames`.

    Args:
        path: the file.
        backend: "auto" (decord where it can be trusted, else PyAV), "decord", "pyav", or
            "torchcodec" (where it can be trusted, else PyAV).
        timeout: when positive, a child process decodes, and is stopped when it does not answer
            within this many seconds; see `guard`.
        known: what a catalogue knows of the file; see `choice.open_reader`.

    Raises:
        VideoError: the file is missing, empty, cut short, not a video, or a directory; its decoder
            hangs or crashes and `timeout` is positive.
    """

    def __init__(
        self,
        path: str | Path,
        backend: Backend = "auto",
        timeout: float = 0,
        known: Known | None = None,
    ) -> None:
        self.path = str(path)
        check_backend(backend)
        self._reader = (
            shared_guard().open(self.path, backend, timeout, known)
            if timeout > 0
            else open_reader(self.path, backend, known)
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
        frames = torch.from_numpy(self._reader.read(distinct.tolist()))
        if len(distinct) == len(wanted) and bool((place[1:] > place[:-1]).all()):
            return frames
        return frames[torch.from_numpy(place.reshape(-1))]


def open_video(
    path: str | Path,
    backend: Backend = "auto",
    timeout: float = 0,
    known: Known | None = None,
) -> Video:
    """Open one video for one call. See `Video`."""
    return Video(path, backend, timeout, known)
