"""The common PyTorch port of Inception-I3D, whose names are ``Mixed_3b.b1a.conv3d.weight``."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from snl_video.models.network import VideoNetwork
from snl_video.weights.names import tensors_under

BRANCHES = {
    "b0": "branch_0",
    "b1a": "branch_1.0",
    "b1b": "branch_1.1",
    "b2a": "branch_2.0",
    "b2b": "branch_2.1",
    "b3b": "branch_3.1",
}
LAYERS = {"conv3d": "conv", "bn": "norm"}


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the first unit has the port's name, at the top or under ``state_dict``."""
    return "Conv3d_1a_7x7.conv3d.weight" in tensors_under(checkpoint, "state_dict")


def convert(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names for ``i3d_inception``; an unknown name stays as it is.

    The port has a scale in its batch norms, which goes into the buffers of ones.
    """
    tensors = tensors_under(checkpoint, "state_dict")
    return {_rename(name, model): value for name, value in tensors.items()}


def _rename(name: str, model: VideoNetwork) -> str:
    match = re.fullmatch(r"(\w+)\.(?:(b\d[ab]?)\.)?(conv3d|bn)\.(\w+)", name)
    if match is None:
        return name
    unit, branch, layer, leaf = match.groups()
    if unit == "logits" and layer == "conv3d":
        return f"trunk.{model.head}.{leaf}"
    if branch is None:
        return f"trunk.{unit}.{LAYERS[layer]}.{leaf}"
    if branch not in BRANCHES:
        return name
    return f"trunk.{unit}.{BRANCHES[branch]}.{LAYERS[layer]}.{leaf}"
