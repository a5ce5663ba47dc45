"""UCF101: `classInd.txt` and three train/test splits whose groups of clips do not overlap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import DataSetFormat, Subset
from snl_video.data.formats.entries import (
    Entry,
    build_list,
    check_classes,
    label_of,
    read_lines,
    require_file,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError


class UCF101(DataSetFormat):
    """One official split; its test list serves for validation too.

    The root holds the lists, in `ucfTrainTestlist/`, and the class folders, in `videos/`,
    `UCF-101/` or itself.
    """

    def read_classes(self) -> list[str]:
        """Class names in the order of `classInd.txt`, whose lines are "1 Name" or "Name".

        Raises:
            AnnotationError: root or class list missing, or the numbers are not 1, 2, 3, ...
        """
        path = require_file(self._lists() / "classInd.txt", "class list")
        classes = []
        for line in read_lines(path):
            number, _, name = line.partition(" ")
            if not number.isdigit():
                classes.append(line)
                continue
            if int(number) != len(classes) + 1:
                raise AnnotationError(
                    f"{path}: expected number {len(classes) + 1} in line {line!r}"
                )
            classes.append(name.strip())
        return check_classes(classes, path)

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`."""
        self.check_split()
        classes = self.read_classes()
        official = "train" if subset == "train" else "test"
        path = require_file(self._lists() / f"{official}list{self.split:02d}.txt", "list")
        root = self.folder
        folder = first_dir(root / "videos", root / "UCF-101", root) or root
        return build_list(
            _entries(path, classes, VideoFolder(folder)),
            classes,
            source=path,
            missing=self.lists.missing,
            remedy=f"put the class folders into {root / 'videos'}",
        )

    def _lists(self) -> AnyPath:
        return self.list_folder("ucfTrainTestlist")


def _entries(path: AnyPath, classes: list[str], folder: VideoFolder) -> Iterator[Entry]:
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
