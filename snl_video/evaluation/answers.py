"""What the scores of a video say, in the few numbers that most metrics are made of."""

from typing import NamedTuple

import torch
from torch import Tensor


class Answers(NamedTuple):
    """Of N videos that have one class each.

    Attributes:
        best: (N,) int64, the class of the highest score, the first of equals.
        rank: (N,) int64, how many classes stand before the label; of equal scores the first leads.
        confidence: (N,) float32, the score of the best class.
        score_true: (N,) float32, the score of the label.
    """

    best: Tensor
    rank: Tensor
    confidence: Tensor
    score_true: Tensor

    @classmethod
    def of(cls, scores: Tensor, label: Tensor) -> "Answers":
        """Read them from scores (N, K) and labels (N,)."""
        own = scores.gather(1, label[:, None])
        earlier = torch.arange(scores.shape[1]) < label[:, None]
        rank = ((scores > own) | ((scores == own) & earlier)).sum(dim=1)
        return cls(scores.argmax(dim=1), rank, scores.amax(dim=1), own[:, 0])

    @classmethod
    def zeros(cls, count: int) -> "Answers":
        """Make room for those of ``count`` videos."""
        whole, real = torch.zeros(2, count, dtype=torch.int64), torch.zeros(2, count)
        return cls(whole[0], whole[1], real[0], real[1])
