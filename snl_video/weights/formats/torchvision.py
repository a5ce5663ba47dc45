"""torchvision's ResNets for images, whose kernels have no axis of time."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import tensors_under

STEM = {"conv1": "conv", "bn1": "norm"}
PARTS = {
    **{f"conv{number}": f"branch2.conv_{letter}" for number, letter in enumerate("abc", 1)},
    **{f"bn{number}": f"branch2.norm_{letter}" for number, letter in enumerate("abc", 1)},
    "downsample.0": "branch1_conv",
    "downsample.1": "branch1_norm",
}
"""Part of a residual block in torchvision -> here."""


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the names are those of torchvision's ResNet and its stem takes images."""
    tensors = tensors_under(checkpoint, "state_dict", "model")
    stem = tensors.get("conv1.weight")
    return stem is not None and stem.ndim == 4 and "layer1.0.conv1.weight" in tensors


def convert(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names; the kernels stay (O, I, kH, kW).

    Raises:
        PretrainedError: two pathways or another trunk, blocks of two convolutions (ResNet-18 and
            -34), or another number of blocks in a stage; says both numbers.
    """
    tensors = tensors_under(checkpoint, "state_dict", "model")
    if problem := _problem(tensors, model):
        raise PretrainedError(problem)
    return {_rename(name, model): value for name, value in tensors.items()}


def _rename(name: str, model: VideoNetwork) -> str:
    module, _, leaf = name.rpartition(".")
    if module == "fc":
        return f"trunk.{model.head}.{leaf}"
    if module in STEM:
        return f"trunk.blocks.0.{STEM[module]}.{leaf}"
    match = re.fullmatch(r"layer([1-4])\.(\d+)\.(.+)", module)
    if match is None or match[3] not in PARTS:
        return name
    path = model.places[f"res{int(match[1]) + 1}.{match[2]}"].path
    return f"trunk.{path}.{PARTS[match[3]]}.{leaf}"


def _problem(tensors: Mapping[str, Tensor], model: VideoNetwork) -> str | None:
    if "res2.0" not in model.places:
        return (
            "weights of an image ResNet go into i3d, c2d and slow backbones; this network's "
            f"places are {', '.join(list(model.places)[:3])}, ..."
        )
    if "layer1.0.conv3.weight" not in tensors:
        return (
            "these weights are of a ResNet-18 or -34, whose blocks have two convolutions; the "
            "networks here have three: take ResNet-50, -101 or -152"
        )
    theirs = [_number_of_blocks(tensors, f"layer{layer}.") for layer in range(1, 5)]
    ours = [_number_of_blocks(model.places, f"res{stage}.") for stage in range(2, 6)]
    if theirs != ours:
        return (
            f"these weights are of a ResNet with {theirs} blocks in its stages, this network has "
            f"{ours}: take a backbone of that depth, _r50 or _r101"
        )
    return None


def _number_of_blocks(names: Mapping[str, Any], start: str) -> int:
    return len({n.removeprefix(start).split(".")[0] for n in names if n.startswith(start)})
