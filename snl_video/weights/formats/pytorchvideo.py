"""PyTorchVideo's hub checkpoints: its ResNets, SlowFast, R(2+1)D, CSN, X3D and MViT."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import tensors_under

STEMS = (
    "blocks.0.conv.weight",
    "blocks.0.multipathway_blocks.0.conv.weight",
    "blocks.0.conv.conv_xy.weight",
    "patch_embed.patch_model.weight",
)


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether ``model_state``, or the file itself, has the stem of one of these networks."""
    tensors = tensors_under(checkpoint, "model_state")
    return any(name in tensors for name in STEMS)


def convert(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names: the trunk is PyTorchVideo's network, name for name."""
    tensors = tensors_under(checkpoint, "model_state")
    return {f"trunk.{name}": value for name, value in tensors.items()}
