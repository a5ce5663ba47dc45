"""The nonlocal stage (Tao et al., "Nonlocal Neural Networks, Nonlocal Diffusion", NeurIPS 2018)."""

from typing_extensions import Unpack

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.filters import DifferenceFilter
from snl_video.blocks.graphs.softmax import SoftmaxAffinity
from snl_video.blocks.unit import Norm


def ns(
    in_channels: int,
    inner_channels: int,
    *,
    scale: bool = False,
    norm: Norm = "batch",
    **shared: Unpack[SharedOptions],
) -> NonLocalBlock:
    """Nonlocal stage, F = (A - I) Z W with A = softmax(theta phi^T), `scale` as in `nl`."""
    affinity = SoftmaxAffinity(scale=scale)
    return NonLocalBlock(
        in_channels, inner_channels, affinity, DifferenceFilter, norm=norm, **shared
    )
