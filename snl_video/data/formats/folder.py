"""One folder per class, and plain files without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snl_video.data.formats.entries import (
    Entry,
    VideoList,
    VideoRecord,
    build_list,
    check_classes,
    check_subset,
    label_of,
    require_dir,
)
from snl_video.data.formats.video_files import first_dir, videos_below
from snl_video.data.holdout import VAL_SHARE, HeldOut, hold_out
from snl_video.errors import AnnotationError

SUBSETS = ("train", "val", "test")


def folder_subsets(root: str | Path) -> list[str]:
    """Those of "train", "val" and "test" that are sub-folders of root, in this order."""
    return [subset for subset in SUBSETS if (Path(root) / subset).is_dir()]


def folder_classes(root: str | Path) -> list[str]:
    """Class names: the sorted sub-folders of `root/train` if it is there, else of root.

    With `val` or `test` but no `train`, the sub-folders of those.
    """
    root = require_dir(root, "data set folder")
    subsets = folder_subsets(root)
    folder = root / subsets[0] if subsets else root
    return check_classes(sorted(path.name for path in _sub_folders(folder)), folder)


def read_folder(
    root: str | Path, subset: str = "train", classes: Sequence[str] | None = None
) -> VideoList:
    """Read the videos below `root/<subset>/<class>`, or `root/<class>` where root has no subsets.

    What is in no class folder, and what is hidden, is not read; see `files.files_below` for links.

    Args:
        root: the folder. Without subsets, every subset is the whole folder.
        subset: "train", "val" or "test"; "val" and "test" stand in for each other.
        classes: names in the order of the labels; by default `folder_classes(root)`.

    Raises:
        AnnotationError: root or subset missing, no video, a class that is not in `classes`, or a
            folder that cannot be read.
    """
    check_subset(subset, SUBSETS)
    names = list(classes) if classes is not None else folder_classes(root)
    root = Path(root)
    folder = root
    if folder_subsets(root):
        other = {"val": "test", "test": "val", "train": "train"}[subset]
        found = first_dir(root / subset, root / other)
        if found is None:
            raise AnnotationError(f"{root} has no folder {subset}; make {root / subset}/<class>/")
        folder = found
    labels = {name: index for index, name in enumerate(names)}
    entries = [
        Entry(f"{path.name}/{name}", label_of(path.name, labels, folder), str(path / name))
        for path in _sub_folders(folder)
        for name in videos_below(path)
    ]
    return build_list(entries, names, source=folder, missing="error", remedy="")


def folder_held_out(
    root: str | Path,
    classes: Sequence[str] | None = None,
    share: float | None = None,
    seed: int = 0,
) -> HeldOut | None:
    """The validation split that a folder needs, or None where its sub-folders serve.

    Args:
        root: the folder.
        classes: see `read_folder`.
        share: of the videos of each class. None holds out `VAL_SHARE` where root has neither `val`
            nor `test`; a number holds out of `train` even where there is `test`; 0 nothing ever.
        seed: of the choice.

    Raises:
        AnnotationError: see `read_folder` and `hold_out`, or a share beside a folder `val`.
    """
    subsets = folder_subsets(require_dir(root, "data set folder"))
    if share == 0 or (share is None and {"val", "test"} & set(subsets)):
        return None
    if "val" in subsets:
        raise AnnotationError(
            f"{Path(root) / 'val'} is the validation set, so val_share={share:g} has no use; leave "
            "it out (null)"
        )
    return hold_out(
        read_folder(root, "train", classes), VAL_SHARE if share is None else share, seed
    )


def read_files(paths: Sequence[str | Path], classes: Sequence[str]) -> VideoList:
    """Files, and all videos below folders, without labels (-1): for prediction.

    A file keeps its place in the list even where it is no video: reading it says why. In folders
    what is hidden is passed over; see `files.files_below`.

    Raises:
        AnnotationError: a path does not exist, a folder cannot be read, or nothing was found.
    """
    records = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = videos_below(path)
            records += [VideoRecord(str(path / name), -1, name) for name in inside]
        elif path.exists():
            records.append(VideoRecord(str(path), -1, path.name))
        else:
            raise AnnotationError(f"{path} does not exist; give video files or folders of them")
    if not records:
        raise AnnotationError(
            f"no video in {', '.join(map(str, paths)) or 'an empty list'}; give video files or "
            "folders of them"
        )
    return VideoList(records, list(classes))


def _sub_folders(folder: Path) -> list[Path]:
    children = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in children if path.is_dir())
