"""The results of a test as tables for the terminal."""

from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from snl_video.evaluation.metrics import compute_metrics, metrics_shown
from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.evaluation.multi_label_tables import class_rows
from snl_video.evaluation.per_class import per_class_rows
from snl_video.evaluation.results import ScoredVideos, VideoResults


def headline_table(results: ScoredVideos, title: str) -> Table:
    """Render the metrics and how many videos they are of."""
    values = compute_metrics(results)
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column("name")
    table.add_column("value", justify="right")
    for name, metric in metrics_shown("terminal", results.num_classes, type(results)).items():
        table.add_row(metric.heading, metric.text(values[name], digits=2))
    table.add_row("chance %", f"{100 * results.chance():.2f}")
    table.add_row("videos scored", f"{results.num_scored} of {results.expected}")
    table.add_row("unreadable, counted as wrong", str(results.num_failed))
    return table


def views_table(views: Mapping[str, ScoredVideos]) -> Table:
    """Render one row a view setting."""
    table = Table(title="views (clips x crops)", title_justify="left")
    first = next(iter(views.values()))
    metrics = metrics_shown("views", first.num_classes, type(first))
    for column in ("views", *(metric.heading for metric in metrics.values())):
        table.add_column(column, justify="right")
    for setting, results in views.items():
        values = compute_metrics(results)
        cells = (metric.text(values[name], digits=2) for name, metric in metrics.items())
        table.add_row(setting, *cells)
    return table


def per_class_table(results: ScoredVideos, classes: Sequence[str]) -> Table:
    """Render how each class fared for the terminal."""
    table = Table(title="per class", title_justify="left")
    if isinstance(results, MultiLabelResults):
        for column in ("class", "videos", "average precision %", "threshold", "F1 %"):
            table.add_column(column, justify="left" if column == "class" else "right")
        for row in class_rows(results, classes):
            precision, f1 = (f"{100 * row[name]:.1f}" for name in ("average_precision", "f1"))
            threshold = f"{row['threshold']:.3f}"
            table.add_row(escape(row["class"]), str(row["videos"]), precision, threshold, f1)
        return table
    assert isinstance(results, VideoResults)
    for column in ("class", "videos", "top-1 %", "most often mistaken for"):
        table.add_column(column, justify="right" if column in ("videos", "top-1 %") else "left")
    for row in per_class_rows(results, classes):
        mistaken = f"{escape(row['mistaken_for'])} ({row['times']})" if row["times"] else ""
        accuracy = f"{100 * row['top1']:.1f}"
        table.add_row(escape(row["class"]), str(row["videos"]), accuracy, mistaken)
    return table
