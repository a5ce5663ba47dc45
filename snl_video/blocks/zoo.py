"""The table of blocks: one builder, one row, per kind.

A builder takes (in_channels, inner_channels) and keyword options, every one of them spelled out.
"""

import inspect
from collections.abc import Callable
from typing import Any, Literal

from snl_video.blocks.attention import DotProduct, Softmax
from snl_video.blocks.block import NonLocalBlock, Norm
from snl_video.blocks.filters import BASES, Basis, Polynomial
from snl_video.blocks.graphs import FORMS, Form
from snl_video.blocks.symmetric import ReluDot

Builder = Callable[..., NonLocalBlock]


def nl(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    affinity: Literal["softmax", "dot_product"] = "softmax",
    scale: bool = False,
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
) -> NonLocalBlock:
    """Non-local block, A Z W (Wang et al., CVPR 2018)."""
    _one_of("affinity", affinity, ("softmax", "dot_product"))
    return NonLocalBlock(
        in_channels,
        inner_channels,
        Softmax(scale) if affinity == "softmax" else DotProduct(uses=num_units),
        lambda: Polynomial(inner_channels, in_channels, (1,), bias=bias),
        num_units=num_units,
        norm=norm,
        relu=relu,
        bias=bias,
    )


def gsnl(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    order: int = 3,
    basis: Basis = "monomial",
    form: Form = "auto",
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
) -> NonLocalBlock:
    """Order-K spectral block, sum_{k<K} B_k(A) Z W_{k+1} (Zhu et al., ICCV 2021)."""
    if order < 1:
        raise ValueError(f"order must be 1 or more, got {order}: order 2 is SNL")
    _one_of("basis", basis, BASES)
    _one_of("form", form, FORMS)
    return NonLocalBlock(
        in_channels,
        inner_channels,
        ReluDot(form, uses=num_units * max(order - 1, 1)),
        lambda: Polynomial(inner_channels, in_channels, range(order), basis=basis, bias=bias),
        num_units=num_units,
        norm=norm,
        relu=relu,
        bias=bias,
    )


def snl(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    form: Form = "auto",
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
) -> NonLocalBlock:
    """Spectral non-local block, Z W_1 + A Z W_2 (Zhu et al., ICCV 2021, eq. 13)."""
    return gsnl(
        in_channels,
        inner_channels,
        num_units=num_units,
        order=2,
        form=form,
        bias=bias,
        norm=norm,
        relu=relu,
    )


BUILDERS: dict[str, Builder] = {
    "nl": nl,
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


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
