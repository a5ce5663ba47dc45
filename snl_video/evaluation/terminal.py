"""Results as tables for the terminal, and the rows behind them."""

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from snl_video.evaluation.metrics import headline
from snl_video.evaluation.results import VideoResults


def headline_table(results: VideoResults, title: str) -> Table:
    """Render the headline numbers for the terminal, accuracies in percent."""
    numbers = headline(results)
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column("name")
    table.add_column("value", justify="right")
    for name, label in (
        ("top1", "video top-1 %"),
        ("top5", "video top-5 %"),
        ("mean_class", "mean-class %"),
        ("clip_top1", "clip top-1 %"),
        ("chance", "chance %"),
        ("ece", "calibration error %"),
    ):
        value = numbers[name]
        table.add_row(label, "-" if value is None else f"{100 * value:.2f}")
    table.add_row("videos scored", f"{numbers['scored']} of {numbers['videos_in_list']}")
    table.add_row("unreadable, counted as wrong", str(numbers["failed"]))
    return table


def views_table(views: dict[str, VideoResults]) -> Table:
    """Render one row a view setting, accuracies in percent."""
    table = Table(title="views (clips x crops)", title_justify="left")
    for column in ("views", "video top-1 %", "video top-5 %", "clip top-1 %"):
        table.add_column(column, justify="right")
    for name, results in views.items():
        values = (results.accuracy(1), results.accuracy(5), results.clip_accuracy())
        table.add_row(name, *(f"{100 * value:.2f}" for value in values))
    return table


def per_class_rows(results: VideoResults, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row a class that has videos: accuracy and its most frequent wrong answer."""
    accuracy, counts = results.per_class()
    confusion = results.confusion()
    confusion.fill_diagonal_(0)
    rows = []
    for number in counts.nonzero().flatten().tolist():
        wrong = int(confusion[number].max())
        mistaken = classes[int(confusion[number].argmax())] if wrong else ""
        rows.append(
            {
                "class": classes[number],
                "videos": int(counts[number]),
                "top1": float(accuracy[number]),
                "mistaken_for": mistaken,
                "times": wrong,
            }
        )
    return rows


def per_class_table(results: VideoResults, classes: Sequence[str]) -> Table:
    """Render :func:`per_class_rows` for the terminal."""
    table = Table(title="per class", title_justify="left")
    for column in ("class", "videos", "top-1 %", "most often mistaken for"):
        table.add_column(column, justify="right" if column in ("videos", "top-1 %") else "left")
    for row in per_class_rows(results, classes):
        mistaken = f"{escape(row['mistaken_for'])} ({row['times']})" if row["times"] else ""
        accuracy = f"{100 * row['top1']:.1f}"
        table.add_row(escape(row["class"]), str(row["videos"]), accuracy, mistaken)
    return table


def confused_pairs(
    results: VideoResults, classes: Sequence[str], count: int = 10
) -> list[tuple[str, str, int]]:
    """Return the most frequent (true, predicted, times) among the mistakes, most frequent first."""
    confusion = results.confusion()
    confusion.fill_diagonal_(0)
    order = confusion.flatten().argsort(descending=True, stable=True)[:count].tolist()
    cells = [(*divmod(cell, len(classes)), int(confusion.flatten()[cell])) for cell in order]
    return [(classes[true], classes[said], times) for true, said, times in cells if times]
