"""The non-local block (Wang et al., "Non-local Neural Networks", CVPR 2018)."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import nn
from typing_extensions import Unpack

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.filters import PolynomialFilter
from snl_video.blocks.graphs.low_rank import ConcatenationAffinity, DotProductAffinity
from snl_video.blocks.graphs.softmax import SoftmaxAffinity
from snl_video.blocks.pointwise import Grid
from snl_video.blocks.unit import Norm


def nl(
    in_channels: int,
    inner_channels: int,
    *,
    affinity: Literal["softmax", "gaussian", "dot_product", "concatenation"] = "softmax",
    scale: bool = False,
    pool: Grid | None = None,
    pool_after: bool = False,
    norm: Norm = "batch",
    **shared: Unpack[SharedOptions],
) -> NonLocalBlock:
    """Non-local block, F = A Z W.

    affinity: "softmax" of theta phi^T (embedded Gaussian; `scale` divides it by sqrt(C_s)),
        "gaussian" (softmax of x x^T, no embeddings), "dot_product" / keys, "concatenation".
    pool: window (T, H, W) of a max-pool before phi and g; `pool_after` puts it after them.
    """
    makers: dict[str, Callable[[], nn.Module]] = {
        "softmax": partial(SoftmaxAffinity, scale=scale),
        "gaussian": partial(SoftmaxAffinity, scale=scale),
        "dot_product": partial(DotProductAffinity, uses=shared.get("num_units", 1)),
        "concatenation": partial(ConcatenationAffinity, inner_channels),
    }
    return NonLocalBlock(
        in_channels,
        inner_channels,
        makers[affinity](),
        partial(PolynomialFilter, powers=(1,)),
        embed=affinity != "gaussian",
        pool=pool,
        pool_after=pool_after,
        norm=norm,
        **shared,
    )
