"""Every backbone in a small version: narrow where it can be, and with a clip that it takes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import torch

from snl_video.models import BACKBONES, build_network


class Small(NamedTuple):
    width: int = 8
    frames: int = 8
    size: int = 32
    options: Mapping[str, Any] = MappingProxyType({})


FIXED = Small(width=64, frames=4)
SMALL = {
    "mvit_b_16x4": Small(frames=4, options={"num_frames": 4, "size": 32}),
    "mvit_b_32x3": Small(frames=8, options={"num_frames": 8, "size": 32}),
    **dict.fromkeys((name for name in BACKBONES if name.startswith("torchvision:")), FIXED),
    "torchvision:s3d": Small(width=64, frames=16, size=224),
    "torchvision:mvit_v1_b": Small(width=64, frames=16, size=224),
    "torchvision:mvit_v2_s": Small(width=64, frames=16, size=224),
}
WIDE = ("s3d", "swin3d_s", "swin3d_b", "mvit_v1_b", "mvit_v2_s")
"""Networks of torchvision that have no small version: their tests are slow."""
EVERY = [
    pytest.param(name, marks=pytest.mark.slow) if name.endswith(WIDE) else name
    for name in BACKBONES
]


def small(backbone, num_classes=5, *, seed=0, dropout=0.0, **arguments):
    """The same weights for the same seed, with blocks or without."""
    torch.manual_seed(seed)
    of = SMALL.get(backbone, Small())
    options = {**of.options, **arguments.pop("backbone_options", {})}
    return build_network(
        backbone,
        num_classes,
        width=of.width,
        dropout=dropout,
        backbone_options=options,
        **arguments,
    )


def small_clip(backbone, batch=2):
    of = SMALL.get(backbone, Small())
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 3, of.frames, of.size, of.size, generator=generator)
