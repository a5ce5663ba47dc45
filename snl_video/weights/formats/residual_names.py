"""Canonical names of the parts of a residual network: what other projects' names are turned into.

Stages are counted as in PySlowFast and in the names of places: 1 is the stem, 2 to 5 are res2 to
res5. Pathways: 0 is the slow one or the only one, 1 the fast one.
"""

from snl_video.models.network import VideoNetwork
from snl_video.weights.names import BLOCKS

CONVOLUTIONS = {
    "branch1": "branch1_conv",
    "branch2.a": "branch2.conv_a",
    "branch2.b": "branch2.conv_b",
    "branch2.c": "branch2.conv_c",
}
"""Convolution of a residual block in PySlowFast -> here."""

NORMS = {theirs: ours.replace("conv", "norm") for theirs, ours in CONVOLUTIONS.items()}
"""Convolution of a residual block in PySlowFast -> the batch norm after it, here."""

BLOCK_PARTS = {
    "theta": "theta",
    "phi": "phi",
    "g": "units.0.g",
    "out": "units.0.filter.w_2",
    "bn": "units.0.norm",
}
"""Part of a non-local block elsewhere -> of an ``nl`` block here."""


def is_residual(model: VideoNetwork) -> bool:
    """Whether ``model`` is one of the networks whose parts are named here."""
    return place_name(model, 2, 0, 0) is not None


def place_name(model: VideoNetwork, stage: int, index: int, pathway: int) -> str | None:
    """Return ``res4.3`` or ``slow.res4.3``; None if ``model`` has no such residual block."""
    prefix = ("slow.", "fast.")[pathway] if model.pathways is not None else ""
    name = f"{prefix}res{stage}.{index}"
    return name if name in model.places and (prefix or not pathway) else None


def stem(model: VideoNetwork, pathway: int, part: str) -> str | None:
    """Return the name of ``conv`` or ``norm`` of the stem of a pathway."""
    if model.pathways is not None:
        return f"trunk.blocks.0.multipathway_blocks.{pathway}.{part}"
    return None if pathway else f"trunk.blocks.0.{part}"


def residual(
    model: VideoNetwork, stage: int, index: int, pathway: int, part: str, *, norm: bool = False
) -> str | None:
    """Return the name of a convolution of ``CONVOLUTIONS``, or of the batch norm after it."""
    place = place_name(model, stage, index, pathway)
    ours = (NORMS if norm else CONVOLUTIONS).get(part)
    return None if place is None or ours is None else f"trunk.{model.places[place].path}.{ours}"


def fusion(model: VideoNetwork, stage: int, part: str) -> str | None:
    """Return the name of ``conv_fast_to_slow`` or ``norm`` of the fusion after a stage."""
    if model.pathways is None:
        return None
    return f"trunk.blocks.{stage - 1}.multipathway_fusion.{part}"


def head(model: VideoNetwork) -> str:
    """Return the name of the classifying layer."""
    return f"trunk.{model.head}"


def block(model: VideoNetwork, stage: int, index: int, pathway: int, part: str) -> str | None:
    """Return the name of a part of ``BLOCK_PARTS`` of a non-local block."""
    place = place_name(model, stage, index, pathway)
    return None if place is None else f"{BLOCKS}{place}.{BLOCK_PARTS[part]}"
