"""Set reports of the same videos side by side, with a paired test.

python -m snl_video.commands.compare runs/baseline/report runs/snl/report --output compare.html

Where the videos' names tell groups of clips, as UCF101's do, use the interval and the p-values over
groups.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from snl_video.data.holdout import group_of
from snl_video.errors import ComparisonError
from snl_video.evaluation.comparison import load_comparison
from snl_video.evaluation.comparison_tables import accuracy_table, difference_table, notes
from snl_video.evaluation.report.comparison_page import comparison_page


def main(words: Sequence[str]) -> None:
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
    options = parser.parse_args(words[1:])
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
