"""What a look at a data set found, for the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from snl_video.data.manifest.findings import Findings
from snl_video.data.video_list import VideoList

SHOWN = 20
"""Files named of each finding; the index names all."""


def show(findings: Findings, lists: dict[str, VideoList], span: int, console: Console) -> None:
    """Print the findings, the worst first."""
    show_list(console, "missing", (f"{name} ({subset})" for subset, name in findings.missing))
    show_list(console, "broken", (f"{name}: {why}" for name, why in findings.broken.items()))
    show_list(console, "in training and elsewhere", map(" = ".join, findings.leaks))
    show_list(console, "duplicate", map(" = ".join, findings.duplicates))
    short = sorted(findings.short.items(), key=lambda item: item[1])
    show_list(console, f"shorter than {span} frames", (f"{name}: {n}" for name, n in short))
    show_list(
        console,
        "fewer frames than promised (harmless: the last is repeated)",
        (f"{name}: {there} of {promised}" for name, (promised, there) in findings.fewer.items()),
    )
    table = Table("class", *lists, title="videos")
    classes = next(iter(lists.values())).classes
    columns = [findings.histogram[subset] for subset in lists]
    counts = {name: [column.get(name, 0) for column in columns] for name in classes}
    for name, row in counts.items():
        if any(row):
            table.add_row(name, *map(str, row))
    table.add_section()
    empty = [sum(not row[column] for row in counts.values()) for column in range(len(lists))]
    table.add_row("classes without a video", *map(str, empty))
    table.add_row("all", *(str(len(videos)) for videos in lists.values()))
    console.print(table)


def show_list(console: Console, title: str, lines: Iterable[str]) -> None:
    """Print how many lines there are, and the first of them."""
    lines = list(lines)
    console.print(f"{title}: {len(lines)}", style="yellow" if lines else "green", markup=False)
    for line in lines[:SHOWN]:
        console.print(f"  {line}", markup=False, highlight=False)
    if len(lines) > SHOWN:
        console.print(f"  ... and {len(lines) - SHOWN} more", markup=False)
