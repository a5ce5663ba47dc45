"""ResNets whose 3-D convolutions are split: over time and space, or by channel."""

import warnings

from torch import nn

from snl_video.models.backbones.staged_network import staged_network
from snl_video.models.network import VideoNetwork

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # it calls torch.jit.script when imported
    from pytorchvideo.models.csn import create_csn
    from pytorchvideo.models.r2plus1d import create_r2plus1d


def r2plus1d(num_classes: int, width: int, dropout: float) -> VideoNetwork:
    """R(2+1)D of 50 layers: 1x3x3 and then 3x1x1 convolutions (Tran et al., CVPR 2018)."""
    trunk = create_r2plus1d(
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_out=width,
        head_pool=nn.AdaptiveAvgPool3d,
        head_activation=None,
    )
    return staged_network(trunk)


def csn(num_classes: int, width: int, dropout: float, *, depth: int = 101) -> VideoNetwork:
    """Channel-separated ResNet (Tran et al., ICCV 2019): its 3x3x3 convolutions are depthwise."""
    trunk = create_csn(
        model_depth=depth,
        model_num_class=num_classes,
        dropout_rate=dropout,
        stem_dim_out=width,
        stem_pool=nn.MaxPool3d,
        head_pool=nn.AdaptiveAvgPool3d,
    )
    return staged_network(trunk)
