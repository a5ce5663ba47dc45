"""A validation split taken out of one list: per class, by whole groups, the same everywhere.

Clips cut from one recording share person and background; a network that saw one of them in training
has seen the others. Their files carry it in the name in UCF101 only: `v_Jump_g08_c01` and
`v_Jump_g08_c02` are group `v_Jump_g08`. Any other file is a group of its own, together with files
that differ from it in the suffix alone. Nothing is guessed from names such as `run_1`, `run_2`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import warnings
from dataclasses import dataclass
from pathlib import PurePosixPath

from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError

VAL_SHARE = 0.2
"""Share of the videos that is held out where none is asked for."""

_UCF101_STEM = re.compile(r"(v_.+_g\d+)_c\d+")


@dataclass(frozen=True)
class HoldoutSettings:
    """A validation set taken out of the training set, for formats without one.

    Attributes:
        share: share of the training videos of each class that is held out, whole groups of clips at
            a time; by default 0.2 where there is neither `val` nor `test`, and nothing elsewhere; 0
            holds out nothing.
        seed: which ones.
    """

    share: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class HeldOut:
    """Two lists made of one.

    Attributes:
        train: the records that stay, in the order of the list.
        val: the others, in the order of the list.
        share: the share that was asked for.
        seed: of the choice.
        train_groups: groups that stay.
        val_groups: groups that are held out.
        named_groups: how many groups hold files named like UCF101's.
        undivided: classes with a single group, which is all in `train`.
    """

    train: VideoList
    val: VideoList
    share: float
    seed: int
    train_groups: int
    val_groups: int
    named_groups: int
    undivided: tuple[str, ...]

    def sentence(self) -> str:
        """What was decided, in one line."""
        how = "by file"
        if self.named_groups:
            how = f"by group, {self.named_groups} of them read from names like v_Jump_g08_c01"
        return (
            f"validation split: {len(self.val)} of {len(self.train) + len(self.val)} videos, "
            f"{self.val_groups} of {self.train_groups + self.val_groups} groups "
            f"(holdout.share {self.share:g} of every class, {how}; holdout.seed {self.seed})"
        )


def group_of(name: str) -> str:
    """The group of a video: names of equal groups are equal.

    Args:
        name: id of the record, "/" between parts.
    """
    path = PurePosixPath(unicodedata.normalize("NFC", name))
    found = _UCF101_STEM.fullmatch(path.stem)
    return found[1] if found else str(path.with_suffix(""))


def hold_out(videos: VideoList, share: float = VAL_SHARE, seed: int = 0) -> HeldOut:
    """Split a list by class and group.

    In each class the groups are put into the order of a hash of seed, class and group name; each in
    turn is held out if that brings the number of held-out videos nearer to `share` of the class,
    which leaves it within half of the largest group. Where that holds out none, the smallest group
    is. So both parts have a group of every class with at least two, and neither the order of the
    list nor the platform matters.

    Args:
        videos: labelled records.
        share: of the videos of each class, in (0, 0.5].
        seed: of the choice.

    Raises:
        AnnotationError: `share` out of range, or one group in two classes.
    """
    if not 0 < share <= 0.5:
        raise AnnotationError(f"holdout.share must lie in (0, 0.5], got {share}")
    classes = _groups_by_class(videos)
    held: set[str] = set()
    undivided = []
    for label, sizes in sorted(classes.items()):
        if len(sizes) == 1:
            undivided.append(videos.classes[label])
        else:
            held |= _choose(sizes, share, f"{seed}\n{videos.classes[label]}\n")
    if undivided:
        names = ", ".join(undivided[:3]) + (", ..." if len(undivided) > 3 else "")
        warnings.warn(
            f"classes with a single video, or a single group of clips: {len(undivided)} ({names}); "
            "they are trained on, and nothing of them is validated",
            stacklevel=2,
        )
    places = [group_of(record.id) in held for record in videos.records]
    groups = {group for sizes in classes.values() for group in sizes}
    return HeldOut(
        train=_part(videos, places, False),
        val=_part(videos, places, True),
        share=share,
        seed=seed,
        train_groups=len(groups - held),
        val_groups=len(held),
        named_groups=sum(_UCF101_STEM.fullmatch(f"{group}_c0") is not None for group in groups),
        undivided=tuple(undivided),
    )


def _groups_by_class(videos: VideoList) -> dict[int, dict[str, int]]:
    """label -> group -> number of videos."""
    classes: dict[int, dict[str, int]] = {}
    owner: dict[str, int] = {}
    for record in videos.records:
        group = group_of(record.id)
        label = owner.setdefault(group, record.label)
        if label != record.label:
            raise AnnotationError(
                f"group {group} has clips in two classes, {videos.classes[label]} and "
                f"{videos.classes[record.label]}, and can't be split class by class; make the "
                "folders train/ and val/ yourself, or set data.holdout.share=0 to have no split"
            )
        sizes = classes.setdefault(label, {})
        sizes[group] = sizes.get(group, 0) + 1
    return classes


def _choose(sizes: dict[str, int], share: float, salt: str) -> set[str]:
    """The groups of one class to hold out, at least one and not all."""

    def place(group: str) -> str:
        return hashlib.sha256(f"{salt}{group}".encode("utf-8", "surrogatepass")).hexdigest()

    left = share * sum(sizes.values())
    chosen = set()
    for group in sorted(sizes, key=place):
        if abs(left - sizes[group]) < abs(left):
            chosen.add(group)
            left -= sizes[group]
    return chosen or {min(sizes, key=lambda group: (sizes[group], place(group)))}


def _part(videos: VideoList, places: list[bool], wanted: bool) -> VideoList:
    chosen = zip(videos.records, places, strict=True)
    return VideoList([r for r, is_held in chosen if is_held == wanted], videos.classes)
