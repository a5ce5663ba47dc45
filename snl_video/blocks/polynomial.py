"""Polynomials of an operator, sum_k B_k(A) z W_{k+1}, in the monomial or the Chebyshev basis."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from snl_video.blocks.pointwise import matrix_product


class Basis(Protocol):
    """The polynomials B_0, B_1, ... of which a filter is a weighted sum."""

    def terms(self, apply: Callable[[Any], Any], start: Any, order: int) -> Iterator[Any]:
        """B_0 v, ..., B_{order-1} v of the operator `apply`, v -> A v, and the vector `start`."""
        ...


@dataclass(frozen=True)
class Monomial:
    """B_k = A^k."""

    def terms(self, apply: Callable[[Any], Any], start: Any, order: int) -> Iterator[Any]:
        """See `Basis`."""
        for k in range(order):
            start = apply(start) if k else start
            yield start


MONOMIAL = Monomial()


@dataclass(frozen=True)
class Chebyshev:
    """B_k = T_k(L~) with L~ = 2 L / lambda_max - I and L = I - A (Zhu et al., ICCV 2021).

    T_0 = I, T_1 = L~, T_k = 2 L~ T_{k-1} - T_{k-2}. `lambda_max` stands for the largest eigenvalue
    of L; 2 is its bound, with which L~ = -A.
    """

    lambda_max: float = 2.0

    def terms(self, apply: Callable[[Any], Any], start: Any, order: int) -> Iterator[Any]:
        """See `Basis`."""
        previous = current = start
        for k in range(order):
            if k == 1:
                current = self._rescaled_laplacian(apply, start)
            elif k > 1:
                step = 2.0 * self._rescaled_laplacian(apply, current)
                previous, current = current, step - previous
            yield current

    def _rescaled_laplacian(self, apply: Callable[[Any], Any], v: Any) -> Any:
        ratio = 2 / self.lambda_max
        of_graph = -ratio * apply(v)
        return of_graph if ratio == 1 else of_graph - (1 - ratio) * v


def weighted_sum(
    propagate: Callable[[Tensor], Tensor], z: Tensor, weights: Mapping[int, Tensor], basis: Basis
) -> Tensor:
    """sum_k B_k(A) z W_k for weights {k: (out, C)} and z (B, keys, C) -> (B, N, out)."""
    y: Tensor | None = None
    for k, term in enumerate(basis.terms(propagate, z, max(weights) + 1)):
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

    def __rmul__(self, factor: float) -> "Coordinates":
        return Coordinates(factor * self.c, factor * self.s)

    def __sub__(self, other: "Coordinates") -> "Coordinates":
        return Coordinates(self.c - other.c, self.s - other.s)


def factored_sum(
    factors: Tensor, core: Tensor | None, z: Tensor, weights: Mapping[int, Tensor], basis: Basis
) -> Tensor:
    """`weighted_sum` for A = E J E^T with E = `factors` (B, N, R), J E^T E = `core` (B, R, R).

    J exchanges the halves of R and divides by 2. All powers stay in the span of z and E, so only
    s_1 = J E^T z and the last product touch the N positions: a further order costs R^2 C, whatever
    N is. z (B, N, C) -> (B, N, out).
    """
    first = exchange_halves(torch.bmm(factors.transpose(1, 2), z)) / 2
    of_factors, of_z = factored_weights(first, core, weights, basis)
    y = torch.bmm(of_factors, factors.transpose(1, 2))
    if of_z is not None:
        y = torch.baddbmm(y, of_z.expand(y.shape[0], -1, -1), z.transpose(1, 2))
    return y.transpose(1, 2)


def factored_weights(
    first: Tensor, core: Tensor | None, weights: Mapping[int, Tensor], basis: Basis
) -> tuple[Tensor, Tensor | None]:
    """G (B, out, R) and H (out, C), or None for 0, with sum_k B_k(A) z W_k = E G^T + z H^T.

    `first` = J E^T z (B, R, C) and `core` = J E^T E, which a polynomial of order 2 does not need.
    """

    def apply(v: Coordinates) -> Coordinates:
        s = v.c * first
        return Coordinates(0.0, s if core is None else s + core @ v.s)

    start = Coordinates(1.0, torch.zeros_like(first))
    of_factors, of_z = first.new_zeros(()), None
    for k, term in enumerate(basis.terms(apply, start, max(weights) + 1)):
        if k in weights:
            if k > 0:
                of_factors = of_factors + weights[k] @ term.s.transpose(1, 2)
            if term.c:
                part = term.c * weights[k]
                of_z = part if of_z is None else of_z + part
    return of_factors, of_z


def exchange_halves(v: Tensor) -> Tensor:
    """(B, R, C) with the first and the second half of R exchanged."""
    first, second = v.chunk(2, dim=1)
    return torch.cat([second, first], dim=1)
