"""Small networks that others wrote: each with its example, its places, and their layouts."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torchvision import models as images
from torchvision.models import video
from torchvision.models.video.mvit import MSBlockConfig


class Peer(NamedTuple):
    build: Callable[[], nn.Module]
    example: object
    places: dict[str, str]


def clip(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def swin():
    return video.SwinTransformer3d(
        [2, 4, 4], 12, [2, 2], [2, 2], [4, 4, 4], stochastic_depth_prob=0.0, num_classes=5
    )


def mvit():
    def block(channels, heads, stride):
        kernel = [3, 3, 3]
        return MSBlockConfig(heads, *channels, kernel if stride else [], kernel, stride, [1, 2, 2])

    blocks = [block((8, 8), 1, []), block((8, 16), 2, [1, 2, 2]), block((16, 16), 2, [])]
    return video.MViT((32, 32), 8, blocks, False, True, False, False, num_classes=5)


def hugging_face(name, **config):
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes["initializer_range"] = 0.3  # so that the last layer feels the first
    made = getattr(transformers, f"{name}Config")(patch_size=8, **sizes, **config)
    return getattr(transformers, f"{name}ForVideoClassification")(made)


def timm(name, **options):
    module = pytest.importorskip("timm", reason="timm is not installed")
    return module.create_model(name, **options)


VJEPA = {"pred_hidden_size": 16, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1}
PEERS = {
    "r3d_18": Peer(video.r3d_18, clip(1, 3, 8, 32, 32), {"layer2": "BCTHW", "layer3.1": "BCTHW"}),
    "mc3_18": Peer(video.mc3_18, clip(1, 3, 4, 32, 32), {"layer3.1": "BCTHW"}),
    "r2plus1d_18": Peer(video.r2plus1d_18, clip(1, 3, 8, 32, 32), {"layer3.1": "BCTHW"}),
    "s3d": Peer(
        video.s3d, clip(1, 3, 16, 224, 224), {"features.9": "BCTHW", "features.4": "BCTHW"}
    ),
    "swin3d": Peer(swin, clip(1, 3, 8, 32, 32), {"features.0.1": "BTHWC", "patch_embed": "BTHWC"}),
    "mvit": Peer(
        mvit,
        clip(1, 3, 8, 32, 32),
        {
            "blocks.1": "B(THW)C with T=4, H=4, W=4, 1 extra tokens",
            "pos_encoding": "B(THW)C with T=4, H=8, W=8, 1 extra tokens",
        },
    ),
    "resnet18": Peer(images.resnet18, clip(2, 3, 64, 64), {"layer3.1": "BCHW", "maxpool": "BCHW"}),
    "VideoMAE": Peer(
        partial(hugging_face, "VideoMAE", image_size=32, num_frames=8),
        {"pixel_values": clip(2, 8, 3, 32, 32)},
        {
            "videomae.encoder.layer.0": "B(THW)C with T=4, H=4, W=4",
            "videomae.encoder": "B(THW)C with T=4, H=4, W=4",
        },
    ),
    "TimeSformer": Peer(
        partial(hugging_face, "Timesformer", image_size=32, num_frames=6),
        {"pixel_values": clip(2, 6, 3, 32, 32)},
        {"timesformer.encoder.layer.0": "B(HWT)C with T=6, H=4, W=4, 1 extra tokens"},
    ),
    "V-JEPA 2": Peer(
        partial(
            hugging_face, "VJEPA2", crop_size=32, frames_per_clip=8, num_pooler_layers=1, **VJEPA
        ),
        {"pixel_values_videos": clip(2, 8, 3, 32, 32)},
        {"vjepa2.encoder.layer.0": "B(THW)C with T=4, H=4, W=4"},
    ),
    "timm ViT": Peer(
        partial(timm, "vit_tiny_patch16_224", img_size=64),
        clip(2, 3, 64, 64),
        {"blocks.3": "B(HW)C with H=4, W=4, 1 extra tokens"},
    ),
    "timm ConvNeXt": Peer(
        partial(timm, "convnext_atto"), clip(2, 3, 64, 64), {"stages.2.blocks.1": "BCHW"}
    ),
}


def logits(module, example):
    result = module(**example) if isinstance(example, dict) else module(example)
    return getattr(result, "logits", result)
