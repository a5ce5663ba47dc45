"""Scores of whole videos, each counted exactly once however many processes share the work."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from snl_video.errors import InputError
from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.evaluation.results import MissingVideosError, ScoredVideos, VideoResults

Row = TypeVar("Row")
NOT_FINITE = (
    "got scores that are not finite; the weights have diverged, or the precision is too low for "
    "them"
)


class _Video(NamedTuple):
    label: int
    score: Tensor
    clip_correct: float
    failed: bool
    reason: str
    target: Tensor | None = None


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
        target: Tensor | None = None,
    ) -> None:
        """Add the videos of a batch.

        Args:
            index: (B,) position of each video in the annotation list.
            label: (B,) class of each.
            scores: (B, K) probabilities of each video.
            clip_correct: (B,) share of the views of each video that are right by themselves.
            failed: (B,) bool, videos that could not be read.
            reasons: (B,) why each could not be read.
            target: (B, K), above 0 where a video shows a class, of videos that may show several;
                ``label`` is then not looked at.

        Raises:
            InputError: scores that are not finite for a video that was read; a label that is no
                class.
            ValueError: scores that are not (B, K).
        """
        if scores.ndim != 2 or len(scores) != len(index):
            raise ValueError(
                f"scores must be ({len(index)}, num_classes), got {tuple(scores.shape)}"
            )
        label_range = (int(label.min()), int(label.max())) if len(label) else (0, 0)
        if target is None and (label_range[0] < 0 or label_range[1] >= scores.shape[1]):
            raise InputError(
                f"labels must be 0..{scores.shape[1] - 1} for {scores.shape[1]} classes, got "
                f"{label_range[0]}..{label_range[1]}; an evaluation needs labelled videos"
            )
        scores = scores.detach().float().cpu()
        lost = [False] * len(index) if failed is None else failed.tolist()
        labels, shares = label.tolist(), clip_correct.tolist()
        targets = [None] * len(index) if target is None else list(target.detach().cpu() > 0)
        for row, key in enumerate(index.tolist()):
            score = scores[row]
            if lost[row]:
                reason = reasons[row] if reasons else ""
                zeros = torch.zeros_like(score)
                reason = reason or "no reason given"
                self._rows[key] = _Video(labels[row], zeros, 0.0, True, reason, targets[row])
                continue
            if not score.isfinite().all():
                raise InputError(f"video #{key} {NOT_FINITE}")
            score = score.clone()
            self._rows[key] = _Video(labels[row], score, shares[row], False, "", targets[row])

    def reset(self) -> None:
        """Forget everything."""
        self._rows.clear()

    def results(
        self, expected: int, *, partial: bool = False, ids: Sequence[str] = ()
    ) -> ScoredVideos:
        """Gather the rows of all processes and return them in the order of the list.

        Args:
            expected: how many videos the list has.
            partial: the run was cut short on purpose (``limit_test_batches``).
            ids: names of the videos, for the error message.

        Raises:
            MissingVideosError: a video has no row and ``partial`` is false, or no row at all.
            ValueError: a row belongs to no video of the list.
        """
        rows = merge_across_processes(self._rows)
        strange = sorted(set(rows) - set(range(expected)))
        if strange:
            raise ValueError(
                f"{len(strange)} scores belong to no video of the list of {expected}, first: "
                f"#{strange[0]}; was the list changed during the run?"
            )
        missing = sorted(set(range(expected)) - set(rows))
        if not rows or (missing and not partial):
            names = ", ".join(ids[i] if i < len(ids) else f"#{i}" for i in missing[:5])
            raise MissingVideosError(
                f"{len(missing)} of {expected} videos have no score, first: {names}; an "
                "evaluation with lost videos is not reported"
            )
        order = sorted(rows)
        label, scores, clip_correct, failed, reasons, targets = zip(
            *(rows[key] for key in order), strict=True
        )
        columns: dict[str, Any] = {
            "index": torch.tensor(order),
            "scores": torch.stack(scores),
            "clip_correct": torch.tensor(clip_correct),
            "failed": torch.tensor(failed),
            "reasons": reasons,
            "expected": expected,
        }
        if targets[0] is not None:
            return MultiLabelResults(target=torch.stack(targets), **columns)
        return VideoResults(label=torch.tensor(label), **columns)
