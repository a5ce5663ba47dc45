"""Kinds of block side by side over splits and seeds: the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from snl_video.errors import ComparisonError
from snl_video.evaluation.comparison import Report, check_same_videos
from snl_video.evaluation.intervals import Interval, bootstrap_groups, wilson
from snl_video.evaluation.significance import ByGroup, Paired, adjust, compare
from snl_video.wording import first_few


@dataclass(frozen=True)
class KindRun:
    """One training and its test."""

    kind: str
    split: int
    seed: int

    @property
    def name(self) -> str:
        """Its folder, below that of all runs."""
        return f"{self.kind}/split{self.split}_seed{self.seed}"


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: its report, and its processor seconds, None where they are not all known."""

    run: KindRun
    report: Report
    cpu_seconds: float | None


@dataclass(frozen=True)
class KindRow:
    """One kind in one seed, over the splits that all kinds of this seed have.

    Attributes:
        kind: of the block.
        top1_of_split: video top-1 by split.
        videos: test videos of these splits.
        groups: groups among them; as many as videos where names tell none.
        top1: video top-1 over all of them.
        interval: of it, 95 %, groups drawn; `wilson` where names tell none.
        mean_class: mean of the classes' top-1.
        parameters: of the network; None if its report doesn't say.
        gmacs: of one clip; None likewise.
        cpu_hours: of a run, the mean over those whose hours are known; None without.
        against: the tests against the first kind, with Holm's correction; None for itself.
    """

    kind: str
    top1_of_split: dict[int, float]
    videos: int
    groups: int
    top1: float
    interval: Interval
    mean_class: float
    parameters: int | None
    gmacs: float | None
    cpu_hours: float | None
    against: Paired | None = None

    @property
    def by_group(self) -> ByGroup:
        """The tests against the first kind over groups."""
        assert self.against
        assert self.against.by_group
        return self.against.by_group


def rows_by_seed(
    planned: Sequence[KindRun], tested: Sequence[FinishedRun], group_of: Callable[[str], str]
) -> dict[int, list[KindRow]]:
    """The rows of each planned seed that has a finished run.

    Args:
        planned: every run there should be. The first kind is the one that the others are set
            against; Holm's correction counts all others, those without a run too.
        tested: those that are finished.
        group_of: gives the group of a video from its id.

    Raises:
        ComparisonError: the runs can't stand in one table.
    """
    _check_together(tested)
    kinds = list(dict.fromkeys(run.kind for run in planned))
    tables = {}
    for seed in dict.fromkeys(run.seed for run in planned):
        of_kind = {
            kind: {one.run.split: one for one in tested if (one.run.kind, one.run.seed) == key}
            for kind in kinds
            for key in [(kind, seed)]
        }
        there = {kind: runs for kind, runs in of_kind.items() if runs}
        splits = sorted(set.intersection(*map(set, there.values()))) if there else []
        if splits:
            chosen = {kind: [runs[split] for split in splits] for kind, runs in there.items()}
            tables[seed] = _rows(chosen, kinds, group_of)
    return tables


def refuse_shared(ids_of_split: Mapping[int, Sequence[str]]) -> None:
    """Refuse test lists that share a video: their videos can't be pooled.

    UCF101's lists share none. Those of HMDB51 do: each of its splits is drawn anew.

    Raises:
        ComparisonError: two do.
    """
    split_of: dict[str, int] = {}
    for split, ids in ids_of_split.items():
        if shared := [name for name in ids if name in split_of]:
            other = split_of[shared[0]]
            raise ComparisonError(
                f"the test lists of splits {other} and {split} share videos "
                f"({first_few(shared, 3)}), so they can't be pooled; make a table of one split, "
                f"--splits {other}"
            )
        split_of |= dict.fromkeys(ids, split)


def _check_together(tested: Sequence[FinishedRun]) -> None:
    first: dict[int, FinishedRun] = {}
    for one in tested:
        if not one.report.metrics["complete"]:
            raise ComparisonError(f"{one.run.name} was not tested on its whole list; delete it")
        check_same_videos(first.setdefault(one.run.split, one).report, one.report)
    refuse_shared({split: one.report.videos.ids for split, one in first.items()})
    if len({tuple(one.report.videos.classes) for one in first.values()}) > 1:
        raise ComparisonError("the splits name their classes differently")


def _rows(
    runs: Mapping[str, Sequence[FinishedRun]], kinds: Sequence[str], group_of: Callable[[str], str]
) -> list[KindRow]:
    """Rows of runs by kind, all over the same splits."""
    correct = {
        kind: np.concatenate([one.report.videos.correct for one in of_kind])
        for kind, of_kind in runs.items()
    }
    any_kind = [one.report.videos for one in next(iter(runs.values()))]
    label = np.concatenate([videos.label for videos in any_kind])
    groups = [group_of(name) for videos in any_kind for name in videos.ids]
    rows = [_row(kind, of_kind, correct[kind], label, groups) for kind, of_kind in runs.items()]
    if kinds[0] not in runs:
        return rows
    pairs = [compare(correct[kinds[0]], correct[row.kind], groups) for row in rows[1:]]
    adjusted = adjust(pairs, len(kinds) - 1)
    others = [replace(row, against=pair) for row, pair in zip(rows[1:], adjusted, strict=True)]
    return [rows[0], *others]


def _row(
    kind: str,
    runs: Sequence[FinishedRun],
    correct: np.ndarray,
    label: np.ndarray,
    groups: Sequence[str],
) -> KindRow:
    network = runs[0].report.metrics.get("network") or {}
    hours = [one.cpu_seconds / 3600 for one in runs if one.cpu_seconds is not None]
    return KindRow(
        kind=kind,
        top1_of_split={one.run.split: float(one.report.videos.correct.mean()) for one in runs},
        videos=len(correct),
        groups=len(set(groups)),
        top1=float(correct.mean()),
        interval=bootstrap_groups(correct, groups)
        if len(set(groups)) < len(groups)
        else wilson(int(correct.sum()), len(correct)),
        mean_class=float(np.mean([correct[label == k].mean() for k in np.unique(label)])),
        parameters=network.get("parameters"),
        gmacs=network.get("gmacs"),
        cpu_hours=mean(hours) if hours else None,
    )
