"""`snl-video check`: look at every video of a data set before training on it."""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from snl_video.commands.command_parser import CommandParser
from snl_video.data.addresses import is_http, join
from snl_video.data.clips import ClipSettings
from snl_video.data.formats import SUBSETS, DataSetFormat, ListSettings, Subset, open_data_set
from snl_video.data.manifest import NAME
from snl_video.data.manifest.findings import find
from snl_video.data.manifest.findings_table import show
from snl_video.data.manifest.look import NamedFile, PartLooker, Rows
from snl_video.data.manifest.scan import scan
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError, UsageError
from snl_video.ray_pool import RayPool

PART = 16
"""Files that a process of --engine ray looks at before it tells what it found."""


def check(
    root: str = ".",
    format: str = "folder",
    split: int = 1,
    lists: ListSettings = ListSettings(),
    clip: ClipSettings = ClipSettings(),
    index: str | None = None,
    full: bool = False,
    strict: bool = False,
    workers: int = os.cpu_count() or 1,
    timeout: float = 600.0,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
) -> int:
    """Look at every video of a data set, write an index, and say what is wrong with them.

      snl-video check --format ucf101 --root data/ucf101
      snl-video check --root data/mine --full true --strict true

    The index tells what each file is, and the data module then uses it. What is missing, broken,
    duplicate or too short is printed. An interrupted run goes on where it stopped.

    Args:
        root: the data set's folder, or its address, such as s3://bucket/ucf101.
        format: how it is laid out, as `data.format` of a recipe.
        split: 1, 2 or 3, for formats with splits.
        lists: as `data.lists` of a recipe; files that are missing are findings here.
        clip: as `data.clip` of a recipe: a video with fewer frames than it spans is short.
        index: .parquet or .csv to write; by default video_index.parquet in the root.
        full: decode every frame.
        strict: exit with 1 if anything but the promised number of frames is wrong.
        workers: processes.
        timeout: seconds for one file.
        engine: ray has its processes on all machines of a cluster, which need the root at the same
            path.
        address: of a Ray cluster, as auto; by default Ray runs on this machine.

    Returns:
        the exit code.
    """
    console = Console(soft_wrap=True)
    pool = RayPool(workers, address)
    make = partial(PartLooker, full, timeout)
    file = index or join(root, NAME)
    if is_http(file):
        raise UsageError("a web server takes no index; name a local one with --index FILE.parquet")
    source = open_data_set(format, root, split, replace(lists, missing="skip"))
    place = str(source.folder)
    found = read_lists(source)
    paths = list(dict.fromkeys(r.path for videos in found.values() for r in videos.records))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("scanning", total=len(paths))
        table = scan(
            paths,
            place,
            file,
            full=full,
            workers=workers,
            timeout=timeout,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            look=partial(_by_ray, pool, make) if engine == "ray" else None,
        )
    findings = find(table, found, place, clip.span)
    show(findings, found, clip.span, console)
    console.print(f"index of {len(table)} files: {file}", markup=False)
    return int(strict and not findings.clean)


def _by_ray(pool: RayPool, make: Callable[[], PartLooker], files: Sequence[NamedFile]) -> Rows:
    """Look at files by several processes, and yield their rows."""
    parts = [files[start : start + PART] for start in range(0, len(files), PART)]
    return (row for rows in pool.answers(make, parts) for row in rows)


def read_lists(
    source: DataSetFormat, tell: Callable[[Subset, AnnotationError], None] = lambda *_: None
) -> dict[str, VideoList]:
    """The subsets that a data set has; one that repeats an earlier one is left out.

    Args:
        source: the data set.
        tell: called with a subset that can't be read, and why.

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
            tell(subset, error)
            problems.append(str(error))
            continue
        if all(videos.records != other.records for other in lists.values()):
            lists[subset] = videos
    if not lists:
        raise AnnotationError(problems[0])
    return lists


def main(words: Sequence[str]) -> int:
    """Run the command; the exit code is 1 with `--strict true` when something was found."""
    usage = "--root FOLDER [--format FORMAT] [--OPTION VALUE ...]"
    return CommandParser("snl-video check", check, usage).call(words)
