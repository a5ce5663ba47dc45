"""Your own videos: one folder per class."""

from __future__ import annotations

from functools import cached_property

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import SUBSETS, DataSetFormat, Subset
from snl_video.data.formats.entries import Entry, build_list, check_classes, label_of, require_dir
from snl_video.data.formats.video_files import first_dir, videos_below
from snl_video.data.holdout import VAL_SHARE, HeldOut, hold_out
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError


class ClassFolders(DataSetFormat):
    """The videos below `root/<subset>/<class>`, or `root/<class>` where root has no subsets.

    What is in no class folder, and what is hidden, is not read; see `video_files.files_below` for
    links. "val" and "test" stand in for each other. Where there is neither, a validation set is
    held out of the training videos.
    """

    holds_out = True

    @property
    def subsets(self) -> list[Subset]:
        """Those of "train", "val" and "test" that are sub-folders of root, in this order."""
        return [subset for subset in SUBSETS if (self.folder / subset).is_dir()]

    def read_classes(self) -> list[str]:
        """Class names: the sorted sub-folders of `root/train` if it is there, else of root.

        With `val` or `test` but no `train`, the sub-folders of those.
        """
        root = require_dir(self.root, "data set folder")
        folder = root / self.subsets[0] if self.subsets else root
        return check_classes(sorted(path.name for path in _sub_folders(folder)), folder)

    @cached_property
    def held_out(self) -> HeldOut | None:
        """The validation set that root needs, or None where its sub-folders serve.

        Raises:
            AnnotationError: see `read` and `hold_out`, or a share beside a folder `val`.
        """
        require_dir(self.root, "data set folder")
        share, seed = self.holdout.share, self.holdout.seed
        if share == 0 or (share is None and {"val", "test"} & set(self.subsets)):
            return None
        if "val" in self.subsets:
            raise AnnotationError(
                f"{self.folder / 'val'} is the validation set, so holdout.share={share:g} has "
                "no use; leave it out (null)"
            )
        return hold_out(self._read_folder("train"), VAL_SHARE if share is None else share, seed)

    def is_held_out(self, subset: Subset) -> bool:
        """Whether the videos of a subset are taken out of those to train on.

        Raises:
            AnnotationError: see `held_out`.
        """
        chosen = subset == "val" or (subset == "test" and "test" not in self.subsets)
        return chosen and self.held_out is not None

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`.

        Raises:
            AnnotationError: root or subset missing, no video, a class that is not in `classes`, a
                folder that cannot be read, or nothing that could be held out.
        """
        held_out = self.held_out
        if held_out is None or (subset != "train" and not self.is_held_out(subset)):
            return self._read_folder(subset)
        if subset == "train":
            return held_out.train
        if not len(held_out.val):
            raise AnnotationError(
                f"{self.root}: no class has two videos (or two groups of clips), so none can be "
                "held out for validation; add videos, or a folder val"
            )
        return held_out.val

    def note(self) -> str:
        """What is held out, or what serves as validation set; nothing where root has `val`.

        Raises:
            AnnotationError: see `held_out`.
        """
        if self.held_out is not None:
            more = "" if "test" in self.subsets else "; `test` evaluates it too"
            return f"{self.root}: {self.held_out.sentence()}{more}"
        if "test" in self.subsets and "val" not in self.subsets:
            return (
                f"{self.root} has no folder val: its test videos are the validation set too, so "
                "choose nothing by them, or set data.holdout.share to take a split out of train"
            )
        if not self.subsets:
            return (
                f"{self.root}: nothing is held out (holdout.share 0): train, val and test are the "
                "same videos, and of a network that was trained on them the results are no measure "
                "of new videos"
            )
        return ""

    def _read_folder(self, subset: Subset) -> VideoList:
        classes = self.classes
        root = folder = self.folder
        if self.subsets:
            other = {"val": "test", "test": "val", "train": "train"}[subset]
            found = first_dir(root / subset, root / other)
            if found is None:
                raise AnnotationError(
                    f"{root} has no folder {subset}; make {root / subset}/<class>/"
                )
            folder = found
        labels = {name: index for index, name in enumerate(classes)}
        entries = [
            Entry(f"{path.name}/{name}", label_of(path.name, labels, folder), str(path / name))
            for path in _sub_folders(folder)
            for name in videos_below(path)
        ]
        return build_list(entries, classes, source=folder, missing="error", remedy="")


def _sub_folders(folder: AnyPath) -> list[AnyPath]:
    children = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted((path for path in children if path.is_dir()), key=lambda path: path.name)
