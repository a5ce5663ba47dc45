"""The numbers of an evaluation: one table that the log, metrics.json, terminal and pages read."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import Tensor

from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.evaluation.results import ScoredVideos, VideoResults

Place = Literal["progress", "terminal", "headline", "views", "comparison"]


@dataclass(frozen=True)
class Metric:
    """One number of an evaluation. Each is in the log and in ``metrics.json``.

    Attributes:
        title: as a table heads it, in small letters and without its unit.
        compute: from the results of one view setting; NaN where there is nothing to count.
        of: the results that it is of: of videos with one class, with several, or of any.
        meaning: one line of explanation.
        shown: the progress bar of training, the terminal after a test, the large numbers of the
            report, the tables of views and of comparisons.
        percent: a share, which is shown times 100.
        better: the direction of improvement.
        values: (N,) a number a video, whose mean the metric is; gives the metric an interval.
        by_class: that mean is the one over the means of the classes.
        of_draw: for a metric that is no mean over videos: returns the function of the (N,) rows of
            a draw with replacement; gives the metric an interval.
        min_classes: shown only where there are so many.
        log_name: in the log, where it is another one than in ``metrics.json``.
    """

    title: str
    compute: Callable[[Any], float]
    meaning: str = ""
    shown: tuple[Place, ...] = ("terminal", "headline")
    percent: bool = True
    better: Literal["higher", "lower"] = "higher"
    values: Callable[[Any], Tensor] | None = None
    by_class: bool = False
    of_draw: Callable[[Any], Callable[[np.ndarray], float]] | None = None
    min_classes: int = 0
    log_name: str | None = None
    of: type = VideoResults

    @property
    def heading(self) -> str:
        """The title with its unit."""
        return f"{self.title} %" if self.percent else self.title

    def text(self, value: float | None, *, digits: int = 1, dash: str = "-") -> str:
        """Return a value without its unit; None, of no video, as a dash."""
        if value is None:
            return dash
        return f"{100 * value:.{digits}f}" if self.percent else f"{value:.3f}"


METRICS: dict[str, Metric] = {
    "map": Metric(
        "mAP",
        MultiLabelResults.mean_average_precision,
        "mean over the classes of their average precision",
        shown=("progress", "terminal", "headline", "views", "comparison"),
        of_draw=MultiLabelResults.map_of_draw,
        of=MultiLabelResults,
    ),
    "micro_f1": Metric(
        "F1",
        MultiLabelResults.micro_f1,
        "of all decisions, at the thresholds of the classes",
        of_draw=MultiLabelResults.f1_of_draw,
        of=MultiLabelResults,
    ),
    "top1": Metric(
        "video top-1",
        lambda results: results.accuracy(),
        "the best class of a video is right",
        shown=("progress", "terminal", "headline", "views", "comparison"),
        values=lambda results: results.correct(),
        of=ScoredVideos,
    ),
    "top5": Metric(
        "video top-5",
        lambda results: results.accuracy(5),
        "its class is among the best five",
        shown=("terminal", "headline", "views", "comparison"),
        values=lambda results: results.correct(5),
        min_classes=6,  # of five classes every video that could be read has its own among the five
        of=ScoredVideos,
    ),
    "mean_class": Metric(
        "mean-class",
        VideoResults.mean_class_accuracy,
        "top-1 with every class weighing the same",
        shown=("terminal", "headline", "comparison"),
        values=VideoResults.correct,
        by_class=True,
    ),
    "clip_top1": Metric(
        "clip top-1",
        lambda results: results.clip_accuracy(),
        "of single views, before averaging",
        shown=("terminal", "headline", "views", "comparison"),
        values=lambda results: results.clip_correct,
        of=ScoredVideos,
    ),
    "nll": Metric(
        "negative log-likelihood",
        VideoResults.negative_log_likelihood,
        "mean of -log p of the true class",
        shown=("terminal",),
        percent=False,
        better="lower",
        log_name="loss",
    ),
    "ece": Metric(
        "calibration error",
        VideoResults.calibration_error,
        "mean gap between confidence and accuracy",
        shown=("terminal", "views", "comparison"),
        better="lower",
    ),
}
"""By their names in ``metrics.json``, in the order of the tables. A new metric is one more row."""


def metrics_of(kind: type) -> dict[str, Metric]:
    """Return the metrics of results of one kind."""
    return {name: metric for name, metric in METRICS.items() if issubclass(kind, metric.of)}


def metrics_shown(place: Place, num_classes: int, kind: type = VideoResults) -> dict[str, Metric]:
    """Return the metrics that a place shows of results over so many classes."""
    return {
        name: metric
        for name, metric in metrics_of(kind).items()
        if place in metric.shown and num_classes >= metric.min_classes
    }


def compute_metrics(results: ScoredVideos) -> dict[str, float | None]:
    """Return every metric of one view setting; None where no video was read."""
    values = {name: metric.compute(results) for name, metric in metrics_of(type(results)).items()}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
