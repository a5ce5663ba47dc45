"""1x1x1 convolutions on the channels-first view (B, C, N) of a feature map."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Grid = tuple[int, int, int]
"""Sizes over T, H and W."""


class Pointwise(nn.Conv3d):
    """A 1x1x1 convolution whose parameters keep the (out, in, 1, 1, 1) layout of the field.

    It takes positions as tokens: (B, N, in_channels) -> (B, N, out_channels).
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, groups: int = 1, bias: bool = False
    ) -> None:
        super().__init__(in_channels, out_channels, 1, groups=groups, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, in_channels) -> (B, N, out_channels)."""
        if self.groups == 1:
            return project(x, [self])[0]
        xt = x.transpose(1, 2).unflatten(1, (self.groups, -1))
        weight = self.weight.view(self.groups, self.out_channels // self.groups, -1)
        return add_bias((weight @ xt).flatten(1, 2), self.bias).transpose(1, 2)


def matrix_product(weight: Tensor, x: Tensor) -> Tensor:
    """weight (O, C) times every x[b] of (B, C, N) -> (B, O, N).

    A batched product with an expanded weight: `torch.matmul` and `conv3d` copy x for it.
    """
    return torch.bmm(weight.expand(x.shape[0], -1, -1), x)


def project(x: Tensor, convs: Sequence[nn.Conv3d]) -> tuple[Tensor, ...]:
    """Apply several 1x1x1 convolutions to tokens x (B, N, C) with one matrix product.

    Returns one (B, N, out_channels) tensor per convolution, each a view of channels-first memory.
    """
    weight = torch.cat([conv.weight.flatten(1) for conv in convs])
    y = matrix_product(weight, x.transpose(1, 2))
    parts = y.split([conv.out_channels for conv in convs], dim=1)
    return tuple(
        add_bias(part, conv.bias).transpose(1, 2) for part, conv in zip(parts, convs, strict=True)
    )


def add_bias(y: Tensor, bias: Tensor | None) -> Tensor:
    """y (B, C, N) plus bias (C,), if there is one."""
    return y if bias is None else y + bias[:, None]


def tokens(x: Tensor) -> Tensor:
    """(B, C, T, H, W) -> (B, N, C), a view when x is contiguous."""
    return x.flatten(2).transpose(1, 2)


def feature_map(z: Tensor, grid: Sequence[int]) -> Tensor:
    """(B, N, C) -> (B, C, T, H, W), a view when z came from `tokens` or `project`."""
    return z.transpose(1, 2).unflatten(2, tuple(grid))
