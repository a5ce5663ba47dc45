"""Kinetics-400/600/700: the official CSV, and the ways in which its videos are stored."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import DataSetFormat, Subset
from snl_video.data.formats.entries import (
    Entry,
    build_list,
    check_classes,
    label_of,
    read_class_file,
    require_file,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError


class Kinetics(DataSetFormat):
    """The lists `label,youtube_id,time_start,time_end,split[,is_cc]`; validation serves as test.

    The root holds the lists and `label_map.txt`, in `annotations/` or itself, and the videos, in
    `<subset>/`, `videos/<subset>/`, `videos/` or itself. A video is looked for as `class/id.mp4`,
    `class/id_SSSSSS_EEEEEE.mp4` (start and end in seconds, six digits), or the same without the
    class folder; any video suffix; class folders with spaces or underscores. Parts of Kinetics
    vanish from YouTube, so most copies need `lists.missing=skip` or `wrong`.
    """

    def read_classes(self) -> list[str]:
        """Class names: the lines of `label_map.txt`, or else the sorted labels of a CSV.

        Without a label map, the training list is used if there is one, else the validation list.

        Raises:
            AnnotationError: root missing, or neither a label map nor a list.
        """
        folder = self._lists()
        if (folder / "label_map.txt").is_file():
            return read_class_file(folder / "label_map.txt")
        path = _find_list(folder, "train") or _list_file(folder, "val")
        return check_classes(sorted({row["label"] for row in _rows(path)}), path)

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`."""
        classes = self.read_classes()
        labelled = "train" if subset == "train" else "val"
        path = _list_file(self._lists(), labelled)
        root = self.folder
        places = (root / labelled, root / "videos" / labelled, root / "videos", root)
        folder = first_dir(*places) or root
        return build_list(
            _entries(path, classes, VideoFolder(folder)),
            classes,
            source=path,
            missing=self.lists.missing,
            remedy=f"fetch them into {folder}",
        )

    def _lists(self) -> AnyPath:
        return self.list_folder("annotations", ".")


def _list_file(folder: AnyPath, subset: str) -> AnyPath:
    return _find_list(folder, subset) or require_file(folder / f"{subset}.csv", "list")


def _find_list(folder: AnyPath, subset: str) -> AnyPath | None:
    names = [f"{subset}.csv"] + (["validate.csv"] if subset == "val" else [])
    for name in names:
        if (folder / name).is_file():
            return folder / name
    longer: list[AnyPath] = sorted(folder.glob(f"*[_-]{subset}.csv"), key=lambda path: path.name)
    if len(longer) > 1:
        found = ", ".join(path.name for path in longer)
        raise AnnotationError(f"{folder} holds several {subset} lists ({found}); keep one")
    return longer[0] if longer else None


def _rows(path: AnyPath) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        absent = {"label", "youtube_id"} - set(reader.fieldnames or ())
        if absent:
            raise AnnotationError(
                f"{path} has no column {', '.join(sorted(absent))}; its first line must be "
                "label,youtube_id,time_start,time_end,split"
            )
        yield from reader


def _entries(path: AnyPath, classes: list[str], folder: VideoFolder) -> Iterator[Entry]:
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
