"""The most confident mistakes of a network, and a strip of frames of each."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from snl_video.evaluation.report.pictures import data_uri
from snl_video.evaluation.results import VideoResults

FRAMES = 6
WIDTH = 220


class Readable(Protocol):
    """An open video."""

    @property
    def num_frames(self) -> int:
        """How many frames it promises."""

    def get_frames(self, indices: Any) -> Any:
        """Frames by index: uint8 (T, H, W, 3)."""


OpenVideo = Callable[[int], Readable]
"""Opens a video by its index in the list."""


@dataclass(frozen=True)
class Mistake:
    """One wrong answer.

    Attributes:
        index: the video.
        label: what it shows.
        predicted: what the network said.
        confidence: probability of ``predicted``.
        score_true: probability of ``label``.
        rank: place of ``label`` among the answers, 2 for the second.
        frames: data URIs, in the order of time.
        unreadable: why there are no frames, "" where there are.
    """

    index: int
    label: int
    predicted: int
    confidence: float
    score_true: float
    rank: int
    frames: tuple[str, ...] = ()
    unreadable: str = ""


def confident_mistakes(results: VideoResults, count: int = 12) -> list[Mistake]:
    """Return the ``count`` wrong answers of highest confidence, the most confident first."""
    wrong = ~results.correct() & ~results.failed
    confidence = results.confidence().where(wrong, -1.0)
    order = confidence.argsort(descending=True, stable=True)[: min(count, int(wrong.sum()))]
    predicted, rank = results.predicted(), results.rank()
    return [
        Mistake(
            index=int(results.index[row]),
            label=int(results.label[row]),
            predicted=int(predicted[row]),
            confidence=float(confidence[row]),
            score_true=float(results.answers.score_true[row]),
            rank=int(rank[row]) + 1,
        )
        for row in order.tolist()
    ]


def film_strip(video: Readable, *, frames: int = FRAMES, width: int = WIDTH) -> tuple[str, ...]:
    """Return ``frames`` JPEG data URIs, evenly over the video and ``width`` pixels wide."""
    moments = [(2 * i + 1) * video.num_frames // (2 * frames) for i in range(frames)]
    pictures = np.asarray(video.get_frames(moments))
    return tuple(_jpeg(picture, width) for picture in pictures)


def _jpeg(picture: np.ndarray, width: int) -> str:
    image = Image.fromarray(picture)
    height = max(1, min(4 * width, round(width * image.height / image.width)))
    buffer = io.BytesIO()
    image.resize((width, height), Image.Resampling.BILINEAR).save(buffer, "JPEG", quality=80)
    return data_uri(buffer.getvalue(), "image/jpeg")
