"""The lists of a data set, each read once: those of its subsets, and what is to be predicted."""

from __future__ import annotations

from typing import Any, Literal

from snl_video.data.formats import SUBSETS, DataSetFormat, Subset
from snl_video.data.manifest import VideoIndex
from snl_video.data.overlap import find_overlap
from snl_video.data.unlabelled import PredictSettings, read_files
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError

AnySubset = Subset | Literal["predict"]


class SubsetLists:
    """The lists of a data set.

    Args:
        data_set: where they are.
        predict: what is predicted.
    """

    def __init__(self, data_set: DataSetFormat, predict: PredictSettings) -> None:
        self.data_set = data_set
        self.predict = predict
        self._read: dict[str, VideoList] = {}

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the labels."""
        return self.predict.classes or self.data_set.classes

    def read(self, subset: AnySubset) -> VideoList:
        """The records of a subset; those that are absent are left out of training and prediction.

        Raises:
            AnnotationError: something about the lists or folders is wrong; says the remedy.
        """
        if subset not in self._read:
            if subset != "predict":
                videos = self.data_set.read(subset)
                self._read[subset] = videos.present() if subset == "train" else videos
            elif self.predict.paths:
                self._read[subset] = read_files(self.predict.paths, self.classes)
            else:
                self._read[subset] = self.read("test").present()
        return self._read[subset]

    def overlap(self, *subsets: Subset) -> dict[str, list[str]]:
        """What these subsets share with "train", and what is twice in one; see `find_overlap`."""
        lists: dict[str, VideoList] = {}
        for subset in dict.fromkeys(("train", *subsets)):
            try:
                lists[subset] = self.read(subset)
            except AnnotationError:  # only what is evaluated has to be there
                continue
        return find_overlap(lists)

    def index(self, subset: AnySubset, file: str | None) -> VideoIndex | None:
        """What is known of the records of a subset, if there is an index.

        Args:
            subset: which one.
            file: the index; None for the one in the data set's root, where there is one.

        Raises:
            AnnotationError: `file` is no index.
        """
        return self.data_set.index(self.read(subset), file)

    def describe(self) -> dict[str, Any]:
        """Counts and hash of every subset, or the error of one that is not there, for a report."""
        found: dict[str, Any] = {}
        for subset in SUBSETS:
            try:
                videos = self.read(subset)
            except AnnotationError as error:
                found[subset] = {"error": str(error)}
                continue
            found[subset] = {
                "videos": len(videos),
                "missing": len(videos.missing),
                "classes": sum(count > 0 for count in videos.class_counts().values()),
                "sha256": videos.sha256(),
            }
        held_out = self.data_set.held_out if "error" not in found["train"] else None
        return {
            "root": str(self.data_set.root),
            "split": self.data_set.split,
            "num_classes": len(self.classes),
            "subsets": found,
            "overlap": {where: len(ids) for where, ids in self.overlap(*SUBSETS).items()},
            **({"val_split": held_out.sentence()} if held_out else {}),
        }
