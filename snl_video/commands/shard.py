"""`snl-video shard`: pack the videos of a data set into shards."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from snl_video.commands.check import read_lists
from snl_video.commands.command_parser import CommandParser
from snl_video.data.addresses import join
from snl_video.data.formats import ListSettings, Subset, open_data_set
from snl_video.data.holdout import HoldoutSettings
from snl_video.data.manifest.findings_table import show_list
from snl_video.data.overlap import find_overlap, tell_overlap
from snl_video.data.sharding.write_shards import ShardSize, ShardWriter
from snl_video.errors import AnnotationError, UsageError


def shard(
    out: str,
    list: str | None = None,
    root: str = ".",
    format: str = "folder",
    split: int = 1,
    lists: ListSettings = ListSettings(),
    holdout: HoldoutSettings = HoldoutSettings(),
    megabytes: float = ShardSize.megabytes,
    videos: int = ShardSize.videos,
    full: bool = False,
    workers: int = os.cpu_count() or 1,
    timeout: float = 600.0,
) -> int:
    """Pack videos into tar files, with an index of what lies where.

      snl-video shard train.csv --lists.val val.csv --root videos --out s3://bucket/clips
      snl-video shard --format ucf101 --root data/ucf101 --out data/ucf101_shards

    Train on them with --data.format shards and --data.root what --out names. WebDataset reads them
    too. Videos are copied byte for byte. What can't be read is left out and named. A run that was
    stopped goes on where it was when it is called again.

    Args:
        out: folder or address; the sets are written to train/, val/ and test/ in it.
        list: list of training videos, as --lists.train with --format csv.
        root: the data set's folder, or what is put before the paths of a list.
        format: how it is laid out, as `data.format` of a recipe.
        split: 1, 2 or 3, for formats with splits.
        lists: as `data.lists` of a recipe.
        holdout: as `data.holdout` of a recipe.
        megabytes: of a shard, from which on the next video begins another one.
        videos: in a shard at most.
        full: decode every frame, and leave out a video of which none decodes.
        workers: processes.
        timeout: seconds for one file.

    Returns:
        the exit code.
    """
    if list:
        if format != "folder" or lists.train:
            raise UsageError("give a list, or --format and --lists.train, not both")
        format, lists = "csv", replace(lists, train=list)
    size = ShardSize(megabytes, videos)
    console = Console(soft_wrap=True)
    source = open_data_set(format, root, split, replace(lists, missing="wrong"), holdout)

    def pass_over(subset: Subset, error: AnnotationError) -> None:
        if getattr(lists, subset):
            raise error
        console.print(f"no set {subset}: {error}", markup=False)

    found = read_lists(source, pass_over)
    tell_overlap(find_overlap(found), stop=lists.overlap == "error")
    left_out = 0
    for subset, listed in found.items():
        columns = (TextColumn(subset), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=len(listed))
            writer = ShardWriter(
                join(out, subset), listed, size, source.mirror(), full, workers, timeout
            )
            index = writer.write(partial(bar.advance, task))
        bad = [f"{name}: {why}" for name, why in index.left_out()]
        left_out += len(bad)
        show_list(console, f"left out of {subset}", bad)
        shards = len(index.least_sizes())
        there = len(listed) - len(bad)
        console.print(f"{writer.url}: {there} videos, shards: {shards}", markup=False)
    return int(left_out > 0)


def main(words: Sequence[str]) -> int:
    """Run the command; the exit code is 1 when a video was left out."""
    usage = "[LIST] --out FOLDER_OR_URL [--root FOLDER] [--format FORMAT] [--OPTION VALUE ...]"
    return CommandParser("snl-video shard", shard, usage, words={"list": "?"}).call(words)
