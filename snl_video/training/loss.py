"""Cross-entropy with class weights, label smoothing and soft targets at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ClassWeights = Literal["none", "balanced"] | list[float]


class WeightedCrossEntropy(nn.Module):
    """Cross-entropy of logits (B, K) with labels (B,) or soft targets (B, K).

    With targets t that sum to 1, weights w and smoothing e::

        loss = - sum_ic w_c ((1 - e) t_ic + e / K) log p_ic  /  sum_ic w_c t_ic

    For labels this is ``torch.nn.functional.cross_entropy`` with its ``weight`` and
    ``label_smoothing``; for soft targets that function divides by B instead, so that the same
    labels written as one-hot rows would give another loss. Here both give the same.

    Args:
        num_classes: K.
        smoothing: share of the target spread over all classes, in [0, 1].

    Attributes:
        weight: (K,), ones at first; not part of the state.
    """

    weight: Tensor

    def __init__(self, num_classes: int, smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= smoothing <= 1:
            raise ValueError(f"label_smoothing must lie in [0, 1], got {smoothing}")
        self.smoothing = smoothing
        self.register_buffer("weight", torch.ones(num_classes), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss; int64 ``target`` holds labels, a floating one holds soft targets."""
        classes = logits.shape[1]
        if not target.is_floating_point():
            target = F.one_hot(target, classes)
        target, weight = target.to(logits.dtype), self.weight.to(logits.dtype)
        smooth = (1 - self.smoothing) * target + self.smoothing / classes
        return -(weight * smooth * logits.log_softmax(dim=1)).sum() / (weight * target).sum()


def check_class_weights(weights: ClassWeights, num_classes: int) -> None:
    """Raise ValueError unless ``weights`` is a known word or one positive number a class."""
    if isinstance(weights, str):
        if weights not in ("none", "balanced"):
            raise ValueError(f"class_weights must be 'none', 'balanced' or a list, got {weights!r}")
        return
    if len(weights) != num_classes:
        raise ValueError(f"class_weights has {len(weights)} numbers for {num_classes} classes")
    bad = [value for value in weights if not 0 < value < float("inf")]
    if bad:
        raise ValueError(f"class_weights must be positive and finite, got {bad[0]}")


def balanced_weights(labels: Iterable[int], classes: Sequence[str]) -> Tensor:
    """Return n / (K n_c) of every class (K,), for n labels of which n_c are of class c.

    Raises:
        ValueError: a class has no label at all; the message names it.
    """
    counts = Counter(labels)
    absent = [name for number, name in enumerate(classes) if not counts[number]]
    if absent:
        raise ValueError(
            f"class_weights 'balanced' needs a training video of every class, {len(absent)} of "
            f"{len(classes)} have none, first: {', '.join(absent[:5])}; give the weights as a list"
        )
    of_class = torch.tensor([counts[number] for number in range(len(classes))])
    return (of_class.sum() / (len(classes) * of_class)).float()
