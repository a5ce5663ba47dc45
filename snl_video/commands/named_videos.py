"""Videos that a command line names: one by one, by folders and patterns, or as a data set."""

import sys
from collections.abc import Iterable, Sequence
from glob import glob, has_magic
from pathlib import Path

from snl_video.commands.check import read_lists
from snl_video.data.formats import ListSettings, open_data_set
from snl_video.data.unlabelled import read_files
from snl_video.data.video_list import VideoRecord
from snl_video.errors import UsageError


def named_videos(
    videos: Sequence[str],
    format: str | None = None,
    split: int = 1,
    lists: ListSettings = ListSettings(),
) -> dict[str, VideoRecord]:
    """Return the records by name.

    Args:
        videos: files, folders, patterns, or - for a list on standard input: a video is called by
            its path. With a format the folder of a data set: a video has the name that its lists
            give it, and those of all lists are taken.
        format: of a data set.
        split: 1, 2 or 3, for formats with splits.
        lists: where the lists are.

    Raises:
        UsageError: several folders of data sets, or a pattern without a match.
        AnnotationError: a path or a list is not there.
    """
    if format is None:
        return {record.path: record for record in read_files(expanded(videos), []).records}
    if len(videos) != 1:
        raise UsageError(f"with --format {format} name one folder; got {len(videos)}")
    found = read_lists(open_data_set(format, videos[0], split, lists)).values()
    return {record.id: record for part in found for record in part.records}


def expanded(videos: Iterable[str]) -> list[str]:
    """Return files and folders, patterns and standard input resolved.

    Raises:
        UsageError: a pattern matches nothing.
    """
    found: list[str] = []
    for name in videos:
        if name == "-":
            found += [line.strip() for line in sys.stdin if line.strip()]
        elif has_magic(name) and not Path(name).exists():
            matches = sorted(glob(name, recursive=True))
            if not matches:
                raise UsageError(f"no file matches {name!r}")
            found += matches
        else:
            found.append(name)
    return found
