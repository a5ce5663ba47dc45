"""Which frames make a clip: pure functions from a video's length to frame indices.

A clip is `num_frames` frames, `interval` apart ("8x8"). Where clips start, and which frames of
their span are taken, is as the protocol says; this is "snl_video":

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
from snl_video.protocol import PROTOCOLS, Protocol, ProtocolName


@dataclass(frozen=True)
class ClipSettings:
    """Which frames make a clip.

    Attributes:
        num_frames: frames of a clip.
        interval: step between them, in frames of the video or, where the protocol has a frame
            rate, at that rate.
        short: a video shorter than a clip gives one that starts at frame 0, and is filled by its
            last frame ("repeat") or starts again ("loop"); by default as the protocol does.
        protocol: of the frames; the command line takes it from `--protocol`.
    """

    num_frames: int = 8
    interval: int = 8
    short: Literal["repeat", "loop"] | None = None
    protocol: ProtocolName = "snl_video"

    def __post_init__(self) -> None:
        if self.num_frames < 1 or self.interval < 1:
            raise InputError(
                f"num_frames and interval of a clip must be at least 1, got {self.num_frames} and "
                f"{self.interval}"
            )
        if self.protocol not in PROTOCOLS:
            raise InputError(
                f"unknown protocol {self.protocol!r}; choose from {', '.join(PROTOCOLS)}"
            )

    @property
    def rules(self) -> Protocol:
        """What the protocol does."""
        return PROTOCOLS[self.protocol]

    @property
    def span(self) -> int:
        """`span_at` the frame rate of the protocol."""
        return self.span_at(None)

    def span_at(self, fps: float | None) -> int:
        """Frames of the video from the first to the last frame of a clip, both counted.

        Args:
            fps: of the video; None, or 0 where a file does not tell, for that of the protocol.
                Only protocols with a frame rate ask.
        """
        if self.rules.frames == "stepped":
            return (self.num_frames - 1) * self.interval + 1
        return max(round(self._intervals(fps)), 1)

    def random(
        self,
        video_frames: int,
        generator: torch.Generator | None = None,
        *,
        fps: float | None = None,
    ) -> Tensor:
        """Indices of one clip whose start is uniform over all starts that there are.

        Args:
            video_frames: length of the video.
            generator: of the start.
            fps: see `span_at`.

        Returns:
            int64 (T,) with T = num_frames.
        """
        if self.rules.frames == "spread":
            free = max(video_frames - self._intervals(fps), 0)
            start = free * torch.rand(1, generator=generator, dtype=torch.float64)
        else:
            whole = self.rules.training_starts == "intervals"
            span = self.num_frames * self.interval if whole else self.span
            start = torch.randint(max(video_frames - span, 0) + 1, (1,), generator=generator)
        return self._indices(start, video_frames, fps)[0]

    def uniform(self, video_frames: int, num_clips: int, *, fps: float | None = None) -> Tensor:
        """Indices of `num_clips` evenly spread clips; where they start, the protocol says.

        The clips differ whenever the video has at least `num_clips` frames more than the span.

        Args:
            video_frames: length of the video.
            num_clips: how many.
            fps: see `span_at`.

        Returns:
            int64 (num_clips, T) with T = num_frames.
        """
        if self.rules.test_starts == "shares":
            free = max(video_frames - self._intervals(fps), 0)
            starts = free * torch.arange(num_clips, dtype=torch.float64) / num_clips
        elif num_clips == 1:
            starts = torch.tensor([max(video_frames - self.span, 0) // 2])
        else:
            slack = max(video_frames - self.span, 0)
            starts = torch.linspace(0, slack, num_clips, dtype=torch.float64).round().long()
        return self._indices(starts, video_frames, fps)

    def _intervals(self, fps: float | None) -> float:
        """Frames of the video that T intervals take."""
        rate = fps / self.rules.fps if fps and self.rules.fps else 1.0
        return self.num_frames * self.interval * rate

    def _indices(self, starts: Tensor, video_frames: int, fps: float | None) -> Tensor:
        if self.rules.frames == "spread":  # in float32, as published: that decides near integers
            last = max(self._intervals(fps) - 1, 0)
            rows = [torch.linspace(s, s + last, self.num_frames) for s in starts.tolist()]
            indices = torch.stack(rows).long()
        else:
            indices = starts[:, None] + torch.arange(self.num_frames) * self.interval
        if (self.short or self.rules.short) == "loop":
            return indices % video_frames
        return indices.clamp(max=video_frames - 1)
