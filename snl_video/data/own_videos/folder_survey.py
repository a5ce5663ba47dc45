"""What the files in a folder of your own videos are: unreadable, or the same twice."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pytorch_lightning.utilities import rank_zero_only
from rich.progress import Progress

from snl_video.data.formats import ClassFolders
from snl_video.data.holdout import HoldoutSettings
from snl_video.data.manifest import NAME
from snl_video.data.manifest.findings import Findings, find
from snl_video.data.manifest.index import relative_path
from snl_video.data.manifest.scan import scan
from snl_video.data.own_videos.folder_layout import SHOWN, opening_words, read_own_folder
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError
from snl_video.wording import first_few

TIMEOUT_S = 600.0
"""Seconds for one file; a long recording on a slow disk takes minutes to read."""


@rank_zero_only
def survey(folder: Path, go_on: bool, holdout: HoldoutSettings = HoldoutSettings()) -> None:
    """Print what the folder holds, and refuse one that nothing can be learnt from.

    Args:
        folder: one sub-folder per class.
        go_on: where videos can't be read, print which and go on.
        holdout: which of the videos are validated.

    Raises:
        AnnotationError: see `read_own_folder`; videos that can't be read; with `go_on`, a class
            with no other training videos; or one file in two classes.
    """
    lists = read_own_folder(folder)
    print(opening_words(folder, lists))
    total = sum(len(videos) for videos in lists.values())
    with Progress(transient=True, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("opening every video", total=total)
        found = open_all(folder, lists, lambda done, _: bar.update(task, completed=done))
    if found.broken and not go_on:
        raise AnnotationError(
            f"{list_of_unreadable(found.broken, total)}\nmend them, move them away, or go on with "
            "--data.bad_videos.evaluation wrong: training replaces them, a test counts them wrong"
        )
    if found.broken:
        print(list_of_unreadable(found.broken, total))
        source = ClassFolders(folder, holdout=holdout)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            check_training(folder, source.read("train"), found.broken)
    else:
        print(f"all {total} videos can be opened")
    if words := same_files(folder, lists, found.duplicates):
        print(words)


def open_all(
    folder: Path,
    lists: Mapping[str, VideoList],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Findings:
    """Open every video and read its packets, without decoding a frame.

    Args:
        folder: the root of the lists.
        lists: see `read_own_folder`.
        progress: called with the numbers of videos done and in all.

    Returns:
        what was found, by path relative to the folder.
    """
    paths = [record.path for videos in lists.values() for record in videos.records]
    with TemporaryDirectory() as scratch:
        index = Path(scratch) / NAME
        table = scan(paths, folder, index, timeout=TIMEOUT_S, progress=progress)
    return find(table, lists, folder, span=1)


def list_of_unreadable(reasons: Mapping[str, str], total: int) -> str:
    """Say how many of `total` videos are unreadable, and which and why, one a line."""
    lines = [f"{name}: {reason}" for name, reason in reasons.items()]
    return f"{len(reasons)} of {total} videos can't be read:\n  " + first_few(lines, SHOWN, "\n  ")


def check_training(folder: Path, train: VideoList, broken: Mapping[str, str]) -> None:
    """Refuse a class of which no training video can be read.

    Args:
        folder: the root of the list.
        train: what is left to train on.
        broken: reason by path relative to the folder.

    Raises:
        AnnotationError: there is one.
    """
    readable = {r.label for r in train.records if relative_path(r.path, folder) not in broken}
    none = [train.classes[label] for label in sorted({*train.labels.tolist()} - readable)]
    if none:
        raise AnnotationError(
            f"{folder}: no training video of {first_few(none)} can be read; what can be read of it "
            "is held out for validation, if anything. Mend or add videos, or hold out others with "
            "--data.holdout.seed 1"
        )


def same_files(folder: Path, lists: Mapping[str, VideoList], groups: list[list[str]]) -> str:
    """Words about files of equal content, nothing where there are none.

    Args:
        folder: the root of the lists.
        lists: see `read_own_folder`.
        groups: paths of equal files, relative to the folder.

    Raises:
        AnnotationError: equal files in two classes.
    """
    class_of = {
        relative_path(record.path, folder): videos.classes[record.label]
        for videos in lists.values()
        for record in videos.records
    }
    torn = [group for group in groups if len({class_of[name] for name in group}) > 1]
    if torn:
        raise AnnotationError(
            f"{folder}: the same file in two classes:\n  {_equations(torn)}\n"
            "keep each in the class that it shows, and delete the others"
        )
    if not groups:
        return ""
    return (
        f"the same file more than once:\n  {_equations(groups)}\n"
        "one may be trained on and another validate it: better delete all but one"
    )


def _equations(groups: list[list[str]]) -> str:
    return first_few([" = ".join(group) for group in groups], SHOWN, "\n  ")
