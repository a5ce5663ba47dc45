"""What every format of a data set offers to the data module."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from snl_video.data.address_paths import AnyPath, path_at
from snl_video.data.addresses import is_http
from snl_video.data.formats.entries import Entry, Missing, build_list, read_class_file, require_dir
from snl_video.data.holdout import HeldOut, HoldoutSettings
from snl_video.data.manifest import NAME, VideoIndex
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError

Subset = Literal["train", "val", "test"]
SUBSETS: tuple[Subset, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class ListSettings:
    """Where the lists of a data set are, where they are not in the usual place.

    Attributes:
        folder: of the lists; by default below the data set's root.
        train: list file of the training set, for format csv.
        val: list file of the validation set, for format csv; by default `test`.
        test: list file of the test set, for format csv; by default `val`.
        classes: file of class names, one a line, the line's place being the label; by default the
            classes come from the data set.
        missing: what to do about listed files that are absent: "error", "skip" with a warning, or
            "wrong": skip in training, and count as wrong in evaluation.
        overlap: what to do where training and evaluation share a file: "error" or "warn".
    """

    folder: str | None = None
    train: str | None = None
    val: str | None = None
    test: str | None = None
    classes: str | None = None
    missing: Missing = "error"
    overlap: Literal["error", "warn"] = "error"


@dataclass(frozen=True)
class DataSetFormat(ABC):
    """A data set. A format is a subclass that says how its lists are read.

    Attributes:
        root: the data set's folder, or its address, such as s3://bucket/ucf101.
        split: which of the official splits, where there are several.
        lists: where its lists are.
        holdout: how a validation set is taken out of the training set, for formats that can.
    """

    root: str | Path
    split: int = 1
    lists: ListSettings = ListSettings()
    holdout: HoldoutSettings = HoldoutSettings()

    flip: ClassVar[float] = 0.5
    """What `mirror` says of a format where it is always the same."""
    holds_out: ClassVar[bool] = False
    """Whether a validation set can be taken out of the training set."""

    lists_folders: ClassVar[bool] = True
    """Whether it looks what is in a folder, which a web server can't tell."""

    def __post_init__(self) -> None:
        if is_http(self.root) and self.lists_folders:
            raise AnnotationError(
                f"data.root={self.root} is on a web server, which can't tell what is in a folder, "
                f"and {type(self).__name__} asks for that; name a bucket, as s3://bucket/ucf101, "
                "or use format csv or shards"
            )
        if self.holdout.share is not None and not self.holds_out:
            raise AnnotationError(
                f"holdout.share={self.holdout.share:g} is for format folder; "
                f"{type(self).__name__} has lists of its own, so leave it out (null)"
            )

    @abstractmethod
    def read_classes(self) -> list[str]:
        """Class names in the order of the labels, where no file names them. Opens no video."""

    @abstractmethod
    def read(self, subset: Subset) -> VideoList:
        """The records of a subset, from its lists or folders alone.

        Raises:
            AnnotationError: something about them is wrong; says the remedy.
        """

    @cached_property
    def classes(self) -> list[str]:
        """Class names in the order of the labels.

        Raises:
            AnnotationError: the root or a list is missing.
        """
        return read_class_file(self.lists.classes) if self.lists.classes else self.read_classes()

    def prepare(self) -> None:  # noqa: B027
        """Write or fetch what is not there; called in one process, before anything is read."""

    def listed(self, entries: Iterable[Entry], source: AnyPath, folder: AnyPath) -> VideoList:
        """The records of a list's entries, absent videos as `lists.missing` says.

        Args:
            entries: of the list.
            source: the list, for messages.
            folder: where its videos belong, for messages.

        Raises:
            AnnotationError: see `build_list`.
        """
        return build_list(
            entries,
            self.classes,
            source=source,
            missing=self.lists.missing,
            remedy=f"unpack them into {folder}",
        )

    def index(self, videos: VideoList, file: str | None) -> VideoIndex | None:
        """What is known of the files of a list, if there is an index.

        Args:
            videos: the list.
            file: the index; None for the one in the root, where there is one.

        Raises:
            AnnotationError: `file` is no index.
        """
        found = file or self._usual_index()
        return VideoIndex.read(found, videos, str(self.folder)) if found else None

    def mirror(self) -> float:
        """Probability of a mirror in training, where the user names none."""
        return self.flip

    @property
    def held_out(self) -> HeldOut | None:
        """The validation set that is taken out of the training set, if one is."""
        return None

    def is_held_out(self, subset: Subset) -> bool:
        """Whether the videos of a subset are taken out of those to train on."""
        return False

    def note(self) -> str:
        """What a user should know of the lists: one line, or nothing."""
        return ""

    @property
    def folder(self) -> AnyPath:
        """The root, to look into."""
        return path_at(self.root)

    def list_folder(self, *usual: str) -> AnyPath:
        """The folder of the lists: the one that the settings name, else the first that is there.

        Args:
            usual: where it is looked for below the root; the last one must be there.

        Raises:
            AnnotationError: it is not there.
        """
        root = require_dir(self.root, "data set folder")
        if self.lists.folder is not None:
            return require_dir(self.lists.folder, "annotation folder")
        there = (root / name for name in usual if (root / name).is_dir())
        return next(there, None) or require_dir(root / usual[-1], "annotation folder")

    def _usual_index(self) -> str | None:
        usual = self.folder / NAME
        try:
            return str(usual) if usual.is_file() else None
        except AnnotationError:  # some servers refuse to say that there is none
            return None

    def check_split(self) -> None:
        """Refuse a split number other than the three official ones."""
        if self.split not in (1, 2, 3):
            raise AnnotationError(f"split must be 1, 2 or 3, got {self.split}")
