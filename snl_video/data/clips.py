"""Which frames make a clip: pure functions from a length to frame indices.

A clip is `num_frames` frames, `frame_interval` apart ("8x8"); it spans
`(num_frames - 1) * frame_interval + 1` frames of the video.

    video   |-----------------------------------------|
    random          |--o--o--o--o--|                        one clip anywhere (training)
    uniform |o--o--o--o|       |o--o--o--o|       |...|     first at the start, last at the end
    one clip              |--o--o--o--o--|                  uniform with one clip is the centre

A video shorter than the span gives one clip that starts at frame 0: with `short="repeat"` its last
frame fills the rest, with `short="loop"` it starts again from frame 0.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Short = Literal["repeat", "loop"]


def clip_span(num_frames: int, frame_interval: int) -> int:
    """Frames of the video from the first to the last frame of a clip, both counted."""
    if num_frames < 1 or frame_interval < 1:
        raise ValueError(
            f"num_frames and frame_interval must be at least 1, got {num_frames} and "
            f"{frame_interval}"
        )
    return (num_frames - 1) * frame_interval + 1


def random_clip(
    video_frames: int,
    num_frames: int,
    frame_interval: int,
    generator: torch.Generator | None = None,
    short: Short = "repeat",
) -> Tensor:
    """Indices of one clip whose start is uniform over all starts that fit.

    Returns:
        int64 (T,) with T = num_frames.
    """
    starts = max(video_frames - clip_span(num_frames, frame_interval), 0) + 1
    start = torch.randint(starts, (1,), generator=generator)
    return _indices(start, video_frames, num_frames, frame_interval, short)[0]


def uniform_clips(
    video_frames: int,
    num_frames: int,
    frame_interval: int,
    num_clips: int,
    short: Short = "repeat",
) -> Tensor:
    """Indices of `num_clips` evenly spread clips; one clip is the centre clip.

    The clips differ whenever the video has at least `num_clips - 1` frames more than the span.

    Returns:
        int64 (num_clips, T) with T = num_frames.
    """
    if num_clips < 1:
        raise ValueError(f"num_clips must be at least 1, got {num_clips}")
    slack = max(video_frames - clip_span(num_frames, frame_interval), 0)
    if num_clips == 1:
        starts = torch.tensor([slack // 2])
    else:
        starts = torch.linspace(0, slack, num_clips, dtype=torch.float64).round().long()
    return _indices(starts, video_frames, num_frames, frame_interval, short)


def _indices(
    starts: Tensor, video_frames: int, num_frames: int, frame_interval: int, short: Short
) -> Tensor:
    if video_frames < 1:
        raise ValueError(f"a video must have at least one frame, got {video_frames}")
    if short not in ("repeat", "loop"):
        raise ValueError(f"short must be 'repeat' or 'loop', got {short!r}")
    indices = starts[:, None] + torch.arange(num_frames) * frame_interval
    if short == "loop":
        return indices % video_frames
    return indices.clamp(max=video_frames - 1)
