"""The generalised spectral block (Zhu et al., "Unifying Nonlocal Blocks", ICCV 2021)."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import nn
from typing_extensions import Unpack

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.filters import PolynomialFilter
from snl_video.blocks.graphs.gaussian import SymmetricGaussianAffinity
from snl_video.blocks.graphs.graph import Form, IdentityAffinity, MeanAffinity
from snl_video.blocks.graphs.random_walk import RandomWalkGraph
from snl_video.blocks.graphs.softmax import SoftmaxAffinity
from snl_video.blocks.graphs.symmetric import MakesGraph, ReluAffinity, SymmetricGraph
from snl_video.blocks.pointwise import Grid
from snl_video.blocks.polynomial import MONOMIAL, Chebyshev
from snl_video.blocks.unit import Norm

Kernel = Literal["relu", "embedded_gaussian", "softmax", "mean"]
Normalisation = Literal["symmetric", "random_walk"]
GRAPHS: dict[str, MakesGraph] = {
    "symmetric": SymmetricGraph,
    "random_walk": RandomWalkGraph,
}


def gsnl(
    in_channels: int,
    inner_channels: int,
    *,
    order: int = 3,
    basis: Literal["monomial", "chebyshev"] = "monomial",
    lambda_max: float = 2.0,
    affinity: Kernel = "relu",
    focus: int = 1,
    normalisation: Normalisation = "symmetric",
    scale: bool = False,
    form: Form = "auto",
    pool: Grid | None = None,
    pool_input: Grid | None = None,
    norm: Norm = "batch",
    **shared: Unpack[SharedOptions],
) -> NonLocalBlock:
    """Order-K spectral block, F = sum_{k<K} B_k(A) Z W_{k+1}.

    order: K, the number of terms; order 1 has no graph, and no theta and phi.
    basis: "monomial" B_k = A^k, "chebyshev" B_k = T_k(2 L / lambda_max - I) with L = I - A.
    lambda_max: of "chebyshev", the largest eigenvalue of L; 2, its bound, gives T_k(-A).
    affinity: "relu", the symmetric normalised relu(theta) relu(phi)^T; "embedded_gaussian",
        exp(theta phi^T) symmetrised and normalised; "softmax", the row-normalised form of the
        authors' 2019 code, not symmetric; "mean", 1 1^T / N without theta and phi, a control.
    focus: of "relu", an elementwise power of relu(theta) and relu(phi): above 1 a position's row of
        A has more of its weight on few others, and A stays symmetric, normalised and of rank
        2 C_s. The power is that of focused linear attention (Han et al., ICCV 2023), without its
        norm. 1 is the block of the paper.
    normalisation: of "relu", "symmetric" D^-1/2 M D^-1/2, or "random_walk" D^-1 M of the same
        symmetrised M: the same eigenvalues and rank, rows that sum to one, and A not symmetric.
    scale: divide the scores of "embedded_gaussian" and "softmax" by sqrt(C_s).
    form: of "relu", "low_rank" without the N x N matrix, "matrix", or "auto", the cheaper one.
    pool: None; an A of pooled keys cannot be symmetric.
    pool_input: window (T, H, W) by which x is averaged before the block and restored after it.

    Raises ValueError for a `pool`, a `lambda_max` of the monomial basis, and a `focus` or a
    `normalisation` of another affinity than "relu".
    """
    if pool is not None:
        raise ValueError(
            f"pool={pool!r} pools phi and g only, so theta and phi lie on different grids and A "
            f"cannot be symmetric: use pool_input={pool!r}, which pools x for all three"
        )
    if basis == "monomial" and lambda_max != 2.0:
        raise ValueError(
            f"lambda_max={lambda_max!r} rescales the Laplacian of the Chebyshev basis: add "
            "basis='chebyshev', or leave it out"
        )
    of_relu = {"focus": (focus, 1), "normalisation": (normalisation, "symmetric")}
    for name, (value, default) in of_relu.items():
        if affinity != "relu" and value != default:
            raise ValueError(
                f"{name}={value!r} is of affinity='relu', not of {affinity!r}: leave it out"
            )
    uses = shared.get("num_units", 1) * max(order - 1, 1)
    makers: dict[str, Callable[[], nn.Module]] = {
        "identity": IdentityAffinity,
        "relu": partial(ReluAffinity, GRAPHS[normalisation], form, uses, focus),
        "embedded_gaussian": partial(SymmetricGaussianAffinity, scale=scale),
        "softmax": partial(SoftmaxAffinity, scale=scale),
        "mean": MeanAffinity,
    }
    chosen = Chebyshev(lambda_max) if basis == "chebyshev" else MONOMIAL
    return NonLocalBlock(
        in_channels,
        inner_channels,
        makers[affinity if order > 1 else "identity"](),
        partial(PolynomialFilter, powers=range(order), basis=chosen),
        embed=order > 1 and affinity != "mean",
        pool_input=pool_input,
        norm=norm,
        **shared,
    )
