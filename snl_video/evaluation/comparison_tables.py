"""A comparison of reports as tables for the terminal."""

from rich.markup import escape
from rich.table import Table

from snl_video.evaluation.comparison import Comparison
from snl_video.evaluation.intervals import NO_SPREAD, interval_text, is_point


def accuracy_table(comparison: Comparison) -> Table:
    """Render the metrics of every report; the interval is that of video top-1."""
    table = Table(title=f"{len(comparison.reports[0].videos.ids)} videos", title_justify="left")
    table.add_column("report", overflow="fold")
    metrics = comparison.metrics
    for head in (*(metric.heading for metric in metrics.values()), "95 % of top-1", "failed"):
        table.add_column(head, justify="right")
    for report in comparison.reports:
        numbers = report.metrics
        table.add_row(
            escape(report.name),
            *(metric.text(numbers.get(name), digits=2) for name, metric in metrics.items()),
            interval_text(numbers["intervals"]["top1"], digits=2),
            str(int(report.videos.failed.sum())),
        )
    return table


def difference_table(comparison: Comparison) -> Table:
    """Render each comparison with the first report, in points of video top-1.

    Where there are groups, the interval is the one over groups, and both tests are shown.
    """
    first = escape(comparison.reports[0].name)
    table = Table(title=f"against {first}, video top-1", title_justify="left")
    table.add_column("report", overflow="fold")
    tests = ["p (videos)", "p (groups)", "p (groups, Holm)"] if comparison.by_group else []
    for name in ("points", "95 % interval", "only first", "only this"):
        table.add_column(name, justify="right")
    for name in tests or ["p", "p (Holm)"]:
        table.add_column(name, justify="right")
    for report, pair in zip(comparison.reports[1:], comparison.pairs, strict=True):
        p_values = [pair.p_value] if pair.by_group else []
        table.add_row(
            escape(report.name),
            f"{100 * pair.difference:+.2f}",
            interval_text(pair.deciding.interval, sign="+", digits=2),
            str(pair.only_first),
            str(pair.only_second),
            *(f"{p:.3g}" for p in (*p_values, pair.deciding.p_value, pair.deciding.adjusted)),
        )
    return table


def notes(comparison: Comparison) -> list[str]:
    """What to know about the tables: which test to use, and what a dash means."""
    intervals = [report.metrics["intervals"]["top1"] for report in comparison.reports]
    intervals += [pair.deciding.interval for pair in comparison.pairs]
    dash = NO_SPREAD if any(is_point(interval) for interval in intervals) else None
    return [text for text in (comparison.advice, dash) if text]
