"""Scores of whole videos, each counted exactly once however many processes share the work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor


class MissingVideosError(RuntimeError):
    """An evaluation ended without a score for every video of its list."""


@dataclass(frozen=True)
class VideoResults:
    """One row a video, in the order of the annotation list.

    Attributes:
        index: (N,) int64, position of the video in its list.
        label: (N,) int64.
        scores: (N, K) float32 probabilities, the mean over the views of a video; 0 where it failed.
        clip_correct: (N,) float32, the share of its views whose own top class is right.
        failed: (N,) bool, videos that could not be read; they count as wrong.
        reasons: (N,) why each of them could not be read, "" for the others.
        expected: how many videos the list has.
    """

    index: Tensor
    label: Tensor
    scores: Tensor
    clip_correct: Tensor
    failed: Tensor
    reasons: tuple[str, ...]
    expected: int

    @property
    def complete(self) -> bool:
        """Whether every video of the list has its row."""
        return len(self.index) == self.expected

    def correct(self, top: int = 1) -> Tensor:
        """(N,) bool: the label is among the ``top`` best classes, and the video was read."""
        top = min(top, self.scores.shape[1])
        best = self.scores.topk(top, dim=1).indices
        return (best == self.label[:, None]).any(dim=1) & ~self.failed

    def accuracy(self, top: int = 1) -> float:
        """Video accuracy: the share of videos whose label is among the ``top`` best classes."""
        return self.correct(top).double().mean().item()

    def clip_accuracy(self) -> float:
        """Clip accuracy: the share of single views whose best class is right."""
        return self.clip_correct.double().mean().item()

    def per_class(self) -> tuple[Tensor, Tensor]:
        """Return (K,) top-1 accuracy of each class (NaN where it has no video) and (K,) counts."""
        num_classes = self.scores.shape[1]
        counts = torch.bincount(self.label, minlength=num_classes)
        hits = torch.bincount(self.label[self.correct()], minlength=num_classes)
        return hits.double() / counts, counts

    def mean_class_accuracy(self) -> float:
        """Mean of the per-class accuracies over the classes that have videos."""
        accuracy, counts = self.per_class()
        return accuracy[counts > 0].mean().item()

    def negative_log_likelihood(self) -> float:
        """Mean of -log p(label) over the videos that were read; p is at least 1e-12."""
        chosen = self.scores.gather(1, self.label[:, None]).squeeze(1)[~self.failed]
        return -chosen.clamp_min(1e-12).log().double().mean().item()

    def confusion(self) -> Tensor:
        """(K, K) int64 counts, true class by predicted class; failed videos are left out."""
        num_classes = self.scores.shape[1]
        predicted = self.scores.argmax(dim=1)
        cell = (self.label * num_classes + predicted)[~self.failed]
        return torch.bincount(cell, minlength=num_classes**2).view(num_classes, num_classes)


Row = TypeVar("Row")


class _Video(NamedTuple):
    label: int
    score: Tensor
    clip_correct: float
    failed: bool
    reason: str


def merge_across_processes(rows: dict[int, Row]) -> dict[int, Row]:
    """Union of the rows of all processes, keyed by video; the rows themselves in a single one."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return rows
    shards: list[dict[int, Row] | None] = [None] * dist.get_world_size()
    dist.all_gather_object(shards, rows)
    merged: dict[int, Row] = {}
    for shard in shards:
        merged.update(shard or {})
    return merged


class VideoScores:
    """Collects the scores of videos and returns one row a video.

    A video that arrives twice (a distributed sampler repeats some to give every process the same
    number) is counted once. A video that never arrives is an error.
    """

    def __init__(self) -> None:
        self._rows: dict[int, _Video] = {}

    def update(
        self,
        index: Tensor,
        label: Tensor,
        scores: Tensor,
        clip_correct: Tensor,
        failed: Tensor | None = None,
        reasons: Sequence[str] | None = None,
    ) -> None:
        """Add the videos of a batch.

        Args:
            index: (B,) position of each video in the annotation list.
            label: (B,) class of each.
            scores: (B, K) probabilities of each video.
            clip_correct: (B,) share of the views of each video that are right by themselves.
            failed: (B,) bool, videos that could not be read.
            reasons: (B,) why each could not be read.

        Raises:
            ValueError: scores that are not (B, K), or not finite for a video that was read.
        """
        if scores.ndim != 2 or len(scores) != len(index):
            raise ValueError(
                f"scores must be ({len(index)}, num_classes), got {tuple(scores.shape)}"
            )
        scores = scores.detach().float().cpu()
        lost = [False] * len(index) if failed is None else failed.tolist()
        labels, shares = label.tolist(), clip_correct.tolist()
        for row, key in enumerate(index.tolist()):
            score = scores[row]
            if lost[row]:
                reason = reasons[row] if reasons else ""
                self._rows[key] = _Video(labels[row], torch.zeros_like(score), 0.0, True, reason)
                continue
            if not score.isfinite().all():
                raise ValueError(
                    f"video #{key} got scores that are not finite; the weights have diverged, or "
                    "the precision is too low for them"
                )
            self._rows[key] = _Video(labels[row], score, shares[row], False, "")

    def reset(self) -> None:
        """Forget everything."""
        self._rows.clear()

    def results(
        self, expected: int, *, partial: bool = False, ids: Sequence[str] = ()
    ) -> VideoResults:
        """Gather the rows of all processes and return them in the order of the list.

        Args:
            expected: how many videos the list has.
            partial: the run was cut short on purpose (``limit_test_batches``).
            ids: names of the videos, for the error message.

        Raises:
            MissingVideosError: a video has no row and ``partial`` is false, or no row at all.
        """
        rows = merge_across_processes(self._rows)
        missing = sorted(set(range(expected)) - set(rows))
        if not rows or (missing and not partial):
            names = ", ".join(ids[i] if i < len(ids) else f"#{i}" for i in missing[:5])
            raise MissingVideosError(
                f"{len(missing)} of {expected} videos have no score, first: {names}; an "
                "evaluation with lost videos is not reported"
            )
        order = sorted(rows)
        label, scores, clip_correct, failed, reasons = zip(
            *(rows[key] for key in order), strict=True
        )
        return VideoResults(
            index=torch.tensor(order),
            label=torch.tensor(label),
            scores=torch.stack(scores),
            clip_correct=torch.tensor(clip_correct),
            failed=torch.tensor(failed),
            reasons=reasons,
            expected=expected,
        )
