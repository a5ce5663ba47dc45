"""Diving48: JSON lists, and classes of four parts each."""

from __future__ import annotations

from collections.abc import Iterator

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import DataSetFormat, Subset
from snl_video.data.formats.entries import (
    Entry,
    check_classes,
    read_json,
    read_json_list,
    require_file,
)
from snl_video.data.formats.video_files import VideoFolder, first_dir
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError


class Diving48(DataSetFormat):
    """The lists `Diving48_V2_{train,test}.json` and `Diving48_vocab.json`; test validates too.

    Lists of the first version, `Diving48_{train,test}.json`, serve where there are none of the
    second, which corrects many labels. The root holds them, in `annotations/` or itself, and the
    clips, in `rgb/`, `videos/`, `frames/` or itself: `<vid_name>.mp4`, or frames.
    """

    def read_classes(self) -> list[str]:
        """Class names: the four parts of each entry of the vocabulary, with commas between."""
        path = require_file(self._lists() / "Diving48_vocab.json", "class list")
        found = read_json(path)
        if not isinstance(found, list) or not all(isinstance(parts, list) for parts in found):
            raise AnnotationError(f"{path} is not a JSON list of lists; fetch it again")
        return check_classes([", ".join(map(str, parts)) for parts in found], path)

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`."""
        name = "train" if subset == "train" else "test"
        first = self._lists() / f"Diving48_{name}.json"
        second = self._lists() / f"Diving48_V2_{name}.json"
        path = first if first.is_file() and not second.is_file() else require_file(second, "list")
        root = self.folder
        folder = first_dir(root / "rgb", root / "videos", root / "frames") or root
        return self.listed(_entries(path, self.classes, VideoFolder(folder)), path, folder)

    def _lists(self) -> AnyPath:
        return self.list_folder("annotations", ".")


def _entries(path: AnyPath, classes: list[str], folder: VideoFolder) -> Iterator[Entry]:
    for row in read_json_list(path, ("vid_name", "label")):
        video, label = str(row["vid_name"]), row["label"]
        if not isinstance(label, int) or not 0 <= label < len(classes):
            raise AnnotationError(
                f"{path}: label {label!r} of {video}, but the vocabulary has {len(classes)} "
                f"classes (0 to {len(classes) - 1})"
            )
        yield Entry(video, label, folder.find(video))
