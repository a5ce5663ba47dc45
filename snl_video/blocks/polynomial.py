"""Polynomials of an operator, sum_k B_k(A) z W_{k+1}, in the monomial or the Chebyshev basis."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from snl_video.blocks.pointwise import matrix_product

Basis = Literal["monomial", "chebyshev"]


def basis_terms(apply: Callable[[Any], Any], start: Any, order: int, basis: Basis) -> Iterator[Any]:
    """B_0 v, ..., B_{order-1} v of the operator `apply` and the vector v = `start`.

    "monomial": B_k = A^k. "chebyshev": B_k = T_k(L~) with L~ = 2 L / lambda_max - I = -A (as
    lambda_max = 2 and L = I - A): B_1 = -A, B_k = -2 A B_{k-1} - B_{k-2}.
    """
    previous = current = start
    for k in range(order):
        if k > 0:
            step = apply(current)
            if basis == "monomial":
                current = step
            else:
                previous, current = current, -step if k == 1 else -2.0 * step - previous
        yield current


def weighted_sum(
    propagate: Callable[[Tensor], Tensor], z: Tensor, weights: Mapping[int, Tensor], basis: Basis
) -> Tensor:
    """sum_k B_k(A) z W_k for weights {k: (out, C)} and z (B, keys, C) -> (B, N, out)."""
    y: Tensor | None = None
    for k, term in enumerate(basis_terms(propagate, z, max(weights) + 1, basis)):
        if k not in weights:
            continue
        columns = term.transpose(1, 2)
        if y is None:
            y = matrix_product(weights[k], columns)
        else:
            y = torch.baddbmm(y, weights[k].expand(y.shape[0], -1, -1), columns)
    assert y is not None
    return y.transpose(1, 2)


@dataclass
class Coordinates:
    """The signal c z + E s for fixed z (B, N, C) and E (B, N, R): c a number, s (B, R, C)."""

    c: float
    s: Tensor

    def __neg__(self) -> "Coordinates":
        return Coordinates(-self.c, -self.s)

    def __rmul__(self, factor: float) -> "Coordinates":
        return Coordinates(factor * self.c, factor * self.s)

    def __sub__(self, other: "Coordinates") -> "Coordinates":
        return Coordinates(self.c - other.c, self.s - other.s)


def factored_sum(
    factors: Tensor, core: Tensor, z: Tensor, weights: Mapping[int, Tensor], basis: Basis
) -> Tensor:
    """`weighted_sum` for A = E J E^T with E = `factors` (B, N, R), J E^T E = `core` (B, R, R).

    J exchanges the halves of R and divides by 2. All powers stay in the span of z and E, so only
    s_1 = J E^T z and the last product touch the N positions: a further order costs R^2 C, whatever
    N is. z (B, N, C) -> (B, N, out).
    """
    first = exchange_halves(torch.bmm(factors.transpose(1, 2), z)) / 2

    def apply(v: Coordinates) -> Coordinates:
        return Coordinates(0.0, v.c * first + core @ v.s)

    start = Coordinates(1.0, torch.zeros_like(first))
    direct: Tensor | None = None
    mixed = torch.zeros(())
    for k, term in enumerate(basis_terms(apply, start, max(weights) + 1, basis)):
        if k in weights:
            mixed = mixed.to(first) + weights[k] @ term.s.transpose(1, 2)
            if term.c:
                part = term.c * weights[k]
                direct = part if direct is None else direct + part
    y = torch.bmm(mixed, factors.transpose(1, 2))
    if direct is not None:
        y = torch.baddbmm(y, direct.expand(y.shape[0], -1, -1), z.transpose(1, 2))
    return y.transpose(1, 2)


def exchange_halves(v: Tensor) -> Tensor:
    """(B, R, C) with the first and the second half of R exchanged."""
    first, second = v.chunk(2, dim=1)
    return torch.cat([second, first], dim=1)
