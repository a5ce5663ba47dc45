"""UCF101: `classInd.txt` and three train/test splits whose groups of clips do not overlap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from snl_video.data.formats.entries import (
    Entry,
    Missing,
    VideoList,
    build_list,
    check_classes,
    check_split,
    check_subset,
    label_of,
    read_lines,
    require_dir,
    require_file,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.errors import AnnotationError


def ucf101_classes(root: str | Path, annotations: str | Path | None = None) -> list[str]:
    """Class names in the order of `classInd.txt`, whose lines are "1 Name" or "Name".

    Raises:
        AnnotationError: root or class list missing, or the numbers are not 1, 2, 3, ...
    """
    path = require_file(_annotation_dir(root, annotations) / "classInd.txt", "class list")
    classes = []
    for line in read_lines(path):
        number, _, name = line.partition(" ")
        if not number.isdigit():
            classes.append(line)
            continue
        if int(number) != len(classes) + 1:
            raise AnnotationError(f"{path}: expected number {len(classes) + 1} in line {line!r}")
        classes.append(name.strip())
    return check_classes(classes, path)


def read_ucf101(
    root: str | Path,
    split: int = 1,
    subset: str = "train",
    annotations: str | Path | None = None,
    missing: Missing = "error",
) -> VideoList:
    """Read one subset of one official split.

    Args:
        root: holds `ucfTrainTestlist/` and the class folders, in `videos/`, `UCF-101/` or itself.
        split: 1, 2 or 3.
        subset: "train" or "test".
        annotations: the folder of the lists where it is not `root/ucfTrainTestlist`.
        missing: "error", "skip" or "wrong"; see `build_list`.

    Raises:
        AnnotationError: see the parts; always says what to do.
    """
    check_split(split)
    check_subset(subset, ("train", "test"))
    classes = ucf101_classes(root, annotations)
    lists = _annotation_dir(root, annotations)
    path = require_file(lists / f"{subset}list{split:02d}.txt", "list")
    root = Path(root)
    folder = first_dir(root / "videos", root / "UCF-101", root) or root
    entries = _entries(path, classes, VideoFolder(folder))
    remedy = f"put the class folders into {root / 'videos'}"
    return build_list(entries, classes, source=path, missing=missing, remedy=remedy)


def _annotation_dir(root: str | Path, annotations: str | Path | None) -> Path:
    root = require_dir(root, "data set folder")
    if annotations is not None:
        return require_dir(annotations, "annotation folder")
    return require_dir(root / "ucfTrainTestlist", "annotation folder")


def _entries(path: Path, classes: list[str], folder: VideoFolder) -> Iterator[Entry]:
    labels = {name: index for index, name in enumerate(classes)}
    for line in read_lines(path):
        head, _, tail = line.rpartition(" ")
        name = head if head and tail.isdigit() else line
        name = name.replace("\\", "/")
        label = label_of(PurePosixPath(name).parent.name, labels, path)
        if name is not line and tail.isdigit() and int(tail) != label + 1:
            raise AnnotationError(
                f"{path}: {line!r} gives label {tail}, but classInd.txt numbers the class "
                f"{label + 1}; the lists belong to different versions"
            )
        yield Entry(name, label, folder.find(name))
