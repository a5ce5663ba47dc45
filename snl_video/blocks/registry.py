"""The table of blocks: one row per kind, and the function that builds from it."""

import inspect
from collections.abc import Callable
from typing import Any

from snl_video.blocks.block import NonLocalBlock
from snl_video.blocks.builders import a2, dnl, nl, ns
from snl_video.blocks.graphs.compact import cgnl
from snl_video.blocks.graphs.criss_cross import cc
from snl_video.blocks.spectral import gsnl, snl

Builder = Callable[..., NonLocalBlock]

BUILDERS: dict[str, Builder] = {
    "nl": nl,
    "ns": ns,
    "a2": a2,
    "cgnl": cgnl,
    "cc": cc,
    "dnl": dnl,
    "snl": snl,
    "gsnl": gsnl,
}
KINDS: tuple[str, ...] = tuple(BUILDERS)


def build_block(
    kind: str,
    in_channels: int,
    inner_channels: int | None = None,
    *,
    num_units: int = 1,
    **options: Any,
) -> NonLocalBlock:
    """Build a block, (B, C, T, H, W) -> same shape; `inner_channels` defaults to C // 2.

    `num_units` units share one graph. `block_options(kind)` lists the options of a kind.
    The block can be built again from its attributes:
    `build_block(b.kind, b.in_channels, b.inner_channels, **b.options)`.

    Raises ValueError for an unknown kind or option, and for sizes below 1.
    """
    if kind not in BUILDERS:
        raise ValueError(f"unknown block kind {kind!r}: choose from {', '.join(BUILDERS)}")
    for name, value in (("in_channels", in_channels), ("num_units", num_units)):
        if value < 1:
            raise ValueError(f"{name} must be 1 or more, got {value}")
    inner = max(in_channels // 2, 1) if inner_channels is None else inner_channels
    if inner < 1:
        raise ValueError(f"inner_channels must be 1 or more, got {inner}: leave it out for C // 2")
    resolved = block_options(kind)
    for name in options:
        if name not in resolved:
            raise ValueError(
                f"block kind {kind!r} has no option {name!r}: it has {', '.join(resolved)}"
            )
    resolved |= options | {"num_units": num_units}
    block = BUILDERS[kind](in_channels, inner, **resolved)
    block.kind = kind
    block.options = {k: list(v) if isinstance(v, tuple) else v for k, v in resolved.items()}
    return block


def block_options(kind: str) -> dict[str, Any]:
    """The options of a kind with their defaults."""
    parameters = inspect.signature(BUILDERS[kind]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
