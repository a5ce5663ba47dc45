"""A stretch of a long video that a list names, and the video cut down to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor

from snl_video.data.decoding import Video
from snl_video.errors import VideoError


@dataclass(frozen=True, slots=True)
class Segment:
    """From `start`, which is in it, to `end`, which is not.

    Attributes:
        start: in the unit.
        end: in the unit.
        unit: seconds, or frames counted from 0.
    """

    start: float
    end: float
    unit: Literal["seconds", "frames"] = "seconds"

    def __str__(self) -> str:
        return f"{self.start:.12g}-{self.end:.12g}{'s' if self.unit == 'seconds' else ''}"

    def frames(self, video: Video) -> range:
        """The frames of an open video that lie in it, at least one.

        Frame k is shown at k / fps, so in seconds they are those with start <= k / fps < end. What
        lies after the end of the video is cut off.

        Raises:
            VideoError: the video ends before the segment starts, or does not tell its rate.
        """
        rate = video.fps if self.unit == "seconds" else 1.0
        if not rate:
            raise VideoError(video.path, "does not tell its frame rate; give segments in frames")
        first, end = (math.ceil(round(time * rate, 6)) for time in (self.start, self.end))
        if first >= video.num_frames:
            raise VideoError(
                video.path,
                f"the segment {self} starts after the end of the video, which has "
                f"{video.num_frames} frames ({video.fps:.6g} a second); correct the list",
            )
        return range(first, min(max(end, first + 1), video.num_frames))


class VideoSegment:
    """An open video cut down to a range of its frames: index 0 is the first of them.

    Args:
        video: the whole one.
        frames: those that are left, consecutive.
    """

    def __init__(self, video: Video, frames: range) -> None:
        self._video = video
        self._first = frames.start
        self.num_frames = len(frames)
        self.fps = video.fps

    def get_frames(self, indices: Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """Frames by index; see `Video.get_frames`.

        Raises:
            IndexError: an index is outside [0, num_frames).
            VideoError: nothing decodes.
        """
        wanted = np.asarray(indices, dtype=np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= self.num_frames):
            raise IndexError(f"frame indices are outside 0..{self.num_frames - 1} of the segment")
        return self._video.get_frames(wanted + self._first)
