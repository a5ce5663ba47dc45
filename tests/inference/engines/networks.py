"""Narrow networks whose blocks are at work, and clips for them."""

import torch
from torch import nn

from snl_video.weights import build_model

SIZES = {
    **dict.fromkeys(("c2d_r50", "i3d_r50", "i3d_r101", "slow_r50", "slow_r101"), (8, 32)),
    **dict.fromkeys(("slowfast_r50_4x16", "slowfast_r50_8x8", "slowfast_r101_8x8"), (32, 32)),
    "i3d_inception": (16, 32),
}
"""Backbone -> frames and pixels of its clips."""
CLASSES = 7


def network_of(backbone, kind=None, width=8, **options):
    """A network with random norms and gains, so that no block is the identity."""
    torch.manual_seed(0)
    non_local = kind and {"kind": kind, "places": "paper", "options": options}
    network = build_model(backbone, CLASSES, width=width, dropout=0.0, non_local=non_local)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d | nn.GroupNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
        if isinstance(module, nn.BatchNorm3d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    head = network.trunk.get_submodule(network.head)
    nn.init.normal_(head.weight, std=0.5)
    return network.eval()


def clips_of(num_clips, num_frames, size, seed=1):
    """uint8 (V, 3, T, S, S): coarse coloured patches, different in every clip."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((num_clips, 3, num_frames // 4, 4, 4), generator=generator) * 255
    return nn.functional.interpolate(coarse, (num_frames, size, size)).to(torch.uint8)
