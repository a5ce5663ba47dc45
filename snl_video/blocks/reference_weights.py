"""Weights under the parameter names of the authors' released blocks (Zhu et al., ICCV 2021)."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from snl_video.blocks.block import NonLocalBlock

REFERENCE_OPTIONS: dict[str, dict[str, Any]] = {
    "nl": {"relu": True},
    "ns": {"relu": True},
    "a2": {"relu": True},
    "dnl": {"relu": True, "whiten": False},
    "snl": {"relu": True},
    "snl2020": {"affinity": "softmax", "relu": True},
    "cgnl": {},
    "cc": {"bias": True},
}
"""The options that turn a kind into the authors' block; "snl2020" is kind snl, their 2019 form."""

NAMES = (
    (r"(?:0\.)?(?:t|query_conv)", "theta"),
    (r"(?:0\.)?(?:p|key_conv)", "phi"),
    (r"(?:0\.value_conv|g)", "units.0.g"),
    (r"z", "units.0.filter.w_2"),
    (r"gn", "units.0.norm"),
    (r"stages\.(\d+)\.g", r"units.\1.g"),
    (r"stages\.(\d+)\.(w_\w+)", r"units.\1.filter.\2"),
    (r"stages\.(\d+)\.bn", r"units.\1.norm"),
)


def load_reference_weights(block: NonLocalBlock, state_dict: Mapping[str, Tensor]) -> None:
    """Load a state dict with the authors' names into a block built with `REFERENCE_OPTIONS`.

    Two-dimensional weights get the missing axis. The gain after a ReLU becomes 1, which the authors
    don't have, and w_2 of `ns` changes sign: theirs is w_2(z) - w_2(A z).

    Raises ValueError with the list of all differences, and loads nothing, where an option, a name
    or a shape does not fit.
    """
    own = block.state_dict()
    given = {_own_name(name): value for name, value in state_dict.items()}
    differences = _option_differences(block)
    for name, value in own.items():
        if name.endswith("num_batches_tracked") or (name.endswith("gain") and name not in given):
            given.setdefault(name, torch.ones_like(value))
        if name not in given:
            differences.append(f"{name}: missing in the given weights")
    for name, value in given.items():
        if name not in own:
            differences.append(f"{name}: not in the block")
            continue
        if value.ndim == 4:
            value = value.unsqueeze(2)
        if value.shape != own[name].shape:
            differences.append(f"{name}: given {list(value.shape)}, block {list(own[name].shape)}")
        given[name] = -value if block.kind == "ns" and name.endswith("w_2.weight") else value
    if differences:
        raise ValueError(
            f"the weights do not fit this {block.kind} block:\n  " + "\n  ".join(differences)
        )
    block.load_state_dict(given)


def _own_name(name: str) -> str:
    if name == "0.gamma":
        return "units.0.gain"
    stem, _, last = name.rpartition(".")
    for pattern, replacement in NAMES:
        if re.fullmatch(pattern, stem):
            return f"{re.sub(pattern, replacement, stem)}.{last}"
    return name


def _option_differences(block: NonLocalBlock) -> list[str]:
    kind = block.kind
    if kind == "snl" and block.options.get("affinity") == "softmax":
        kind = "snl2020"
    if kind not in REFERENCE_OPTIONS:
        return [f"kind {kind}: the authors released {', '.join(REFERENCE_OPTIONS)}"]
    return [
        f"option {name}: the block has {block.options[name]!r}, the authors' {value!r}"
        for name, value in REFERENCE_OPTIONS[kind].items()
        if block.options[name] != value
    ]
