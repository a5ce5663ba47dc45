"""Which frames make a clip: pure functions from a video's length to frame indices.

A clip is `num_frames` frames, `interval` apart ("8x8"); it spans `(num_frames - 1) * interval + 1`
frames of the video.

    video   |-----------------------------------------|
    random          |--o--o--o--o--|                        one clip anywhere (training)
    uniform |o--o--o--o|       |o--o--o--o|       |...|     first at the start, last at the end
    one clip              |--o--o--o--o--|                  uniform with one clip is the centre
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from snl_video.errors import InputError


@dataclass(frozen=True)
class ClipSettings:
    """Which frames make a clip.

    Attributes:
        num_frames: frames of a clip.
        interval: step between them in frames of the video.
        short: a video shorter than a clip gives one that starts at frame 0, and is filled by its
            last frame ("repeat") or starts again ("loop").
    """

    num_frames: int = 8
    interval: int = 8
    short: Literal["repeat", "loop"] = "repeat"

    def __post_init__(self) -> None:
        if self.num_frames < 1 or self.interval < 1:
            raise InputError(
                f"num_frames and interval of a clip must be at least 1, got {self.num_frames} and "
                f"{self.interval}"
            )

    @property
    def span(self) -> int:
        """Frames of the video from the first to the last frame of a clip, both counted."""
        return (self.num_frames - 1) * self.interval + 1

    def random(self, video_frames: int, generator: torch.Generator | None = None) -> Tensor:
        """Indices of one clip whose start is uniform over all starts that fit.

        Returns:
            int64 (T,) with T = num_frames.
        """
        starts = max(video_frames - self.span, 0) + 1
        return self._indices(torch.randint(starts, (1,), generator=generator), video_frames)[0]

    def uniform(self, video_frames: int, num_clips: int) -> Tensor:
        """Indices of `num_clips` evenly spread clips; one clip is the centre clip.

        The clips differ whenever the video has at least `num_clips - 1` frames more than the span.

        Returns:
            int64 (num_clips, T) with T = num_frames.
        """
        slack = max(video_frames - self.span, 0)
        if num_clips == 1:
            starts = torch.tensor([slack // 2])
        else:
            starts = torch.linspace(0, slack, num_clips, dtype=torch.float64).round().long()
        return self._indices(starts, video_frames)

    def _indices(self, starts: Tensor, video_frames: int) -> Tensor:
        indices = starts[:, None] + torch.arange(self.num_frames) * self.interval
        if self.short == "loop":
            return indices % video_frames
        return indices.clamp(max=video_frames - 1)
