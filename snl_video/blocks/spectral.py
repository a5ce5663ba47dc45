"""Builders of snl and gsnl: polynomial filters of a symmetric graph."""

from typing import Literal

from torch import Tensor, nn

from snl_video.blocks.block import NonLocalBlock
from snl_video.blocks.filters import Polynomial
from snl_video.blocks.graphs.gaussian import SymmetricGaussian
from snl_video.blocks.graphs.graph import FORMS, Form, IdentityGraph
from snl_video.blocks.graphs.softmax import Softmax
from snl_video.blocks.graphs.symmetric import ReluDot
from snl_video.blocks.options import one_of, window
from snl_video.blocks.polynomial import BASES, Basis
from snl_video.blocks.pooling import Grid
from snl_video.blocks.unit import Norm, make_units

Kernel = Literal["relu", "embedded_gaussian", "softmax"]
KERNELS: tuple[Kernel, ...] = ("relu", "embedded_gaussian", "softmax")


class Unconnected(nn.Module):
    """Makes the graph of a block of order 1, which has no term in A."""

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> IdentityGraph:
        """theta (B, N, C) -> graph of N vertices."""
        return IdentityGraph(theta, theta.shape[1])


def gsnl(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    order: int = 3,
    basis: Basis = "monomial",
    affinity: Kernel = "relu",
    scale: bool = False,
    form: Form = "auto",
    pool: None = None,
    pool_input: Grid | None = None,
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
    checkpoint: bool = False,
) -> NonLocalBlock:
    """Order-K spectral block, F = sum_{k<K} B_k(A) Z W_{k+1} (Zhu et al., ICCV 2021).

    affinity: "relu", the symmetric normalised relu(theta) relu(phi)^T; "embedded_gaussian",
        exp(theta phi^T) symmetrised and normalised; "softmax", the row-normalised form of the
        authors' 2019 code, not symmetric.
    scale: divide the scores of the latter two by sqrt(C_s).
    order: K, the number of terms; order 1 has no graph, and no theta and phi.
    basis: "monomial" B_k = A^k, "chebyshev" B_k = T_k(-A).
    pool_input: window (T, H, W) by which x is averaged before the block and restored after it.
    """
    if order < 1:
        raise ValueError(f"order must be 1 or more, got {order}: order 2 is SNL")
    one_of("basis", basis, BASES)
    one_of("form", form, FORMS)
    if pool is not None:
        raise ValueError(
            f"pool={pool!r} pools phi and g only, so theta and phi lie on different grids and A "
            f"cannot be symmetric: use pool_input={pool!r}, which pools x for all three"
        )
    graph: nn.Module
    match one_of("affinity", affinity, KERNELS):
        case "relu":
            graph = ReluDot(form=form, uses=num_units * max(order - 1, 1))
        case "embedded_gaussian":
            graph = SymmetricGaussian(scale=scale)
        case _:
            graph = Softmax(scale=scale)
    if order == 1:
        graph = Unconnected()
    return NonLocalBlock(
        in_channels,
        inner_channels,
        graph,
        make_units(
            num_units,
            in_channels,
            lambda: Polynomial(inner_channels, in_channels, range(order), basis=basis, bias=bias),
            inner_channels,
            norm,
            relu,
            bias,
        ),
        embed=order > 1,
        bias=bias,
        pool_input=window("pool_input", pool_input),
        checkpoint=checkpoint,
    )


def snl(
    in_channels: int,
    inner_channels: int,
    *,
    num_units: int = 1,
    affinity: Kernel = "relu",
    scale: bool = False,
    form: Form = "auto",
    pool: None = None,
    pool_input: Grid | None = None,
    bias: bool = False,
    norm: Norm = "batch",
    relu: bool = False,
    checkpoint: bool = False,
) -> NonLocalBlock:
    """Spectral non-local block, F = Z W_1 + A Z W_2 (Zhu et al., ICCV 2021, eq. 13): order 2."""
    return gsnl(
        in_channels,
        inner_channels,
        num_units=num_units,
        order=2,
        affinity=affinity,
        scale=scale,
        form=form,
        pool=pool,
        pool_input=pool_input,
        bias=bias,
        norm=norm,
        relu=relu,
        checkpoint=checkpoint,
    )
