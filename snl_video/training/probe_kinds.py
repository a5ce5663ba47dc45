"""What a probe can be made of: every kind of block, no block, and controls."""

from typing import Any

from snl_video.blocks import BLOCKS
from snl_video.errors import InputError
from snl_video.models.probe_network import ProbeHeadSpec
from snl_video.training.probe_fit import ProbeFitSettings
from snl_video.wording import unknown_name

CONTROLS = ("none", "order_1", "mlp", "mean_graph")
"""No block; the block without its graph, F = Z W_1; a further layer before the last one; and the
block of snl with A = 1 1^T / N."""

VARIANTS: dict[str, dict[str, Any]] = {
    "snl_focus": {"kind": "snl", "focus": 3},
    "snl_walk": {"kind": "snl", "normalisation": "random_walk", "focus": 4},
}
"""Blocks of snl with other options, as the overlays of these names in `configs/blocks`."""


def probe_head_spec(kind: str, settings: ProbeFitSettings) -> ProbeHeadSpec:
    """Return the head of a kind of block or control.

    Raises:
        InputError: there is no such kind.
    """
    known = [*CONTROLS, *BLOCKS, *VARIANTS]
    if kind not in known:
        raise InputError(unknown_name("kind", kind, known))
    special: dict[str, dict[str, Any]] = {
        "order_1": {"kind": "gsnl", "order": 1},
        "mean_graph": {"kind": "snl", "affinity": "mean"},
        **VARIANTS,
    }
    block = None
    if kind not in ("none", "mlp"):
        block = {**special.get(kind, {"kind": kind}), "inner_channels": settings.inner_channels}
    return ProbeHeadSpec(
        block=block,
        channels=settings.channels,
        hidden=settings.channels if kind == "mlp" else 0,
        dropout=settings.dropout,
    )
