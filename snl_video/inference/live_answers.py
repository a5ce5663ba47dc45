"""What live video shows, said again and again while it plays."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from snl_video.inference.live_stream import LiveStream
from snl_video.inference.recognizer import Recognizer
from snl_video.inference.video_timeline import clock


@dataclass(frozen=True)
class LiveAnswer:
    """What a live video shows.

    Attributes:
        time: seconds from the first frame of the stream to the last of the clip.
        latency: seconds from when that last frame came to this answer.
        label: the best class.
        score: its probability.
        dropped: frames so far that no clip spans.
    """

    time: float
    latency: float
    label: str
    score: float
    dropped: int

    def __str__(self) -> str:
        return (
            f"{clock(self.time)}  {self.label} {self.score:.3f}  "
            f"(latency {self.latency:.2f} s, {self.dropped} frames dropped)"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {"class" if name == "label" else name: value for name, value in vars(self).items()}


def watch(
    recognizer: Recognizer, stream: LiveStream, *, stride: float = 1.0, seconds: float = math.inf
) -> Iterator[LiveAnswer]:
    """Yield what the newest clip shows, until the stream ends.

    Args:
        recognizer: what names it.
        stream: entered, with the recogniser's `viewing`.
        stride: seconds of the stream from one answer to the next; more pass where the recogniser
            needs longer.
        seconds: after which it ends.

    Raises:
        VideoError: see `LiveStream.newest`.
    """
    until = time.monotonic() + seconds
    since = 0.0
    while frames := stream.newest(since, until):
        clip = torch.stack([frame.crops for frame in frames], dim=2)
        scores = recognizer.clip_scores(clip[None])
        best = int(scores.argmax())
        last = frames[-1]
        latency = time.monotonic() - last.due
        label, score = recognizer.classes[best], float(scores[best])
        yield LiveAnswer(last.seconds, latency, label, score, stream.dropped)
        since = last.seconds + stride
