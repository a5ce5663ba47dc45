"""What a position of a clip attends to: its row of the affinity, laid over the frames."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from snl_video.blocks import NonLocalBlock
from snl_video.blocks.pooling import Grid
from snl_video.errors import InputError
from snl_video.inference.clip_graphs import Seen

OPACITY = 0.8
"""Of the greatest value."""


def grid_position(position: Sequence[int], clip: Tensor, grid: Grid) -> Grid:
    """The vertex (t, y, x) of `grid` that holds pixel (frame, row, column) of clip (1, 3, T, H, W).

    Raises:
        InputError: the pixel lies outside the clip.
    """
    sizes = tuple(clip.shape[2:])
    if any(not 0 <= p < size for p, size in zip(position, sizes, strict=True)):
        raise InputError(
            f"position {tuple(position)} lies outside the clip of {sizes} (frame, row, column): "
            "count from 0, in pixels of the crop"
        )
    t, y, x = (p * n // size for p, n, size in zip(position, grid, sizes, strict=True))
    return t, y, x


def affinity_row(seen: Seen, vertex: Grid) -> Tensor:
    """Row of A of the vertex (t, y, x), (T', H', W') of the keys, without the matrix.

    It is A^T e, the gradient of (A z)_i with respect to z. For cgnl, the sum over its channels.
    """
    block, graph, grid = seen
    device = next(block.parameters()).device
    z = torch.zeros(1, graph.keys, 1, device=device, requires_grad=True)
    index = (vertex[0] * grid[1] + vertex[1]) * grid[2] + vertex[2]
    positions = grid[0] * grid[1] * grid[2]
    with torch.enable_grad():
        out = graph.propagate(z)[0, :, 0]
        (row,) = torch.autograd.grad(out.view(-1, positions)[:, index].sum(), z)
    keys = _key_grid(block, grid)
    return row.view(-1, *keys).sum(0).detach()


def shares_over_time(row: Tensor) -> Tensor:
    """Share of the weight of a row (T', H', W') that each of its moments holds, (T',)."""
    weight = row.abs().sum((1, 2))
    return weight / weight.sum().clamp(min=1e-12)


def overlay(clip: Tensor, row: Tensor, size: tuple[int, int]) -> Tensor:
    """Frames uint8 (T, h, w, 3) of clip (3, T, H, W) enlarged to size, the row as a heat map.

    The least value of the row leaves the frame as it is, the greatest is almost opaque.
    """
    low, high = float(row.min()), float(row.max())
    of_frames = F.interpolate(row[None, None], (clip.shape[1], *row.shape[1:]), mode="trilinear")
    frames = []
    for frame, weights in zip(clip.unbind(1), of_frames[0, 0], strict=True):
        large = F.interpolate(frame[None].float(), size, mode="bicubic", antialias=True)[0]
        heat = F.interpolate(weights[None, None], size, mode="bilinear")[0, 0]
        heat = (heat - low) / max(high - low, 1e-12)
        frames.append(blend(large.permute(1, 2, 0).clamp(0, 255), heat))
    return torch.stack(frames)


def blend(pixels: Tensor, heat: Tensor) -> Tensor:
    """Lay heat (H, W) in [0, 1] over pixels (H, W, 3) in [0, 255], uint8."""
    from matplotlib import colormaps

    colours = torch.from_numpy(colormaps["inferno"](heat.numpy())[..., :3]).float() * 255
    weight = OPACITY * heat[..., None]
    return ((1 - weight) * pixels + weight * colours).round().to(torch.uint8)


def _key_grid(block: NonLocalBlock, grid: Grid) -> Grid:
    if block.pool is None:
        return grid
    t, h, w = (n // p for n, p in zip(grid, block.pool, strict=True))
    return t, h, w
