"""`snl-video compare`: reports of the same videos side by side."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from snl_video.commands.command_parser import CommandParser
from snl_video.data.holdout import group_of
from snl_video.errors import UsageError
from snl_video.evaluation.comparison import load_comparison
from snl_video.evaluation.comparison_tables import accuracy_table, difference_table, notes
from snl_video.evaluation.report.comparison_page import comparison_page
from snl_video.whole_files import write_whole


def compare(reports: list[str], output: Path = Path("compare.html")) -> None:
    """Compare reports of the same videos, all against the first, with a paired test.

      snl-video compare runs/baseline/report runs/snl/report --output compare.html

    Where the videos' names tell groups of clips, as UCF101's do, use the interval and the p-values
    over groups.

    Args:
        reports: folders of reports.
        output: the page; a JSON file of the same name goes beside it.
    """
    if output.suffix != ".html":
        raise UsageError(f"--output must end in .html, got {output}")
    comparison = load_comparison([Path(report) for report in reports], group_of)
    write_whole(output, comparison_page(comparison))
    numbers = output.with_suffix(".json")
    write_whole(numbers, json.dumps(comparison.to_dict(), indent=2) + "\n")
    console = Console()
    console.print(accuracy_table(comparison))
    console.print(difference_table(comparison))
    for note in notes(comparison):
        console.print(note)
    console.print(f"comparison: {output} and {numbers}", soft_wrap=True)


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "REPORT_DIR REPORT_DIR ... [--output FILE.html]"
    CommandParser("snl-video compare", compare, usage, words={"reports": "+"}).call(words)
