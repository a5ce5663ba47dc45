"""The compact generalised graph: every channel of every position is a vertex.

Yue et al., "Compact Generalized Non-local Network", NeurIPS 2018.
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from snl_video.blocks.graphs.graph import Graph, at_least_float32, full_precision
from snl_video.blocks.pointwise import Grid


class CompactGraph(Graph):
    """A_uv = sum_k c_k t_u^k p_v^k between the N C_s / groups vertices of a channel group.

    t, p (B, N, C_s). The vertices are numbered channel by channel, v = channel * N + position, and
    vertices of different groups are not connected. A z costs O(N C_s) per coefficient.
    """

    def __init__(self, t: Tensor, p: Tensor, coefficients: Sequence[float], groups: int) -> None:
        super().__init__(t, t.shape[1] * t.shape[2])
        self.t, self.p = (v.transpose(1, 2).reshape(v.shape[0] * groups, -1) for v in (t, p))
        self.coefficients, self.groups = tuple(coefficients), groups

    def propagate(self, z: Tensor) -> Tensor:
        """A z: (B, N * C_s, C) -> (B, N * C_s, C)."""
        with full_precision(z):
            t, p = at_least_float32(self.t), at_least_float32(self.p)
            v = at_least_float32(z).reshape(t.shape[0], t.shape[1], -1)
            moments = []
            for c in self.coefficients:
                moments.append(c * v.sum(1, keepdim=True))
                v = v * p[..., None]
            out = moments[-1]
            for moment in reversed(moments[:-1]):
                out = out * t[..., None] + moment
            return out.expand_as(v).reshape(z.shape).to(z.dtype)


class CompactAffinity(nn.Module):
    """Makes the graph of the dot product t p, or of the Gaussian kernel as a Taylor series.

    exp(-gamma |t - p|^2) = exp(-gamma (t^2 + p^2)) sum_k (2 gamma)^k / k! (t p)^k, cut after
    `taylor_order` and with t^2 + p^2 = 2 (unit features), as the authors do.
    """

    def __init__(
        self, *, gaussian: bool = True, taylor_order: int = 2, gamma: float = 1e-4, groups: int = 1
    ) -> None:
        super().__init__()
        self.groups = groups
        self.coefficients: tuple[float, ...] = (0.0, 1.0)
        if gaussian:
            self.coefficients = tuple(
                math.exp(-2 * gamma) * (2 * gamma) ** k / math.factorial(k)
                for k in range(taylor_order + 1)
            )

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> CompactGraph:
        """theta, phi (B, N, C_s) -> graph of N * C_s vertices."""
        return CompactGraph(theta, phi, self.coefficients, self.groups)
