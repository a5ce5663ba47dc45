"""Graphs that are a product of two thin factors: dot product, double attention, concatenation."""

import torch
from torch import Tensor, nn

from snl_video.blocks.graphs.graph import (
    Form,
    Graph,
    LowRankGraph,
    at_least_float32,
    full_precision,
)
from snl_video.blocks.pointwise import Grid, Pointwise


class DotProductAffinity(nn.Module):
    """Makes A = theta phi^T / keys (Wang et al., CVPR 2018, eq. 4)."""

    def __init__(self, *, form: Form = "auto", uses: int = 1) -> None:
        super().__init__()
        self.form, self.uses = form, uses

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> LowRankGraph:
        """theta (B, N, C_s), phi (B, keys, C_s) -> graph."""
        return LowRankGraph(theta, phi / phi.shape[1], self.form, self.uses)


class DoubleAttentionAffinity(nn.Module):
    """Makes the graph of the A2 block (Chen et al., NeurIPS 2018).

    `softmax`: the original, features gathered by softmax of phi over the keys and distributed
    by softmax of theta over the channels. Otherwise relu(theta) relu(phi)^T, not normalised, as in
    the code of Zhu et al.
    """

    def __init__(self, *, softmax: bool = False, form: Form = "auto", uses: int = 1) -> None:
        super().__init__()
        self.softmax, self.form, self.uses = softmax, form, uses

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> LowRankGraph:
        """theta (B, N, C_s), phi (B, keys, C_s) -> graph."""
        if self.softmax:
            return LowRankGraph(theta.softmax(2), phi.softmax(1), self.form, self.uses)
        return LowRankGraph(theta.relu(), phi.relu(), self.form, self.uses)


class ConcatenationGraph(Graph):
    """A_ij = relu(a_i + b_j) / keys, a (B, N), b (B, keys), in O(N log N + N C).

    For given i the terms that the ReLU keeps are those with b_j > -a_i: with b sorted they are a
    suffix, so A z is read from two suffix sums, of z and of b z.
    """

    def __init__(self, a: Tensor, b: Tensor) -> None:
        super().__init__(a, a.shape[1], b.shape[1])
        self.a, self.b = a, b

    def propagate(self, z: Tensor) -> Tensor:
        """A z: (B, keys, C) -> (B, N, C)."""
        with full_precision(z):
            a, b, wide = (at_least_float32(t) for t in (self.a, self.b, z))
            b, order = b.sort(dim=1)
            wide = _take(wide, order)
            first = torch.searchsorted(b.detach(), -a.detach(), right=True)
            sums = (_take(suffix_sums(v), first) for v in (wide, b[..., None] * wide))
            plain, weighted = sums
            return ((a[..., None] * plain + weighted) / self.keys).to(z.dtype)


class ConcatenationAffinity(nn.Module):
    """Makes the graph of relu(w^T [theta_i, phi_j]) / keys (Wang et al., CVPR 2018, eq. 5)."""

    def __init__(self, inner_channels: int) -> None:
        super().__init__()
        self.w = Pointwise(2 * inner_channels, 1)

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> ConcatenationGraph:
        """theta (B, N, C_s), phi (B, keys, C_s) -> graph."""
        for_theta, for_phi = self.w.weight.flatten().chunk(2)
        return ConcatenationGraph(theta @ for_theta, phi @ for_phi)


def suffix_sums(v: Tensor) -> Tensor:
    """(B, M, C) -> (B, M + 1, C): row k is the sum of v from row k on, the last row is 0."""
    sums = v.flip(1).cumsum(1).flip(1)
    return torch.cat([sums, torch.zeros_like(v[:, :1])], dim=1)


def _take(v: Tensor, index: Tensor) -> Tensor:
    return v.gather(1, index[..., None].expand(-1, -1, v.shape[-1]))
