"""Where the positions of a clip are in a row of tokens: measured, since no shape tells it.

A convolution makes the grid that is flattened into the tokens. One position of its output is moved,
and the token that moves with it is looked up in the first row of tokens after it.
"""

from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from snl_video.models.feature_layout import FeatureLayout
from snl_video.models.tracing.example_run import (
    Example,
    call,
    frames_of,
    is_features,
    tensors_in,
    watching,
)

MOST_EXTRA = 8
MOVED = 1e3
"""What the channels of the moved position change by, at most; each by another amount."""


class Patches(NamedTuple):
    """A convolution, the grid that it makes of a clip, and the tokens that are more than it."""

    path: str
    sizes: dict[str, int]
    extra: int


def token_layout(
    module: nn.Module,
    example: Example,
    shape: torch.Size,
    convolutions: dict[str, torch.Size],
    grids: list[tuple[int, ...]],
) -> FeatureLayout | None:
    """Return the layout of tokens of ``shape``, or None where nothing tells it.

    Args:
        module: the network.
        example: see `run`; on ``meta``, zeros of its shapes take its place.
        shape: (B, N, C), or (B T, N, C) of frames.
        convolutions: see `Run`.
        grids: triples (T, H, W) that came with the tokens.
    """
    for grid in grids:
        if 0 <= shape[1] - prod(grid) <= MOST_EXTRA:
            sizes = dict(zip("THW", grid, strict=True))
            return FeatureLayout("B(THW)C", sizes, shape[1] - prod(grid))
    clip = tensors_in(example)[0]
    frames = frames_of(clip)
    folded = shape[0] != clip.shape[0]
    for path, made in convolutions.items():
        sizes = _grid(made, clip.shape[0], frames, folded)
        extra = shape[1] - prod(sizes.values())
        if sizes and 0 <= extra <= MOST_EXTRA:
            order = _order(module, example, shape, Patches(path, sizes, extra), folded)
            if order is not None:
                lead = {"T": frames} if folded and frames else {}
                axes = f"{'(BT)' if folded else 'B'}({order})C"
                return FeatureLayout(axes, {**lead, **sizes}, extra)
    return None


def _grid(made: torch.Size, batch: int, frames: int | None, folded: bool) -> dict[str, int]:
    """Sizes of the grid that a convolution's output (B, C, T, H, W) or (B T, C, H, W) makes."""
    if len(made) == 5:
        return {} if folded else dict(zip("THW", made[2:], strict=True))
    image = dict(zip("HW", made[2:], strict=True))
    if folded or made[0] == batch:
        return image
    return {"T": frames, **image} if frames and made[0] == batch * frames else {}


class _Found(Exception):  # noqa: N818
    """Ends a forward pass early; carries the token that each copy of the clip moved."""

    def __init__(self, tokens: list[int]) -> None:
        super().__init__()
        self.tokens = tokens


def _order(
    module: nn.Module, example: Example, shape: torch.Size, patches: Patches, folded: bool
) -> str | None:
    """Order of the axes of the grid in the tokens, the slowest first; None if it can't be told."""
    batch = tensors_in(example)[0].shape[0]
    axes = [axis for axis, size in patches.sizes.items() if size > 1]
    corners = [{}, *({axis: 1} for axis in axes)]
    copies = 1 + len(corners)
    device = next((p.device for p in module.parameters()), torch.device("cpu"))

    def repeated(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if value.is_meta:
            value = torch.zeros(value.shape, dtype=value.dtype, device=device)
        own = value.ndim > 0 and value.shape[0] == batch
        return value[:1].expand(copies, *value.shape[1:]).contiguous() if own else value

    def watch(path: str) -> Any:
        def hook(child: nn.Module, inputs: Any, output: Any) -> Any:
            if path == patches.path:
                return _moved(output, corners, copies)
            for value in output if isinstance(output, list | tuple) else [output]:
                if is_features(value) and value.ndim == 3 and value.shape[1:] == shape[1:]:
                    tokens = _moved_tokens(value, copies)
                    if tokens is not None:
                        raise _Found(tokens)
            return None

        return hook

    try:
        with watching(module, watch):
            call(module, tree_map(repeated, example))
    except _Found as found:
        first, *others = found.tokens
        strides = {axis: token - first for axis, token in zip(axes, others, strict=True)}
        order = sorted(axes, key=lambda axis: -strides[axis])
        expected = {a: prod(patches.sizes[b] for b in order[i + 1 :]) for i, a in enumerate(order)}
        if first == patches.extra and strides == expected:
            return "".join([*(a for a in patches.sizes if a not in axes), *order])
    return None


def _moved(made: Tensor, corners: list[dict[str, int]], copies: int) -> Tensor:
    """Move one position in every copy but the first of a convolution's output."""
    result = made.clone()
    step = torch.linspace(-MOVED, MOVED, made.shape[1], dtype=made.dtype, device=made.device)
    rows = made.shape[0] // copies
    for number, corner in enumerate(corners, 1):
        t, h, w = (corner.get(axis, 0) for axis in "THW")
        if made.ndim == 5:
            result[number, :, t, h, w] += step
        else:
            result[number * rows + t, :, h, w] += step
    return result


def _moved_tokens(tokens: Tensor, copies: int) -> list[int] | None:
    """The one token of each copy that differs from the first copy's; None unless there is one."""
    values = tokens.unflatten(0, (copies, -1))
    moved = (values[1:] - values[:1]).abs().amax(-1).flatten(1)
    numbers = [row.nonzero().flatten().tolist() for row in moved > 1e-3]
    return [one for (one,) in numbers] if all(len(found) == 1 for found in numbers) else None
