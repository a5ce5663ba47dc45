"""Scores of whole videos, each counted exactly once however many processes share the work."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snl_video.errors import InputError
from snl_video.evaluation.answers import Answers
from snl_video.evaluation.gathering import gather_rows, merge_across_processes
from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.evaluation.results import MissingVideosError, ScoredVideos, VideoResults
from snl_video.evaluation.row_buffer import RowBuffer
from snl_video.evaluation.stored_scores import RowFile, gather_stored

NOT_FINITE = (
    "got scores that are not finite; the weights have diverged, or the precision is too low for "
    "them"
)


class VideoScores:
    """Collects the scores of videos and returns one row a video.

    A video that arrives twice (a distributed sampler repeats some to give every process the same
    number) is counted once. A video that never arrives is an error.

    Of a video with one class some numbers stay in memory; the scores of all classes go to disk. Of
    videos with several classes all scores stay: average precision ranks the videos by each class.

    Args:
        folder: where the scores of videos with one class are kept; by default they are not.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._rows: RowFile | None = None
        self._num_classes = 0
        self._facts = RowBuffer(torch.int64)
        self._values = RowBuffer(torch.float32)
        self._targets = RowBuffer(torch.uint8)
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
        num_classes = self._num_classes = scores.shape[1]
        failed = torch.zeros_like(index) if failed is None else failed.to(index.dtype)
        facts = torch.stack([index, label, failed], dim=1).cpu()
        shares = clip_correct.to(scores.dtype)[:, None]
        values = torch.cat([shares, scores], dim=1).detach().float().cpu()
        lost = facts[:, 2] > 0
        labels = facts[:, 1]
        if target is None and len(labels) and not 0 <= labels.min() <= labels.max() < num_classes:
            raise InputError(
                f"labels must be 0..{num_classes - 1} for {num_classes} classes, got "
                f"{labels.min()}..{labels.max()}; an evaluation needs labelled videos"
            )
        values[lost] = 0
        finite = values[:, 1:].isfinite().all(dim=1)
        if not finite.all():
            raise InputError(f"video #{facts[~finite][0, 0]} {NOT_FINITE}")
        for row in lost.nonzero().flatten().tolist():
            key = int(facts[row, 0])
            self._reasons[key] = (reasons[row] if reasons else "") or "no reason given"
        if target is None:
            answers = Answers.of(values[:, 1:], labels)
            self._store(values[:, 1:])
            facts = torch.column_stack([facts, answers.best, answers.rank])
            values = torch.column_stack([values[:, 0], answers.confidence, answers.score_true])
        else:
            self._targets.append((target.detach() > 0).cpu())
        self._facts.append(facts)
        self._values.append(values)

    def _store(self, scores: Tensor) -> None:
        if self._folder is not None:
            self._rows = self._rows or RowFile(self._folder)
            self._rows.append(scores)

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
        facts, values, targets = (
            gather_rows(kept.rows()) for kept in (self._facts, self._values, self._targets)
        )
        reasons = merge_across_processes(self._reasons)
        index = facts[:, 0]
        strange = index[(index < 0) | (index >= expected)].unique()
        if len(strange):
            raise ValueError(
                f"{len(strange)} scores belong to no video of the list of {expected}, first: "
                f"#{strange[0]}; was the list changed during the run?"
            )
        last = torch.full((expected,), -1)
        last.scatter_reduce_(0, index, torch.arange(len(index)), "amax")
        missing = (last < 0).nonzero().flatten().tolist()
        if not len(index) or (missing and not partial):
            names = ", ".join(ids[i] if i < len(ids) else f"#{i}" for i in missing[:5])
            raise MissingVideosError(
                f"{len(missing)} of {expected} videos have no score, first: {names}; an "
                "evaluation with lost videos is not reported"
            )
        taken = last[last >= 0]
        facts, values = facts[taken], values[taken]
        columns: dict[str, Any] = {
            "index": facts[:, 0],
            "num_classes": self._num_classes,
            "clip_correct": values[:, 0],
            "failed": facts[:, 2] > 0,
            "reasons": tuple(reasons.get(key, "") for key in facts[:, 0].tolist()),
            "expected": expected,
        }
        if len(targets):
            scores = values[:, 1:].contiguous()
            return MultiLabelResults(scores=scores, target=targets[taken] > 0, **columns)
        answers = Answers(facts[:, 3], facts[:, 4], values[:, 1], values[:, 2])
        stored = None
        if self._folder is not None:
            stored = gather_stored(self._rows or RowFile(self._folder), taken)
        return VideoResults(label=facts[:, 1], answers=answers, scores=stored, **columns)
