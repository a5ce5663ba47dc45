"""Builders of nl, ns, a2 and dnl: which graph, which filter, every option spelled out.

Options that all kinds share:
    num_units: filters with their own residual on one graph.
    bias: biases on the 1x1x1 convolutions.
    norm: "batch", "group" or "none". relu: ReLU after the norm, before the residual gain.
    checkpoint: make graph and filter again in the backward pass.
"""

from typing import Literal

from torch import nn

from snl_video.blocks.block import NonLocalBlock
from snl_video.blocks.filters import Difference, Polynomial, WithUnary
from snl_video.blocks.graphs.graph import FORMS, Form
from snl_video.blocks.graphs.low_rank import Concatenation, DotProduct, DoubleAttention
from snl_video.blocks.graphs.softmax import Softmax
from snl_video.blocks.options import one_of, window
from snl_video.blocks.pooling import Grid
from snl_video.blocks.unit import Norm, make_units

Affinity = Literal["softmax", "gaussian", "dot_product", "concatenation"]
AFFINITIES: tuple[Affinity, ...] = ("softmax", "gaussian", "dot_product", "concatenation")


def nl(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    affinity: Affinity = "softmax",
    scale: bool = False,
    pool: Grid | None = None,
    pool_after: bool = False,
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
    checkpoint: bool = False,
) -> NonLocalBlock:
    """Non-local block, F = A Z W (Wang et al., CVPR 2018).

    affinity: "softmax" of theta phi^T (embedded Gaussian; `scale` divides it by sqrt(C_s)),
        "gaussian" (softmax of x x^T, no embeddings), "dot_product" / keys, "concatenation".
    pool: window (T, H, W) of a max-pool before phi and g; `pool_after` puts it after them.
    """
    graph: nn.Module
    match one_of("affinity", affinity, AFFINITIES):
        case "dot_product":
            graph = DotProduct(uses=num_units)
        case "concatenation":
            graph = Concatenation(inner_channels)
        case _:
            graph = Softmax(scale=scale)
    return NonLocalBlock(
        in_channels,
        inner_channels,
        graph,
        make_units(
            num_units,
            in_channels,
            lambda: Polynomial(inner_channels, in_channels, (1,), bias=bias),
            inner_channels,
            norm,
            relu,
            bias,
        ),
        embed=affinity != "gaussian",
        bias=bias,
        pool=window("pool", pool),
        pool_after=pool_after,
        checkpoint=checkpoint,
    )


def ns(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    scale: bool = False,
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
    checkpoint: bool = False,
) -> NonLocalBlock:
    """Nonlocal stage, F = (A - I) Z W with A = softmax(theta phi^T) (Tao et al., NeurIPS 2018)."""
    return NonLocalBlock(
        in_channels,
        inner_channels,
        Softmax(scale=scale),
        make_units(
            num_units,
            in_channels,
            lambda: Difference(inner_channels, in_channels, bias=bias),
            inner_channels,
            norm,
            relu,
            bias,
        ),
        bias=bias,
        checkpoint=checkpoint,
    )


def a2(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    affinity: Literal["relu", "softmax"] = "relu",
    form: Form = "auto",
    pool: Grid | None = None,
    pool_after: bool = False,
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
    checkpoint: bool = False,
) -> NonLocalBlock:
    """Double attention, F = A Z W (Chen et al., NeurIPS 2018).

    affinity: "softmax" gathers by softmax(phi) over the keys and distributes by softmax(theta)
        over the channels; "relu" is relu(theta) relu(phi)^T without normalisation.
    """
    one_of("affinity", affinity, ("relu", "softmax"))
    one_of("form", form, FORMS)
    return NonLocalBlock(
        in_channels,
        inner_channels,
        DoubleAttention(softmax=affinity == "softmax", form=form, uses=num_units),
        make_units(
            num_units,
            in_channels,
            lambda: Polynomial(inner_channels, in_channels, (1,), bias=bias),
            inner_channels,
            norm,
            relu,
            bias,
        ),
        bias=bias,
        pool=window("pool", pool),
        pool_after=pool_after,
        checkpoint=checkpoint,
    )


def dnl(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    whiten: bool = True,
    scale: bool = False,
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
    checkpoint: bool = False,
) -> NonLocalBlock:
    """Disentangled non-local block, F = (A Z + 1 u^T Z) W (Yin et al., ECCV 2020).

    whiten: take the mean over positions from theta and phi; the code of Zhu et al. does not.
    """
    return NonLocalBlock(
        in_channels,
        inner_channels,
        Softmax(scale=scale, whiten=whiten),
        make_units(
            num_units,
            in_channels,
            lambda: WithUnary(in_channels, inner_channels, in_channels, bias=bias),
            inner_channels,
            norm,
            relu,
            bias,
        ),
        bias=bias,
        checkpoint=checkpoint,
    )
