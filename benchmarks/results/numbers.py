"""The numbers of finished runs: pooled over splits, with intervals, and against no block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from benchmarks.results.scored import Scored, check_same_videos, groups_of, pooled
from snl_video.evaluation.intervals import Interval, bootstrap_groups, bootstrap_intervals
from snl_video.evaluation.significance import ByGroup, Paired, adjust, compare


@dataclass(frozen=True)
class Against:
    """A kind against no block, over the videos of the splits that both have.

    Attributes:
        videos: how many.
        pair: the paired tests; `adjusted` is Holm's over all planned kinds.
    """

    videos: int
    pair: Paired

    @property
    def by_group(self) -> ByGroup:
        """The comparison over groups of clips."""
        assert self.pair.by_group
        return self.pair.by_group


@dataclass(frozen=True)
class Row:
    """One kind, over its splits.

    Attributes:
        kind: of the block.
        top1_of_split: video top-1 by split.
        videos: videos of all splits.
        groups: groups of clips among them.
        top1: video top-1 over all of them.
        interval: of it, videos drawn.
        group_interval: of it, groups of clips drawn.
        mean_class: mean of the classes' top-1.
        parameters: of the network; None if its reports do not tell.
        gmacs: of one clip; None likewise.
        clip_shape: of that clip, (3, T, H, W); empty likewise.
        cpu_seconds: of a run's training and test, the mean over the runs in one go; None without.
        in_one_go: how many runs these are; see `Record.in_one_go`.
        against: None for no block, and where no split is common.
    """

    kind: str
    top1_of_split: dict[int, float]
    videos: int
    groups: int
    top1: float
    interval: Interval
    group_interval: Interval
    mean_class: float
    parameters: int | None
    gmacs: float | None
    clip_shape: tuple[int, ...]
    cpu_seconds: float | None
    in_one_go: int
    against: Against | None


def rows(scored: Sequence[Scored], hypotheses: int | None = None) -> list[Row]:
    """One row a kind, in the order of their first run.

    Args:
        scored: runs of one seed.
        hypotheses: how many kinds other than none are planned, for Holm's correction; by default
            those that can be compared.

    Raises:
        ResultsError: runs of a split that tested other videos, or a video in two splits.
    """
    check_same_videos(scored)
    kinds = list(dict.fromkeys(one.run.kind for one in scored))
    by_kind = {
        kind: {one.run.split: one for one in scored if one.run.kind == kind} for kind in kinds
    }
    table = [_row(kind, runs, by_kind.get("none", {})) for kind, runs in by_kind.items()]
    adjusted = iter(adjust([row.against.pair for row in table if row.against], hypotheses))
    return [
        replace(row, against=replace(row.against, pair=next(adjusted))) if row.against else row
        for row in table
    ]


def _row(kind: str, runs: Mapping[int, Scored], none: Mapping[int, Scored]) -> Row:
    chosen = [runs[split] for split in sorted(runs)]
    results, groups = pooled(chosen), groups_of(chosen)
    network = chosen[0].metrics.get("network") or {}
    seconds = [one.record.cpu_seconds for one in chosen if one.record.in_one_go]
    return Row(
        kind=kind,
        top1_of_split={one.run.split: float(one.videos.correct.mean()) for one in chosen},
        videos=len(results.label),
        groups=len(set(groups)),
        top1=results.accuracy(),
        interval=bootstrap_intervals(results)["top1"],
        group_interval=bootstrap_groups(results.correct().numpy(), groups),
        mean_class=results.mean_class_accuracy(),
        parameters=network.get("parameters"),
        gmacs=network.get("gmacs"),
        clip_shape=tuple(network.get("clip_shape", ())),
        cpu_seconds=mean(seconds) if seconds else None,
        in_one_go=len(seconds),
        against=None if kind == "none" else _against(runs, none),
    )


def _against(runs: Mapping[int, Scored], none: Mapping[int, Scored]) -> Against | None:
    common = sorted(set(runs) & set(none))
    if not common:
        return None
    theirs, ours = (
        np.concatenate([table[split].videos.correct for split in common]) for table in (none, runs)
    )
    groups = groups_of([runs[split] for split in common])
    return Against(len(ours), compare(theirs, ours, groups))
