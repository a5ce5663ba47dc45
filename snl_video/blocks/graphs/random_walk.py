"""The kernel of SNL with rows that sum to one: a random walk, of rank 2 C_s as SNL's graph."""

import torch
from torch import Tensor

from snl_video.blocks.graphs.graph import Form, LowRankGraph, at_least_float32, full_precision
from snl_video.blocks.graphs.symmetric import SymmetricGraph, inverse_root, unit_range


class RandomWalkGraph(LowRankGraph):
    """A = D^-1 (M + M^T)/2 with M = t p^T, t and p (B, N, C_s) not negative, D its row sums.

    A is similar to the A of `SymmetricGraph`, A = D^-1/2 S D^1/2 (Chung, "Spectral Graph Theory",
    1997, section 1.5): its eigenvalues are those of S, real and in [-1, 1]. It isn't symmetric.
    What a position gives is not divided by the root of its own degree, so all others can listen to
    it. A vertex of zero degree has A z = 0.

    A row does not change when t and p of its vertex are scaled together, nor A when all t or all p
    are: the factors of both sides are scaled by their largest values first. With a `focus` above 1,
    t and p stand for their elementwise powers.
    """

    def __init__(
        self, t: Tensor, p: Tensor, form: Form = "auto", uses: int = 1, focus: int = 1
    ) -> None:
        with full_precision(t):
            t, t_scale = unit_range(at_least_float32(t))
            p, p_scale = unit_range(at_least_float32(p))
            rows = torch.cat([t, p], dim=-1)
            top = rows.detach().amax(-1, keepdim=True)
            rows = rows / torch.where(top > 0, top, 1.0)
            given = torch.cat([p, t], dim=-1)
            if focus > 1:
                rows, given, top = rows**focus, given**focus, top**focus
                t_scale, p_scale = t_scale**focus, p_scale**focus
            degree = rows @ given.sum(1, keepdim=True).mT
            root = inverse_root(degree)
            super().__init__(rows * root * root, given, form, uses)
        self._degree = (degree * top * t_scale * p_scale / 2)[..., 0]

    @property
    def degree_of_kernel(self) -> bool:
        """True, as of `SymmetricGraph`."""
        return True

    def degree(self) -> Tensor:
        """d = (M + M^T)/2 1, (B, N): the row sums before normalisation."""
        return self._degree

    def similar(self) -> SymmetricGraph:
        """The symmetric graph of the same kernel, which has the same eigenvalues."""
        p, t = self.right.chunk(2, dim=-1)
        return SymmetricGraph(t, p, self.form, self.uses)
