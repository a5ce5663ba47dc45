"""What the reports of finished runs say, video by video."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.results.lists import refuse_shared
from benchmarks.results.plan import ResultsError, Run
from benchmarks.results.record import Record
from snl_video.data.holdout import group_of
from snl_video.evaluation import VideoResults
from snl_video.evaluation.video_table import VideoTable, list_sha256, read_parquet


@dataclass(frozen=True)
class Scored:
    """A finished run: what its report says."""

    run: Run
    record: Record
    metrics: Mapping[str, Any]
    videos: VideoTable


def read_scored(runs: Path, record: Record) -> Scored:
    """Read the report of a finished run.

    Raises:
        ResultsError: it is damaged, or not of all its videos.
    """
    folder = runs / record.run.name / "report"
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        videos = read_parquet(folder / "videos.parquet")
        complete, listed = metrics["complete"], metrics["list_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{folder} is not a report ({error}); delete {folder.parent}") from error
    if not complete or list_sha256(videos.ids, videos.label.tolist()) != listed:
        raise ResultsError(f"{folder} is not of the whole test list; delete {folder.parent}")
    return Scored(record.run, record, metrics, videos)


def check_same_videos(scored: Sequence[Scored]) -> None:
    """Refuse runs that can't stand in one table.

    Raises:
        ResultsError: runs of a split that tested other videos, or a video in two splits.
    """
    first: dict[int, Scored] = {}
    for one in scored:
        other = first.setdefault(one.run.split, one)
        if (one.videos.ids, one.videos.label.tolist()) != (
            other.videos.ids,
            other.videos.label.tolist(),
        ):
            raise ResultsError(f"{other.run.name} and {one.run.name} tested different videos")
    refuse_shared((split, one.videos.ids) for split, one in first.items())


def pooled(scored: Sequence[Scored]) -> VideoResults:
    """The videos of several runs as one list.

    Raises:
        ResultsError: the runs name their classes differently.
    """
    tables = [one.videos for one in scored]
    if any(table.classes != tables[0].classes for table in tables):
        raise ResultsError(f"{scored[0].run.kind}: the splits name their classes differently")
    label = np.concatenate([table.label for table in tables])
    return VideoResults(
        index=torch.arange(len(label)),
        label=torch.from_numpy(label),
        scores=torch.from_numpy(np.concatenate([table.scores for table in tables])),
        clip_correct=torch.from_numpy(np.concatenate([table.clip_accuracy for table in tables])),
        failed=torch.from_numpy(np.concatenate([table.failed for table in tables])),
        reasons=tuple(reason for table in tables for reason in table.reasons),
        expected=len(label),
    )


def groups_of(scored: Sequence[Scored]) -> list[str]:
    """The group of every video, in the order of `pooled`."""
    return [group_of(name) for one in scored for name in one.videos.ids]


def unreadable(scored: Sequence[Scored]) -> list[str]:
    """Every video that at least one run could not read, once, with its split."""
    return _distinct(
        (name, one)
        for one in scored
        for name, failed in zip(one.videos.ids, one.videos.failed, strict=True)
        if failed
    )


def absent(scored: Sequence[Scored]) -> list[str]:
    """Every listed video that at least one run left out since it was not there, once."""
    return _distinct((name, one) for one in scored for name in one.metrics.get("absent_ids", ()))


def _distinct(found: Iterable[tuple[str, Scored]]) -> list[str]:
    return list(dict.fromkeys(f"{name} (split {one.run.split})" for name, one in found))
