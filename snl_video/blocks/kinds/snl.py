"""The spectral block (Zhu et al., "Unifying Nonlocal Blocks for Neural Networks", ICCV 2021)."""

from typing_extensions import Unpack

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.graphs.graph import Form
from snl_video.blocks.kinds.gsnl import Kernel, Normalisation, gsnl
from snl_video.blocks.pointwise import Grid
from snl_video.blocks.unit import Norm


def snl(
    in_channels: int,
    inner_channels: int,
    *,
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
    """Spectral non-local block, F = Z W_1 + A Z W_2 (eq. 13): `gsnl` of order 2."""
    return gsnl(
        in_channels,
        inner_channels,
        order=2,
        affinity=affinity,
        focus=focus,
        normalisation=normalisation,
        scale=scale,
        form=form,
        pool=pool,
        pool_input=pool_input,
        norm=norm,
        **shared,
    )
