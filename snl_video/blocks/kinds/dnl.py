"""The disentangled block (Yin et al., "Disentangled Non-Local Neural Networks", ECCV 2020)."""

from typing_extensions import Unpack

from snl_video.blocks.block import NonLocalBlock, SharedOptions
from snl_video.blocks.filters import UnaryFilter
from snl_video.blocks.graphs.softmax import SoftmaxAffinity
from snl_video.blocks.unit import Norm


def dnl(
    in_channels: int,
    inner_channels: int,
    *,
    whiten: bool = True,
    scale: bool = False,
    norm: Norm = "batch",
    **shared: Unpack[SharedOptions],
) -> NonLocalBlock:
    """Disentangled non-local block, F = (A Z + 1 u^T Z) W, `scale` as in `nl`.

    whiten: take the mean over positions from theta and phi; the code of Zhu et al. does not.
    """
    graph = SoftmaxAffinity(scale=scale, whiten=whiten)
    return NonLocalBlock(in_channels, inner_channels, graph, UnaryFilter, norm=norm, **shared)
