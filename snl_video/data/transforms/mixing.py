"""Mixup and CutMix of whole clips: each video with the one before it in its batch.

Zhang et al., "mixup", ICLR 2018; Yun et al., "CutMix", ICCV 2019. One weight, or one box, serves a
whole batch and all frames of its clips, as in torchvision's v2 MixUp and CutMix.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

Box = tuple[int, int, int, int]


def mixup(clips: Tensor, weight: float) -> Tensor:
    """Blend each clip with the one before it.

    Args:
        clips: uint8 (B, ...).
        weight: share of a clip in its own blend, in [0, 1].

    Returns:
        uint8 (B, ...), rounded to the nearest integer: at most half a grey level from the blend.
    """
    mixed = torch.empty_like(clips)
    for number, clip in enumerate(clips):  # one at a time: as floats they take four times the room
        blend = clip * weight + clips[number - 1] * (1 - weight)
        mixed[number] = blend.round_()
    return mixed


def cutmix(clips: Tensor, box: Box) -> Tensor:
    """Replace a box of each clip, in all frames, by that of the one before it.

    Args:
        clips: uint8 (B, ..., H, W).
        box: (top, left, bottom, right) in pixels, the last two exclusive.
    """
    top, left, bottom, right = box
    mixed = clips.clone()
    mixed[..., top:bottom, left:right] = clips.roll(1, 0)[..., top:bottom, left:right]
    return mixed


def random_box(height: int, width: int, area: float, rng: np.random.Generator) -> Box:
    """A box of a share `area` of the frame, of its aspect ratio, cut off at the frame's border."""
    side = math.sqrt(area) / 2
    half_height, half_width = int(side * height), int(side * width)
    row, column = int(rng.integers(height)), int(rng.integers(width))
    return (
        max(row - half_height, 0),
        max(column - half_width, 0),
        min(row + half_height, height),
        min(column + half_width, width),
    )


def box_share(box: Box, height: int, width: int) -> float:
    """Share of the frame that a box covers."""
    top, left, bottom, right = box
    return (bottom - top) * (right - left) / (height * width)


def soft_targets(label: Tensor, num_classes: int, weight: float) -> Tensor:
    """Targets of mixed clips.

    Args:
        label: int (B,), or float (B, K) with 1 for each class.
        num_classes: K.
        weight: share of a clip in its own mixture.

    Returns:
        float32 (B, K): `weight` at the clip's own label plus 1 - weight at that of the one before.
    """
    several = label.is_floating_point()
    target = (label if several else torch.nn.functional.one_hot(label, num_classes)).double()
    return (target * weight + target.roll(1, 0) * (1 - weight)).float()
