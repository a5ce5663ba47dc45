"""MMAction2's checkpoints (.pth) of I3D, SlowOnly and SlowFast ResNets, with or without blocks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snl_video.errors import PretrainedError
from snl_video.models.insertion import insert_blocks
from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import place_of, tensors_under
from snl_video.weights.fill import fill_exactly, naming
from snl_video.weights.formats.block_comparison import different_blocks
from snl_video.weights.formats.mmaction.network_of_weights import (
    Arch,
    Mode,
    block_specs,
    network_without_blocks,
)
from snl_video.weights.formats.mmaction.tensor_names import block_options, slowfast_name
from snl_video.weights.formats.residual_names import canonical_name, head_name
from snl_video.weights.safe_reading.checkpoints import read_checkpoint

WEIGHTS = "state_dict"


def from_mmaction(
    path: str | Path,
    arch: Arch = "i3d",
    non_local_mode: Mode | None = None,
    *,
    use_scale: bool = False,
    alpha: int | None = None,
    dropout: float = 0.5,
) -> VideoNetwork:
    """Build the network of an MMAction2 checkpoint and load its weights.

    Depth, width, classes, places of blocks and the fusions of SlowFast are read off the weights.
    What no weight tells is as in MMAction2's published configurations: temporal strides of 2 in
    conv1 and pool1 of I3D, the slow frames 0, alpha, 2 alpha, ..., and the pixel statistics of
    ImageNet. I3D and SlowOnly give the logits of MMAction2 for random weights; SlowFast those of
    an independent functional version of its forward pass.

    Args:
        path: a ``.pth`` file.
        arch: ``i3d``, ``slowonly`` or ``slowfast``.
        non_local_mode: of the blocks; needed where they have theta and phi, because embedded
            Gaussian and dot product have the same weights.
        use_scale: the embedded Gaussian divides its scores by sqrt(C_s).
        alpha: frame-rate ratio of SlowFast; by default that of the published network with the
            same fusion kernel: 8 for 5, 4 for 7.
        dropout: before the last linear layer.

    Raises:
        PretrainedError: the file can't be read or is no such checkpoint, its blocks need a mode or
            have another, the weights are not those of ``arch``, or there is no such arch or mode.
    """
    checkpoint = read_checkpoint(path)
    tensors = tensors_under(checkpoint, WEIGHTS)
    with naming(path):
        if not recognises(checkpoint):
            raise PretrainedError("no checkpoint of MMAction2's residual networks")
        specs = block_specs(tensors, non_local_mode, use_scale)
        network = network_without_blocks(tensors, arch, alpha, dropout)
        for spec in specs:
            insert_blocks(network, spec)
    fill_exactly(network, convert(checkpoint, network), path, f"mmaction, arch {arch}")
    return network


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether ``state_dict``, or the file itself, has the stem of MMAction2's ResNets."""
    tensors = tensors_under(checkpoint, WEIGHTS)
    return any(f"backbone.{path}conv1.conv.weight" in tensors for path in ("", "slow_path."))


def convert(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names; an unknown name stays as it is.

    The last convolution of a block has no bias in MMAction2 and gets one of zeros. The head of
    SlowFast takes the fast features first there and the slow ones first here. A block of ``model``
    that would compute something else, as far as the weights tell (embeddings, pool), gets nothing:
    those tensors keep their names.
    """
    tensors = tensors_under(checkpoint, WEIGHTS)
    others = different_blocks(model, block_options(tensors))
    result = {}
    for name, value in tensors.items():
        theirs = slowfast_name(name, two_pathways=model.pathways is not None)
        ours = canonical_name(theirs, model)
        place = place_of(ours, model)
        if ours == theirs or place in others:
            result[name] = value
            continue
        result[ours] = value.unsqueeze(-1) if ours.endswith("affinity.w.weight") else value
        if place and ours.endswith("filter.w_2.weight"):
            result[ours.replace("w_2.weight", "w_2.bias")] = value.new_zeros(len(value))
    head = f"{head_name(model)}.weight"
    if model.pathways is not None and head in result:
        result[head] = _slow_first(result[head], model)
    return result


def _slow_first(weight: Tensor, model: VideoNetwork) -> Tensor:
    """Columns [fast, slow] of the head's weight (classes, channels) -> [slow, fast]."""
    slow = [place.channels for name, place in model.places.items() if name.startswith("slow.")][-1]
    fast = weight.shape[-1] - slow
    return weight if fast < 1 else torch.cat([weight[:, fast:], weight[:, :fast]], dim=1)
