"""Row-normalised graphs: softmax attention and its relatives (Wang et al., CVPR 2018)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snl_video.blocks.graphs import Form, Graph, LowRankGraph


class SoftmaxGraph(Graph):
    """A = softmax(scale * theta phi^T) over the keys, by `scaled_dot_product_attention`.

    O(N^2) time, O(N) memory. theta (B, N, C_s), phi (B, keys, C_s).
    """

    def __init__(self, theta: Tensor, phi: Tensor, scale: float = 1.0) -> None:
        super().__init__(theta, theta.shape[1], phi.shape[1])
        self.theta, self.phi, self.scale = theta, phi, scale

    def propagate(self, z: Tensor) -> Tensor:
        """A z: (B, keys, C) -> (B, N, C)."""
        query, key, value = (t.contiguous()[:, None] for t in (self.theta, self.phi, z))
        return F.scaled_dot_product_attention(query, key, value, scale=self.scale)[:, 0]

    def dense(self) -> Tensor:
        """The matrix A, (B, N, keys)."""
        return torch.softmax(self.scale * self.theta @ self.phi.transpose(1, 2), dim=-1)


class Softmax(nn.Module):
    """Makes the embedded Gaussian graph; `scale` divides the scores by sqrt(C_s)."""

    def __init__(self, scale: bool = False) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, theta: Tensor, phi: Tensor, grid: tuple[int, int, int]) -> SoftmaxGraph:
        """theta (B, N, C_s), phi (B, keys, C_s) -> graph."""
        return SoftmaxGraph(theta, phi, theta.shape[-1] ** -0.5 if self.scale else 1.0)


class DotProduct(nn.Module):
    """Makes A = theta phi^T / keys, of rank C_s."""

    def __init__(self, form: Form = "auto", uses: int = 1) -> None:
        super().__init__()
        self.form, self.uses = form, uses

    def forward(self, theta: Tensor, phi: Tensor, grid: tuple[int, int, int]) -> LowRankGraph:
        """theta (B, N, C_s), phi (B, keys, C_s) -> graph."""
        return LowRankGraph(theta, phi / phi.shape[1], self.form, self.uses)
