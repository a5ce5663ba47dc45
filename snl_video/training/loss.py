"""The losses, with class weights, label smoothing and soft targets at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snl_video.errors import InputError
from snl_video.evaluation.views import Activation
from snl_video.training.training_data import training_data
from snl_video.wording import first_few

LossKind = Literal["cross_entropy", "binary_cross_entropy"]
ClassWeights = Literal["none", "balanced"] | list[float]


@dataclass
class LossSpec:
    """What is minimised.

    Attributes:
        label_smoothing: share of the target spread over all classes, in [0, 1]; in binary
            cross-entropy over yes and no.
        class_weights: ``none``, ``balanced`` (n / (K n_c) of the training list's n videos, n_c of
            class c), or one positive number a class.
        kind: ``cross_entropy`` for videos of one class each; ``binary_cross_entropy`` for videos
            that may show several classes: each class has its own probability, by a sigmoid.
    """

    label_smoothing: float = 0.0
    class_weights: ClassWeights = "none"
    kind: LossKind = "cross_entropy"


class WeightedLoss(nn.Module):
    """What the losses share.

    Args:
        num_classes: K.
        smoothing: share of the target that is spread, in [0, 1].

    Attributes:
        activation: from logits to the probabilities that the loss is of.
        weight: (K,), ones at first; not part of the state.
        balanced: the weights are still to come from a training list, see `balance`.
    """

    activation: ClassVar[Activation]
    weight: Tensor
    balanced = False

    def __init__(self, num_classes: int, smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= smoothing <= 1:
            raise InputError(f"loss.label_smoothing must lie in [0, 1], got {smoothing}")
        self.smoothing = smoothing
        self.register_buffer("weight", torch.ones(num_classes), persistent=False)


class WeightedCrossEntropy(WeightedLoss):
    """Cross-entropy of logits (B, K) with labels (B,) or soft targets (B, K).

    With targets t that sum to 1, weights w and smoothing e:

        loss = - sum_ic w_c ((1 - e) t_ic + e / K) log p_ic  /  sum_ic w_c t_ic

    For labels this is ``torch.nn.functional.cross_entropy`` with its ``weight`` and
    ``label_smoothing``; for soft targets that function divides by B instead, so that the same
    labels written as one-hot rows would give another loss. Here both give the same.
    """

    activation = "softmax"

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, in float32 at least.

        An int64 ``target`` holds labels, a floating one holds soft targets.
        """
        classes = logits.shape[1]
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if not target.is_floating_point():
            target = F.one_hot(target, classes)
        target, weight = target.to(logits.dtype), self.weight.to(logits.dtype)
        smooth = (1 - self.smoothing) * target + self.smoothing / classes
        return -(weight * smooth * logits.log_softmax(dim=1)).sum() / (weight * target).sum()


class WeightedBinaryCrossEntropy(WeightedLoss):
    """Binary cross-entropy of logits (B, K) with targets (B, K) in [0, 1], or labels (B,).

    With targets t, weights w and smoothing e, over all B K of them:

        loss = - mean_ic w_c (s_ic log p_ic + (1 - s_ic) log(1 - p_ic)),  s = (1 - e) t + e / 2

    This is ``binary_cross_entropy_with_logits`` with its ``weight``.
    """

    activation = "sigmoid"

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, in float32 at least; an int64 ``target`` holds labels."""
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if not target.is_floating_point():
            target = F.one_hot(target, logits.shape[1])
        smooth = (1 - self.smoothing) * target.to(logits.dtype) + self.smoothing / 2
        weight = self.weight.to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits, smooth, weight=weight)


LOSSES: dict[LossKind, type[WeightedLoss]] = {
    "cross_entropy": WeightedCrossEntropy,
    "binary_cross_entropy": WeightedBinaryCrossEntropy,
}


def hits(logits: Tensor, target: Tensor) -> Tensor:
    """(B,) bool: the best class is right; of mixed videos, the one with the largest share counts.

    Args:
        logits: (B, K).
        target: labels (B,), or the share of each class (B, K): 1 for each of several labels.
    """
    best = logits.argmax(dim=1)
    if not target.is_floating_point():
        return best == target
    share = target.gather(1, best[:, None]).squeeze(1)
    return (share == 1) | ((share > 0) & (best == target.argmax(dim=1)))


def refuse_one_class_loss(loss: WeightedLoss, trainer: pl.Trainer, stage: str) -> None:
    """Refuse a loss of one class a video where the list of a stage has several.

    Raises:
        InputError: so it is; says what to set.
    """
    data: Any = getattr(trainer, "datamodule", None)
    subset = {"fit": "train", "validate": "val", "test": "test"}.get(stage)
    if subset is None or not hasattr(data, "video_list") or loss.activation == "sigmoid":
        return
    if getattr(data.video_list(subset), "several_labels", False):
        raise InputError(
            f"the {subset} list gives a video several labels, and the loss takes one: set "
            "model.loss.kind=binary_cross_entropy, and train with checkpoint.monitor=val/map"
        )


def build_loss(spec: LossSpec, num_classes: int) -> WeightedLoss:
    """Build the loss; ``balanced`` weights are ones until `balance`.

    Raises:
        InputError: weights that are not one positive number a class, or a bad smoothing.
    """
    loss = LOSSES[spec.kind](num_classes, spec.label_smoothing)
    weights = spec.class_weights
    if weights in ("none", "balanced"):
        loss.balanced = weights == "balanced"
        return loss
    if (
        isinstance(weights, str)
        or len(weights) != num_classes
        or not all(0 < value < float("inf") for value in weights)
    ):
        raise InputError(
            f"loss.class_weights must be 'none', 'balanced' or {num_classes} positive numbers, one "
            f"for each class, got {weights!r}"
        )
    loss.weight.copy_(torch.tensor(weights))
    return loss


def balance(loss: WeightedLoss, trainer: pl.Trainer, classes: Sequence[str]) -> None:
    """Weigh the classes by the training list of a run."""
    data = training_data(trainer, "loss.class_weights 'balanced'")
    records = data.video_list("train").records
    labels = (label for r in records for label in ([r.label] if r.labels is None else r.labels))
    loss.weight.copy_(balanced_weights(labels, classes))


def balanced_weights(labels: Iterable[int], classes: Sequence[str]) -> Tensor:
    """Return n / (K n_c) of every class (K,), for n labels of which n_c are of class c.

    Raises:
        InputError: a class has no label at all; the message names it.
    """
    counts = Counter(labels)
    absent = [name for number, name in enumerate(classes) if not counts[number]]
    if absent:
        raise InputError(
            f"loss.class_weights 'balanced' needs a training video of every class, {len(absent)} "
            f"of {len(classes)} have none: {first_few(absent)}; give the weights as a list"
        )
    of_class = torch.tensor([counts[number] for number in range(len(classes))])
    return (of_class.sum() / (len(classes) * of_class)).float()
