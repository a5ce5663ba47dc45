"""Jester: gestures as folders of frames, with lists `id;label`."""

from __future__ import annotations

from collections.abc import Iterator

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import DataSetFormat, Subset
from snl_video.data.formats.entries import (
    Entry,
    label_of,
    read_class_file,
    read_lines,
    require_file,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError


class Jester(DataSetFormat):
    """The lists `jester-v1-{labels,train,validation}.csv`; validation serves as test.

    The root holds the lists, in `annotations/`, `labels/` or itself, and the videos, in
    `20bn-jester-v1/`, `frames/`, `videos/` or itself: `<id>/00001.jpg`, ..., or `<id>.tar`,
    `<id>.zip`, or a video file. The official test list has no labels.
    """

    flip = 0.0  # left and right are classes

    def read_classes(self) -> list[str]:
        """Class names: the lines of `jester-v1-labels.csv`."""
        return read_class_file(self._lists() / "jester-v1-labels.csv")

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`."""
        labelled = "train" if subset == "train" else "validation"
        path = require_file(self._lists() / f"jester-v1-{labelled}.csv", "list")
        root = self.folder
        folder = first_dir(root / "20bn-jester-v1", root / "frames", root / "videos") or root
        return self.listed(_entries(path, self.classes, VideoFolder(folder)), path, folder)

    def _lists(self) -> AnyPath:
        return self.list_folder("annotations", "labels", ".")


def _entries(path: AnyPath, classes: list[str], folder: VideoFolder) -> Iterator[Entry]:
    labels = {name: index for index, name in enumerate(classes)}
    for line in read_lines(path):
        video, separator, name = line.partition(";")
        if not separator:
            raise AnnotationError(f"{path}: line {line!r} is not an id and a label, as 34870;Swipe")
        yield Entry(video.strip(), label_of(name.strip(), labels, path), folder.find(video))
