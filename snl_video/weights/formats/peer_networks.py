"""Networks that the trunk is, name for name: torchvision's for videos, and Hugging Face's."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import tensors_under

TORCHVISION = (
    ("stem.0.weight", "layer1.0.conv1.0.weight"),  # r3d_18, mc3_18
    ("stem.0.weight", "layer1.0.conv1.0.0.weight"),  # r2plus1d_18
    ("features.0.0.0.weight", "classifier.1.weight"),  # s3d
    ("patch_embed.proj.weight", "features.0.0.attn.qkv.weight"),  # swin3d
    ("conv_proj.weight", "pos_encoding.class_token"),  # mvit
)
"""Two tensors that tell each kind of network."""

HUGGING_FACE = ("videomae.", "timesformer.", "vjepa2.", "vivit.")
"""How the names of a network without its head begin."""


def is_torchvision(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the names are those of one of torchvision's video networks."""
    tensors = tensors_under(checkpoint, "state_dict", "model")
    return any(first in tensors and second in tensors for first, second in TORCHVISION)


def from_torchvision(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names."""
    tensors = tensors_under(checkpoint, "state_dict", "model")
    return {f"trunk.{name}": value for name, value in tensors.items()}


def is_hugging_face(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the names are those of a video network of Hugging Face's transformers."""
    return any(name.startswith(HUGGING_FACE) for name in tensors_under(checkpoint, "state_dict"))


def from_hugging_face(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names."""
    tensors = tensors_under(checkpoint, "state_dict")
    return {f"trunk.model.{name}": value for name, value in tensors.items()}
