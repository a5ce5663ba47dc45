"""Probes side by side over splits and seeds: the numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev

import numpy as np

from snl_video.evaluation.intervals import Interval, bootstrap_groups, group_places
from snl_video.evaluation.significance import holm, sign_flip_exact


@dataclass(frozen=True)
class ProbeRun:
    """One trained probe on the videos that it is measured on.

    Attributes:
        kind: of block, or a control.
        split: of the data set.
        seed: of training.
        ids: names of the videos.
        label: of each.
        predicted: of each; -1 where the video could not be read.
        parameters: that were trained.
        gain: mean absolute gain of the block's last norm; None without a block.
        seconds: of the processor, for training.
    """

    kind: str
    split: int
    seed: int
    ids: list[str]
    label: list[int]
    predicted: list[int]
    parameters: int
    gain: float | None
    seconds: float

    @property
    def correct(self) -> np.ndarray:
        """(N,) int64, 1 for a video that is right."""
        return (np.array(self.predicted) == np.array(self.label)).astype(np.int64)


@dataclass(frozen=True)
class ProbeRow:
    """One kind over all splits and seeds.

    Attributes:
        kind: of block, or a control.
        videos: over all splits.
        groups: among them.
        seeds: how many.
        top1: share of right videos, the mean over seeds.
        interval: of it, 95 %, groups drawn.
        spread: standard deviation over seeds; None of one seed.
        top1_of_split: mean over seeds, by split.
        parameters: that were trained.
        gain: mean over runs; None without a block.
        seconds: of the processor, the mean over runs.
        difference: of top1 to that of the first kind; None for itself, as the next three.
        difference_interval: 95 %, groups drawn.
        p_value: of the exact sign-flip test over groups.
        adjusted: the same after Holm's correction.
    """

    kind: str
    videos: int
    groups: int
    seeds: int
    top1: float
    interval: Interval
    spread: float | None
    top1_of_split: dict[int, float]
    parameters: int
    gain: float | None
    seconds: float
    difference: float | None = None
    difference_interval: Interval | None = None
    p_value: float | None = None
    adjusted: float | None = None


def probe_rows(runs: Sequence[ProbeRun], group_of: Callable[[str], str]) -> list[ProbeRow]:
    """Make one row a kind, in the order of the runs; the others are set against the first.

    A video counts with the share of seeds that have it right. The test is the exact sign-flip test
    over groups of `sign_flip_exact`, on the sums of right answers over videos and seeds.

    Args:
        runs: every kind with the same splits and seeds, on the same videos.
        group_of: gives the group of a video from its id.

    Raises:
        ValueError: a run is missing, or two kinds were measured on other videos.
    """
    kinds = list(dict.fromkeys(run.kind for run in runs))
    splits = sorted({run.split for run in runs})
    seeds = sorted({run.seed for run in runs})
    by_key = {(run.kind, run.split, run.seed): run for run in runs}
    if len(by_key) != len(kinds) * len(splits) * len(seeds):
        raise ValueError("every kind needs a run of every split and seed")
    first = {split: by_key[kinds[0], split, seeds[0]] for split in splits}
    if any((r.ids, r.label) != (first[r.split].ids, first[r.split].label) for r in runs):
        raise ValueError("all probes of a split must be measured on the same videos")
    groups = [group_of(name) for run in first.values() for name in run.ids]
    right = {
        kind: np.stack(
            [np.concatenate([by_key[kind, s, seed].correct for s in splits]) for seed in seeds]
        )
        for kind in kinds
    }
    rows = []
    for kind in kinds:
        own = [by_key[kind, split, seed] for split in splits for seed in seeds]
        of_seed = right[kind].mean(1).tolist()
        gains = [run.gain for run in own if run.gain is not None]
        row = ProbeRow(
            kind=kind,
            videos=len(groups),
            groups=len(set(groups)),
            seeds=len(seeds),
            top1=mean(of_seed),
            interval=bootstrap_groups(right[kind].mean(0), groups),
            spread=stdev(of_seed) if len(seeds) > 1 else None,
            top1_of_split={
                split: mean(float(run.correct.mean()) for run in own if run.split == split)
                for split in splits
            },
            parameters=own[0].parameters,
            gain=mean(gains) if gains else None,
            seconds=mean(run.seconds for run in own),
        )
        rows.append(row if kind == kinds[0] else _against(row, right, kinds[0], groups))
    adjusted = iter(holm([row.p_value for row in rows if row.p_value is not None]))
    return [rows[0], *(replace(row, adjusted=next(adjusted)) for row in rows[1:])]


def _against(
    row: ProbeRow, right: dict[str, np.ndarray], first: str, groups: list[str]
) -> ProbeRow:
    gain = right[row.kind].sum(0) - right[first].sum(0)
    place = group_places(groups, len(gain))
    sums = np.zeros(place.max() + 1, np.int64)
    np.add.at(sums, place, gain)
    share = gain / row.seeds
    return replace(
        row,
        difference=float(share.mean()),
        difference_interval=bootstrap_groups(share, groups),
        p_value=sign_flip_exact(sums),
    )
