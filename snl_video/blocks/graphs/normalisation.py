"""The degree normalisation of `SymmetricGraph` in place, and its gradient."""

from typing import NamedTuple

import torch
from torch import Tensor

from snl_video.blocks.graphs.graph import at_least_float32
from snl_video.blocks.graphs.symmetric import inverse_root
from snl_video.blocks.polynomial import exchange_halves


class Normalised(NamedTuple):
    """What the gradient needs beside the factors E, for A = E J E^T.

    Degrees (B, 1, N), sums over the vertices (B, 2 C_s, 1), largest values (B, 2, 1, 1).
    """

    degree: Tensor
    sums: Tensor
    top: Tensor

    def given(self, factors: Tensor) -> Tensor:
        """E (B, 2 C_s, N) itself."""
        return factors

    def backward_(self, gradient: Tensor, of_given: Tensor, factors: Tensor, focus: int) -> None:
        """Turn the `gradient` of E, which is `of_given` too, into that of [theta; phi].

        With f = d^-1/2 t, for each vertex: grad t = d^-1/2 grad f + (grad d) (dd/dt), where grad d
        = -(grad f . f) / (2 d), and d depends on t at the vertex itself and through the sum over
        all. Where t is u^focus, grad u = focus t^(1 - 1 / focus) grad t.
        """
        degree, sums, top = self
        wide, f = at_least_float32(gradient), at_least_float32(factors)
        scale = inverse_root(degree)
        of_degree = (wide * f).sum(1, keepdim=True) * scale.square() / -2
        of_sums = exchange_halves(torch.bmm(f, (of_degree * degree.sqrt()).mT)) / 2
        wide.unflatten(1, (2, -1)).mul_(scale[:, None] / top)
        columns = torch.cat([exchange_halves(sums) / 2, of_sums], dim=2)
        wide.baddbmm_(
            (columns.unflatten(1, (2, -1)) / top).flatten(1, 2),
            torch.cat([of_degree, torch.ones_like(of_degree)], dim=1),
        )
        if focus > 1:
            wide.mul_((f * degree.sqrt()).pow_(1 - 1 / focus).mul_(focus))
        torch.ops.aten.threshold_backward.grad_input(wide, f, 0, grad_input=wide)
        if wide is not gradient:
            gradient.copy_(wide)


def normalise_(factors: Tensor, focus: int = 1) -> Normalised:
    """Turn [theta; phi] (B, 2 C_s, N) into D^-1/2 [relu(theta); relu(phi)], in float32 or wider.

    As in `SymmetricGraph`, whose graph has these factors, both are first divided by their largest
    values and taken to the power of `focus`; degrees and sums are of what results.
    """
    wide = at_least_float32(factors).relu_()
    halves = wide.unflatten(1, (2, -1))
    top = halves.amax((2, 3), keepdim=True)
    top = torch.where(top > 0, top, 1.0)
    halves.div_(top)
    if focus > 1:
        wide.pow_(focus)
    sums = wide.sum(2, keepdim=True)
    degree = torch.bmm(exchange_halves(sums).mT / 2, wide)
    wide.mul_(inverse_root(degree))
    if wide is not factors:
        factors.copy_(wide)
    return Normalised(degree, sums, top)
