"""The numbers of finished runs: pooled over splits, with intervals, and against no block."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.results_plan import ResultsError, Run
from benchmarks.results_record import Record
from snl_video.data.annotations import group_of
from snl_video.evaluation import VideoResults
from snl_video.evaluation.intervals import (
    LEVEL,
    REPLICATES,
    SEED,
    Interval,
    bootstrap_intervals,
    percentiles,
)
from snl_video.evaluation.paired import Paired, compare_with_first, holm
from snl_video.evaluation.records import VideoTable, list_sha256, read_parquet


@dataclass(frozen=True)
class Scored:
    """A finished run: what its report says."""

    run: Run
    record: Record
    metrics: Mapping[str, Any]
    videos: VideoTable


@dataclass(frozen=True)
class Against:
    """A kind against no block, over the videos of the splits that both have.

    Attributes:
        videos: how many.
        pair: the paired test; `adjusted` is Holm's over all kinds of the table.
        group_interval: of the difference, groups of clips drawn.
    """

    videos: int
    pair: Paired
    group_interval: Interval


@dataclass(frozen=True)
class Row:
    """One kind, over its splits.

    Attributes:
        kind: of the block.
        top1_of_split: video top-1 by split.
        videos: videos of all splits.
        groups: groups of clips among them.
        failed: videos that could not be read, and count as wrong.
        top1: video top-1 over all of them.
        interval: of it, videos drawn.
        group_interval: of it, groups of clips drawn.
        mean_class: mean of the classes' top-1.
        parameters: of the network; None if its reports do not tell.
        gmacs: of one clip of the training size; None likewise.
        cpu_seconds: of a run's training and test, the mean over the runs.
        all_counted: whether no start of theirs is missing in the seconds.
        against: None for no block, and where no split is common.
    """

    kind: str
    top1_of_split: dict[int, float]
    videos: int
    groups: int
    failed: int
    top1: float
    interval: Interval
    group_interval: Interval
    mean_class: float
    parameters: int | None
    gmacs: float | None
    cpu_seconds: float
    all_counted: bool
    against: Against | None


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


def rows(scored: Sequence[Scored]) -> list[Row]:
    """One row a kind, in the order of their first run.

    Args:
        scored: runs of one seed.

    Raises:
        ResultsError: runs of a split that tested other videos, or a video in two splits.
    """
    kinds = list(dict.fromkeys(one.run.kind for one in scored))
    by_kind = {
        kind: {one.run.split: one for one in scored if one.run.kind == kind} for kind in kinds
    }
    first: dict[int, Scored] = {}
    for one in scored:
        other = first.setdefault(one.run.split, one)
        if (one.videos.ids, one.videos.label.tolist()) != (
            other.videos.ids,
            other.videos.label.tolist(),
        ):
            raise ResultsError(f"{other.run.name} and {one.run.name} tested different videos")
    names = [name for one in first.values() for name in one.videos.ids]
    if len(set(names)) < len(names):
        raise ResultsError("a video is in the test lists of two splits: they can't be pooled")
    table = [_row(kind, runs, by_kind.get("none", {})) for kind, runs in by_kind.items()]
    pairs = [row.against for row in table if row.against]
    adjusted = iter(holm([against.pair.p_value for against in pairs]))
    return [
        replace(
            row,
            against=replace(row.against, pair=replace(row.against.pair, adjusted=next(adjusted))),
        )
        if row.against
        else row
        for row in table
    ]


def group_interval(values: np.ndarray, groups: Sequence[str]) -> Interval:
    """95 % interval of the mean of `values` (N,), whole groups drawn with replacement.

    The cluster bootstrap of Davison and Hinkley, "Bootstrap Methods and their Application" (1997),
    section 3.8: clips of one group show the same person and place, so they are not N videos.
    """
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(place, weights=values.astype(np.float64))
    counts = np.bincount(place)
    draws = np.random.default_rng(SEED).integers(len(sums), size=(REPLICATES, len(sums)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    return percentiles({"mean": means}, LEVEL)["mean"]


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


def _row(kind: str, runs: Mapping[int, Scored], none: Mapping[int, Scored]) -> Row:
    chosen = [runs[split] for split in sorted(runs)]
    results = pooled(chosen)
    network = chosen[0].metrics.get("network") or {}
    groups = _groups(chosen)
    return Row(
        kind=kind,
        top1_of_split={one.run.split: float(one.videos.correct.mean()) for one in chosen},
        videos=len(results.label),
        groups=len(set(groups)),
        failed=int(results.failed.sum()),
        top1=results.accuracy(),
        interval=bootstrap_intervals(results)["top1"],
        group_interval=group_interval(results.correct().numpy(), groups),
        mean_class=results.mean_class_accuracy(),
        parameters=network.get("parameters"),
        gmacs=network.get("gmacs"),
        cpu_seconds=sum(one.record.cpu_seconds for one in chosen) / len(chosen),
        all_counted=all(one.record.all_counted for one in chosen),
        against=None if kind == "none" else _against(runs, none),
    )


def _against(runs: Mapping[int, Scored], none: Mapping[int, Scored]) -> Against | None:
    common = sorted(set(runs) & set(none))
    if not common:
        return None
    theirs, ours = (
        np.concatenate([table[split].videos.correct for split in common]) for table in (none, runs)
    )
    (pair,) = compare_with_first([theirs, ours])
    gain = ours.astype(np.int64) - theirs
    groups = _groups([runs[split] for split in common])
    return Against(len(gain), pair, group_interval(gain, groups))


def _groups(scored: Sequence[Scored]) -> list[str]:
    return [group_of(name) for one in scored for name in one.videos.ids]
