"""Set reports of the same videos side by side, with a paired test.

python -m snl_video.commands.compare runs/baseline/report runs/snl/report --output compare.html

Where the videos' names tell groups of clips, as UCF101's do, the test over groups is the one to
believe.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from snl_video.data.formats import group_of
from snl_video.errors import ComparisonError
from snl_video.evaluation.comparison import Comparison, load_comparison
from snl_video.evaluation.intervals import NO_SPREAD, interval_text, is_point
from snl_video.evaluation.report.comparison_page import comparison_page


def accuracy_table(comparison: Comparison) -> Table:
    """Render the headline numbers of every report, in percent."""
    table = Table(title=f"{len(comparison.reports[0].videos.ids)} videos", title_justify="left")
    table.add_column("report", overflow="fold")
    for name in ("video top-1 %", "95 % interval", "top-5 %", "clip top-1 %", "failed"):
        table.add_column(name, justify="right")
    for report in comparison.reports:
        metrics = report.metrics
        table.add_row(
            escape(report.name),
            f"{100 * metrics['top1']:.2f}",
            interval_text(metrics["intervals"]["top1"], digits=2),
            f"{100 * metrics['top5']:.2f}",
            f"{100 * metrics['clip_top1']:.2f}",
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
        believed = pair.by_group or pair
        p_values = [pair.p_value] if pair.by_group else []
        table.add_row(
            escape(report.name),
            f"{100 * pair.difference:+.2f}",
            interval_text(believed.interval, sign="+", digits=2),
            str(pair.only_first),
            str(pair.only_second),
            *(f"{p:.3g}" for p in (*p_values, believed.p_value, believed.adjusted)),
        )
    return table


def notes(comparison: Comparison) -> list[str]:
    """What to know about the tables: which test to believe, and what a dash means."""
    intervals = [report.metrics["intervals"]["top1"] for report in comparison.reports]
    intervals += [(pair.by_group or pair).interval for pair in comparison.pairs]
    dash = NO_SPREAD if any(is_point(interval) for interval in intervals) else None
    return [text for text in (comparison.advice, dash) if text]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; ``arguments`` replaces ``sys.argv[1:]``."""
    parser = argparse.ArgumentParser(
        prog="python -m snl_video.commands.compare",
        description="Compare evaluation reports of the same videos, all against the first.",
    )
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT_DIR")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("compare.html"),
        help="the page; a JSON file of the same name goes beside it (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    output: Path = options.output
    if output.suffix != ".html":
        parser.error(f"--output must end in .html, got {output}")
    try:
        comparison = load_comparison(options.reports, group_of)
    except ComparisonError as error:
        raise SystemExit(str(error)) from error
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(comparison_page(comparison), encoding="utf-8")
    numbers = output.with_suffix(".json")
    numbers.write_text(json.dumps(comparison.to_dict(), indent=2) + "\n", encoding="utf-8")
    console = Console()
    console.print(accuracy_table(comparison))
    console.print(difference_table(comparison))
    for note in notes(comparison):
        console.print(note)
    console.print(f"comparison: {output} and {numbers}", soft_wrap=True)


if __name__ == "__main__":
    main()
