"""Look at every video of a data set before training on it.

    python -m snl_video.commands.check --format ucf101 --root data/ucf101 [--full] [--strict]

Writes an index of what each file is, which the data module then uses, and prints what is missing,
broken, duplicate or too short. An interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from snl_video.data.clips import ClipSettings
from snl_video.data.formats import FORMATS, SUBSETS, DataSetFormat, ListSettings, open_data_set
from snl_video.data.manifest import NAME
from snl_video.data.manifest.findings import Findings, find
from snl_video.data.manifest.scan import scan
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError

SHOWN = 20
"""Files named of each finding; the index names all."""


def main(words: Sequence[str]) -> int:
    """Scan, write the index and print the findings.

    Returns:
        the exit code: 0; 1 with `--strict` when something was found; 2 when the lists are wrong.
    """
    options = _parser().parse_args(words[1:])
    console = Console(soft_wrap=True)
    index = Path(options.index or Path(options.root) / NAME)
    try:
        span = ClipSettings(options.num_frames, options.interval).span
        lists = read_lists(_source(options))
        paths = dict.fromkeys(r.path for videos in lists.values() for r in videos.records)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
            task = bar.add_task("scanning", total=len(paths))
            table = scan(
                list(paths),
                options.root,
                index,
                full=options.full,
                workers=options.workers,
                timeout=options.timeout,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        findings = find(table, lists, options.root, span)
    except (AnnotationError, ValueError, OSError) as error:
        console.print(f"error: {error}", style="red", markup=False)
        return 2
    show(findings, lists, span, console)
    console.print(f"index of {len(table)} files: {index}", markup=False)
    return int(options.strict and not findings.clean)


def read_lists(source: DataSetFormat) -> dict[str, VideoList]:
    """The subsets that a data set has; one that repeats an earlier one is left out.

    Raises:
        AnnotationError: it has none.
    """
    lists: dict[str, VideoList] = {}
    problems = []
    for subset in SUBSETS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                videos = source.read(subset)
        except AnnotationError as error:
            problems.append(str(error))
            continue
        if all(videos.records != other.records for other in lists.values()):
            lists[subset] = videos
    if not lists:
        raise AnnotationError(problems[0])
    return lists


def show(findings: Findings, lists: dict[str, VideoList], span: int, console: Console) -> None:
    """Print the findings, the worst first."""
    _show_list(console, "missing", (f"{name} ({subset})" for subset, name in findings.missing))
    _show_list(console, "broken", (f"{name}: {why}" for name, why in findings.broken.items()))
    _show_list(console, "in training and elsewhere", map(" = ".join, findings.leaks))
    _show_list(console, "duplicate", map(" = ".join, findings.duplicates))
    short = sorted(findings.short.items(), key=lambda item: item[1])
    _show_list(console, f"shorter than {span} frames", (f"{name}: {n}" for name, n in short))
    _show_list(
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


def _show_list(console: Console, title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    console.print(f"{title}: {len(lines)}", style="yellow" if lines else "green", markup=False)
    for line in lines[:SHOWN]:
        console.print(f"  {line}", markup=False, highlight=False)
    if len(lines) > SHOWN:
        console.print(f"  ... and {len(lines) - SHOWN} more", markup=False)


def _source(options: argparse.Namespace) -> DataSetFormat:
    files = {subset: getattr(options, f"{subset}_list") for subset in SUBSETS}
    lists = ListSettings(options.annotations, classes=options.class_file, missing="skip", **files)
    return open_data_set(options.format, options.root, options.split, lists)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m snl_video.commands.check",
        description="Scan a data set, write an index of its files and say what is wrong with them.",
    )
    parser.add_argument("--format", choices=list(FORMATS), default="folder")
    parser.add_argument("--root", default=".", help="the data set's folder")
    parser.add_argument("--split", type=int, default=1)
    parser.add_argument("--annotations", help="folder of the lists")
    for subset in SUBSETS:
        parser.add_argument(f"--{subset}_list", help="list file, for csv")
    parser.add_argument("--class_file", help="class names, one a line")
    parser.add_argument("--index", help=f".parquet or .csv to write; by default ROOT/{NAME}")
    parser.add_argument("--full", action="store_true", help="decode every frame")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if anything but promised frames is wrong"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one file")
    parser.add_argument("--num_frames", type=int, default=8, help="of a clip")
    parser.add_argument("--interval", type=int, default=8, help="of a clip")
    return parser
