"""Whether one network is better than another on the same videos."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from snl_video.evaluation.intervals import (
    Interval,
    bootstrap_difference,
    bootstrap_groups,
    group_places,
)


@dataclass(frozen=True)
class ByGroup:
    """One network against another with whole groups of videos as the units.

    Attributes:
        groups: how many.
        interval: 95 % bootstrap interval of the difference, groups drawn.
        p_value: of the exact sign-flip test over the groups.
        adjusted: the same after Holm's correction, equal to ``p_value`` for a single comparison.
    """

    groups: int
    interval: Interval
    p_value: float
    adjusted: float


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
        by_group: the same over groups of videos; None where no groups were given.
    """

    only_first: int
    only_second: int
    difference: float
    interval: Interval
    p_value: float
    adjusted: float
    by_group: ByGroup | None = None

    @property
    def deciding(self) -> "ByGroup | Paired":
        """What to decide by: the comparison over groups where there are groups.

        McNemar's test takes every video as independent, which clips of one group are not.
        """
        return self.by_group or self

    @property
    def decisive(self) -> float:
        """The adjusted p-value to decide by."""
        return self.deciding.adjusted


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided p-value of the hypothesis that both networks err equally often.

    Of the n = b + c videos that just one of them has right, b follows Binomial(n, 1/2):
    p = min(1, 2 P(X <= min(b, c))). McNemar, "Note on the sampling error of the difference between
    correlated proportions or percentages", Psychometrika 12 (1947), in its exact form; recommended
    for two trained classifiers by Dietterich, Neural Computation 10 (1998). Computed in integers.
    """
    total, least = only_first + only_second, min(only_first, only_second)
    terms = accumulate(range(1, least + 1), lambda c, k: c * (total - k + 1) // k, initial=1)
    return min(1.0, 2 * sum(terms) / 2**total)


def sign_flip_exact(sums: np.ndarray) -> float:
    """Two-sided p-value of the hypothesis that each group's gain has either sign equally often.

    With s the sum of the groups' gains and S that sum with every sign drawn anew, + or - with
    probability 1/2: p = P(abs(S) >= abs(s)). Fisher's randomisation test for pairs, "The Design of
    Experiments" (1935), section 21. No sign vector is sampled: the distribution of S is the
    convolution of the groups' two-point distributions, in float64. With groups of one video it is
    the exact McNemar test.

    Args:
        sums: (G,) integers, the videos that only the second network has right minus those that
            only the first has, of each group.
    """
    positive = np.ones(1)  # (n + 1,) probability of each total of the gains that come out positive
    for size in np.abs(sums[sums != 0]).tolist():
        positive = (np.pad(positive, (size, 0)) + np.pad(positive, (0, size))) / 2
    total = len(positive) - 1
    outcomes = 2 * np.arange(total + 1) - total
    return min(1.0, float(positive[np.abs(outcomes) >= abs(int(sums.sum()))].sum()))


def holm(p_values: Sequence[float], hypotheses: int | None = None) -> list[float]:
    """Adjust p-values so that the chance of any false claim stays below the level.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979): in ascending order, the i-th of m (from 0) is max of the one before and
    min(1, (m - i) p).

    Args:
        p_values: of the tests that were made.
        hypotheses: m, how many tests were planned; those not made count as if their p were 1. By
            default all were made.
    """
    total = len(p_values) if hypotheses is None else hypotheses
    if total < len(p_values):
        raise ValueError(f"{len(p_values)} tests were made, but only {total} hypotheses planned")
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        running = max(running, min(1.0, (total - place) * p_values[index]))
        adjusted[index] = running
    return adjusted


def compare(first: np.ndarray, second: np.ndarray, groups: Sequence[str] | None = None) -> Paired:
    """Compare two networks, without a correction for further comparisons.

    Args:
        first: (N,) bool, which videos the first has right.
        second: (N,) bool, which of the same videos the second has right.
        groups: (N,) name of the group of each, for the comparison over groups.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    p_value = mcnemar_exact(only_first, only_second)
    return Paired(
        only_first=only_first,
        only_second=only_second,
        difference=(only_second - only_first) / len(first),
        interval=bootstrap_difference(first, second),
        p_value=p_value,
        adjusted=p_value,
        by_group=None if groups is None else _compare_groups(first, second, groups),
    )


def compare_with_first(
    correct: Sequence[np.ndarray], groups: Sequence[str] | None = None
) -> list[Paired]:
    """Compare every network but the first with the first, with Holm's correction.

    Args:
        correct: of each network (N,) bool, which of the same videos it has right.
        groups: (N,) name of each video's group, for the comparison over groups.
    """
    first, *others = correct
    return adjust([compare(first, other, groups) for other in others])


def adjust(pairs: Sequence[Paired], hypotheses: int | None = None) -> list[Paired]:
    """Put Holm's correction into comparisons of one family; see `holm`.

    Those over groups are a family of their own; all pairs have one, or none has.
    """
    over_videos = holm([pair.p_value for pair in pairs], hypotheses)
    by_group = [pair.by_group for pair in pairs if pair.by_group]
    over_groups = iter(holm([one.p_value for one in by_group], hypotheses))
    return [
        replace(
            pair,
            adjusted=adjusted,
            by_group=pair.by_group and replace(pair.by_group, adjusted=next(over_groups)),
        )
        for pair, adjusted in zip(pairs, over_videos, strict=True)
    ]


def _compare_groups(first: np.ndarray, second: np.ndarray, groups: Sequence[str]) -> ByGroup:
    gain = second.astype(np.int64) - first.astype(np.int64)
    place = group_places(groups, len(gain))
    sums = np.zeros(place.max(initial=-1) + 1, np.int64)
    np.add.at(sums, place, gain)
    p_value = sign_flip_exact(sums)
    return ByGroup(len(sums), bootstrap_groups(gain, groups), p_value, p_value)
