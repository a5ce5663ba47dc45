"""Softmax graphs: rows of positive weights that sum to one (Wang et al., CVPR 2018)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snl_video.blocks.graphs.graph import Graph
from snl_video.blocks.pointwise import Grid


class SoftmaxGraph(Graph):
    """A = softmax(scale * theta phi^T) over the keys, by `scaled_dot_product_attention`.

    O(N^2) time, O(N) memory. theta (B, N, C_s), phi (B, keys, C_s).
    """

    def __init__(self, theta: Tensor, phi: Tensor, scale: float = 1.0) -> None:
        super().__init__(theta, theta.shape[1], phi.shape[1])
        self.theta, self.phi, self.scale = theta, phi, scale

    def propagate(self, z: Tensor) -> Tensor:
        """A z: (B, keys, C) -> (B, N, C).

        The fast attention kernels want values as wide as the keys, so z goes in slices of C_s.
        """
        query, key = (t.contiguous()[:, None] for t in (self.theta, self.phi))
        width, channels = self.theta.shape[-1], z.shape[-1]
        if channels % width:
            z = F.pad(z, (0, width - channels % width))
        parts = [
            F.scaled_dot_product_attention(query, key, v.contiguous()[:, None], scale=self.scale)
            for v in z.split(width, dim=-1)
        ]
        out = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        return out[:, 0, :, :channels]

    def dense(self) -> Tensor:
        """The matrix A, (B, N, keys)."""
        return torch.softmax(self.scale * self.theta @ self.phi.transpose(1, 2), dim=-1)


class SoftmaxAffinity(nn.Module):
    """Makes the (embedded) Gaussian graph; `scale` divides the scores by sqrt(C_s).

    `whiten` takes the mean over positions from theta and phi first (Yin et al., ECCV 2020).
    """

    def __init__(self, *, scale: bool = False, whiten: bool = False) -> None:
        super().__init__()
        self.scale, self.whiten = scale, whiten

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> SoftmaxGraph:
        """theta (B, N, C_s), phi (B, keys, C_s) -> graph."""
        if self.whiten:
            theta = theta - theta.mean(1, keepdim=True)
            phi = phi - phi.mean(1, keepdim=True)
        return SoftmaxGraph(theta, phi, theta.shape[-1] ** -0.5 if self.scale else 1.0)
