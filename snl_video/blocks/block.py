"""The non-local block: embeddings, graph, filters, norms and residuals as one module."""

from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from typing_extensions import TypedDict

from snl_video.blocks.filters import PolynomialFilter
from snl_video.blocks.fused import can_fuse, fused_filter
from snl_video.blocks.graphs.graph import Graph
from snl_video.blocks.graphs.symmetric import ReluAffinity
from snl_video.blocks.pointwise import Grid, Pointwise, project, tokens
from snl_video.blocks.pooling import coarsen, pool_tokens, restore
from snl_video.blocks.position import Position, PositionKind
from snl_video.blocks.unit import Norm, Unit


class SharedOptions(TypedDict, total=False):
    """The options that all kinds share; their defaults are those of `NonLocalBlock`."""

    num_units: int
    bias: bool
    relu: bool
    checkpoint: bool
    position: PositionKind
    position_grid: Grid
    gain: float


class MakesFilter(Protocol):
    """A class of `filters`, or a `functools.partial` of one."""

    def __call__(self, in_channels: int, out_channels: int, /, *, bias: bool) -> nn.Module:
        """Make a filter of node features (B, keys, in_channels) to (B, N, out_channels)."""


class NonLocalBlock(nn.Module):
    """Y = X + F(A, Z): the graph is made once from the input, every unit filters on it.

    Args:
        in_channels: C of the input (B, C, T, H, W).
        inner_channels: C_s of the embeddings theta and phi.
        affinity: makes the graph, `affinity(theta, phi, grid)` of tokens (B, N, C_s).
        make_filter: makes the filter of each unit.
        num_units: filters applied one after another, each with its own residual, on one graph.
        bias: biases on the 1x1x1 convolutions.
        norm: "batch", "group" or "none", before the residual.
        relu: ReLU after the norm, before the residual gain.
        gain: what the residual gain starts at; 0 makes the block the identity at first.
        checkpoint: make graph and filter again in the backward pass instead of keeping them; with
            several units the graph is then made once per unit.
        value_channels: C_z of the node feature g(x); C_s when None.
        norm_groups: groups of the group norm.
        embed: False takes the input itself as theta and phi.
        pool: window (T, H, W) of a max-pool of the keys and values (phi and g).
        pool_after: pool phi(x) and g(x) instead of x.
        pool_input: window (T, H, W) by which x is averaged for the whole branch, then restored.
        recurrence: how often the block is applied, with the same weights and a new graph.
        position: "sine" or "learned" adds a `Position` to what theta and phi see, and not to Z; a
            block with "none" commutes with every permutation of the frames.
        position_grid: sizes (T, H, W) of its tables, interpolated to those of the input.

    Raises ValueError for a position without theta and phi, and in `forward` for an input that is
    not 5-D, has other channels than `in_channels`, or (in eager mode on the CPU; the check would
    stall a CUDA stream and break a compiled graph) holds a NaN or an infinity.
    """

    kind: str = "custom"

    def __init__(
        self,
        in_channels: int,
        inner_channels: int,
        affinity: nn.Module,
        make_filter: MakesFilter,
        *,
        num_units: int = 1,
        bias: bool = False,
        norm: Norm = "batch",
        relu: bool = False,
        checkpoint: bool = False,
        gain: float = 0.0,
        value_channels: int | None = None,
        norm_groups: int = 1,
        embed: bool = True,
        pool: Grid | None = None,
        pool_after: bool = False,
        pool_input: Grid | None = None,
        recurrence: int = 1,
        position: PositionKind = "none",
        position_grid: Grid = (8, 14, 14),
    ) -> None:
        super().__init__()
        self.in_channels, self.inner_channels = in_channels, inner_channels
        self.options: dict[str, Any] = {}
        value_channels = value_channels or inner_channels
        units = [
            Unit(
                in_channels,
                value_channels,
                make_filter(value_channels, in_channels, bias=bias),
                norm=norm,
                groups=norm_groups,
                relu=relu,
                bias=bias,
                gain=gain,
            )
            for _ in range(num_units)
        ]
        self.theta: Pointwise | None = None
        self.phi: Pointwise | None = None
        if embed:
            self.theta = Pointwise(in_channels, inner_channels, bias=bias)
            self.phi = Pointwise(in_channels, inner_channels, bias=bias)
        self.position: Position | None = None
        if position != "none":
            if not embed:
                raise ValueError(
                    f"position={position!r} is added to what theta and phi see, and this block has "
                    "neither: leave it out"
                )
            self.position = Position(in_channels, position_grid, learned=position == "learned")
        self.affinity = affinity
        self.units = nn.ModuleList(units)
        self.pool, self.pool_after, self.pool_input = pool, pool_after, pool_input
        self.recurrence, self.checkpoint = recurrence, checkpoint

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> same shape."""
        check_input(x, self.in_channels)
        for _ in range(self.recurrence):
            x = self._apply_units(x)
        return x

    def graph(self, x: Tensor) -> Graph:
        """The affinity operator of x (B, C, T, H, W), of the pooled x with `pool_input`."""
        check_input(x, self.in_channels)
        return self._embed(coarsen(x, self.pool_input), None)[0]

    def _apply_units(self, x: Tensor) -> Tensor:
        source, graph = coarsen(x, self.pool_input), None
        for i, unit in enumerate(cast(list[Unit], list(self.units))):
            u = source if i == 0 else coarsen(x, self.pool_input)
            if self.checkpoint and torch.is_grad_enabled():
                y = checkpoint(self._filtered, unit, source, u, use_reentrant=False)
            elif len(self.units) == 1:
                y = self._filtered(unit, source, u)
            else:
                if graph is None:
                    graph, z = self._embed(source, unit)
                else:
                    z = self._pooled(u, unit.g)
                y = unit.filter(graph, z, tokens(u))
            x = x + restore(unit.finish(y, _grid(u)), self.pool_input, _grid(x))
        return x

    def _filtered(self, unit: Unit, source: Tensor, u: Tensor) -> Tensor:
        if u is source and self.theta is not None and self.phi is not None and self.pool is None:
            convs, x = (self.theta, self.phi, unit.g), tokens(u)
            if (
                isinstance(self.affinity, ReluAffinity)
                and isinstance(unit.filter, PolynomialFilter)
                and can_fuse(self.affinity, unit.filter, convs, x)
            ):
                return fused_filter(self.affinity, unit.filter, convs, x, self._shift(u))
        graph, z = self._embed(source, unit)
        if u is not source:
            z = self._pooled(u, unit.g)
        return unit.filter(graph, z, tokens(u))

    def _embed(self, x: Tensor, unit: Unit | None) -> tuple[Graph, Tensor]:
        """The graph of x and, of the same x, the node feature of a unit (else of no meaning)."""
        grid, own = _grid(x), [] if unit is None else [unit.g]
        if self.theta is None or self.phi is None:
            theta, phi = tokens(x), self._keys(x)
            z = phi if unit is None else self._pooled(x, unit.g)
        elif self.pool is None and self.position is None:
            theta, phi, *rest = project(tokens(x), [self.theta, self.phi, *own])
            z = rest[0] if rest else phi
        else:
            seen = x if self.position is None else x + self.position(grid).to(x.dtype)
            theta = self.theta(tokens(seen))
            phi = self._pooled(seen, self.phi)
            z = phi if unit is None else self._pooled(x, unit.g)
        return self.affinity(theta, phi, grid), z

    def _shift(self, x: Tensor) -> Tensor | None:
        """What the position adds to theta and phi, (2 C_s, N): a product with its tables only."""
        if self.position is None or self.theta is None or self.phi is None:
            return None
        weight = torch.cat([conv.weight.flatten(1) for conv in (self.theta, self.phi)])
        return self.position(_grid(x), weight).flatten(1)

    def _keys(self, x: Tensor) -> Tensor:
        return tokens(x) if self.pool is None else pool_tokens(tokens(x), _grid(x), self.pool)

    def _pooled(self, x: Tensor, conv: Pointwise) -> Tensor:
        if self.pool is not None and self.pool_after:
            return pool_tokens(conv(tokens(x)), _grid(x), self.pool)
        return conv(self._keys(x))


def check_input(x: Tensor, channels: int) -> None:
    """Raise ValueError unless x is (B, channels, T, H, W) and finite (see `NonLocalBlock`)."""
    if x.ndim != 5 or x.shape[1] != channels:
        raise ValueError(
            f"the block takes (B, {channels}, T, H, W), got {tuple(x.shape)}: "
            f"{_remedy(x, channels)}"
        )
    if torch.compiler.is_compiling() or x.device.type != "cpu":
        return
    values = x.detach()
    if not torch.isfinite(values.sum()) and not torch.isfinite(values).all():
        nans, bad = int(values.isnan().sum()), int((~torch.isfinite(values)).sum())
        raise ValueError(
            f"the input of the block holds {nans} NaN and {bad - nans} infinite values of "
            f"{values.numel()}: look for the layer or the clip before it that made them"
        )


def _remedy(x: Tensor, channels: int) -> str:
    """What turns x into (B, channels, T, H, W), by where its channels are."""
    fitting = [axis for axis in range(1, x.ndim) if x.shape[axis] == channels]
    if x.ndim == 3 and 2 in fitting:
        return "these are tokens, x.transpose(1, 2).unflatten(2, (T, H, W)) gives them a grid"
    if x.ndim == 4 and 1 in fitting:
        return "add the missing axis with x.unsqueeze(2)"
    if x.ndim == 4 and 3 in fitting:
        return "bring its channels to the front and add an axis, x.movedim(-1, 1).unsqueeze(2)"
    if x.ndim == 5 and fitting:
        return f"bring its channels to the front, x.movedim({fitting[-1]}, 1)"
    if x.ndim == 5:
        return f"build the block with in_channels={x.shape[1]}"
    return "give it features of five axes; `insert_blocks` finds the layout of a module's by itself"


def _grid(x: Tensor) -> Grid:
    return x.shape[2], x.shape[3], x.shape[4]
