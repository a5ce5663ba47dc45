"""One unit of a block: node feature, filter, norm and the gain of the residual."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from snl_video.blocks.graphs.graph import Graph
from snl_video.blocks.pointwise import Pointwise, feature_map, tokens

Norm = Literal["batch", "group", "none"]


class Unit(nn.Module):
    """The residual branch norm(F(A, g(x))) of one filter: zero at the start, and alive.

    Without ReLU the norm starts with a gamma of `gain`, zero by default. With ReLU (or with no
    norm) a zero gamma would have no gradient for ever, so there a residual gain, after the ReLU,
    starts at `gain`.
    """

    def __init__(
        self,
        in_channels: int,
        value_channels: int,
        filter: nn.Module,
        *,
        norm: Norm = "batch",
        groups: int = 1,
        relu: bool = False,
        bias: bool = False,
        gain: float = 0.0,
    ) -> None:
        super().__init__()
        self.g = Pointwise(in_channels, value_channels, bias=bias)
        self.filter = filter
        self.norm = make_norm(norm, in_channels, groups)
        self.relu = nn.ReLU() if relu else nn.Identity()
        self.gain: nn.Parameter | None = None
        if relu or norm == "none":
            self.gain = nn.Parameter(torch.full((1,), gain))
        else:
            nn.init.constant_(self.norm.weight, gain)  # type: ignore[arg-type]

    def forward(self, x: Tensor, graph: Graph, z: Tensor) -> Tensor:
        """Branch of x (B, C, T, H, W) with node feature z (B, keys, C_z): same shape as x."""
        return self.finish(self.filter(graph, z, tokens(x)), x.shape[2:])

    def finish(self, y: Tensor, grid: Sequence[int]) -> Tensor:
        """Norm, ReLU and gain of the filter's output y (B, N, C) -> (B, C, T, H, W)."""
        out = self.relu(self.norm(feature_map(y, grid)))
        return out if self.gain is None else out * self.gain


def make_norm(norm: Norm, channels: int, groups: int = 1) -> nn.Module:
    """The norm of a branch with `channels` channels; "group" uses `groups` groups."""
    if norm == "batch":
        return nn.BatchNorm3d(channels)
    if norm == "group":
        return nn.GroupNorm(groups, channels)
    return nn.Identity()
