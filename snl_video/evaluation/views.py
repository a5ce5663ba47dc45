"""Which views of a video make a cheaper setting, taken from one pass over all its views.

The V = C x R views of a video stand clip by clip: view i is clip i // R, crop i % R. A setting
``CxR`` takes clips spread evenly over those there are, and one crop (the centre) or all. From
10 x 3 views, taken ones as #:

        10x3                    1x3                     1x1
    clip 0123456789         clip 0123456789         clip 0123456789
    left   ##########              ....#.....              ..........
    centre ##########              ....#.....              ....#.....
    right  ##########              ....#.....              ..........

One clip is the middle one; of an even number of clips, the earlier of the two in the middle.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from snl_video.errors import InputError


@dataclass(frozen=True)
class ViewSetting:
    """How many clips of a video, and how many crops of each clip, are averaged."""

    num_clips: int
    num_crops: int

    def __str__(self) -> str:
        return f"{self.num_clips}x{self.num_crops}"

    @classmethod
    def parse(cls, text: str) -> "ViewSetting":
        """Read ``10x3`` as ten clips of three crops."""
        match = re.fullmatch(r"\s*([1-9]\d*)\s*[x×]\s*([1-9]\d*)\s*", text)  # noqa: RUF001
        if match is None:
            raise InputError(f"a view setting is written clips x crops, as 10x3; got {text!r}")
        return cls(int(match[1]), int(match[2]))

    def select(self, whole: "ViewSetting") -> list[int]:
        """Return which views of ``whole`` this setting averages, ascending.

        Raises:
            InputError: ``whole`` has not enough clips, or other crops than all or the centre one
                are asked for.
        """
        if self.num_clips > whole.num_clips or self.num_crops not in (1, whole.num_crops):
            raise InputError(
                f"view setting {self} is no part of the {whole} views that are loaded: at most "
                f"{whole.num_clips} clips, and 1 crop or all {whole.num_crops}; change "
                "data.views.num_clips or data.views.num_crops, or leave the setting out"
            )
        crops = range(whole.num_crops)
        if self.num_crops == 1:
            crops = range((whole.num_crops - 1) // 2, (whole.num_crops - 1) // 2 + 1)
        clips = _spread(self.num_clips, whole.num_clips)
        return [clip * whole.num_crops + crop for clip in clips for crop in crops]


Average = Literal["probabilities", "logits"]
Activation = Literal["softmax", "sigmoid"]


def join_views(logits: Tensor, average: Average, activation: Activation) -> Tensor:
    """Average the views (..., V, K) of videos to probabilities (..., K).

    Args:
        logits: of each view.
        average: of the views: their ``probabilities`` or their ``logits``.
        activation: from logits to probabilities: of one class in K, or of each class by itself.
    """
    probabilities = torch.sigmoid if activation == "sigmoid" else partial(torch.softmax, dim=-1)
    if average == "logits":
        return probabilities(logits.mean(dim=-2))
    return probabilities(logits).mean(dim=-2)


def whole_setting(num_views: int, num_clips: int) -> ViewSetting:
    """Return the setting that takes all ``num_views`` views of ``num_clips`` clips."""
    if num_clips < 1 or num_views < 1 or num_views % num_clips:
        raise ValueError(f"{num_views} views are not {num_clips} clips of equally many crops")
    return ViewSetting(num_clips, num_views // num_clips)


def settings_of(whole: ViewSetting, wanted: Sequence[str] | None = None) -> list[ViewSetting]:
    """Return the settings to report, cheapest first, ``whole`` always among them.

    Args:
        whole: the views that are loaded.
        wanted: as ``["1x1", "10x3"]``; by default one clip of one crop, one clip of all crops, and
            everything.

    Raises:
        InputError: a setting that `ViewSetting.select` refuses.
    """
    if wanted is None:
        settings = {ViewSetting(1, 1), ViewSetting(1, whole.num_crops), whole}
    else:
        settings = {whole, *(ViewSetting.parse(text) for text in wanted)}
    for setting in settings:
        setting.select(whole)
    return sorted(settings, key=lambda s: (s.num_clips * s.num_crops, s.num_clips))


def _spread(count: int, available: int) -> list[int]:
    if count == 1:
        return [(available - 1) // 2]
    steps = count - 1
    return [(2 * i * (available - 1) + steps) // (2 * steps) for i in range(count)]
