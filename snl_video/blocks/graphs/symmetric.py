"""The graph of SNL: symmetric, normalised, exactly of rank 2 C_s."""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from snl_video.blocks.graphs.graph import Form, LowRankGraph, at_least_float32, full_precision
from snl_video.blocks.pointwise import Grid
from snl_video.blocks.polynomial import Basis, exchange_halves, factored_sum


class SymmetricGraph(LowRankGraph):
    """A = D^-1/2 (M + M^T)/2 D^-1/2 with M = t p^T, t and p (B, N, C_s) not negative.

    Zhu et al., ICCV 2021, eq. (13). Exact algebra: with t' = D^-1/2 t and p' = D^-1/2 p,
    A z = (t' (p'^T z) + p' (t'^T z)) / 2 in O(N C_s C_z), and d = (t (p^T 1) + p (t^T 1)) / 2.
    A vertex of zero degree has A z = 0. A does not change when t or p is scaled, so both are
    scaled by their largest value first: no feature is too large or too small for the sums. With a
    `focus` above 1, t and p stand for their elementwise powers.
    """

    symmetric = True

    def __init__(
        self, t: Tensor, p: Tensor, form: Form = "auto", uses: int = 1, focus: int = 1
    ) -> None:
        with full_precision(t):
            t, t_scale = unit_range(at_least_float32(t))
            p, p_scale = unit_range(at_least_float32(p))
            if focus > 1:
                t, p, t_scale, p_scale = (part**focus for part in (t, p, t_scale, p_scale))
            degree = (t @ p.sum(1, keepdim=True).mT + p @ t.sum(1, keepdim=True).mT) / 2
            scale = inverse_root(degree)
            super().__init__(t * scale, p * scale, form, uses)
        self._factors: tuple[Tensor, Tensor] | None = None
        self._degree = (degree * t_scale * p_scale)[..., 0]

    def degree(self) -> Tensor:
        """d = (M + M^T)/2 1, (B, N): the row sums before normalisation."""
        return self._degree

    def polynomial(self, z: Tensor, weights: Mapping[int, Tensor], basis: Basis) -> Tensor:
        """sum_k B_k(A) z W_k: from order 3 on by `factored_sum`, where it is the cheaper form."""
        order = max(weights) + 1
        out = next(iter(weights.values())).shape[0]
        if order < 3 or not self._factors_polynomial(z.shape[-1], out, order):
            return super().polynomial(z, weights, basis)
        with full_precision(z):
            factors, core = self._core()
            wide = {k: at_least_float32(weight) for k, weight in weights.items()}
            return factored_sum(factors, core, at_least_float32(z), wide, basis).to(z.dtype)

    def _core(self) -> tuple[Tensor, Tensor]:
        if self._factors is None:
            factors = torch.cat([self.left, self.right], dim=-1)
            gram = torch.bmm(factors.transpose(1, 2), factors)
            self._factors = factors, exchange_halves(gram) / 2
        return self._factors

    def _factors_polynomial(self, channels: int, out: int, order: int) -> bool:
        return self.form != "matrix" and (
            self.form == "low_rank"
            or torch.compiler.is_exporting()
            or factored_is_cheaper(
                self.queries,
                self.left.shape[-1],
                channels,
                out,
                order,
                units=max(self.uses // (order - 1), 1),
            )
        )

    def _low_rank(self, z: Tensor) -> Tensor:
        zt, left, right = z.transpose(1, 2), self.left.to(z.dtype), self.right.to(z.dtype)
        by_left = torch.bmm(zt, left) / 2
        by_right = torch.bmm(zt, right) / 2
        out = torch.bmm(by_right, left.transpose(1, 2))
        return torch.baddbmm(out, by_left, right.transpose(1, 2)).transpose(1, 2)

    def _make_dense(self) -> Tensor:
        m = super()._make_dense()
        return (m + m.transpose(1, 2)) / 2

    def _rank(self) -> int:
        return 2 * self.left.shape[-1]


class MakesGraph(Protocol):
    """A class of graphs made as `SymmetricGraph` is."""

    def __call__(
        self, t: Tensor, p: Tensor, form: Form = "auto", uses: int = 1, focus: int = 1
    ) -> LowRankGraph:
        """t, p (B, N, C_s), not negative -> graph."""
        ...


class ReluAffinity(nn.Module):
    """Makes the graph of M = relu(theta)^focus relu(phi)^focus^T, symmetrised and normalised."""

    def __init__(
        self,
        graph: MakesGraph = SymmetricGraph,
        form: Form = "auto",
        uses: int = 1,
        focus: int = 1,
    ) -> None:
        super().__init__()
        self.graph, self.form, self.uses, self.focus = graph, form, uses, focus

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> LowRankGraph:
        """theta, phi (B, N, C_s) -> graph of N vertices."""
        return self.graph(theta.relu(), phi.relu(), self.form, self.uses, self.focus)


def factored_is_cheaper(
    n: int, inner: int, channels: int, out: int, order: int, *, units: int = 1
) -> bool:
    """Whether `factored_sum` of `units` filters takes fewer multiplications than a stored A.

    Factored: N R^2 for E^T E from order 3 on, then a filter N R (channels + out) +
    (order - 2) R^2 channels + (order - 1) R channels out, with R = 2 inner. Stored: N^2 inner for
    A, then a filter (order - 1) (N^2 channels + N channels out).
    """
    rank = 2 * inner
    gram = n * rank * rank if order > 2 else 0
    small = (order - 2) * rank * rank * channels + (order - 1) * rank * channels * out
    factored = gram + units * (n * rank * (channels + out) + small)
    stored = n * n * inner + units * (order - 1) * (n * n * channels + n * channels * out)
    return factored <= stored


def unit_range(t: Tensor) -> tuple[Tensor, Tensor]:
    """t (B, N, C) >= 0 divided by its largest value, and that value (B, 1, 1), a constant."""
    top = t.detach().amax((1, 2), keepdim=True)
    top = torch.where(top > 0, top, torch.ones_like(top))
    return t / top, top


def inverse_root(degree: Tensor) -> Tensor:
    """degree^-1/2, and 0 with gradient 0 where degree is 0 or no normal number.

    Not by `rsqrt`, whose gradient has degree^-3/2 as a factor of its own, which overflows early.
    """
    positive = degree > torch.finfo(degree.dtype).tiny
    return torch.where(positive, torch.where(positive, degree, 1.0).sqrt().reciprocal(), 0.0)
