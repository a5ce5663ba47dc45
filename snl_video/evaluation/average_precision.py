"""Average precision of every class, fast enough for thousands of draws of the videos."""

import numpy as np


class RankedClasses:
    """The videos of each class in the order of its scores.

        AP = sum over the videos n that show the class of precision(n) / their number

    with precision(n) the share of those scored like n or higher that show it: the area under the
    steps of precision over recall, without interpolation, and videos of equal scores taken
    together, as in scikit-learn's ``average_precision_score``.

    Args:
        scores: (N, K).
        target: (N, K) bool.
    """

    def __init__(self, scores: np.ndarray, target: np.ndarray) -> None:
        count = len(scores)
        self._order = np.argsort(-scores, axis=0, kind="stable").T  # (K, N)
        ranked = np.take_along_axis(scores.T, self._order, axis=1)
        self._right = np.take_along_axis(target.T, self._order, axis=1)
        changes = np.ones(ranked.shape, bool)
        changes[:, :-1] = ranked[:, 1:] != ranked[:, :-1]
        last = np.where(changes, np.arange(count), count)
        last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
        self._classes, places = self._right.nonzero()
        self._places = places
        self._last = last[self._classes, places]

    def average_precision(self, times: np.ndarray | None = None) -> np.ndarray:
        """(K,) float64; NaN of a class that no video shows.

        Args:
            times: (N,) how often each video counts; by default once.
        """
        num_classes, count = self._order.shape
        weight = np.ones(count, np.int64) if times is None else times
        ranked = weight[self._order]
        shown = np.cumsum(ranked * self._right, axis=1)[self._classes, self._last]
        taken = np.cumsum(ranked, axis=1)[self._classes, self._last]
        own = ranked[self._classes, self._places]
        precision = shown / np.maximum(taken, 1)
        sums = np.bincount(self._classes, weights=own * precision, minlength=num_classes)
        totals = np.bincount(self._classes, weights=own, minlength=num_classes)
        return np.divide(sums, totals, out=np.full(num_classes, np.nan), where=totals > 0)
