"""Double attention (Chen et al., "A^2-Nets: Double Attention Networks", NeurIPS 2018)."""

from functools import partial
from typing import Literal

from typing_extensions import Unpack

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.filters import PolynomialFilter
from snl_video.blocks.graphs.graph import Form
from snl_video.blocks.graphs.low_rank import DoubleAttentionAffinity
from snl_video.blocks.pointwise import Grid
from snl_video.blocks.unit import Norm


def a2(
    in_channels: int,
    inner_channels: int,
    *,
    affinity: Literal["relu", "softmax"] = "relu",
    form: Form = "auto",
    pool: Grid | None = None,
    pool_after: bool = False,
    norm: Norm = "batch",
    **shared: Unpack[SharedOptions],
) -> NonLocalBlock:
    """Double attention, F = A Z W.

    affinity: "softmax" gathers by softmax(phi) over the keys and distributes by softmax(theta)
        over the channels; "relu" is relu(theta) relu(phi)^T without normalisation.
    form, pool, pool_after: as in `snl` and `nl`.
    """
    return NonLocalBlock(
        in_channels,
        inner_channels,
        DoubleAttentionAffinity(
            softmax=affinity == "softmax", form=form, uses=shared.get("num_units", 1)
        ),
        partial(PolynomialFilter, powers=(1,)),
        pool=pool,
        pool_after=pool_after,
        norm=norm,
        **shared,
    )
