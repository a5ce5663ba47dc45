"""What a backend offers, and what the backends share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from snl_video.errors import VideoError

NOT_A_VIDEO = "no video stream can be decoded; check that it is a whole video file"

MAX_PIXELS = 1 << 25
"""Pixels of a frame that are decoded where nothing else is said; 8K video has 33.2 million."""


@dataclass(frozen=True)
class Known:
    """What a catalogue knows of a file that it found whole.

    Attributes:
        frames: that the container promises.
        seekable: whether decord and TorchCodec can be trusted; see `backends.look`.
        width: pixels.
        height: pixels.
    """

    frames: int
    seekable: bool
    width: int
    height: int


class VideoReader(Protocol):
    """An open file: frames by index, as NumPy arrays.

    Frame i is the i-th that comes out of the decoder when the file is read from its start.
    """

    @property
    def num_frames(self) -> int:
        """Frames that the container promises."""

    @property
    def fps(self) -> float:
        """Mean frames per second."""

    @property
    def pixels(self) -> int:
        """Pixels of a frame by the header; decodes nothing."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def width(self) -> int:
        """Pixels."""

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""


class SizedByFirstFrame:
    """The size of a reader whose container can't be trusted for it: that of frame 0 as decoded."""

    @cached_property
    def _shape(self) -> tuple[int, ...]:
        return self.read([0]).shape

    @property
    def height(self) -> int:
        """Pixels; decodes one frame the first time."""
        return self._shape[1]

    @property
    def width(self) -> int:
        """Pixels; decodes one frame the first time."""
        return self._shape[2]

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        raise NotImplementedError(f"{type(self).__name__} must define read(indices)")


def no_frames(indices: list[int]) -> str:
    """What is said of frames that cannot be read."""
    return f"frames {indices[0]} to {indices[-1]} do not decode, fetch the file again"


@contextmanager
def video_errors(path: str, reason: str, library: str) -> Iterator[None]:
    """Turn what a library raises about a file into a `VideoError`, in one line.

    Args:
        path: the file.
        reason: what it means.
        library: whose error it is.

    Raises:
        VideoError: from any other error; one that is a `VideoError` already stays as it is.
    """
    try:
        yield
    except VideoError:
        raise
    except Exception as error:
        raise VideoError(path, f"{reason} ({library}: {one_line(error)})") from error


def one_line(error: BaseException) -> str:
    """The informative line of a library's error, without its native stack trace."""
    text = str(error).split("Stack trace")[0].strip()
    if not text:
        return type(error).__name__
    line = re.sub(r"^(\[[\d:]+\] \S+: )+", "", text.splitlines()[0])
    return line.removeprefix("Check failed: ")
