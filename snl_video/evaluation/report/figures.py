"""The confusion matrix and the accuracy of each class as PNG files, without a display."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from snl_video.evaluation.per_class import confused_pairs, per_class_rows
from snl_video.evaluation.results import VideoResults

BLUE, PALE, INK = "#2d5f8b", "#b9cde0", "#1d1c1a"

MANY = 40
"""With more classes than these their names no longer fit along an axis."""


def save_confusion(path: Path, results: VideoResults, classes: Sequence[str]) -> None:
    """Draw each true class's shares by predicted class.

    Up to 40 classes are named and counted; of more the most frequent confusions stand beside.
    """
    counts = results.confusion().numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    few = len(classes) <= MANY
    side = max(4.0, 0.36 * len(classes)) if few else 9.0
    figure = _figure(side + (2.6 if few else 5.2), side + (2.2 if few else 0.6))
    axes = figure.add_subplot()
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if few:
        places = np.arange(len(classes))
        axes.set_xticks(places, [_plain(name) for name in classes], rotation=90)
        axes.set_yticks(places, [_plain(name) for name in classes])
        for true, said in zip(*counts.nonzero(), strict=True):
            colour = "white" if shares[true, said] > 0.35 else INK
            number = str(counts[true, said])
            axes.text(said, true, number, ha="center", va="center", color=colour, fontsize=8)
    else:
        axes.set_anchor("W")
        axes.set_title(f"{len(classes)} classes by number", fontsize=10, loc="left")
        pairs = confused_pairs(results, classes, 24)
        lines = [f"{times}  {_plain(true)} → {_plain(said)}" for true, said, times in pairs]
        text = "\n".join(["most frequent confusions", "", *lines])
        axes.text(1.03, 1, text, transform=axes.transAxes, va="top", fontsize=8, linespacing=1.6)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    _save(figure, path)


def save_per_class(path: Path, results: VideoResults, classes: Sequence[str]) -> None:
    """Draw a bar a class, the best first; of more than 40 all as a curve, the ends as bars."""
    rows = sorted(per_class_rows(results, classes), key=lambda row: (-row["top1"], row["class"]))
    names = [f"{_plain(row['class'])} ({row['videos']})" for row in rows]
    values = np.array([100 * row["top1"] for row in rows])
    if len(rows) <= MANY:
        figure = _figure(7.5, max(2.0, 0.27 * len(rows) + 0.9))
        _bars(figure.add_subplot(), names, values, "top-1 % (videos)")
        _save(figure, path)
        return
    figure = _figure(12, 8.5)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    left.fill_between(np.arange(1, len(values) + 1), values, step="mid", color=PALE, linewidth=0)
    left.axhline(values.mean(), color=BLUE, linewidth=1)
    mean = f"mean {values.mean():.1f} %"
    left.text(len(values), values.mean() + 1.5, mean, ha="right", color=BLUE)
    left.set(
        xlim=(0.5, len(values) + 0.5), ylim=(0, 100), xlabel="classes, best first", ylabel="top-1 %"
    )
    left.spines[["top", "right"]].set_visible(False)
    _bars(
        right,
        [*names[:10], "…", *names[-25:]],
        np.array([*values[:10], 0.0, *values[-25:]]),
        "the 10 best and the 25 worst, top-1 % (videos)",
    )
    _save(figure, path)


def _bars(axes: Axes, names: Sequence[str], values: np.ndarray, title: str) -> None:
    places = np.arange(len(names))
    axes.barh(places, [100.0] * len(names), color="#f1eee8", height=0.62)
    axes.barh(places, values, color=BLUE, height=0.62)
    axes.set_yticks(places, names, fontsize=8)
    axes.set(xlim=(0, 100), ylim=(len(names) - 0.4, -0.6))
    axes.set_title(title, fontsize=10, loc="left")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)


def _plain(name: str) -> str:
    """Dollar signs would start a formula."""
    short = name if len(name) <= 34 else f"{name[:33]}…"
    return short.replace("$", r"\$")


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=130, metadata={"Software": None})
