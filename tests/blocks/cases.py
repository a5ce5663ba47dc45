"""The blocks under test: every kind with every option that changes what it computes.

`LOCAL` is what a user adds: a graph and one row, which conftest.py registers. It runs through the
same tests as the others.
"""

from functools import partial

import torch
from torch import Tensor, nn

from snl_video.blocks import Graph, NonLocalBlock, build_block
from snl_video.blocks.filters import PolynomialFilter

Case = tuple[str, dict]


class NextFrameGraph(Graph):
    """A position sees itself and the same place in the next frame, half and half."""

    def __init__(self, theta: Tensor, phi: Tensor, grid: tuple[int, int, int]) -> None:
        super().__init__(theta, theta.shape[1])
        self.frame = grid[1] * grid[2]
        self.weight = torch.sigmoid((theta * phi).sum(-1, keepdim=True))

    def propagate(self, z: Tensor) -> Tensor:
        return self.weight * z + (1 - self.weight) * z.roll(-self.frame, 1)


class NextFrameAffinity(nn.Module):
    def forward(self, theta: Tensor, phi: Tensor, grid: tuple[int, int, int]) -> NextFrameGraph:
        return NextFrameGraph(theta, phi, grid)


def next_frame(in_channels: int, inner_channels: int, **shared) -> NonLocalBlock:
    make_filter = partial(PolynomialFilter, powers=(0, 1))
    return NonLocalBlock(in_channels, inner_channels, NextFrameAffinity(), make_filter, **shared)


LOCAL: Case = ("next_frame", {})

CASES: list[Case] = [
    ("nl", {}),
    ("nl", {"scale": True, "num_units": 2}),
    ("nl", {"affinity": "gaussian"}),
    ("nl", {"affinity": "dot_product"}),
    ("nl", {"affinity": "concatenation"}),
    ("nl", {"pool": (1, 2, 2)}),
    ("nl", {"pool": (1, 2, 2), "pool_after": True}),
    ("nl", {"affinity": "gaussian", "pool": (1, 2, 2), "pool_after": True}),
    ("nl", {"affinity": "dot_product", "pool": (1, 2, 2)}),
    ("ns", {}),
    ("ns", {"num_units": 3}),
    ("a2", {}),
    ("a2", {"affinity": "softmax"}),
    ("cgnl", {}),
    ("cgnl", {"groups": 2, "gamma": 0.05, "taylor_order": 3}),
    ("cgnl", {"kernel": "dot_product", "groups": 4}),
    ("cc", {}),
    ("cc", {"recurrence": 2}),
    ("dnl", {}),
    ("dnl", {"whiten": False, "num_units": 2}),
    ("snl", {}),
    ("snl", {"num_units": 2}),
    ("snl", {"affinity": "embedded_gaussian", "scale": True}),
    ("snl", {"affinity": "softmax"}),
    ("snl", {"affinity": "mean"}),
    ("snl", {"pool_input": (1, 2, 2)}),
    ("snl", {"form": "matrix"}),
    ("snl", {"form": "low_rank"}),
    ("snl", {"form": "low_rank", "focus": 3}),
    ("snl", {"normalisation": "random_walk"}),
    ("snl", {"normalisation": "random_walk", "focus": 6, "form": "low_rank"}),
    ("gsnl", {"normalisation": "random_walk", "form": "matrix", "focus": 2, "num_units": 2}),
    ("gsnl", {"normalisation": "random_walk", "order": 4, "basis": "chebyshev"}),
    ("gsnl", {"form": "low_rank"}),
    ("gsnl", {"form": "matrix", "focus": 2}),
    ("gsnl", {"form": "matrix", "order": 4}),
    ("gsnl", {"form": "low_rank", "order": 5, "basis": "chebyshev", "num_units": 2}),
    ("gsnl", {"order": 1}),
    ("gsnl", {"affinity": "embedded_gaussian", "order": 3, "basis": "chebyshev"}),
    ("gsnl", {"order": 4, "basis": "chebyshev", "lambda_max": 1.5}),
    ("gsnl", {"form": "low_rank", "basis": "chebyshev", "lambda_max": 1.2}),
    ("nl", {"position": "sine"}),
    ("nl", {"position": "learned", "pool": (1, 2, 2), "position_grid": (4, 3, 2)}),
    ("cgnl", {"position": "learned"}),
    ("cc", {"position": "sine", "position_grid": (2, 2, 2)}),
    ("a2", {"position": "learned", "position_grid": (1, 1, 5)}),
    ("snl", {"position": "sine", "bias": True}),
    ("snl", {"position": "learned", "form": "low_rank", "position_grid": (4, 2, 5)}),
    ("gsnl", {"position": "learned", "num_units": 2, "pool_input": (1, 2, 2)}),
    LOCAL,
]
IDS = ["-".join([kind, *(f"{k}={v}" for k, v in options.items())]) for kind, options in CASES]


def make(case: Case, channels: int = 8, inner: int = 4) -> NonLocalBlock:
    """The block of a case, its gains and gammas no longer zero."""
    torch.manual_seed(sum(map(ord, str(case))))
    block = build_block(case[0], channels, inner, **case[1])
    with torch.no_grad():
        for name, p in block.named_parameters():
            if "norm" in name or "gain" in name or "position" in name:
                p.normal_(0.5, 0.3)
        for name, b in block.named_buffers():
            if "running_mean" in name:
                b.normal_()
            elif "running_var" in name:
                b.uniform_(0.5, 2.0)
    return block
