"""Caffe2's weights (.pkl) of PySlowFast's model zoo and of the first non-local networks.

A file holds ``blobs``: arrays by names such as ``res3_1_branch2a_w``, ``res3_1_branch2a_bn_s``,
``nonlocal_conv3_1_theta_w`` and ``pred_w``; ``t_`` before a name means the fast pathway. It tells
neither the network nor what its blocks compute: build that with ``build_model``, blocks as
``{"kind": "nl", "options": {"bias": True, "scale": True, "pool": [1, 2, 2]}}``.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snl_video.models.network import VideoNetwork
from snl_video.weights.formats.pyslowfast.load_pyslowfast import rename

BLOBS = "blobs"
LEAVES = {
    "w": "weight",
    "b": "bias",
    "s": "weight",
    "rm": "running_mean",
    "riv": "running_var",
}
"""End of a blob's name -> of a parameter's; ``s`` is the scale of a batch norm."""

PARTS = (
    (r"(t_)?conv1", "s1.pathway{fast}_stem.conv"),
    (r"(t_)?res_conv1_bn", "s1.pathway{fast}_stem.bn"),
    (r"(t_)?res([2-5])_(\d+)_branch1", "s{1}.pathway{fast}_res{2}.branch1"),
    (r"(t_)?res([2-5])_(\d+)_branch1_bn", "s{1}.pathway{fast}_res{2}.branch1_bn"),
    (r"(t_)?res([2-5])_(\d+)_branch2([abc])", "s{1}.pathway{fast}_res{2}.branch2.{3}"),
    (r"(t_)?res([2-5])_(\d+)_branch2([abc])_bn", "s{1}.pathway{fast}_res{2}.branch2.{3}_bn"),
    (r"(t_)pool1_subsample", "s1_fuse.conv_f2s"),
    (r"(t_)pool1_subsample_bn", "s1_fuse.bn"),
    (r"(t_)res([2-4])_\d+_branch2c_bn_subsample", "s{1}_fuse.conv_f2s"),
    (r"(t_)res([2-4])_\d+_branch2c_bn_subsample_bn", "s{1}_fuse.bn"),
    (r"(t_)?nonlocal_conv([2-5])_(\d+)_bn", "s{1}.pathway{fast}_nonlocal{2}.bn"),
    (
        r"(t_)?nonlocal_conv([2-5])_(\d+)_(theta|phi|g|out)",
        "s{1}.pathway{fast}_nonlocal{2}.conv_{3}",
    ),
    (r"()pred", "head.projection"),
)
"""Name of a blob without its end -> PySlowFast's name."""

OF_TRAINING = re.compile(r".*_momentum|lr|model_iter")


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether there are ``blobs`` with the stem's."""
    blobs = checkpoint.get(BLOBS)
    return isinstance(blobs, Mapping) and "conv1_w" in blobs


def convert(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names; an unknown name stays as it is.

    Blobs of the optimiser (momentum, learning rate, iteration) are no weights and left out. Kernels
    (O, C, H, W) of frame-wise networks become (O, C, 1, H, W).
    """
    tensors = {
        slowfast_name(name): _tensor(value)
        for name, value in checkpoint[BLOBS].items()
        if isinstance(value, np.ndarray) and not OF_TRAINING.fullmatch(name)
    }
    return rename(tensors, model)


def slowfast_name(blob: str) -> str:
    """Turn the name of a blob into PySlowFast's, or leave it if it is unknown."""
    stem, _, leaf = blob.rpartition("_")
    for pattern, name in PARTS:
        if leaf in LEAVES and (match := re.fullmatch(pattern, stem)):
            pathway, *rest = match.groups()
            return f"{name.format('', *rest, fast=int(bool(pathway)))}.{LEAVES[leaf]}"
    return blob


def _tensor(array: np.ndarray) -> Tensor:
    tensor = torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("=")))
    return tensor.unsqueeze(2) if tensor.ndim == 4 else tensor
