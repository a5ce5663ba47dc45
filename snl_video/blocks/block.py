"""The non-local block: embeddings, graph, filter, norm and residual as one module."""

from collections.abc import Callable
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from snl_video.blocks.graphs import Graph
from snl_video.blocks.pointwise import Pointwise, feature_map, project, tokens

Norm = Literal["batch", "group", "none"]
Grid = tuple[int, int, int]
FilterBuilder = Callable[[], nn.Module]


class Unit(nn.Module):
    """One filter on a given graph: x + norm(F(A, g(x))), the identity at the start, and alive.

    Without ReLU the norm starts with a zero gamma. With ReLU (or with no norm) a zero gamma
    would have no gradient for ever, so there a residual gain, after the ReLU, starts at 0.
    """

    def __init__(
        self,
        in_channels: int,
        inner_channels: int,
        filter: nn.Module,
        *,
        norm: Norm = "batch",
        groups: int = 1,
        relu: bool = False,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.g = Pointwise(in_channels, inner_channels, bias=bias)
        self.filter = filter
        self.norm: nn.Module = _make_norm(norm, in_channels, groups)
        self.relu = nn.ReLU() if relu else nn.Identity()
        if relu or norm == "none":
            self.gain: nn.Parameter | None = nn.Parameter(torch.zeros(1))
        else:
            self.register_parameter("gain", None)
            nn.init.zeros_(self.norm.weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor, graph: Graph, z: Tensor) -> Tensor:
        """The residual branch of x (B, C, T, H, W) with node feature z (B, keys, C_z)."""
        y = feature_map(self.filter(graph, z, tokens(x)), x.shape[2:])
        y = self.relu(self.norm(y))
        return y if self.gain is None else y * self.gain


class NonLocalBlock(nn.Module):
    """Y = X + F(A, Z): the graph is made once from the input, every unit filters on it.

    `affinity(theta, phi, grid)` makes the graph from tokens (B, N, C_s); `make_filter` gives each
    unit its own filter. Input and output (B, C, T, H, W).

    Raises ValueError for an input that is not 5-D, has other channels than `in_channels`, or (in
    eager mode on the CPU; the check would stall a CUDA stream and break a compiled graph) holds a
    NaN or an infinity.
    """

    kind: str = "custom"
    options: dict[str, Any]

    def __init__(
        self,
        in_channels: int,
        inner_channels: int,
        affinity: nn.Module,
        make_filter: FilterBuilder,
        *,
        num_units: int = 1,
        norm: Norm = "batch",
        groups: int = 1,
        relu: bool = False,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.inner_channels = in_channels, inner_channels
        self.options = {}
        self.theta = Pointwise(in_channels, inner_channels, bias=bias)
        self.phi = Pointwise(in_channels, inner_channels, bias=bias)
        self.affinity = affinity
        self.units = nn.ModuleList(
            Unit(
                in_channels,
                inner_channels,
                make_filter(),
                norm=norm,
                groups=groups,
                relu=relu,
                bias=bias,
            )
            for _ in range(num_units)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        self._check(x)
        grid = (x.shape[2], x.shape[3], x.shape[4])
        first, *others = cast(list[Unit], list(self.units))
        theta, phi, z = project(tokens(x), [self.theta, self.phi, first.g])
        graph = self.affinity(theta, phi, grid)
        x = x + first(x, graph, z)
        for unit in others:
            x = x + unit(x, graph, unit.g(tokens(x)))
        return x

    def graph(self, x: Tensor) -> Graph:
        """The affinity operator of x (B, C, T, H, W)."""
        self._check(x)
        theta, phi = project(tokens(x), [self.theta, self.phi])
        return self.affinity(theta, phi, (x.shape[2], x.shape[3], x.shape[4]))

    def _check(self, x: Tensor) -> None:
        if x.ndim != 5:
            raise ValueError(
                f"the block takes (B, C, T, H, W), got {x.ndim}-D input of shape {tuple(x.shape)}: "
                "add the missing axes, for images x.unsqueeze(2)"
            )
        if x.shape[1] != self.in_channels:
            raise ValueError(
                f"the block was built for {self.in_channels} channels, got input of shape "
                f"{tuple(x.shape)}: build it with in_channels={x.shape[1]}"
            )
        if torch.compiler.is_compiling() or x.device.type != "cpu":
            return
        values = x.detach()
        if not torch.isfinite(values.sum()) and not torch.isfinite(values).all():
            nans, count = int(values.isnan().sum()), int((~torch.isfinite(values)).sum())
            raise ValueError(
                f"the input of the block holds {nans} NaN and {count - nans} infinite values of "
                f"{values.numel()}: look for the layer or the clip before it that made them"
            )


def _make_norm(norm: Norm, channels: int, groups: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm3d(channels)
    if norm == "group":
        return nn.GroupNorm(groups, channels)
    return nn.Identity()
