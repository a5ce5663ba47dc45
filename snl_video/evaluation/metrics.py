"""Every number of an evaluation as plain types, for JSON, the terminal and the page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snl_video.evaluation.intervals import METHOD, Interval, bootstrap_intervals
from snl_video.evaluation.results import VideoResults
from snl_video.evaluation.scores import MissingVideosError
from snl_video.evaluation.video_table import list_sha256


@dataclass(frozen=True)
class Evaluation:
    """The results of one pass over a list of videos.

    Attributes:
        results: with all the views.
        classes: (K,) names.
        ids: name of every video of the list, by index.
        views: results of cheaper view settings by name ("1x1"), the whole one included.
        setting: name of the whole one ("10x3"); "" without ``views``.
        absent: ids that the list names and that are not on disk.
    """

    results: VideoResults
    classes: Sequence[str]
    ids: Sequence[str]
    views: Mapping[str, VideoResults] = field(default_factory=dict)
    setting: str = ""
    absent: Sequence[str] = ()

    def __post_init__(self) -> None:
        results = self.results
        if results.scores.shape[1] != len(self.classes):
            raise ValueError(
                f"{len(self.classes)} class names for scores of {results.scores.shape[1]} classes"
            )
        if len(self.ids) != results.expected:
            raise ValueError(f"{len(self.ids)} ids for a list of {results.expected} videos")
        if self.views and self.setting not in self.views:
            raise ValueError(
                f"the whole view setting {self.setting!r} is not among {', '.join(self.views)}"
            )
        scored, failed = int((~results.failed).sum()), int(results.failed.sum())
        told = sum(bool(reason) for reason in results.reasons)
        if told != failed or len(results.index.unique()) != scored + failed:
            raise MissingVideosError(
                f"{len(self.ids)} videos are listed; {scored} scores, {failed} failures, {told} "
                f"reasons for {len(results.index.unique())} different ones do not add up"
            )


def accuracies(results: VideoResults) -> dict[str, float | None]:
    """Return the accuracies and calibration of one view setting; None where no video was read."""
    values = {
        "top1": results.accuracy(1),
        "top5": results.accuracy(5),
        "mean_class": results.mean_class_accuracy(),
        "clip_top1": results.clip_accuracy(),
        "nll": results.negative_log_likelihood(),
        "ece": results.calibration_error(),
    }
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def headline(results: VideoResults) -> dict[str, Any]:
    """Return the numbers that sum an evaluation up, accuracies in [0, 1]."""
    return {
        **accuracies(results),
        "chance": 1 / results.scores.shape[1],
        "videos": len(results.index),
        "videos_in_list": results.expected,
        "scored": int((~results.failed).sum()),
        "failed": int(results.failed.sum()),
        "complete": results.complete,
    }


def metrics(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything that ``metrics.json`` says about the results.

    ``listed`` = ``scored`` + ``failed`` + ``absent`` holds for a complete run. ``top1`` counts
    failed videos as wrong; ``top1_of_listed`` counts the absent ones as wrong too, and is None for
    a partial run, which leaves listed videos untested.
    """
    results = evaluation.results
    listed = results.expected + len(evaluation.absent)
    index = results.index.tolist()
    intervals = _lists(bootstrap_intervals(results))
    views = [
        {
            "setting": name,
            **accuracies(view),
            "intervals": intervals if view is results else _lists(bootstrap_intervals(view)),
        }
        for name, view in evaluation.views.items()
    ]
    return {
        **headline(results),
        "absent": len(evaluation.absent),
        "absent_ids": list(evaluation.absent),
        "listed": listed,
        "top1_of_listed": int(results.correct().sum()) / listed if results.complete else None,
        "setting": evaluation.setting,
        "intervals": intervals,
        "interval_method": METHOD,
        "views": views,
        "list_sha256": list_sha256([evaluation.ids[i] for i in index], results.label.tolist()),
    }


def _lists(intervals: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: list(ends) for name, ends in intervals.items()}
