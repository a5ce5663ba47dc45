"""What a loader hands to the module."""

from typing import TypedDict

from torch import Tensor


class Batch(TypedDict, total=False):
    """A batch of videos; the last four entries are there where the data set gives them.

    Attributes:
        clips: uint8 (B, V, 3, T, H, W), one view a video in training.
        label: (B,) int64; -1 where a video may show several classes.
        index: (B,) int64, position of each video in its list.
        replaced: (B,) bool, training videos that stand in for an unreadable one.
        target: (B, num_classes), what is learnt in place of ``label``: soft targets of mixed clips,
            or 1 for each class that a video shows, where it may show several.
        failed: (B,) bool, videos of an evaluation that could not be read.
        reason: (B,) why each could not be read.
    """

    clips: Tensor
    label: Tensor
    index: Tensor
    replaced: Tensor
    target: Tensor
    failed: Tensor
    reason: list[str]
