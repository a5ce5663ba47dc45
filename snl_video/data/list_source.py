"""From a format's name to its reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from snl_video.data import formats
from snl_video.data.formats import HeldOut, Missing, VideoList
from snl_video.data.synthetic.motion_scenes import CLASSES as MOTION_CLASSES
from snl_video.errors import AnnotationError

Format = Literal["ucf101", "kinetics", "hmdb51", "folder", "csv", "motion"]
Subset = Literal["train", "val", "test"]
SUBSETS: tuple[Subset, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class ListSource:
    """Where a data set's lists are; the arguments of `VideoDataModule` of the same names.

    Attributes:
        files: list files by subset, for "csv".
    """

    format: Format
    root: str
    split: int = 1
    annotations: str | None = None
    files: dict[str, str | None] = field(default_factory=dict)
    class_file: str | None = None
    missing: Missing = "error"
    val_share: float | None = None
    val_seed: int = 0

    def __post_init__(self) -> None:
        if self.format not in get_args(Format):
            raise AnnotationError(
                f"unknown format {self.format!r}; choose one of {', '.join(get_args(Format))}"
            )
        if self.format == "csv" and not any(self.files.values()):
            raise AnnotationError("format csv needs train_list, val_list or test_list")
        if self.val_share is not None and self.format != "folder":
            raise AnnotationError(
                f"val_share={self.val_share} is for format folder; {self.format} has lists of its "
                "own, so leave it out (null)"
            )

    @cached_property
    def classes(self) -> list[str]:
        """Class names, from annotations alone.

        Raises:
            AnnotationError: root or class list missing.
        """
        if self.class_file is not None:
            return formats.read_class_file(self.class_file)
        if self.format == "motion":
            return list(MOTION_CLASSES)
        if self.format == "ucf101":
            return formats.ucf101_classes(self.root, self.annotations)
        if self.format == "hmdb51":
            return formats.hmdb51_classes(self.root, self.annotations)
        if self.format == "kinetics":
            return formats.kinetics_classes(self.root, self.annotations)
        if self.format == "folder":
            return formats.folder_classes(self.root)
        return formats.csv_classes(self._file("train", or_any=True))

    def read(self, subset: Subset) -> VideoList:
        """The records of a subset.

        Raises:
            AnnotationError: see the readers.
        """
        official = "train" if subset == "train" else "test"
        if self.format in ("ucf101", "motion"):
            return formats.read_ucf101(
                self.root, self.split, official, self.annotations, self.missing
            )
        if self.format == "hmdb51":
            return formats.read_hmdb51(
                self.root, self.split, official, self.annotations, self.missing
            )
        if self.format == "kinetics":
            labelled = "train" if subset == "train" else "val"
            return formats.read_kinetics(self.root, labelled, self.annotations, self.missing)
        if self.format == "folder":
            return self._read_folder(subset)
        return formats.read_csv(self._file(subset), self.root, self.classes, self.missing)

    @cached_property
    def held_out(self) -> HeldOut | None:
        """The validation split of a folder that has none, else None.

        Raises:
            AnnotationError: see `folder_held_out`.
        """
        if self.format != "folder":
            return None
        return formats.folder_held_out(self.root, self.classes, self.val_share, self.val_seed)

    def is_held_out(self, subset: Subset) -> bool:
        """Whether the videos of a subset are taken out of those to train on.

        Raises:
            AnnotationError: see `held_out`.
        """
        chosen = subset == "val" or (subset == "test" and not self._has("test"))
        return chosen and self.held_out is not None

    def note(self) -> str:
        """What a user should know of the lists of a folder: one line, or nothing.

        Raises:
            AnnotationError: see `held_out`.
        """
        if self.format != "folder":
            return ""
        if self.held_out is not None:
            more = "" if self._has("test") else "; `test` evaluates it too"
            return f"{self.root}: {self.held_out.sentence()}{more}"
        if self._has("test") and not self._has("val"):
            return (
                f"{self.root} has no folder val: its test videos are the validation set too, so "
                "choose nothing by them, or set data.val_share to take a split out of train"
            )
        if not formats.folder_subsets(self.root):
            return (
                f"{self.root}: nothing is held out (val_share 0): train, val and test are the same "
                "videos, and of a network that was trained on them the results are no measure of "
                "new videos"
            )
        return ""

    def _read_folder(self, subset: Subset) -> VideoList:
        held_out = self.held_out
        if held_out is None or (subset != "train" and not self.is_held_out(subset)):
            return formats.read_folder(self.root, subset, self.classes)
        if subset == "train":
            return held_out.train
        if not len(held_out.val):
            raise AnnotationError(
                f"{self.root}: no class has two videos (or two groups of clips), so none can be "
                "held out for validation; add videos, or a folder val"
            )
        return held_out.val

    def _has(self, subset: Subset) -> bool:
        return subset in formats.folder_subsets(self.root)

    def _file(self, subset: str, or_any: bool = False) -> Path:
        other = {"val": "test", "test": "val"}.get(subset)
        file = self.files.get(subset) or (self.files.get(other) if other else None)
        if file is None and or_any:
            file = next(name for name in self.files.values() if name)
        if file is None:
            raise AnnotationError(f"format csv needs {subset}_list to read the {subset} set")
        return Path(file)


def describe(
    source: ListSource, num_classes: int, read: Callable[[Subset], VideoList]
) -> dict[str, Any]:
    """What a data set is: counts and hash of every subset, or the error of one that is not there.

    Args:
        source: where the lists are.
        num_classes: number of classes.
        read: gives the list of a subset.
    """
    found: dict[str, Any] = {}
    for subset in SUBSETS:
        try:
            videos = read(subset)
        except AnnotationError as error:
            found[subset] = {"error": str(error)}
            continue
        found[subset] = {
            "videos": len(videos),
            "missing": len(videos.missing),
            "classes": sum(count > 0 for count in videos.class_counts().values()),
            "sha256": videos.sha256(),
        }
    held_out = source.held_out if "error" not in found["train"] else None
    return {
        "format": source.format,
        "root": source.root,
        "split": source.split,
        "num_classes": num_classes,
        "subsets": found,
        **({"val_split": held_out.sentence()} if held_out else {}),
    }
