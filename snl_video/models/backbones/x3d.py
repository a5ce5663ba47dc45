"""X3D (Feichtenhofer, CVPR 2020): a narrow and deep ResNet of depthwise convolutions."""

import warnings

from torch import nn

from snl_video.models.backbones.staged_network import staged_network
from snl_video.models.network import VideoNetwork

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # it calls torch.jit.script when imported
    from pytorchvideo.models.x3d import ProjectedPool, create_x3d

STEM, HEAD = 12, 2048
"""Channels of the published networks, before the stem is widened and in the head."""


def x3d(num_classes: int, width: int, dropout: float, *, depth_factor: float = 2.2) -> VideoNetwork:
    """Build an X3D; the published ones have ``width`` 64.

    XS, S and M are one network for clips of 4 x 160, 13 x 160 and 16 x 224 pixels; L, for 16 x 312,
    is deeper.
    """
    trunk = create_x3d(
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_in=max(1, STEM * width // 64),
        head_dim_out=max(1, HEAD * width // 64),
        depth_factor=depth_factor,
        head_activation=None,
    )
    for module in trunk.modules():
        if isinstance(module, ProjectedPool):
            module.pool = nn.AdaptiveAvgPool3d(1)
    return staged_network(trunk, windows=False)
