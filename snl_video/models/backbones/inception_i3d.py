"""Inception-I3D (Carreira and Zisserman, CVPR 2017, "Quo Vadis, Action Recognition?").

    clip (B, 3, T, H, W), pixels in [-1, 1]
      Conv3d_1a_7x7   T/2  H/2         MaxPool3d_2a_3x3       H/4
      Conv3d_2b_1x1, Conv3d_2c_3x3     MaxPool3d_3a_3x3       H/8
      Mixed_3b, Mixed_3c               MaxPool3d_4a_3x3  T/4  H/16
      Mixed_4b ... Mixed_4f            MaxPool3d_5a_2x2  T/8  H/32
      Mixed_5b, Mixed_5c
      head            mean over H, W and pairs of times, dropout, linear, mean over T
    logits (B, num_classes)

Sizes are rounded up at every step, as TensorFlow's SAME padding does, so any size and length fits.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snl_video.models.network import Place, VideoNetwork
from snl_video.models.safe_convolution import safe_conv3d

UNITS = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
"""Unit -> channels of branches 0, 1 (two), 2 (two) and 3, at width 64."""

PLACE_SETS = {
    "paper": ("Mixed_4e",),
    "five": ("Mixed_3b", "Mixed_3c", "Mixed_4b", "Mixed_4d", "Mixed_4f"),
}
BATCH_NORM_EPS = 1e-3
BATCH_NORM_MOMENTUM = 0.01


def i3d_inception(num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """Inflated Inception-v1; every layer has ``width`` / 64 of the published channels."""
    trunk = InceptionI3D(num_classes, width, dropout)
    places = {name: Place(name, getattr(trunk, name).out_channels) for name in UNITS}
    return VideoNetwork(
        trunk,
        places=places,
        place_sets=PLACE_SETS,
        head="logits",
        pixel_mean=(0.5, 0.5, 0.5),
        pixel_std=(0.5, 0.5, 0.5),
    )


class InceptionI3D(nn.Module):
    """The trunk: a clip (B, 3, T, H, W) of pixels in [-1, 1] to logits (B, num_classes)."""

    def __init__(self, num_classes: int, width: int = 64, dropout: float = 0.5) -> None:
        super().__init__()

        def scaled(channels: int) -> int:
            return max(1, channels * width // 64)

        self.Conv3d_1a_7x7 = ConvUnit(3, scaled(64), 7, stride=2)
        self.MaxPool3d_2a_3x3 = MaxPoolSame((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = ConvUnit(scaled(64), scaled(64), 1)
        self.Conv3d_2c_3x3 = ConvUnit(scaled(64), scaled(192), 3)
        self.MaxPool3d_3a_3x3 = MaxPoolSame((1, 3, 3), (1, 2, 2))
        channels = scaled(192)
        for name, branches in UNITS.items():
            if name == "Mixed_4b":
                self.MaxPool3d_4a_3x3 = MaxPoolSame((3, 3, 3), (2, 2, 2))
            if name == "Mixed_5b":
                self.MaxPool3d_5a_2x2 = MaxPoolSame((2, 2, 2), (2, 2, 2))
            unit = Mixed(channels, tuple(scaled(size) for size in branches))
            self.add_module(name, unit)
            channels = unit.out_channels
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Conv3d(channels, num_classes, 1)

    def features(self, clip: Tensor) -> Tensor:
        """Return the last feature map (B, C, T', H', W')."""
        for name, module in self.named_children():
            if name not in ("dropout", "logits"):
                clip = module(clip)
        return clip

    def forward(self, clip: Tensor) -> Tensor:
        """Average over H', W' and pairs of neighbouring times, classify, average over T'."""
        frames = self.features(clip).mean(dim=(3, 4))
        pooled = F.avg_pool1d(frames, min(2, frames.shape[2]), stride=1)
        return self.logits(self.dropout(pooled)[..., None, None]).mean(dim=(2, 3, 4))


class ConvUnit(nn.Module):
    """Convolution without bias, batch norm without scale, ReLU; SAME padding."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, out_channels, kernel, stride, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        self.norm = ShiftBatchNorm3d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C', T / stride, H / stride, W / stride), rounded up."""
        kernel, stride = self.conv.kernel_size, self.conv.stride
        x, padding = _pad_same(x, kernel, stride, 0.0)
        x = safe_conv3d(x, self.conv.weight, stride=stride, padding=padding)
        return F.relu(self.norm(x), inplace=True)


class ShiftBatchNorm3d(nn.BatchNorm3d):
    """Batch norm with a trainable shift and no trainable scale.

    ``weight`` is a buffer of ones, so that ports which do have a scale can still be loaded.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM)
        del self.weight
        self.register_buffer("weight", torch.ones(channels))


class MaxPoolSame(nn.Module):
    """Max-pool over SAME-padded input; the padding never wins."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T / stride, ...), rounded up."""
        x, padding = _pad_same(x, self.kernel, self.stride, float("-inf"))
        return F.max_pool3d(x, self.kernel, self.stride, padding)


class Mixed(nn.Module):
    """Four branches over one input, joined along the channels."""

    def __init__(self, in_channels: int, branches: tuple[int, ...]) -> None:
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3 = branches
        self.branch_0 = ConvUnit(in_channels, b0, 1)
        self.branch_1 = nn.Sequential(ConvUnit(in_channels, b1a, 1), ConvUnit(b1a, b1b, 3))
        self.branch_2 = nn.Sequential(ConvUnit(in_channels, b2a, 1), ConvUnit(b2a, b2b, 3))
        self.branch_3 = nn.Sequential(
            MaxPoolSame((3, 3, 3), (1, 1, 1)), ConvUnit(in_channels, b3, 1)
        )
        self.out_channels = b0 + b1b + b2b + b3

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, out_channels, T, H, W)."""
        branches = (self.branch_0, self.branch_1, self.branch_2, self.branch_3)
        return torch.cat([branch(x) for branch in branches], dim=1)


def same_padding(
    sizes: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...]
) -> list[tuple[int, int]]:
    """TensorFlow's SAME padding, (before, after) for each axis: outputs have ceil(size / stride).

    The total is max((ceil(size / stride) - 1) * stride + kernel - size, 0); an odd one is larger
    after.
    """
    pads = []
    for size, k, s in zip(sizes, kernel, stride, strict=True):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def _pad_same(
    x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], value: float
) -> tuple[Tensor, list[int]]:
    """Pad (B, C, T, H, W) where before and after differ; else leave it to the operation.

    Returns the tensor and the padding that the convolution or the pool is to add by itself.
    """
    pads = same_padding(tuple(x.shape[2:]), kernel, stride)
    if all(before == after for before, after in pads):
        return x, [before for before, _ in pads]
    flat = [amount for pair in reversed(pads) for amount in pair]
    return F.pad(x, flat, value=value), [0] * len(pads)
