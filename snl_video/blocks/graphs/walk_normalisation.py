"""The normalisation of `RandomWalkGraph` in place, and its gradient."""

from typing import NamedTuple

import torch
from torch import Tensor

from snl_video.blocks.graphs.graph import at_least_float32
from snl_video.blocks.polynomial import exchange_halves


class WalkNormalised(NamedTuple):
    """What the gradient needs beside the factors E, for A = E J E'^T with E' = E mass.

    Degrees of the rows and what a vertex gives (`mass`), both (B, 1, N); the largest value of each
    vertex (B, 1, N) and of each half (B, 2, 1, 1); sums over the vertices (B, 2 C_s, 1).
    """

    degree: Tensor
    mass: Tensor
    row_top: Tensor
    sums: Tensor
    top: Tensor

    def given(self, factors: Tensor) -> Tensor:
        """E' (B, 2 C_s, N)."""
        return factors * self.mass.to(factors.dtype)

    def backward_(self, of_rows: Tensor, of_given: Tensor, factors: Tensor, focus: int) -> None:
        """Turn the gradient `of_rows` of E, with that of E', into that of [theta; phi].

        With u the rows, each divided by its largest value m, and w the exchanged sums of E':
        E = u / d, d = u w / 2, so grad u = (grad E - (grad E . E) w / 2) / d, and grad w =
        -sum (grad E . E) E / 2. The inner values v have u = (v / m)^focus and E' = v^focus; m and
        the largest value of a half are constants, since A does not depend on them.
        """
        wide, given, f = (at_least_float32(part) for part in (of_rows, of_given, factors))
        along = (wide * f).sum(1, keepdim=True)
        inverse = torch.where(self.degree > 0, self.degree, 1.0).reciprocal()
        weights = exchange_halves(self.sums) / 2
        of_sums = exchange_halves(torch.bmm(f, along.mT)) / -2
        of_values = (wide - weights * along) * (inverse / self.row_top)
        of_values += (given + of_sums) * self.row_top ** (focus - 1)
        if focus > 1:
            of_values *= (f * self.degree).pow_(1 - 1 / focus).mul_(focus)
        of_values.unflatten(1, (2, -1)).div_(self.top)
        torch.ops.aten.threshold_backward.grad_input(of_values, f, 0, grad_input=of_values)
        of_rows.copy_(of_values)


def normalise_walk_(factors: Tensor, focus: int = 1) -> WalkNormalised:
    """Turn [theta; phi] (B, 2 C_s, N) into D^-1 [relu(theta); relu(phi)], in float32 or wider.

    As in `RandomWalkGraph`: halves are divided by their largest values, then each vertex by its
    own, and taken to the power of `focus`. A vertex of zero degree becomes 0.
    """
    wide = at_least_float32(factors).relu_()
    halves = wide.unflatten(1, (2, -1))
    top = halves.amax((2, 3), keepdim=True)
    top = torch.where(top > 0, top, 1.0)
    halves.div_(top)
    sums = wide.pow(focus).sum(2, keepdim=True)
    row_top = wide.amax(1, keepdim=True)
    row_top = torch.where(row_top > 0, row_top, 1.0)
    wide.div_(row_top).pow_(focus)
    degree = torch.bmm(exchange_halves(sums).mT / 2, wide)
    positive = degree > torch.finfo(degree.dtype).tiny
    degree = torch.where(positive, degree, 0.0)
    wide.mul_(torch.where(positive, degree.reciprocal(), 0.0))
    if wide is not factors:
        factors.copy_(wide)
    return WalkNormalised(degree, degree * row_top**focus, row_top, sums, top)
