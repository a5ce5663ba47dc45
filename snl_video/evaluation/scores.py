"""Scores of whole videos, each counted exactly once however many processes share the work."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from snl_video.errors import InputError
from snl_video.evaluation.gathering import gather_rows, merge_across_processes
from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.evaluation.results import MissingVideosError, ScoredVideos, VideoResults

NOT_FINITE = (
    "got scores that are not finite; the weights have diverged, or the precision is too low for "
    "them"
)


class VideoScores:
    """Collects the scores of videos and returns one row a video.

    A video that arrives twice (a distributed sampler repeats some to give every process the same
    number) is counted once. A video that never arrives is an error.
    """

    def __init__(self) -> None:
        self._facts: list[Tensor] = []
        self._values: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._reasons: dict[int, str] = {}

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
        """Add the videos of a batch, in two or three copies from their device.

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
        num_classes = scores.shape[1]
        failed = torch.zeros_like(index) if failed is None else failed.to(index.dtype)
        facts = torch.stack([index, label, failed], dim=1).cpu()
        shares = clip_correct.to(scores.dtype)[:, None]
        values = torch.cat([scores, shares], dim=1).detach().float().cpu()
        lost = facts[:, 2] > 0
        labels = facts[:, 1]
        if target is None and len(labels) and not 0 <= labels.min() <= labels.max() < num_classes:
            raise InputError(
                f"labels must be 0..{num_classes - 1} for {num_classes} classes, got "
                f"{labels.min()}..{labels.max()}; an evaluation needs labelled videos"
            )
        values[lost] = 0
        finite = values[:, :-1].isfinite().all(dim=1)
        if not finite.all():
            raise InputError(f"video #{facts[~finite][0, 0]} {NOT_FINITE}")
        for row in lost.nonzero().flatten().tolist():
            key = int(facts[row, 0])
            self._reasons[key] = (reasons[row] if reasons else "") or "no reason given"
        self._facts.append(facts)
        self._values.append(values)
        if target is not None:
            self._targets.append((target.detach() > 0).to(torch.uint8).cpu())

    def reset(self) -> None:
        """Forget everything."""
        self._facts, self._values, self._targets, self._reasons = [], [], [], {}

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
        facts = gather_rows(self._facts, torch.int64)
        values = gather_rows(self._values, torch.float32)
        targets = gather_rows(self._targets, torch.uint8)
        reasons = merge_across_processes(self._reasons)
        rows = {key: row for row, key in enumerate(facts[:, 0].tolist())}
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
        taken = torch.tensor([rows[key] for key in order])
        facts, values = facts[taken], values[taken]
        columns: dict[str, Any] = {
            "index": facts[:, 0],
            "scores": values[:, :-1].contiguous(),
            "clip_correct": values[:, -1],
            "failed": facts[:, 2] > 0,
            "reasons": tuple(reasons.get(key, "") for key in order),
            "expected": expected,
        }
        if len(targets):
            return MultiLabelResults(target=targets[taken] > 0, **columns)
        return VideoResults(label=facts[:, 1], **columns)
