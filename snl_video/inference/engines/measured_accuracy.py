"""What engines name right on a list of videos, and how fast."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from snl_video.data.datasets import EvalVideos
from snl_video.inference.engines.engine import Engine
from snl_video.inference.viewing import Viewing
from snl_video.wording import markdown_table


@dataclass(frozen=True)
class MeasuredAccuracy:
    """How many videos an engine names right, and how many it sees in a second."""

    engine: str
    num_videos: int
    correct: int
    videos_per_second: float


def measure_accuracy(
    engines: Sequence[Engine], viewing: Viewing, videos: EvalVideos
) -> list[MeasuredAccuracy]:
    """Score videos with several engines; each video is decoded once.

    Right is a video whose best class is its own, or one of its own. One that can't be read counts
    as wrong. The seconds are those of the engines alone.
    """
    correct, seconds, seen = [0] * len(engines), [0.0] * len(engines), 0
    for number in range(len(videos)):
        sample = videos[number]
        if sample["failed"]:
            continue
        seen += 1
        own = sample["target"].nonzero().flatten().tolist() if "target" in sample else []
        parts = sample["clips"].split(viewing.views_per_forward)
        for i, engine in enumerate(engines):
            start = time.perf_counter()
            logits = torch.cat([engine(part) for part in parts])
            seconds[i] += time.perf_counter() - start
            correct[i] += int(viewing.join(logits).argmax()) in (own or [sample["label"]])
    return [
        MeasuredAccuracy(engine.name, len(videos), right, seen / spent if spent else 0.0)
        for engine, right, spent in zip(engines, correct, seconds, strict=True)
    ]


def accuracy_table(rows: Sequence[MeasuredAccuracy]) -> str:
    """Return a Markdown table of accuracies, that of the network in torch first."""
    first = rows[0].correct
    body = [
        (
            row.engine,
            f"{row.correct} of {row.num_videos}",
            f"{100 * row.correct / row.num_videos:.1f} %",
            f"{100 * (row.correct - first) / row.num_videos:+.1f}",
            f"{row.videos_per_second:.2f}",
        )
        for row in rows
    ]
    return markdown_table(["engine", "right", "video top-1", "points", "videos/s"], body)
