"""Kinetics-400/600/700: the official CSV, and the ways in which its videos are stored."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from snl_video.data.formats.entries import (
    Entry,
    Missing,
    VideoList,
    build_list,
    check_classes,
    check_subset,
    label_of,
    read_class_file,
    require_dir,
    require_file,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.errors import AnnotationError

SUBSETS = ("train", "val", "test")


def kinetics_classes(root: str | Path, annotations: str | Path | None = None) -> list[str]:
    """Class names: the lines of `label_map.txt`, or else the sorted labels of a CSV.

    Without a label map, the training list is used if there is one, else the validation list.

    Raises:
        AnnotationError: root missing, or neither a label map nor a list.
    """
    folder = _annotation_dir(root, annotations)
    if (folder / "label_map.txt").is_file():
        return read_class_file(folder / "label_map.txt")
    path = _find_list(folder, "train") or _list_file(folder, "val")
    return check_classes(sorted({row["label"] for row in _rows(path)}), path)


def read_kinetics(
    root: str | Path,
    subset: str = "train",
    annotations: str | Path | None = None,
    missing: Missing = "error",
) -> VideoList:
    """Read one subset of an official CSV `label,youtube_id,time_start,time_end,split[,is_cc]`.

    A video is looked for as `class/id.mp4`, `class/id_SSSSSS_EEEEEE.mp4` (start and end in
    seconds, six digits), or the same without the class folder; any video suffix; class folders
    with spaces or underscores.

    Args:
        root: holds `annotations/` and the videos, in `<subset>/`, `videos/<subset>/`, `videos/` or
            itself.
        subset: "train", "val" or "test".
        annotations: the folder of the CSV files and `label_map.txt`, where it is not
            `root/annotations` or root.
        missing: "error", "skip" or "wrong"; see `build_list`. Parts of Kinetics vanish from
            YouTube all the time, so "skip" is usual here.

    Raises:
        AnnotationError: see the parts; always says what to do.
    """
    check_subset(subset, SUBSETS)
    classes = kinetics_classes(root, annotations)
    path = _list_file(_annotation_dir(root, annotations), subset)
    root = Path(root)
    folder = first_dir(root / subset, root / "videos" / subset, root / "videos", root) or root
    entries = _entries(path, classes, VideoFolder(folder))
    remedy = f"fetch them into {folder}"
    return build_list(entries, classes, source=path, missing=missing, remedy=remedy)


def _annotation_dir(root: str | Path, annotations: str | Path | None) -> Path:
    root = require_dir(root, "data set folder")
    if annotations is not None:
        return require_dir(annotations, "annotation folder")
    return first_dir(root / "annotations") or root


def _list_file(folder: Path, subset: str) -> Path:
    return _find_list(folder, subset) or require_file(folder / f"{subset}.csv", "list")


def _find_list(folder: Path, subset: str) -> Path | None:
    names = [f"{subset}.csv"] + (["validate.csv"] if subset == "val" else [])
    for name in names:
        if (folder / name).is_file():
            return folder / name
    longer = sorted(folder.glob(f"*[_-]{subset}.csv"))
    if len(longer) > 1:
        found = ", ".join(path.name for path in longer)
        raise AnnotationError(f"{folder} holds several {subset} lists ({found}); keep one")
    return longer[0] if longer else None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        absent = {"label", "youtube_id"} - set(reader.fieldnames or ())
        if absent:
            raise AnnotationError(
                f"{path} has no column {', '.join(sorted(absent))}; its first line must be "
                "label,youtube_id,time_start,time_end,split"
            )
        yield from reader


def _entries(path: Path, classes: list[str], folder: VideoFolder) -> Iterator[Entry]:
    labels = {name: index for index, name in enumerate(classes)}
    for row in _rows(path):
        name, video = row["label"], row["youtube_id"]
        label = label_of(name, labels, path)
        stems = [video]
        try:
            start, end = (int(float(row[key])) for key in ("time_start", "time_end"))
            stems.append(f"{video}_{start:06d}_{end:06d}")
        except (KeyError, TypeError, ValueError):
            pass  # lists without times name their files by the id alone
        parents = [f"{name}/", f"{name.replace(' ', '_')}/", ""]
        tries = (folder.find(f"{parent}{stem}") for stem in stems for parent in parents)
        found = next((place for place in tries if place is not None), None)
        yield Entry(f"{name}/{stems[-1]}", label, found)
