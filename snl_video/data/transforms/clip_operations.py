"""The augmentations of single clips, one function and one row of `AUGMENTATIONS` each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from snl_video.data.transforms.crops import random_area_box
from snl_video.data.transforms.randaugment import as_one_picture, rand_augment

ERASED = 114
"""Grey level of erased boxes: 0.45 x 255, the mean of Kinetics."""

ERASED_RATIO = (0.3, 1 / 0.3)
"""Range of their aspect ratio (Zhong et al., "Random Erasing", AAAI 2020)."""


def flip(frames: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Mirror the clip with a probability."""
    return F.horizontal_flip(frames) if _draw(generator) < probability else frames


def erase(
    frames: Tensor, setting: tuple[float, tuple[float, float]], generator: torch.Generator
) -> Tensor:
    """With a probability, put a grey box of a random share of the frame into all frames."""
    probability, scale = setting
    if _draw(generator) >= probability:
        return frames
    height, width = frames.shape[-2:]
    box = random_area_box(height, width, scale, ERASED_RATIO, generator)
    return F.erase(frames, *box, torch.tensor(ERASED, dtype=torch.uint8))


def jitter_colours(
    frames: Tensor, strengths: Sequence[float], generator: torch.Generator
) -> Tensor:
    """Brightness, contrast, saturation and hue in a random order: uint8 (T, C, H, W) to the same.

    As `torchvision.transforms.v2.ColorJitter` on the clip as one picture, so that contrast is
    measured over all frames, with equal draws in equal order.

    Args:
        frames: one clip.
        strengths: see `AugmentSpec.color_jitter`.
        generator: on the CPU.
    """
    adjusts = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
    order = torch.randperm(4, generator=generator).tolist()
    factors: list[float | None] = []
    for place, strength in enumerate(strengths):
        low, high = (-strength, strength) if place == 3 else (max(0, 1 - strength), 1 + strength)
        factor = torch.empty(1).uniform_(low, high, generator=generator) if strength else None
        factors.append(None if factor is None else factor.item())

    def adjust(picture: Tensor) -> Tensor:
        for place in order:
            if factors[place] is not None:
                picture = adjusts[place](picture, factors[place])
        return picture

    return as_one_picture(frames, adjust)


def _draw(generator: torch.Generator) -> float:
    return torch.rand((), generator=generator, dtype=torch.float64).item()


AUGMENTATIONS: dict[str, Callable[[Tensor, Any, torch.Generator], Tensor]] = {
    "flip": flip,
    "randaugment": rand_augment,
    "color_jitter": jitter_colours,
    "erase": erase,
}
"""uint8 frames (T, C, H, W), a setting and a generator on the CPU to frames, all changed alike.

A row that is added from outside is turned on by its name in `AugmentSpec.others`.
"""
