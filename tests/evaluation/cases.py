"""Results made of given or random numbers, for tests of what is made of them."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from snl_video.evaluation import Evaluation, VideoResults, VideoScores


def random_results(
    num_videos: int, num_classes: int, *, seed: int = 0, failed: tuple[int, ...] = (), skill=2.0
) -> VideoResults:
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(num_videos) % num_classes
    logits = torch.randn(num_videos, num_classes, generator=generator)
    logits[torch.arange(num_videos), label] += skill
    clip_correct = torch.rand(num_videos, generator=generator)
    return results_of(label, logits.softmax(1), clip_correct, failed)


def results_of(label, scores, clip_correct, failed=()) -> VideoResults:
    """Results of the scores (N, K) of every class."""
    lost = torch.zeros(len(label), dtype=torch.bool)
    lost[list(failed)] = True
    reasons = ["moov atom not found" if i in failed else "" for i in range(len(label))]
    collected = VideoScores(Path(tempfile.gettempdir()))
    collected.update(torch.arange(len(label)), label, scores, clip_correct, lost, reasons)
    return collected.results(len(label))


def evaluation(num_videos=20, num_classes=4, **options) -> Evaluation:
    results = random_results(num_videos, num_classes, **options)
    return Evaluation(
        results,
        [f"class {i}" for i in range(num_classes)],
        [f"video {i}.mp4" for i in range(num_videos)],
        views={"1x1": random_results(num_videos, num_classes, seed=99), "2x3": results},
        setting="2x3",
    )


def slow_interval(values, groups):
    """Draw groups and write all their videos out, one draw at a time; as shares."""
    names = sorted(set(groups))
    draws = np.random.default_rng(0).integers(len(names), size=(2000, len(names)))
    of_group = {
        name: [v for v, g in zip(values, groups, strict=True) if g == name] for name in names
    }
    means = [np.mean([v for place in draw for v in of_group[names[place]]]) for draw in draws]
    return tuple(np.quantile(means, [0.025, 0.975]))
