"""PyTorchVideo's Multiscale Vision Transformers (Fan et al., ICCV 2021)."""

import warnings

from snl_video.models.backbones.transformer_places import transformer_network
from snl_video.models.network import VideoNetwork

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # it calls torch.jit.script when imported
    from pytorchvideo.models.hub.vision_transformers import mvit_video_base_config
    from pytorchvideo.models.vision_transformers import create_multiscale_vision_transformers

CHANNELS = 96
"""Of the first tokens of MViT-B."""


def mvit_b(
    num_classes: int, width: int, dropout: float, *, num_frames: int = 16, size: int = 224
) -> VideoNetwork:
    """MViT-B for clips of just ``num_frames`` x ``size`` pixels; the published one has width 64."""
    trunk = create_multiscale_vision_transformers(
        **{**mvit_video_base_config, "spatial_size": size, "temporal_size": num_frames},
        patch_embed_dim=max(1, CHANNELS * width // 64),
        head_dropout_rate=dropout,
        head_num_classes=num_classes,
    )
    paths = [f"blocks.{number}" for number in range(len(trunk.blocks))]
    return transformer_network(trunk, paths, "head.proj", (num_frames, size))
