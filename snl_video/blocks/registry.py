"""The table of blocks: one row a kind, and the function that builds from it."""

from collections.abc import Callable
from typing import Any

from snl_video.blocks.block import NonLocalBlock
from snl_video.blocks.kinds.a2 import a2
from snl_video.blocks.kinds.cc import cc
from snl_video.blocks.kinds.cgnl import cgnl
from snl_video.blocks.kinds.dnl import dnl
from snl_video.blocks.kinds.gsnl import gsnl
from snl_video.blocks.kinds.nl import nl
from snl_video.blocks.kinds.ns import ns
from snl_video.blocks.kinds.snl import snl
from snl_video.blocks.option_checks import checked, options_of

Builder = Callable[..., NonLocalBlock]

BLOCKS: dict[str, Builder] = {
    "nl": nl,
    "ns": ns,
    "a2": a2,
    "cgnl": cgnl,
    "cc": cc,
    "dnl": dnl,
    "snl": snl,
    "gsnl": gsnl,
}
"""Kind -> builder(in_channels, inner_channels, *, options...).

A program may add a row; whatever builds by name then knows it.
"""


def build_block(
    kind: str, in_channels: int, inner_channels: int | None = None, **options: Any
) -> NonLocalBlock:
    """Build a block, (B, C, T, H, W) -> same shape; `inner_channels` defaults to C // 2.

    `block_options(kind)` lists the options of a kind; `num_units` units share one graph.
    The block can be built again from its attributes:
    `build_block(b.kind, b.in_channels, b.inner_channels, **b.options)`.

    Raises ValueError for an unknown kind, option or value, and for sizes below 1.
    """
    if kind not in BLOCKS:
        raise ValueError(f"unknown block kind {kind!r}: choose from {', '.join(BLOCKS)}")
    inner = max(in_channels // 2, 1) if inner_channels is None else inner_channels
    if in_channels < 1 or inner < 1:
        raise ValueError(
            f"in_channels and inner_channels must be 1 or more, got {in_channels} and {inner}: "
            "leave inner_channels out for C // 2"
        )
    resolved = checked(kind, BLOCKS[kind], options)
    block = BLOCKS[kind](in_channels, inner, **resolved)
    block.kind = kind
    block.options = {k: list(v) if isinstance(v, tuple) else v for k, v in resolved.items()}
    return block


def block_options(kind: str) -> dict[str, Any]:
    """The options of a kind with their defaults."""
    return options_of(BLOCKS[kind])
