"""What is in a folder of your own videos, and what keeps a network from learning from it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from snl_video.data.formats import SUBSETS, ClassFolders
from snl_video.data.formats.entries import require_dir
from snl_video.data.formats.video_files import files_below, is_video_name
from snl_video.data.holdout import HoldoutSettings
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError
from snl_video.wording import first_few

SHOWN = 10
"""Files that a message names."""
MEANT = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "eval", "evaluation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of subsets in other projects, in lower case -> the name here."""


def read_own_folder(folder: Path) -> dict[str, VideoList]:
    """Read the lists of a folder of one sub-folder per class: subset -> videos.

    "train", and "val" and "test" where there are such folders. No video is opened.

    Raises:
        AnnotationError: it is no folder, or has fewer than two classes, a class without a training
            video, a video that belongs to no class and subset, or a name that can't be read. The
            message says what there is instead, and what to do.
    """
    require_dir(folder, "data set folder")
    files = sorted(files_below(folder))
    _check_names(folder, files)
    if not any(path.is_dir() for path in visible(folder)):
        raise AnnotationError(f"{folder} has no sub-folder: {_instead(files)}; {_layout(folder)}")
    _check_subsets(folder)
    _check_places(folder, [name for name in files if _is_video(name)])
    whole = ClassFolders(folder, holdout=HoldoutSettings(share=0))
    classes = whole.classes
    if len(classes) < 2:
        raise AnnotationError(
            f"{folder} has one class, {classes[0]}; a classifier needs two or more: "
            f"{_layout(folder)}"
        )
    if not any(map(_is_video, files)):
        raise AnnotationError(f"{folder}: {_instead(files)}; {_layout(folder)}")
    subsets = whole.subsets
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        lists: dict[str, VideoList] = {name: whole.read(name) for name in subsets or SUBSETS[:1]}
    if "train" not in lists:
        raise AnnotationError(f"{folder} has {' and '.join(subsets)}, and no folder train")
    empty = [name for name, count in lists["train"].class_counts().items() if not count]
    if empty:
        raise AnnotationError(
            f"{folder}: no training video of {first_few(empty, 3)}; add some, or move the empty "
            "folders away"
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


def other_files(folder: Path) -> list[str]:
    """Paths of the files below a folder that are neither hidden nor named like a video."""
    return sorted(name for name in files_below(folder) if not _is_video(name))


def visible(folder: Path) -> list[Path]:
    """What lies right in a folder and is not hidden."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _check_names(folder: Path, files: Sequence[str]) -> None:
    odd = [name for name in files if name != name.encode("utf-8", "replace").decode()]
    if odd:
        raise AnnotationError(
            f"{folder}: {len(odd)} file names are not UTF-8: {first_few([*map(repr, odd)], 3)}; "
            "rename these files or their folders"
        )


def _check_subsets(folder: Path) -> None:
    """Refuse a subset by another name, and a class by the name of a subset."""
    for path in sorted(path for path in visible(folder) if path.is_dir()):
        meant = MEANT.get(path.name.casefold())
        if meant is None:
            continue
        inside = visible(path)
        if path.name not in SUBSETS and any(child.is_dir() for child in inside):
            raise AnnotationError(
                f"{path} looks like a subset of another name: call it {folder / meant}, or "
                "something else where it is a class"
            )
        loose = sorted(child.name for child in inside if is_video_name(child.name))
        if path.name in SUBSETS and loose:
            raise AnnotationError(
                f"{path} holds {len(loose)} videos itself ({first_few(loose, 3)}), but the names "
                f"train, val and test are reserved for subsets: move them to {path}/<class>/, or "
                "rename the folder where it is a class"
            )


def _check_places(folder: Path, videos: Sequence[str]) -> None:
    """Refuse videos that no list would have."""
    subsets = ClassFolders(folder).subsets

    def has_place(name: str) -> bool:
        first, *rest = name.split("/")
        return len(rest) >= 2 and first in subsets if subsets else bool(rest)

    left = [name for name in videos if not has_place(name)]
    if left:
        places = [f"{subset}/<class>/" for subset in SUBSETS] if subsets else ["<class>/"]
        because = f", since there is a folder {subsets[0]}" if subsets else ""
        raise AnnotationError(
            f"{folder}: {len(left)} of {len(videos)} videos belong to no class and would be left "
            f"out: {first_few(left, SHOWN)}; a video lies in {' or '.join(places)}{because}: move "
            "these there, or out of the folder"
        )


def _is_video(name: str) -> bool:
    return is_video_name(name.rpartition("/")[2])


def _instead(files: Sequence[str]) -> str:
    """What there is where videos in classes should be."""
    if loose := [name for name in files if _is_video(name)]:
        return f"its {len(loose)} videos belong to no class"
    kinds = Counter(Path(name).suffix or "no suffix" for name in files)
    if not kinds:
        return "it is empty"
    return "no video in it, but " + ", ".join(f"{n} x {kind}" for kind, n in kinds.most_common(3))


def _layout(folder: Path) -> str:
    return f"make one sub-folder per class, {folder}/<class>/<video>"
