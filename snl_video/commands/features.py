"""`snl-video features`: what a network makes of videos, computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from snl_video.commands.command_parser import CommandParser
from snl_video.commands.folder_lock import locked_folder
from snl_video.commands.missing_parts import PART, do_missing
from snl_video.commands.named_videos import named_videos
from snl_video.data.feature_files import FeatureFiles
from snl_video.data.formats import ListSettings
from snl_video.data.video_list import VideoRecord
from snl_video.errors import UsageError, VideoError
from snl_video.ray_pool import RayPool
from snl_video.wording import utf8

if TYPE_CHECKING:
    from snl_video.inference.feature_source import FeatureSource

HOLDER = "another snl-video features"


def features(
    model: str,
    videos: list[str],
    output: str,
    place: str = "head",
    average: str | None = None,
    views: str = "1x1",
    mirrored: bool = False,
    num_frames: int | None = None,
    interval: int | None = None,
    short_side: int | None = None,
    size: int | None = None,
    backbone: str | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
    format: str | None = None,
    split: int = 1,
    lists: ListSettings = ListSettings(),
    retry: bool = False,
    device: str | None = None,
    engine: Literal["local", "ray"] = "local",
    workers: int = 2,
    address: str | None = None,
) -> int:
    """Compute features of videos once, and keep them.

      snl-video features kinetics400 clips/ --output features/clips
      snl-video features kinetics400 data/ucf101 --format ucf101 --place Mixed_4e --average 2x2x2 \\
          --output features/ucf101

    The output folder gets float16 shards: name of a video -> (views, C) in front of the head, or
    (views, C, T, H, W) at another place. A run that was stopped goes on where it was when it is
    called again; more videos may be named then. Features of other weights or clips never mix: they
    need another folder. A video that cannot be read is kept as a row with the reason.

    Args:
        model: folder of a run, a checkpoint, or kinetics400; with --backbone a file of weights.
        videos: files, folders, patterns such as 'more/*.mp4', or - for a list on standard input;
            with --format the folder of a data set, whose lists are all taken.
        output: folder of the features; with --engine ray also an address, as s3://bucket/features.
        place: head, a place of the network such as Mixed_4e or res4.4, or a stage such as res4.
        average: window over time, height and width whose mean is kept, as 2x2x2.
        views: clips x crops of each video, as 10x3.
        mirrored: keep the mirror image of every view too, after all views.
        num_frames: of a clip; by default as the network was trained, as the next three.
        interval: frames of the video between two of a clip.
        short_side: pixels of the shorter side before the crop.
        size: pixels of the crop.
        backbone: network of a file of published weights in another layout, e.g. slow_r50.
        precision: fp32, or bf16: a third of the time on a CPU that has it; features then differ in
            the third digit.
        format: of a data set, as data.format of a recipe.
        split: 1, 2 or 3, for formats with splits.
        lists: as data.lists of a recipe.
        retry: try the videos again that could not be read.
        device: cpu or cuda; by default a GPU if there is one.
        engine: ray works with several processes, for very many videos; then the list may not change
            from one call to the next.
        workers: processes of --engine ray.
        address: of a Ray cluster, as auto; by default Ray runs on this machine.
    """
    load = partial(
        _load,
        model,
        place,
        parse_window(average),
        views=views,
        mirrored=mirrored,
        clip={"num_frames": num_frames, "interval": interval},
        crop={"short_side": short_side, "size": size},
        backbone=backbone,
        precision=precision,
        device=device,
    )
    source = load()
    listed = named_videos(videos, format, split, lists)
    console = Console(stderr=True, soft_wrap=True)
    if engine == "ray":
        pool = RayPool(workers, address, device == "cuda")
        console.print(f"{len(listed)} videos; {source.describe()}")
        failed = _by_ray(listed, load, source, output, pool, retry, console)
    else:
        failed = _one_by_one(listed, source, Path(output), retry, console)
    for name, reason in failed.items():
        console.print(f"{name}: {reason}", markup=False)
    print(f"features of {len(listed) - len(failed)} videos: {output}")
    return int(bool(failed))


def _load(*arguments: Any, **settings: Any) -> FeatureSource:
    """`FeatureSource.load` as a function, which Ray can send to other processes."""
    from snl_video.inference.feature_source import FeatureSource

    return FeatureSource.load(*arguments, **settings)


def _one_by_one(
    listed: Mapping[str, VideoRecord],
    source: FeatureSource,
    output: Path,
    retry: bool,
    console: Console,
) -> dict[str, str]:
    """Compute what is missing, and return why videos could not be read, by their names."""
    with locked_folder(output, HOLDER):
        kept = FeatureFiles.begin(output, source.settings, source.origin)
        left = {
            name: record
            for name, record in listed.items()
            if utf8(name) not in kept.rows or (retry and kept.rows[utf8(name)].reason)
        }
        known = len(listed) - len(left)
        console.print(f"{len(listed)} videos, {known} of them known; {source.describe()}")
        columns = (TextColumn("videos"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            for name, record in bar.track(left.items(), len(left)):
                try:
                    kept.add(name, source.features(record).numpy())
                except VideoError as error:
                    kept.add(name, None, error.reason or str(error))
        kept.write_index()
    rows = map(kept.rows.__getitem__, map(utf8, listed))
    return {row.video: row.reason for row in rows if row.reason}


def _by_ray(
    listed: Mapping[str, VideoRecord],
    load: Callable[[], FeatureSource],
    source: FeatureSource,
    output: str,
    pool: RayPool,
    retry: bool,
    console: Console,
) -> dict[str, str]:
    """The same by several processes, each of which loads the network."""
    from snl_video.inference.feature_parts import FeatureParts, PartFeatures

    parts = FeatureParts(output, list(listed), PART, source.origin)

    def part_of(number: int) -> Any:
        records = ((name, listed[name]) for name in parts.names_of(number))
        videos = [(name, r.path, r.segment and astuple(r.segment)) for name, r in records]
        return parts.file_of(number), videos

    make = partial(PartFeatures, load, output)
    failed = do_missing(parts, source.settings, pool, make, part_of, console, retry)
    parts.write_index()
    return failed


def parse_window(text: str | None) -> tuple[int, int, int] | None:
    """Read ``2x2x2`` as a window over time, height and width.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    numbers = text.split("x")
    if len(numbers) != 3 or not all(n.isdigit() and int(n) > 0 for n in numbers):
        raise UsageError(f"--average is written T x H x W, as 2x2x2; got {text!r}")
    time, height, width = map(int, numbers)
    return time, height, width


def main(words: Sequence[str]) -> int:
    """Run the command; the exit code is 1 where a video could not be read."""
    usage = "MODEL VIDEO ... --output DIR [--place PLACE] [--average TxHxW] [--format FORMAT]"
    names = {"model": None, "videos": "+"}
    return CommandParser("snl-video features", features, usage, words=names).call(words)
