"""What happens when in a long video: a window that slides, and the segments it finds."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d

from snl_video.data.decoding.frame_stream import FrameStream
from snl_video.errors import InputError
from snl_video.inference.viewing import Viewing


class Windows:
    """Iterates over the windows of a video: the clips of each, with their crops.

    A window yields (num_clips, num_crops, 3, T, S, S), uint8. The windows begin at 0, one stride,
    two strides, ...; the last ends with the video. A video shorter than a window is one window.

    Args:
        path: the file.
        viewing: how a window is seen.
        window: seconds; None for what one clip spans.
        stride: seconds from one window to the next; None for half a window.

    Attributes:
        seconds: (start, end) of the windows that were yielded so far.

    Raises:
        InputError: a window or a stride that is not positive.
        VideoError: see `FrameStream`.
    """

    def __init__(
        self,
        path: str | Path,
        viewing: Viewing,
        window: float | None = None,
        stride: float | None = None,
    ) -> None:
        for name, value in (("window", window), ("stride", stride)):
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{name} must be a positive number of seconds, got {value}")
        self.stream = FrameStream(path)
        self.viewing = viewing
        fps = self.stream.fps
        self.length = viewing.clip.span_at(fps) if window is None else max(round(window * fps), 1)
        self.step = max(self.length // 2 if stride is None else round(stride * fps), 1)
        self.seconds: list[tuple[float, float]] = []

    def __iter__(self) -> Iterator[Tensor]:
        self.seconds = []
        transform = self.viewing.transform
        kept: deque[Tensor] = deque(maxlen=self.length)
        count = 0
        for frame in self.stream:
            kept.append(transform(frame.permute(2, 0, 1)[None])[:, :, 0])
            count += 1
            if count >= self.length and (count - self.length) % self.step == 0:
                yield self._window(kept, count)
        if count < self.length or (count - self.length) % self.step:
            yield self._window(kept, count)

    def _window(self, kept: deque[Tensor], end: int) -> Tensor:
        fps = self.stream.fps
        self.seconds.append(((end - len(kept)) / fps, end / fps))
        clips = self.viewing.views.num_clips
        indices = self.viewing.clip.uniform(len(kept), clips, fps=fps)
        frames = list(kept)
        return torch.stack(
            [torch.stack([frames[i] for i in clip], dim=2) for clip in indices.tolist()]
        )


@dataclass(frozen=True)
class Segment:
    """A stretch of a video with one best class: seconds, the class and its mean probability."""

    start: float
    end: float
    label: str
    score: float

    def __str__(self) -> str:
        return f"{clock(self.start)} - {clock(self.end)}  {self.label} {self.score:.3f}"


@dataclass(frozen=True)
class Timeline:
    """The probabilities of every window of a video.

    Attributes:
        path: the file.
        classes: (K,) names.
        seconds: (start, end) of each of the W windows.
        scores: (W, K) probabilities.
    """

    path: str
    classes: list[str]
    seconds: list[tuple[float, float]]
    scores: Tensor

    def __repr__(self) -> str:
        return f"Timeline({self.path!r}, {len(self.seconds)} windows, {clock(self.seconds[-1][1])})"

    def __str__(self) -> str:
        return "\n".join(map(str, self.segments()))

    def smoothed(self, windows: int = 3) -> Tensor:
        """Return (W, K), the mean over this odd number of neighbouring windows, fewer at the ends.

        Raises:
            InputError: not an odd number from 1 on.
        """
        if windows < 1 or windows % 2 == 0:
            raise InputError(f"smoothing takes an odd number of windows, got {windows}")
        rows = self.scores.T[None]
        return avg_pool1d(rows, windows, 1, windows // 2, count_include_pad=False)[0].T

    def edges(self) -> list[float]:
        """(W + 1,) seconds: window i stands for what lies between the edges i and i + 1.

        These are halfway between the middles of neighbouring windows, and the ends of the video.
        """
        middles = [(start + end) / 2 for start, end in self.seconds]
        inner = [(a + b) / 2 for a, b in pairwise(middles)]
        return [self.seconds[0][0], *inner, self.seconds[-1][1]]

    def segments(self, *, smooth: int = 3, min_score: float = 0.0) -> list[Segment]:
        """Join neighbouring windows of one best class.

        Args:
            smooth: windows that are averaged first; see `smoothed`.
            min_score: segments with a lower mean probability are left out.
        """
        scores, edges = self.smoothed(smooth), self.edges()
        best = scores.argmax(dim=1).tolist()
        found = []
        for label, group in groupby(range(len(best)), key=best.__getitem__):
            windows = list(group)
            score = float(scores[windows, label].mean())
            start, end = edges[windows[0]], edges[windows[-1] + 1]
            found.append(Segment(start, end, self.classes[label], score))
        return [segment for segment in found if segment.score >= min_score]

    def to_dict(self, **options: Any) -> dict[str, Any]:
        """Return plain types: the segments (see `segments` for `options`), the windows."""
        return {
            "path": self.path,
            "segments": [vars(segment) for segment in self.segments(**options)],
            "classes": self.classes,
            "windows": [
                {"start": start, "end": end, "scores": scores}
                for (start, end), scores in zip(self.seconds, self.scores.tolist(), strict=True)
            ],
        }

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` of one row a window; needs pandas."""
        import pandas

        frame = pandas.DataFrame(self.scores.numpy(), columns=self.classes)
        frame.insert(0, "start", [start for start, _ in self.seconds])
        frame.insert(1, "end", [end for _, end in self.seconds])
        return frame


def clock(seconds: float) -> str:
    """Write seconds as hours, minutes, seconds and milliseconds: 00:01:02.500."""
    minutes, milliseconds = divmod(round(1000 * seconds), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{milliseconds / 1000:06.3f}"
