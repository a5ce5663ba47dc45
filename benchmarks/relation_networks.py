"""The rows of the table on relations: no block, controls, and every kind of block."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from snl_video.blocks.graphs.graph import LowRankGraph
from snl_video.blocks.pointwise import Grid
from snl_video.blocks.unit import Unit
from snl_video.models import VideoNetwork, build_network, inserted_blocks

WIDTH = 8
HIDDEN = 64
"""Units of the hidden layer of the MLP head."""

GAIN = 0.1
"""Of the block's last norm at the start, in the row that is named after it; 0 in the others."""

BLOCK_OF: dict[str, dict[str, Any] | None] = {
    "none": None,
    "snl": {"kind": "snl"},
    "nl": {"kind": "nl"},
    "order 1": {"kind": "gsnl", "options": {"order": 1}},
    "MLP head": None,
    "mean graph": {"kind": "snl"},
    "gsnl K=3": {"kind": "gsnl", "options": {"order": 3}},
    "ns": {"kind": "ns"},
    "a2": {"kind": "a2"},
    "cgnl": {"kind": "cgnl"},
    "cc": {"kind": "cc"},
    "dnl": {"kind": "dnl"},
    "snl gain 0.1": {"kind": "snl"},
}
"""Row -> the block that is inserted; the rows that tell most come first."""


class MeanAffinity(nn.Module):
    """A = 1 1^T / N: every position sees the mean of all, whatever they show."""

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> LowRankGraph:
        """theta (B, N, C) -> graph of N vertices."""
        ones = torch.ones_like(theta[..., :1])
        return LowRankGraph(ones / theta.shape[1], ones)


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
    if row == "mean graph":
        for inserted in inserted_blocks(network).values():
            inserted.affinity, inserted.theta, inserted.phi = MeanAffinity(), None, None
    if row == "snl gain 0.1":
        for module in network.modules():
            if isinstance(module, Unit):
                nn.init.constant_(module.norm.get_parameter("weight"), GAIN)
    if row == "MLP head":
        parent, _, name = network.head.rpartition(".")
        linear = network.trunk.get_submodule(network.head)
        assert isinstance(linear, nn.Linear)
        hidden = nn.Linear(linear.in_features, HIDDEN)
        head = nn.Sequential(hidden, nn.ReLU(), nn.Linear(HIDDEN, num_classes))
        setattr(network.trunk.get_submodule(parent), name, head)
    return network
