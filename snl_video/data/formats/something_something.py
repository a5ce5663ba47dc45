"""Something-Something V2: JSON lists whose classes are templates of sentences."""

from __future__ import annotations

from collections.abc import Iterator

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import DataSetFormat, Subset
from snl_video.data.formats.entries import (
    Entry,
    check_classes,
    label_of,
    read_json,
    read_json_list,
    require_file,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError

_PREFIX = "something-something-v2-"


class SomethingSomething(DataSetFormat):
    """The lists `something-something-v2-{labels,train,validation}.json`; validation is the test.

    They may be called `labels.json` and so on. The root holds them, in `annotations/`, `labels/` or
    itself, and the videos, in `20bn-something-something-v2/`, `frames/`, `videos/` or itself:
    `<id>.webm`, a folder of frames `<id>/`, or an archive of frames. The official test list has no
    labels.
    """

    flip = 0.0  # left and right are classes

    def read_classes(self) -> list[str]:
        """Class names by the numbers of `something-something-v2-labels.json`.

        Raises:
            AnnotationError: it is absent, or does not number its names from 0 on.
        """
        path = self._list_file("labels")
        numbers = read_json(path)
        try:
            by_number = {int(number): name for name, number in numbers.items()}
        except (AttributeError, TypeError, ValueError):
            by_number = {}
        if not by_number or sorted(by_number) != list(range(len(numbers))):
            raise AnnotationError(f'{path} must number all names from "0" on; fetch it again')
        return check_classes([by_number[number] for number in sorted(by_number)], path)

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`."""
        path = self._list_file("train" if subset == "train" else "validation")
        root = self.folder
        places = (root / "20bn-something-something-v2", root / "frames", root / "videos")
        folder = first_dir(*places) or root
        return self.listed(_entries(path, self.classes, VideoFolder(folder)), path, folder)

    def _list_file(self, name: str) -> AnyPath:
        folder = self.list_folder("annotations", "labels", ".")
        short = folder / f"{name}.json"
        return short if short.is_file() else require_file(folder / f"{_PREFIX}{name}.json", "list")


def _entries(path: AnyPath, classes: list[str], folder: VideoFolder) -> Iterator[Entry]:
    labels = {name: index for index, name in enumerate(classes)}
    for row in read_json_list(path, ("id", "template")):
        name = row["template"].replace("[", "").replace("]", "")
        video = str(row["id"])
        yield Entry(video, label_of(name, labels, path), folder.find(video))
