"""RandAugment for clips: each operation hits every frame of a clip alike.

Cubuk et al., "RandAugment", NeurIPS 2020 workshops. Operations, strengths and the order of the
draws are those of `torchvision.transforms.v2.RandAugment`, with two differences that time asks for:

* Contrast, AutoContrast and Equalize measure the picture that they change. torchvision measures
  each frame, so that a clip flickers; here they measure the whole clip.
* The draws come from a generator of the clip's own, not from the global one.

Nothing here mirrors, so left stays left. What a shift uncovers is black.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

MAX_MAGNITUDE = 30

Adjust = Callable[[Tensor], Tensor]


def as_one_picture(frames: Tensor, adjust: Adjust) -> Tensor:
    """Apply `adjust` to (T, C, H, W) laid out as one picture (C, T x H, W): one measure for all."""
    picture = adjust(frames.transpose(0, 1).flatten(1, 2))
    return picture.unflatten(1, (frames.shape[0], frames.shape[2])).transpose(0, 1)


class Operation(NamedTuple):
    """One row of the table.

    Attributes:
        apply: (T, C, H, W) and a strength to (T, C, H, W).
        strengths: from a frame's (height, width) the strengths of magnitude 0 and 30; None for an
            operation that has none.
        signed: the strength is negative half of the time.
    """

    apply: Callable[[Tensor, float], Tensor]
    strengths: Callable[[int, int], tuple[float, float]] | None = None
    signed: bool = False


def _affine(
    frames: Tensor,
    shear: tuple[float, float] = (0.0, 0.0),
    translate: tuple[int, int] = (0, 0),
    centre: list[float] | None = None,
) -> Tensor:
    return F.affine(
        frames,
        angle=0.0,
        translate=list(translate),
        scale=1.0,
        shear=[math.degrees(math.atan(slope)) for slope in shear],
        interpolation=F.InterpolationMode.BILINEAR,
        center=centre,
    )


def _up_to(most: float) -> Callable[[int, int], tuple[float, float]]:
    return lambda height, width: (0.0, most)


OPERATIONS = {
    "Identity": Operation(lambda x, _: x),
    "ShearX": Operation(lambda x, v: _affine(x, (v, 0), centre=[0, 0]), _up_to(0.3), True),
    "ShearY": Operation(lambda x, v: _affine(x, (0, v), centre=[0, 0]), _up_to(0.3), True),
    "TranslateX": Operation(
        lambda x, v: _affine(x, translate=(int(v), 0)), lambda h, w: (0.0, 150 / 331 * w), True
    ),
    "TranslateY": Operation(
        lambda x, v: _affine(x, translate=(0, int(v))), lambda h, w: (0.0, 150 / 331 * h), True
    ),
    "Rotate": Operation(
        lambda x, v: F.rotate(x, v, interpolation=F.InterpolationMode.BILINEAR), _up_to(30), True
    ),
    "Brightness": Operation(lambda x, v: F.adjust_brightness(x, 1 + v), _up_to(0.9), True),
    "Color": Operation(lambda x, v: F.adjust_saturation(x, 1 + v), _up_to(0.9), True),
    "Contrast": Operation(
        lambda x, v: as_one_picture(x, lambda p: F.adjust_contrast(p, 1 + v)), _up_to(0.9), True
    ),
    "Sharpness": Operation(lambda x, v: F.adjust_sharpness(x, 1 + v), _up_to(0.9), True),
    "Posterize": Operation(lambda x, v: F.posterize(x, 8 - round(v)), _up_to(4)),
    "Solarize": Operation(lambda x, v: F.solarize(x, 255 * v), lambda h, w: (1.0, 0.0)),
    "AutoContrast": Operation(lambda x, _: as_one_picture(x, F.autocontrast)),
    "Equalize": Operation(lambda x, _: as_one_picture(x, F.equalize)),
}


def rand_augment(frames: Tensor, setting: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Apply operations drawn with replacement: uint8 (T, C, H, W) to the same.

    Args:
        frames: one clip; T, C, H and W are kept.
        setting: how many operations, one after the other, and the strength of each, 0 to 30.
        generator: on the CPU; where the operations and their signs come from.
    """
    num_operations, magnitude = setting
    height, width = frames.shape[-2:]
    rows = list(OPERATIONS.values())
    for _ in range(num_operations):
        row = rows[int(torch.randint(len(rows), (), generator=generator))]
        strength = 0.0
        if row.strengths is not None:
            scale = torch.linspace(*row.strengths(height, width), MAX_MAGNITUDE + 1)
            strength = float(scale[magnitude])
            if row.signed and torch.rand((), generator=generator) <= 0.5:
                strength = -strength
        frames = row.apply(frames, strength)
    return frames
