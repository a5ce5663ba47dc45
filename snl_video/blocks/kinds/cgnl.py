"""The compact generalised block (Yue et al., "Compact Generalized Non-local", NeurIPS 2018)."""

from functools import partial
from typing import Literal

from typing_extensions import Unpack

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.filters import CompactFilter
from snl_video.blocks.graphs.compact import CompactAffinity
from snl_video.blocks.unit import Norm


def cgnl(
    in_channels: int,
    inner_channels: int,
    *,
    kernel: Literal["gaussian", "dot_product"] = "gaussian",
    taylor_order: int = 2,
    gamma: float = 1e-4,
    groups: int = 1,
    norm: Norm = "group",
    **shared: Unpack[SharedOptions],
) -> NonLocalBlock:
    """Compact generalised non-local block, F = A vec(Z) W in channel groups.

    kernel: "gaussian" exp(-gamma |t - p|^2) as a Taylor series cut after `taylor_order`, or
        "dot_product".
    groups: channel groups of the graph, of W and of the group norm.

    Raises ValueError when `groups` does not divide both numbers of channels.
    """
    for name, channels in (("in_channels", in_channels), ("inner_channels", inner_channels)):
        if channels % groups:
            raise ValueError(
                f"{name}={channels} is not divisible by groups={groups}: choose groups that divide "
                f"both {in_channels} and {inner_channels}"
            )
    return NonLocalBlock(
        in_channels,
        inner_channels,
        CompactAffinity(
            gaussian=kernel == "gaussian", taylor_order=taylor_order, gamma=gamma, groups=groups
        ),
        partial(CompactFilter, groups=groups),
        norm=norm,
        norm_groups=groups,
        **shared,
    )
