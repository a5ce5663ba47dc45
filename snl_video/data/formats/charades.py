"""Charades: videos of several actions each, in the official CSV lists."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import DataSetFormat, Subset
from snl_video.data.formats.entries import (
    Entry,
    check_classes,
    label_of,
    read_lines,
    require_file,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError

_FOLDERS = ("Charades_v1_480", "Charades_v1_rgb", "Charades_v1", "videos", "frames")


class Charades(DataSetFormat):
    """The lists `Charades_v1_{train,test}.csv` and `Charades_v1_classes.txt`; test validates too.

    A video has all the classes of its column `actions` ("c092 11.90 21.20;c147 0.00 12.60"),
    whenever they happen in it, as the official measure of classification has it; some have none.
    The root holds the lists, in `annotations/`, `Charades/` or itself, and the videos, in
    `Charades_v1_480/`, `Charades_v1/`, `videos/` or itself: `<id>.mp4`; or frames, in
    `Charades_v1_rgb/<id>/` or `frames/<id>/`.
    """

    def read_classes(self) -> list[str]:
        """Class names in the order of `Charades_v1_classes.txt`, whose lines are "c000 Name".

        Raises:
            AnnotationError: the list is absent, or its codes are not c000, c001, ...
        """
        path = require_file(self._lists() / "Charades_v1_classes.txt", "class list")
        classes: list[str] = []
        for line in read_lines(path):
            code, _, name = line.partition(" ")
            if code != f"c{len(classes):03d}":
                raise AnnotationError(f"{path}: expected c{len(classes):03d} in line {line!r}")
            classes.append(name.strip())
        return check_classes(classes, path)

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`."""
        official = "train" if subset == "train" else "test"
        path = require_file(self._lists() / f"Charades_v1_{official}.csv", "list")
        root = self.folder
        folder = first_dir(*(root / name for name in _FOLDERS)) or root
        entries = _entries(path, len(self.classes), VideoFolder(folder))
        return self.listed(entries, path, folder)

    def _lists(self) -> AnyPath:
        return self.list_folder("annotations", "Charades", ".")


def _entries(path: AnyPath, num_classes: int, folder: VideoFolder) -> Iterator[Entry]:
    codes = {f"c{number:03d}": number for number in range(num_classes)}
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        absent = {"id", "actions"} - set(rows.fieldnames or ())
        if absent:
            raise AnnotationError(
                f"{path} has no column {', '.join(sorted(absent))}; its first line must be that of "
                "the official list: id,subject,...,actions,length"
            )
        for row in rows:
            actions = filter(None, map(str.strip, (row["actions"] or "").split(";")))
            labels = {label_of(action.split()[0], codes, path) for action in actions}
            found = folder.find(row["id"])
            yield Entry(row["id"], -1, found, labels=tuple(sorted(labels)))
