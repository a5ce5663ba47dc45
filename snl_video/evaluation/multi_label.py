"""The outcome of an evaluation of videos that may show several classes, or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from snl_video.evaluation.average_precision import RankedClasses
from snl_video.evaluation.results import ScoredVideos

THRESHOLD = 0.5
"""Of a class for which no video chose another one."""


@dataclass(frozen=True, kw_only=True)
class MultiLabelResults(ScoredVideos):
    """One row a video that may show several classes.

    Attributes:
        scores: (N, K) float32 probabilities, the mean over the views of a video; 0 where it failed.
        target: (N, K) bool.
        thresholds: (K,) probabilities from which on a class is said to be there; by default 0.5.
    """

    scores: Tensor
    target: Tensor
    thresholds: Sequence[float] = ()

    def at(self, thresholds: Sequence[float] | None) -> "MultiLabelResults":
        """Return the same results with other thresholds; None for 0.5."""
        return replace(self, thresholds=tuple(thresholds or ()))

    def rank(self) -> Tensor:
        """(N,) int64, how many classes stand before the first that is right; K where none is."""
        order = self.scores.argsort(dim=1, descending=True, stable=True)
        right = self.target.gather(1, order)
        return torch.where(right.any(dim=1), right.int().argmax(dim=1), right.shape[1])

    def labels(self) -> list[str]:
        """The classes of each video, as "1,5"."""
        return [",".join(map(str, row.nonzero().flatten().tolist())) for row in self.target]

    def chance(self) -> float:
        """The mAP of constant scores: the mean share of videos that show a class that any shows."""
        share = self.target.double().mean(dim=0)
        return share[share > 0].mean().item()

    @cached_property
    def ranked(self) -> RankedClasses:
        """The videos by class and score; those that failed come last."""
        scores = self.scores.where(~self.failed[:, None], torch.tensor(-1.0))
        return RankedClasses(scores.numpy(), self.target.numpy())

    def average_precision(self) -> Tensor:
        """(K,) float64 of each class; NaN where no video shows it."""
        return torch.from_numpy(self.ranked.average_precision())

    def mean_average_precision(self) -> float:
        """Mean of the average precisions of the classes that some video shows."""
        return self.average_precision().nanmean().item()

    def map_of_draw(self) -> Callable[[np.ndarray], float]:
        """The mean average precision as a function of the rows that are drawn."""
        count = len(self.index)

        def of_draw(rows: np.ndarray) -> float:
            times = np.bincount(rows, minlength=count)
            return float(np.nanmean(self.ranked.average_precision(times)))

        return of_draw

    @property
    def threshold(self) -> Tensor:
        """(K,) float32, that of each class."""
        thresholds = self.thresholds or [THRESHOLD] * self.num_classes
        return torch.tensor(thresholds, dtype=torch.float32)

    def decided(self) -> Tensor:
        """(N, K) bool: the classes that are said to be there; none where the video failed."""
        return (self.scores >= self.threshold) & ~self.failed[:, None]

    def f1(self) -> Tensor:
        """(K,) float64 F1 of the decisions of each class: 2 TP / (2 TP + FP + FN); NaN of 0 / 0."""
        said, right = self.decided(), self.target
        return 2 * (said & right).sum(0).double() / (said.sum(0) + right.sum(0))

    def micro_f1(self) -> float:
        """F1 of all decisions together."""
        return self.f1_of_draw()(np.arange(len(self.index)))

    def f1_of_draw(self) -> Callable[[np.ndarray], float]:
        """`micro_f1` as a function of the rows that are drawn."""
        said, right = self.decided(), self.target
        both = (said & right).sum(1).numpy()
        either = (said.sum(1) + right.sum(1)).numpy()

        def of_draw(rows: np.ndarray) -> float:
            return float(2 * both[rows].sum() / max(either[rows].sum(), 1))

        return of_draw

    def best_thresholds(self) -> list[float]:
        """The threshold of each class that gives its decisions the best F1, of these videos.

        It lies half-way between two scores; of equal F1 the highest is taken. A class that no video
        shows keeps 0.5. They are to be chosen on one list and used on another.
        """
        read = ~self.failed
        pairs = zip(self.scores[read].double().numpy().T, self.target[read].numpy().T, strict=True)
        return [_best_threshold(scores, right) for scores, right in pairs]


def _best_threshold(scores: np.ndarray, right: np.ndarray) -> float:
    if not right.any():
        return THRESHOLD
    order = np.argsort(-scores, kind="stable")
    ranked, shown = scores[order], np.cumsum(right[order])
    lower = np.append(ranked[1:], 0.0)
    f1 = np.where(ranked > lower, 2 * shown / (np.arange(1, len(ranked) + 1) + right.sum()), -1.0)
    best = int(f1.argmax())
    return float((ranked[best] + lower[best]) / 2)
