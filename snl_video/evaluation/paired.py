"""Whether one network is better than another on the same videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from snl_video.evaluation.intervals import Interval, bootstrap_difference


@dataclass(frozen=True)
class Paired:
    """One network against another over the same videos.

    Attributes:
        only_first: videos that only the first has right.
        only_second: videos that only the second has right.
        difference: accuracy of the second minus that of the first.
        interval: 95 % bootstrap interval of the difference, videos drawn in pairs.
        p_value: of the exact McNemar test.
        adjusted: the same after Holm's correction, equal to ``p_value`` for a single comparison.
    """

    only_first: int
    only_second: int
    difference: float
    interval: Interval
    p_value: float
    adjusted: float


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided p-value of the hypothesis that both networks err equally often.

    Of the n = b + c videos that just one of them has right, b follows Binomial(n, 1/2):
    p = min(1, 2 P(X <= min(b, c))). McNemar, "Note on the sampling error of the difference between
    correlated proportions or percentages", Psychometrika 12 (1947), in its exact form; recommended
    for two trained classifiers by Dietterich, Neural Computation 10 (1998). Computed in integers.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"counts can't be negative, got {only_first} and {only_second}")
    total, least = only_first + only_second, min(only_first, only_second)
    terms = accumulate(range(1, least + 1), lambda c, k: c * (total - k + 1) // k, initial=1)
    return min(1.0, 2 * sum(terms) / 2**total)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the chance of any false claim stays below the level.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979): in ascending order, the i-th of m (from 0) is max of the one before and
    min(1, (m - i) p).
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = running
    return adjusted


def compare_with_first(correct: Sequence[np.ndarray]) -> list[Paired]:
    """Compare every network but the first with the first.

    Args:
        correct: of each network (N,) bool, which of the same videos it has right.
    """
    if len(correct) < 2:
        raise ValueError(f"a comparison needs at least two networks, got {len(correct)}")
    first, *others = correct
    only_first = [int((first & ~other).sum()) for other in others]
    only_second = [int((other & ~first).sum()) for other in others]
    p_values = [mcnemar_exact(b, c) for b, c in zip(only_first, only_second, strict=True)]
    adjusted = holm(p_values)
    return [
        Paired(
            only_first=only_first[i],
            only_second=only_second[i],
            difference=(only_second[i] - only_first[i]) / len(first),
            interval=bootstrap_difference(first, other),
            p_value=p_values[i],
            adjusted=adjusted[i],
        )
        for i, other in enumerate(others)
    ]
