"""Where a vertex of the graph lies in T, H and W, as an embedding that theta and phi see."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snl_video.blocks.pointwise import Grid

PositionKind = Literal["none", "sine", "learned"]


class Position(nn.Module):
    """E (C, T, H, W) with E[:, t, h, w] = a[:, t] + b[:, h] + c[:, w]: one table an axis.

    The tables are of the sizes `grid`. For another grid they are interpolated linearly, first on
    first and last on last, so an embedding fits clips of any size.

    Args:
        channels: C.
        grid: sizes of the tables over T, H and W.
        learned: the tables are parameters, 0 at the start; otherwise they are those of
            `sine_tables`, and the state dict holds nothing.
    """

    def __init__(self, channels: int, grid: Grid, *, learned: bool) -> None:
        super().__init__()
        for name, table in zip("thw", sine_tables(channels, grid), strict=True):
            if learned:
                self.register_parameter(name, nn.Parameter(torch.zeros_like(table)))
            else:
                self.register_buffer(name, table, persistent=False)

    def forward(self, grid: Grid, weight: Tensor | None = None) -> Tensor:
        """E of a grid, (C, T, H, W), or the product of `weight` (out, C) with it."""
        tables = [
            F.interpolate(getattr(self, name)[None], size, mode="linear", align_corners=True)[0]
            for name, size in zip("thw", grid, strict=True)
        ]
        a, b, c = tables if weight is None else (weight @ table for table in tables)
        return a[:, :, None, None] + b[:, None, :, None] + c[:, None, None, :]


def sine_tables(channels: int, grid: Grid) -> list[Tensor]:
    """Sines and cosines of the index, (C, size) for each axis.

    As in Vaswani et al., NeurIPS 2017, with wavelengths from 2 pi to 2 pi times the size of the
    table: theirs, up to 10000 times, hardly vary over a clip. The axes take the channels in turn,
    so that a channel tells of one axis only.
    """
    channel = torch.arange(channels, dtype=torch.float64)[:, None]
    number = (channel / 3).floor()
    share = 6 * (number / 2).floor() / channels
    phase = number % 2 * torch.pi / 2
    return [
        ((channel % 3 == axis) * torch.sin(size**-share * torch.arange(size) + phase)).float()
        for axis, size in enumerate(grid)
    ]
