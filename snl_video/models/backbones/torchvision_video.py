"""The video networks of torchvision, with places."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torchvision.models import get_model, get_model_weights

from snl_video.errors import NetworkError
from snl_video.models.backbones.inception_i3d import PLACE_SETS, UNITS
from snl_video.models.backbones.transformer_places import transformer_network
from snl_video.models.network import VideoNetwork
from snl_video.models.tracing.traced_places import traced_places

FIVE_OF_18 = ("res3.0", "res3.1", "res4.0", "res4.1", "res5.0")
S3D_UNITS = (5, 6, 8, 9, 10, 11, 12, 14, 15)
"""Which children of S3D's features are its nine Inception units."""


def pixel_statistics(name: str) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation of each colour channel, from the transforms of the weights."""
    transforms = get_model_weights(name).DEFAULT.transforms()
    return transforms.mean, transforms.std


def resnet18(name: str, num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """``r3d_18``, ``mc3_18`` or ``r2plus1d_18`` (Tran et al., CVPR 2018)."""
    trunk = _fixed_width(name, width, num_classes=num_classes)
    trunk.avgpool = nn.Sequential(trunk.avgpool, nn.Dropout(dropout))
    paths = {f"res{n + 1}.{i}": f"layer{n}.{i}" for n in range(1, 5) for i in range(2)}
    sets = {"paper": ["res4.0"], "five": FIVE_OF_18}
    return _convolutional(trunk, name, paths, head="fc", place_sets=sets)


def s3d(name: str, num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """Separable Inception (Xie et al., ECCV 2018); takes at least 14 frames of 224 x 224 pixels."""
    trunk = _fixed_width(name, width, num_classes=num_classes, dropout=dropout)
    paths = {unit: f"features.{n}" for unit, n in zip(UNITS, S3D_UNITS, strict=True)}
    return _convolutional(trunk, name, paths, head="classifier.1", place_sets=PLACE_SETS)


def swin3d(name: str, num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """Video Swin Transformer (Liu et al., CVPR 2022)."""
    trunk = _fixed_width(name, width, num_classes=num_classes)
    trunk.avgpool = nn.Sequential(trunk.avgpool, nn.Dropout(dropout))
    paths = [f"features.{n}.{i}" for n in (0, 2, 4, 6) for i in range(len(trunk.features[n]))]
    return transformer_network(trunk, paths, "head", (32, 224), *pixel_statistics(name))


def mvit(name: str, num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """Multiscale Vision Transformer (Fan et al., ICCV 2021) for clips of just 16 x 224 pixels."""
    trunk = _fixed_width(name, width, num_classes=num_classes, dropout=dropout)
    paths = [f"blocks.{number}" for number in range(len(trunk.blocks))]
    return transformer_network(trunk, paths, "head.1", (16, 224), *pixel_statistics(name))


def _fixed_width(name: str, width: int, **arguments: Any) -> Any:
    if width != 64:
        raise NetworkError(
            f"torchvision's {name} has one width: leave model.width at 64, got {width}"
        )
    return get_model(name, weights=None, **arguments)


def _convolutional(
    trunk: nn.Module,
    name: str,
    paths: dict[str, str],
    *,
    head: str,
    place_sets: Mapping[str, Sequence[str]],
) -> VideoNetwork:
    example = torch.empty(1, 3, 16, 224, 224, device="meta")
    traced = traced_places(trunk, list(paths.values()), example)
    mean, std = pixel_statistics(name)
    return VideoNetwork(
        trunk,
        places={place: traced[path] for place, path in paths.items()},
        place_sets=place_sets,
        head=head,
        pixel_mean=mean,
        pixel_std=std,
    )
