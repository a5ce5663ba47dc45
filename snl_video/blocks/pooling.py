"""Coarser grids: max-pooled keys, and an input that is pooled and restored."""

import torch.nn.functional as F
from torch import Tensor

from snl_video.blocks.graphs.graph import at_least_float32
from snl_video.blocks.pointwise import Grid, feature_map, tokens


def pool_tokens(z: Tensor, grid: Grid, size: Grid) -> Tensor:
    """Max-pool tokens (B, T H W, C) in windows of `size` -> (B, keys, C)."""
    return tokens(F.max_pool3d(feature_map(z, grid), size))


def coarsen(x: Tensor, size: Grid | None) -> Tensor:
    """Mean of x (B, C, T, H, W) over windows of `size`; a window at the border may be smaller."""
    if size is None:
        return x
    mean = F.avg_pool3d(at_least_float32(x), size, ceil_mode=True, count_include_pad=False)
    return mean.to(x.dtype)


def restore(y: Tensor, size: Grid | None, grid: Grid) -> Tensor:
    """Give every position of `grid` the value of its window: undoes `coarsen` for the shape."""
    if size is None:
        return y
    for axis, factor in enumerate(size, start=2):
        if factor > 1:
            y = y.repeat_interleave(factor, dim=axis, output_size=y.shape[axis] * factor)
            y = y.narrow(axis, 0, grid[axis - 2])
    return y
