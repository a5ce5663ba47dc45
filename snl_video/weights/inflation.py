"""Kernels of image networks spread over time (Carreira and Zisserman, CVPR 2017)."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import canonical_state

Inflation = Literal["average", "centre"]


def inflated(
    tensors: Mapping[str, Tensor], model: VideoNetwork, inflation: Inflation
) -> dict[str, Tensor]:
    """Return ``tensors`` with the kernels (O, I, kH, kW) that ``model`` has in three dimensions.

    On a clip of one image repeated, a network inflated by "centre" has the image network's features
    at every time and for any length; one inflated by "average" has them away from the ends of the
    clip, where the zeros of the padding take part in the mean. Both are exact with kT = 1.
    """
    sizes = {name: value.shape for name, value in canonical_state(model).items()}
    return {
        name: inflate(value, sizes[name][2], inflation)
        if value.ndim == 4 and len(sizes.get(name, ())) == 5
        else value
        for name, value in tensors.items()
    }


def inflate(kernel: Tensor, length: int, inflation: Inflation) -> Tensor:
    """(O, I, kH, kW) -> (O, I, length, kH, kW); the sum over time is the kernel itself.

    "average" puts W / length at every time, "centre" W at the middle one and zero elsewhere.
    """
    if inflation == "average":
        return kernel[:, :, None].repeat(1, 1, length, 1, 1) / length
    result = torch.zeros(*kernel.shape[:2], length, *kernel.shape[2:], dtype=kernel.dtype)
    result[:, :, length // 2] = kernel
    return result
