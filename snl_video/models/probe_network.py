"""A probe: a small trained head on the features of a frozen network.

features (B, C, T, H, W) of the frozen network, up to a place
  block      a non-local block, where there is one
  conv       1x1x1, batch norm, ReLU
  mean over all positions, dropout
  linear     or two layers, with a ReLU between them
logits (B, num_classes)
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from snl_video.blocks import build_block
from snl_video.errors import NetworkError
from snl_video.models.feature_tap import HEAD, FeatureTap
from snl_video.models.network import VideoNetwork
from snl_video.models.presets import build_network


@dataclass(frozen=True)
class ProbeHeadSpec:
    """What is trained on the features.

    Attributes:
        block: arguments of `build_block` without the channels, such as ``{"kind": "snl"}``; None
            for no block.
        channels: after the 1x1x1 convolution.
        hidden: width of a layer between the mean and the last one; 0 for none.
        dropout: before the linear layers.
    """

    block: Mapping[str, Any] | None = None
    channels: int = 256
    hidden: int = 0
    dropout: float = 0.5

    def build(self, in_channels: int, num_classes: int) -> "ProbeHead":
        """Make the head with random weights, its block the identity.

        Raises:
            NetworkError: the block can't be built.
        """
        block: nn.Module = nn.Identity()
        if self.block is not None:
            options = dict(self.block)
            try:
                block = build_block(options.pop("kind"), in_channels, **options)
            except ValueError as error:
                raise NetworkError(f"block of the probe: {error}") from error
        return ProbeHead(self, block, in_channels, num_classes)


class ProbeHead(nn.Module):
    """Features (B, C, T, H, W), or (B, C), to logits (B, num_classes)."""

    def __init__(
        self, spec: ProbeHeadSpec, block: nn.Module, in_channels: int, num_classes: int
    ) -> None:
        super().__init__()
        self.block = block
        self.conv = nn.Conv3d(in_channels, spec.channels, 1, bias=False)
        self.norm = nn.BatchNorm3d(spec.channels)
        self.dropout = nn.Dropout(spec.dropout)
        self.hidden = (
            nn.Sequential(nn.Linear(spec.channels, spec.hidden), nn.ReLU())
            if spec.hidden
            else nn.Identity()
        )
        self.linear = nn.Linear(spec.hidden or spec.channels, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, T, H, W) or (B, C) -> (B, num_classes)."""
        if features.ndim == 2:
            features = features[..., None, None, None]
        x = torch.relu(self.norm(self.conv(self.block(features))))
        return self.linear(self.hidden(self.dropout(x.mean((2, 3, 4)))))


class Probed(nn.Module):
    """The frozen network up to a place, and the head after it."""

    def __init__(self, tap: FeatureTap, head: ProbeHead) -> None:
        super().__init__()
        self.tap = tap
        self.head = head

    def forward(self, clip: Tensor) -> Tensor:
        """Normalised pixels (B, 3, T, H, W) -> logits (B, num_classes)."""
        return self.head(self.tap(clip))


@dataclass(frozen=True)
class ProbeSpec:
    """A whole probe, in the plain values that a checkpoint keeps.

    Attributes:
        architecture: arguments of `build_network` for the frozen network.
        place: of `FeatureTap`, as the next one.
        average: window of an average, or None.
        head: what was trained.
        num_classes: size of the logits.
    """

    architecture: Mapping[str, Any]
    place: str
    average: tuple[int, int, int] | None
    head: ProbeHeadSpec
    num_classes: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ProbeSpec":
        """Take what `to_dict` returned."""
        average = values["average"]
        return cls(
            values["architecture"],
            values["place"],
            None if average is None else tuple(average),
            ProbeHeadSpec(**values["head"]),
            values["num_classes"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values only."""
        return asdict(self) | {"average": list(self.average) if self.average else None}

    def build(self) -> VideoNetwork:
        """Make the network with random weights.

        Raises:
            NetworkError: a part of it can't be built.
        """
        frozen = build_network(**self.architecture)
        tap = FeatureTap(frozen, self.place, self.average)
        probed = Probed(tap, self.head.build(tap.channels, self.num_classes))
        return VideoNetwork(
            probed,
            places={},
            head="head.linear",
            pixel_mean=frozen.pixel_mean.tolist(),
            pixel_std=frozen.pixel_std.tolist(),
        )


def has_positions(place: str) -> bool:
    """Say whether features of a place have positions that a block can relate."""
    return place != HEAD
