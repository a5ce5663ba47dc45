"""The same video in training and in evaluation, or twice in one list."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache

from snl_video.data.addresses import is_address
from snl_video.data.segments import Segment
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import AnnotationError
from snl_video.wording import first_few


def find_overlap(lists: Mapping[str, VideoList]) -> dict[str, list[str]]:
    """Ids of the videos that "train" shares with another list, and of those that are twice in one.

    Videos are the same when their paths lead to the same file; those that are absent when their ids
    are equal. Two segments of one file are twice the same when they are equal, and are shared when
    they have a moment in common. Equal content under other names is found by `snl-video check`. A
    list that equals "train" is left out: that is a choice, and the data set's note tells it.

    Returns:
        ids by "train and test", "twice in train" and so on; nothing for what is not there.
    """
    file_of = _file_finder()
    parts: dict[str, dict[str, str]] = {}
    found: dict[str, list[str]] = {}
    for name, videos in lists.items():
        parts[name] = {_part(record, file_of): record.id for record in reversed(videos.records)}
    for name, videos in lists.items():
        if name != "train" and "train" in lists and videos.records != lists["train"].records:
            shared = [own for part, own in reversed(parts[name].items()) if part in parts["train"]]
            moments = _common_moments(lists["train"], videos, file_of)
            found[f"train and {name}"] = list(dict.fromkeys([*shared, *moments]))
        if len(parts[name]) < len(videos):
            counts = Counter(_part(record, file_of) for record in videos.records)
            found[f"twice in {name}"] = [parts[name][p] for p, n in counts.items() if n > 1]
    return {where: ids for where, ids in found.items() if ids}


def _part(record: VideoRecord, file_of: Callable[[VideoRecord], str]) -> str:
    file = file_of(record)
    return f"{file}#{record.segment}" if record.segment else file


def _common_moments(
    train: VideoList, other: VideoList, file_of: Callable[[VideoRecord], str]
) -> list[str]:
    """Ids of the records of a list that have a moment in common with one of "train"."""
    if not (train.has_segments or other.has_segments):
        return []
    of_file: dict[str, list[Segment | None]] = {}
    for record in train.records:
        of_file.setdefault(file_of(record), []).append(record.segment)
    return [
        record.id
        for record in other.records
        if any(_meet(record.segment, own) for own in of_file.get(file_of(record), ()))
    ]


def _meet(one: Segment | None, other: Segment | None) -> bool:
    """Whether two parts of a file have a moment in common; of two units, that is taken for sure."""
    if one is None or other is None or one.unit != other.unit:
        return True
    return one.start < other.end and other.start < one.end


def tell_overlap(found: Mapping[str, list[str]], *, stop: bool) -> None:
    """Warn of what `find_overlap` found.

    Args:
        found: by it.
        stop: refuse videos that training and evaluation share.

    Raises:
        AnnotationError: there are some.
    """
    for where, ids in found.items():
        what = f"{where}: {len(ids)} videos ({first_few(ids, 3)})"
        if not where.startswith("train and"):
            warnings.warn(f"{what}; each counts as often as it is listed", stacklevel=2)
            continue
        sentence = f"the same in {what}: the results are no measure of new videos"
        if stop:
            raise AnnotationError(
                f"{sentence}. Take them out of one of the lists, or go on with "
                "--data.lists.overlap warn"
            )
        warnings.warn(sentence, stacklevel=2)


def _file_finder() -> Callable[[VideoRecord], str]:
    """A function that tells the file of a record, links resolved; it lists each folder once."""

    @cache
    def folder_of(folder: str) -> tuple[str, frozenset[str]]:
        try:
            with os.scandir(folder or ".") as entries:
                links = frozenset(entry.name for entry in entries if entry.is_symlink())
        except OSError:
            links = frozenset()
        return os.path.realpath(folder), links

    def file_of(record: VideoRecord) -> str:
        if not record.path:
            return f"absent {record.id}"
        if is_address(record.path):
            return record.path
        folder, name = os.path.split(record.path)
        real, links = folder_of(folder)
        return os.path.realpath(record.path) if name in links else os.path.join(real, name)

    return file_of
