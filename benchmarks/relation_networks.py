"""The rows of the table on relations: no block, controls, and every kind of block."""

from __future__ import annotations

from typing import Any

from torch import nn

from snl_video.models import VideoNetwork, build_network

WIDTH = 8
HIDDEN = 64
"""Units of the hidden layer of the MLP head."""

KINDS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "snl": {"kind": "snl"},
    "nl": {"kind": "nl"},
    "snl focus 3": {"kind": "snl", "options": {"focus": 3}},
    "snl walk": {"kind": "snl", "options": {"normalisation": "random_walk", "focus": 4}},
    "order 1": {"kind": "gsnl", "options": {"order": 1}},
    "MLP head": None,
    "mean graph": {"kind": "snl", "options": {"affinity": "mean"}},
    "gsnl K=3": {"kind": "gsnl", "options": {"order": 3}},
    "ns": {"kind": "ns"},
    "a2": {"kind": "a2"},
    "cgnl": {"kind": "cgnl"},
    "cc": {"kind": "cc"},
    "dnl": {"kind": "dnl"},
}
"""Row -> the block that is inserted; the rows that tell most come first."""

VARIANTS: dict[str, dict[str, Any] | None] = {
    "snl gaussian": {"kind": "snl", "options": {"affinity": "embedded_gaussian"}},
    "snl gain 0.1": {"kind": "snl", "options": {"gain": 0.1}},
    "snl C_s = C": {"kind": "snl", "inner_channels": 8 * WIDTH},
    "snl two units": {"kind": "snl", "num_units": 2},
    "snl rate x 5": {"kind": "snl"},
}
"""Further rows of `snl` that differ from its default in one thing, for one question."""

WITH_POSITION: dict[str, dict[str, Any] | None] = {
    "snl sine": {"kind": "snl", "options": {"position": "sine"}},
    "nl sine": {"kind": "nl", "options": {"position": "sine"}},
    "snl focus 3 sine": {"kind": "snl", "options": {"focus": 3, "position": "sine"}},
}
"""Rows whose theta and phi see where a position lies, for the question of order."""

BLOCK_OF = {**KINDS, **VARIANTS, **WITH_POSITION}

BLOCK_RATE = {"snl rate x 5": 5.0}
"""Row -> learning rate of the block, as a multiple of that of the other layers; 1 elsewhere."""


def build_row(row: str, backbone: str, num_classes: int, place: str) -> VideoNetwork:
    """The network of a row, with random weights; the block, if any, comes after `place`."""
    block = BLOCK_OF[row]
    network = build_network(
        backbone,
        num_classes,
        width=WIDTH,
        dropout=0.0,
        non_local=block and {**block, "places": [place]},
    )
    if row == "MLP head":
        parent, _, name = network.head.rpartition(".")
        linear = network.trunk.get_submodule(network.head)
        assert isinstance(linear, nn.Linear)
        hidden = nn.Linear(linear.in_features, HIDDEN)
        head = nn.Sequential(hidden, nn.ReLU(), nn.Linear(HIDDEN, num_classes))
        setattr(network.trunk.get_submodule(parent), name, head)
    return network
