"""What is in a folder of your own videos, and what keeps a network from learning from it."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from snl_video.data.annotations import (
    AnnotationError,
    VideoList,
    folder_classes,
    folder_subsets,
    read_folder,
)
from snl_video.data.annotations.files import is_video_name, videos_below
from snl_video.data.catalogue import NAME
from snl_video.data.catalogue.scan import scan
from snl_video.words import first_few

SHOWN = 10
"""Files that a message names."""


def read_own_folder(folder: Path) -> dict[str, VideoList]:
    """Read the lists of a folder of one sub-folder per class: subset -> videos.

    "train", and "val" and "test" where there are such folders. No video is opened.

    Raises:
        AnnotationError: it is no folder, or has fewer than two classes, or a class without a
            training video. The message says what there is instead.
    """
    if folder.is_dir() and not any(path.is_dir() for path in visible(folder)):
        raise AnnotationError(f"{folder} has no sub-folder: {_instead(folder)}; {_layout(folder)}")
    classes = folder_classes(folder)
    if len(classes) < 2:
        raise AnnotationError(
            f"{folder} has one class, {classes[0]}; a classifier needs two or more: "
            f"{_layout(folder)}"
        )
    subsets = folder_subsets(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if not videos_below(folder):
            raise AnnotationError(f"{folder}: {_instead(folder)}; {_layout(folder)}")
        lists = {name: read_folder(folder, name, classes) for name in subsets or ["train"]}
        if "train" not in lists:
            raise AnnotationError(f"{folder} has {' and '.join(subsets)}, and no folder train")
    empty = [name for name, count in lists["train"].class_counts().items() if not count]
    if empty:
        raise AnnotationError(
            f"{folder}: no training video of {', '.join(empty[:3])}{', ...' * (len(empty) > 3)}; "
            "add some, or move the empty folders away"
        )
    return lists


def opening_words(folder: Path, lists: Mapping[str, VideoList]) -> str:
    """What the folder holds, one thing a line: the videos of each class, and other files."""
    lines = []
    for subset, videos in lists.items():
        counts = ", ".join(f"{name} {count}" for name, count in videos.class_counts().items())
        title = f"{folder}" if list(lists) == ["train"] else f"{folder / subset}"
        lines.append(f"{title}: {len(videos)} videos of {len(videos.classes)} classes: {counts}")
    if others := other_files(folder):
        lines.append(f"no videos by their names, left aside: {first_few(others, SHOWN)}")
    return "\n".join(lines)


def unreadable_videos(
    folder: Path,
    lists: Mapping[str, VideoList],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, str]:
    """Open every video and read its packets, without decoding a frame: id -> what is wrong.

    Args:
        folder: the root of the lists.
        lists: see `read_own_folder`.
        progress: called with the numbers of videos done and in all.
    """
    ids = {record.path: record.id for videos in lists.values() for record in videos.records}
    with TemporaryDirectory() as scratch:
        table = scan(list(ids), folder, Path(scratch) / NAME, progress=progress)
    errors = table.column("error").to_pylist()
    return {ids[path]: error for path, error in zip(ids, errors, strict=True) if error}


def list_of_unreadable(reasons: Mapping[str, str], total: int) -> str:
    """Say how many of `total` videos are unreadable, and which and why, one a line."""
    lines = [f"{name}: {reason}" for name, reason in reasons.items()]
    return f"{len(reasons)} of {total} videos can't be read:\n  " + first_few(lines, SHOWN, "\n  ")


def other_files(folder: Path) -> list[str]:
    """Paths of the files below a folder that are neither hidden nor named like a video."""
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and not is_video_name(name):
                found.append(Path(parent, name).relative_to(folder).as_posix())
    return sorted(found)


def visible(folder: Path) -> list[Path]:
    """What lies right in a folder and is not hidden."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _instead(folder: Path) -> str:
    """What there is where videos in classes should be."""
    if loose := [path.name for path in visible(folder) if is_video_name(path.name)]:
        return f"its {len(loose)} videos belong to no class"
    kinds = Counter(Path(name).suffix or "no suffix" for name in other_files(folder))
    if not kinds:
        return "it is empty"
    return "no video in it, but " + ", ".join(f"{n} x {kind}" for kind, n in kinds.most_common(3))


def _layout(folder: Path) -> str:
    return f"make one sub-folder per class, {folder}/<class>/<video>"
