"""How far a number would move had other videos of the same kind been tested."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from snl_video.evaluation.results import VideoResults

REPLICATES = 2000
LEVEL = 0.95
SEED = 0

Interval = tuple[float, float]

METHOD = (
    f"percentile bootstrap over videos, {REPLICATES} resamples, seed {SEED}, "
    f"{LEVEL:.0%} intervals (Efron and Tibshirani 1993, chapter 13)"
)

NO_SPREAD = "A dash instead of an interval: all draws were equal, so a bootstrap can't tell."
"""What `interval_text` means by its dash."""


def bootstrap_intervals(
    results: VideoResults, *, replicates: int = REPLICATES, seed: int = SEED, level: float = LEVEL
) -> dict[str, Interval]:
    """Interval of each accuracy by drawing the videos again, with replacement.

    The percentile method of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993),
    chapter 13. The views of a video stay together, so the interval of the clip accuracy is one over
    videos too. Training is not repeated: the spread between training seeds is not in it.

    Returns:
        ``top1``, ``top5``, ``mean_class`` and ``clip_top1``: (low, high), in [0, 1].
    """
    top1 = results.correct(1).numpy()
    columns = {
        "top1": top1,
        "top5": results.correct(5).numpy(),
        "clip_top1": results.clip_correct.double().numpy(),
    }
    values = np.stack([column.astype(np.float64) for column in columns.values()], axis=1)
    label = results.label.numpy()
    means = np.empty((replicates, values.shape[1]))
    mean_class = np.empty(replicates)
    for number, draw in enumerate(_draws(len(label), replicates, seed)):
        means[number] = values[draw].mean(axis=0)
        drawn = label[draw]
        counts = np.bincount(drawn)
        hits = np.bincount(drawn, weights=top1[draw])
        there = counts > 0
        mean_class[number] = (hits[there] / counts[there]).mean()
    samples = {name: means[:, column] for column, name in enumerate(columns)}
    return percentiles({**samples, "mean_class": mean_class}, level)


def bootstrap_difference(
    first: np.ndarray,
    second: np.ndarray,
    *,
    replicates: int = REPLICATES,
    seed: int = SEED,
    level: float = LEVEL,
) -> Interval:
    """Interval of mean(second) - mean(first) over the same videos, drawn in pairs.

    Args:
        first: (N,) value of each video in one report, as 0 and 1 for wrong and right.
        second: (N,) value of the same videos in the other.
        replicates: how often the videos are drawn.
        seed: of the draws.
        level: share of the replicates inside.
    """
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"both must be (N,), got {first.shape} and {second.shape}")
    gain = second.astype(np.float64) - first.astype(np.float64)
    means = np.array([gain[draw].mean() for draw in _draws(len(gain), replicates, seed)])
    return percentiles({"difference": means}, level)["difference"]


def bootstrap_groups(
    values: np.ndarray,
    groups: Sequence[str],
    *,
    replicates: int = REPLICATES,
    seed: int = SEED,
    level: float = LEVEL,
) -> Interval:
    """Interval of the mean of all values, whole groups drawn with replacement.

    The cluster bootstrap of Davison and Hinkley, "Bootstrap Methods and their Application" (1997),
    section 3.8: clips of one group show the same person and place, so they are not N videos. With
    groups of one video it is the bootstrap over videos.

    Args:
        values: (N,) value of each video, or its gain.
        groups: (N,) name of the group of each.
        replicates: how often the groups are drawn.
        seed: of the draws.
        level: share of the replicates inside.
    """
    place = group_places(groups, len(values))
    sums = np.bincount(place, weights=values.astype(np.float64))
    counts = np.bincount(place)
    draws = _draws(len(sums), replicates, seed)
    means = np.array([sums[draw].sum() / counts[draw].sum() for draw in draws])
    return percentiles({"mean": means}, level)["mean"]


def group_places(groups: Sequence[str], count: int) -> np.ndarray:
    """(N,) int64, the number of each video's group in the order of the groups' names.

    Raises:
        ValueError: there are not `count` names.
    """
    if len(groups) != count:
        raise ValueError(f"{len(groups)} names of groups for {count} videos")
    return np.unique(np.asarray(groups), return_inverse=True)[1]


def is_point(interval: Sequence[float]) -> bool:
    """Whether an interval has no width: all draws were equal, and it says nothing of the spread."""
    return interval[0] == interval[1]


def interval_text(
    interval: Sequence[float], *, sign: str = "", digits: int = 1, dash: str = "-"
) -> str:
    """Both ends in percent, or a dash where `is_point`.

    Args:
        interval: as shares.
        sign: "+" to write a sign before positive numbers too.
        digits: after the point.
        dash: what stands for an interval without width.
    """
    if is_point(interval):
        return dash
    return " to ".join(f"{100 * end:{sign}.{digits}f}" for end in interval)


def percentiles(samples: Mapping[str, np.ndarray], level: float) -> dict[str, Interval]:
    """Cut the same share off both ends of each (R,) sample."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    ends = ((1 - level) / 2, (1 + level) / 2)
    cut = {name: np.quantile(sample, ends) for name, sample in samples.items()}
    return {name: (float(low), float(high)) for name, (low, high) in cut.items()}


def _draws(count: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    if count < 1 or replicates < 1:
        raise ValueError(f"need at least one video and one replicate, got {count}, {replicates}")
    generator = np.random.default_rng(seed)
    return (generator.integers(count, size=count) for _ in range(replicates))
