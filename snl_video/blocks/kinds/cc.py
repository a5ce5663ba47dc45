"""Criss-cross attention (Huang et al., "CCNet: Criss-Cross Attention", ICCV 2019), on clips."""

from typing_extensions import Unpack

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.filters import PropagationFilter
from snl_video.blocks.graphs.criss_cross import CrissCrossAffinity
from snl_video.blocks.unit import Norm


def cc(
    in_channels: int,
    inner_channels: int,
    *,
    recurrence: int = 1,
    norm: Norm = "none",
    **shared: Unpack[SharedOptions],
) -> NonLocalBlock:
    """Criss-cross attention over T, H and W, F = A Z.

    recurrence: how often the block is applied with the same weights; 3 reach every position.
    """
    return NonLocalBlock(
        in_channels,
        inner_channels,
        CrissCrossAffinity(),
        lambda *channels, bias: PropagationFilter(),
        value_channels=in_channels,
        recurrence=recurrence,
        norm=norm,
        **shared,
    )
