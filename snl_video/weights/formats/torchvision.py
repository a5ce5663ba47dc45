"""torchvision's ResNets for images, inflated to video (Carreira and Zisserman, CVPR 2017)."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.network import VideoNetwork
from snl_video.weights.names import canonical_state, tensors_under

Inflation = Literal["average", "centre"]
INFLATIONS: tuple[Inflation, ...] = ("average", "centre")

STEM = {"conv1": "conv", "bn1": "norm"}
BLOCK = {
    **{f"conv{number}": f"branch2.conv_{letter}" for number, letter in enumerate("abc", 1)},
    **{f"bn{number}": f"branch2.norm_{letter}" for number, letter in enumerate("abc", 1)},
    "downsample.0": "branch1_conv",
    "downsample.1": "branch1_norm",
}
LAYERS = "1234"


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the names are those of torchvision's ResNet and its stem takes images."""
    tensors = tensors_under(checkpoint, "state_dict", "model")
    stem = tensors.get("conv1.weight")
    return stem is not None and stem.ndim == 4 and "layer1.0.conv1.weight" in tensors


def convert(
    checkpoint: Mapping[str, Any], model: VideoNetwork, *, inflation: Inflation = "average"
) -> dict[str, Tensor]:
    """Return canonical names, with kernels (O, I, kH, kW) inflated to (O, I, kT, kH, kW).

    "average" puts W / kT at every time, "centre" W at the middle one and zero elsewhere. On a clip
    of one image repeated, a network inflated by "centre" has the image network's features at every
    time and for any length; one inflated by "average" has them away from the ends of the clip,
    where the zeros of the padding take part in the mean. Both are exact with kT = 1 (``c2d_r50``).

    Raises:
        PretrainedError: two pathways or another trunk, blocks of two convolutions (ResNet-18 and
            -34), or another number of blocks in a stage; says both numbers.
        ValueError: unknown inflation.
    """
    if inflation not in INFLATIONS:
        raise ValueError(f"inflation must be one of {', '.join(INFLATIONS)}, got {inflation!r}")
    tensors = tensors_under(checkpoint, "state_dict", "model")
    _check_depth(tensors, model)
    sizes = {name: value.shape for name, value in canonical_state(model).items()}
    result = {}
    for name, value in tensors.items():
        new_name = _rename(name, model)
        size = sizes.get(new_name, value.shape)
        if value.ndim == 4 and len(size) == 5:
            value = inflate(value, size[2], inflation)
        result[new_name] = value
    return result


def inflate(kernel: Tensor, length: int, inflation: Inflation) -> Tensor:
    """(O, I, kH, kW) -> (O, I, length, kH, kW); the sum over time is the kernel itself."""
    if inflation == "average":
        return kernel[:, :, None].repeat(1, 1, length, 1, 1) / length
    result = torch.zeros(*kernel.shape[:2], length, *kernel.shape[2:], dtype=kernel.dtype)
    result[:, :, length // 2] = kernel
    return result


def _rename(name: str, model: VideoNetwork) -> str:
    module, _, leaf = name.rpartition(".")
    if module == "fc":
        return f"trunk.{model.head}.{leaf}"
    if module in STEM:
        return f"trunk.blocks.0.{STEM[module]}.{leaf}"
    match = re.fullmatch(r"layer([1-4])\.(\d+)\.(.+)", module)
    if match is None or match[3] not in BLOCK:
        return name
    path = model.places[f"res{int(match[1]) + 1}.{match[2]}"].path
    return f"trunk.{path}.{BLOCK[match[3]]}.{leaf}"


def _check_depth(tensors: Mapping[str, Tensor], model: VideoNetwork) -> None:
    if "res2.0" not in model.places:
        raise PretrainedError(
            "weights of an image ResNet go into i3d_r50, c2d_r50 or slow_r50; this network's "
            f"places are {', '.join(list(model.places)[:3])}, ..."
        )
    if "layer1.0.conv3.weight" not in tensors:
        raise PretrainedError(
            "these weights are of a ResNet-18 or -34, whose blocks have two convolutions; the "
            "networks here have three: take ResNet-50, -101 or -152"
        )
    theirs = [_number_of_blocks(tensors, f"layer{layer}.") for layer in LAYERS]
    ours = [_number_of_blocks(model.places, f"res{int(layer) + 1}.") for layer in LAYERS]
    if theirs != ours:
        raise PretrainedError(
            f"these weights are of a ResNet with {theirs} blocks in its stages, this network has "
            f"{ours}: build it with backbone_options.depth 50, 101 or 152 to match"
        )


def _number_of_blocks(names: Mapping[str, Any], start: str) -> int:
    found = {name.removeprefix(start).split(".")[0] for name in names if name.startswith(start)}
    return len(found)
