"""What a position of a clip attends to: its row of the affinity, laid over the frames."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from snl_video.blocks import NonLocalBlock
from snl_video.blocks.pooling import Grid
from snl_video.errors import InputError
from snl_video.inference.clip_graphs import Seen

OPACITY = 0.65


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
    z = torch.zeros(1, graph.keys, 1, requires_grad=True)
    index = (vertex[0] * grid[1] + vertex[1]) * grid[2] + vertex[2]
    positions = grid[0] * grid[1] * grid[2]
    with torch.enable_grad():
        out = graph.propagate(z)[0, :, 0]
        (row,) = torch.autograd.grad(out.view(-1, positions)[:, index].sum(), z)
    keys = _key_grid(block, grid)
    return row.view(-1, *keys).sum(0).detach()


def overlay(clip: Tensor, row: Tensor, position: Sequence[int]) -> Tensor:
    """Frames uint8 (T, H, W, 3) of clip (3, T, H, W), the row as a heat map, the position white."""
    from matplotlib import colormaps

    size = clip.shape[1:]
    heat = F.interpolate(row[None, None], size=tuple(size), mode="trilinear")[0, 0]
    heat = (heat - heat.min()) / (heat.max() - heat.min()).clamp(min=1e-12)
    colours = torch.from_numpy(colormaps["inferno"](heat.numpy())[..., :3]).float() * 255
    weight = OPACITY * heat[..., None]
    frames = (1 - weight) * clip.permute(1, 2, 3, 0).float() + weight * colours
    t, y, x = position
    half = max(min(size[1:]) // 50, 1)
    frames[t, max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1] = 255
    return frames.round().to(torch.uint8)


def write_pictures(frames: Tensor, folder: Path, milliseconds: int) -> None:
    """Write uint8 frames (T, H, W, 3) one by one, as a strip and as an animation."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    images = [Image.fromarray(frame.numpy()) for frame in frames]
    for number, image in enumerate(images):
        image.save(folder / f"frame_{number:02d}.png")
    Image.fromarray(torch.cat(list(frames), dim=1).numpy()).save(folder / "strip.png")
    images[0].save(
        folder / "affinity.gif",
        save_all=True,
        append_images=images[1:],
        duration=milliseconds,
        loop=0,
    )


def _key_grid(block: NonLocalBlock, grid: Grid) -> Grid:
    if block.pool is None:
        return grid
    t, h, w = (n // p for n, p in zip(grid, block.pool, strict=True))
    return t, h, w
