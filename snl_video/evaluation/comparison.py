"""Two or more reports of the same videos, side by side."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snl_video.errors import ComparisonError
from snl_video.evaluation.metrics import METRICS, Metric, compute_metrics, metrics_shown
from snl_video.evaluation.significance import ByGroup, Paired, compare_with_first
from snl_video.evaluation.video_table import VideoTable, list_sha256, read_parquet
from snl_video.renamed import migrate_settings
from snl_video.wording import flatten

TEST = (
    "exact McNemar test on video top-1, two-sided, against the first report; adjusted by Holm; "
    "by_group, where names of videos tell groups: exact two-sided sign-flip test over the groups, "
    "adjusted by Holm; use this one"
)

FEW_GROUPS = 25
"""With fewer a bootstrap over groups covers too little: Cameron, Gelbach and Miller,
"Bootstrap-Based Improvements for Inference with Clustered Errors", Review of Economics and
Statistics 90 (2008)."""


@dataclass(frozen=True)
class Report:
    """One report folder.

    Attributes:
        name: shortest end of its path that no other of the reports has.
        metrics: what ``metrics.json`` holds.
        videos: what ``videos.parquet`` holds.
    """

    name: str
    metrics: dict[str, Any]
    videos: VideoTable


@dataclass(frozen=True)
class Comparison:
    """Reports of the same videos; ``pairs[i]`` sets ``reports[i + 1]`` against the first."""

    reports: list[Report]
    pairs: list[Paired]

    @property
    def metrics(self) -> dict[str, Metric]:
        """What the tables show of each report; one that is older may lack some."""
        return metrics_shown("comparison", len(self.reports[0].videos.classes))

    @property
    def by_group(self) -> list[ByGroup]:
        """The comparisons over groups, in the order of `pairs`; empty where names tell no group."""
        return [pair.by_group for pair in self.pairs if pair.by_group]

    @property
    def advice(self) -> str | None:
        """Which of two p-values to use; None where there is only one."""
        if not self.by_group:
            return None
        groups = self.by_group[0].groups
        few = (
            f" With fewer than {FEW_GROUPS} groups their interval is too narrow: it covers the "
            "true difference in less than 95 % of cases."
        )
        return (
            f"{len(self.reports[0].videos.ids)} videos, {groups} groups. "
            "Clips of one group show the same person and place, so they are not independent: "
            "use the interval and the p-values over groups (sign flips), not those over videos "
            f"(McNemar).{few if groups < FEW_GROUPS else ''}"
        )

    def per_class(self) -> list[tuple[str, int, list[float]]]:
        """(class, videos, accuracy of each report), the largest change to the last one first."""
        first = self.reports[0].videos
        rows = []
        for number in np.unique(first.label):
            own = first.label == number
            accuracies = [float(report.videos.correct[own].mean()) for report in self.reports]
            rows.append((first.classes[number], int(own.sum()), accuracies))
        return sorted(rows, key=lambda row: (-abs(row[2][-1] - row[2][0]), row[0]))

    def differing_settings(self) -> list[tuple[str, list[str]]]:
        """(setting, its value in each report) where the recipes differ."""
        recipes = [
            dict(flatten(migrate_settings(report.metrics.get("recipe", {}))))
            for report in self.reports
        ]
        names = list(dict.fromkeys(name for recipe in recipes for name in recipe))
        values = {name: [recipe.get(name, "") for recipe in recipes] for name in names}
        return [(name, row) for name, row in values.items() if len(set(row)) > 1]

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        first = self.reports[0]
        return {
            "videos": len(first.videos.ids),
            "list_sha256": first.metrics["list_sha256"],
            "groups": self.by_group[0].groups if self.by_group else None,
            "test": TEST,
            "reports": [
                {
                    "name": report.name,
                    "setting": report.metrics.get("setting", ""),
                    "failed": int(report.videos.failed.sum()),
                    **{name: report.metrics.get(name) for name in METRICS},
                    "intervals": report.metrics["intervals"],
                }
                for report in self.reports
            ],
            "against_first": [
                {"name": report.name, **asdict(pair)}
                for report, pair in zip(self.reports[1:], self.pairs, strict=True)
            ],
            "different_settings": dict(self.differing_settings()),
        }


def load_comparison(
    folders: Sequence[Path], group_of: Callable[[str], str] | None = None
) -> Comparison:
    """Read report folders and compare all with the first.

    Args:
        folders: of the reports.
        group_of: gives the group of a video from its id. Where there are fewer groups than videos,
            they are compared over groups too.

    Raises:
        ComparisonError: fewer than two folders, a folder that holds no report, or reports that are
            not of the same videos, labels and classes.
    """
    if len(folders) < 2:
        raise ComparisonError(f"a comparison needs at least two reports, got {len(folders)}")
    names = _names(folders)
    reports = [read_report(folder, name) for folder, name in zip(folders, names, strict=True)]
    for other in reports[1:]:
        check_same_videos(reports[0], other)
    groups = [group_of(name) for name in reports[0].videos.ids] if group_of else None
    if groups and len(set(groups)) == len(groups):
        groups = None
    return Comparison(reports, compare_with_first([r.videos.correct for r in reports], groups))


def read_report(folder: Path, name: str) -> Report:
    """Read a report folder.

    Raises:
        ComparisonError: it is none, or its files are of different lists.
    """
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        videos = read_parquet(folder / "videos.parquet")
        tested, _, _ = metrics["list_sha256"], metrics["top1"], metrics["intervals"]["top1"]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ComparisonError(
            f"{folder} is not a report folder ({type(error).__name__}: {error}); name the folder "
            "that `test` filled, with metrics.json and videos.parquet"
        ) from error
    if list_sha256(videos.ids, videos.label.tolist()) != tested:
        raise ComparisonError(
            f"{folder}: metrics.json and videos.parquet are of different lists; run `test` again"
        )
    refuse_disagreement(folder, metrics, videos)
    return Report(name, metrics, videos)


def refuse_disagreement(folder: Path, metrics: dict[str, Any], videos: VideoTable) -> None:
    """Refuse numbers that don't follow from the table of the videos.

    Raises:
        ComparisonError: names those that differ, of both files.
    """
    again = compute_metrics(videos.results()) | {"top1": float(videos.correct.mean())}
    differing = [
        f"{name} {metrics[name]} and {value}"
        for name, value in again.items()
        if name in metrics and not _close(metrics[name], value)
    ]
    if differing:
        raise ComparisonError(
            f"{folder}: metrics.json and videos.parquet are of different tests "
            f"({'; '.join(differing)}); run `test` again"
        )


def _close(told: Any, found: float | None) -> bool:
    if told is None or found is None:
        return told is found
    return isinstance(told, int | float) and math.isclose(told, found, abs_tol=1e-6)


def check_same_videos(first: Report, other: Report) -> None:
    """Refuse reports that are not of the same videos, labels and classes.

    Raises:
        ComparisonError: says what differs.
    """
    ours, theirs = first.metrics["list_sha256"], other.metrics["list_sha256"]
    if ours != theirs:
        mine, yours = set(first.videos.ids), set(other.videos.ids)
        stray = sorted(mine ^ yours)[:3]
        where = f"in one of them only: {', '.join(stray)}" if stray else "same ids, other labels"
        raise ComparisonError(
            f"{first.name} has {len(mine)} videos (list {ours[:12]}) and {other.name} "
            f"{len(yours)} (list {theirs[:12]}), {where}; a paired test needs the same list"
        )
    if first.videos.classes != other.videos.classes:
        raise ComparisonError(f"{first.name} and {other.name} name their classes differently")


def _names(folders: Sequence[Path]) -> list[str]:
    """The shortest end of each path that tells them apart, without a last ``report``."""
    parts = [folder.resolve().parts for folder in folders]
    parts = [p[:-1] if p[-1] == "report" and len(p) > 2 else p for p in parts]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(p[-length:]) for p in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{number}: {folder}" for number, folder in enumerate(folders, 1)]
