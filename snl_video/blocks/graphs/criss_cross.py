"""The criss-cross graph: a position sees those that share two of its three coordinates."""

import torch
from torch import Tensor, nn

from snl_video.blocks.graphs.graph import Graph, at_least_float32, full_precision
from snl_video.blocks.pointwise import Grid, feature_map, tokens

LINES = (
    ("bcthw,bcshw->bthws", "bthws,bcshw->bcthw"),
    ("bcthw,bctsw->bthws", "bthws,bctsw->bcthw"),
    ("bcthw,bcths->bthws", "bthws,bcths->bcthw"),
)


class CrissCrossGraph(Graph):
    """One softmax of theta phi^T over the T + H + W - 2 positions of the cross of a position.

    Huang et al., CCNet, ICCV 2019, for three axes; the centre, where all lines meet, counts once
    (only the line along W keeps it), so T = 1 gives the two-dimensional block.
    O(N (T + H + W)) time and memory. theta, phi (B, N, C_s). Scores are float32 or wider: float16
    ends at 65504.
    """

    def __init__(self, theta: Tensor, phi: Tensor, grid: Grid) -> None:
        super().__init__(theta, theta.shape[1])
        self.grid = grid
        with full_precision(theta):
            query, key = (feature_map(at_least_float32(t), grid) for t in (theta, phi))
            scores = [torch.einsum(score, query, key) for score, _ in LINES]
        for axis in (0, 1):
            scores[axis] = scores[axis].masked_fill(self._centre(axis), -torch.inf)
        self.weights = torch.cat(scores, dim=-1).softmax(-1).split(list(grid), dim=-1)

    def propagate(self, z: Tensor) -> Tensor:
        """A z: (B, N, C) -> (B, N, C)."""
        v = feature_map(z, self.grid)
        line_t, line_h, line_w = (
            torch.einsum(gather, weight.to(v.dtype), v)
            for (_, gather), weight in zip(LINES, self.weights, strict=True)
        )
        return tokens(line_t + line_h + line_w)

    def _centre(self, axis: int) -> Tensor:
        length = self.grid[axis]
        eye = torch.eye(length, dtype=torch.bool, device=self.like.device)
        shape = [1, 1, 1, length]
        shape[axis] = length
        return eye.view(shape)


class CrissCrossAffinity(nn.Module):
    """Makes the criss-cross graph."""

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> CrissCrossGraph:
        """theta, phi (B, N, C_s) with N = T * H * W -> graph."""
        return CrissCrossGraph(theta, phi, grid)
