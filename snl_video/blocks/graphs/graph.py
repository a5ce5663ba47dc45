"""Affinity graphs as linear operators: what A does to a signal, not what A is.

Source of the formulas: Zhu et al., "Unifying Nonlocal Blocks for Neural Networks", ICCV 2021.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor, nn

from snl_video.blocks.pointwise import Grid
from snl_video.blocks.polynomial import Basis, weighted_sum

Form = Literal["auto", "low_rank", "matrix"]


class Graph(ABC):
    """The affinity A of the positions of a clip, (B, N, N), as a linear operator.

    A new graph only has to define `propagate`, which returns the dtype of z; `queries` is N (rows
    of A), `keys` the number of columns, which differs from N only where keys are pooled.
    """

    symmetric: bool = False

    def __init__(self, like: Tensor, queries: int, keys: int | None = None) -> None:
        """`like` (B, ...) gives the batch size, the dtype and the device of the operator."""
        self.like = like
        self.queries = queries
        self.keys = queries if keys is None else keys

    @abstractmethod
    def propagate(self, z: Tensor) -> Tensor:
        """A z: (B, keys, C) -> (B, N, C)."""

    def polynomial(self, z: Tensor, weights: Mapping[int, Tensor], basis: Basis) -> Tensor:
        """sum_k B_k(A) z W_k, weights {k: (out, C)}: (B, keys, C) -> (B, N, out).

        A graph with a cheaper way than `propagate` for every power has its own.
        """
        return weighted_sum(self.propagate, z, weights, basis)

    @property
    def degree_of_kernel(self) -> bool:
        """Whether `degree` is of the kernel that A normalises, and not of A."""
        return self.symmetric

    def degree(self) -> Tensor:
        """Row sums (B, N): of A, or of the kernel that a spectral graph normalises by them."""
        return self.propagate(self._ones())[..., 0]

    def dense(self) -> Tensor:
        """The matrix A, (B, N, keys): for tests, plots and small N only."""
        eye = torch.eye(self.keys, dtype=self.like.dtype, device=self.like.device)
        return self.propagate(eye.expand(self.like.shape[0], -1, -1))

    def _ones(self) -> Tensor:
        return self.like.new_ones(self.like.shape[0], self.keys, 1)


class IdentityGraph(Graph):
    """A = I: no position sees another."""

    symmetric = True

    def propagate(self, z: Tensor) -> Tensor:
        """A z = z."""
        return z


class IdentityAffinity(nn.Module):
    """Makes the graph of a block whose filter has no term in A."""

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> IdentityGraph:
        """theta (B, N, C) -> graph of N vertices."""
        return IdentityGraph(theta, theta.shape[1])


class MeanGraph(Graph):
    """A = 1 1^T / N: every position sees the mean of all, whatever it holds."""

    symmetric = True

    def propagate(self, z: Tensor) -> Tensor:
        """A z: the mean over positions, (B, N, C)."""
        return z.mean(1, keepdim=True).expand_as(z)


class MeanAffinity(nn.Module):
    """Makes the graph of a control: a block that pools and relates nothing."""

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> MeanGraph:
        """theta (B, N, C) -> graph of N vertices."""
        return MeanGraph(theta, theta.shape[1])


class LowRankGraph(Graph):
    """A = left right^T, left (B, N, R), right (B, keys, R): A z = left (right^T z) in O(N R C).

    The factors are float32 or wider. Products with a z of bfloat16 are in bfloat16, whose range is
    that of float32; those with a z of float16 are in float32.
    """

    def __init__(self, left: Tensor, right: Tensor, form: Form = "auto", uses: int = 1) -> None:
        """`uses`: how often `propagate` will be called, which is what a stored A is shared by."""
        left, right = at_least_float32(left), at_least_float32(right)
        super().__init__(left, left.shape[1], right.shape[1])
        self.left, self.right = left, right
        self.form, self.uses = form, uses
        self._matrix: Tensor | None = None

    def propagate(self, z: Tensor) -> Tensor:
        """A z: (B, keys, C) -> (B, N, C)."""
        with full_precision(z):
            safe = z.float() if z.dtype == torch.float16 else z
            if self._takes_low_rank(z.shape[-1]):
                return self._low_rank(safe).to(z.dtype)
            matrix = self.dense().transpose(1, 2).to(safe.dtype)
            return torch.bmm(safe.transpose(1, 2), matrix).transpose(1, 2).to(z.dtype)

    def dense(self) -> Tensor:
        """The matrix A, (B, N, keys), made once."""
        if self._matrix is None:
            with full_precision(self.like):
                self._matrix = self._make_dense()
        return self._matrix

    def _low_rank(self, z: Tensor) -> Tensor:
        inner = torch.bmm(z.transpose(1, 2), self.right.to(z.dtype))
        return torch.bmm(inner, self.left.to(z.dtype).transpose(1, 2)).transpose(1, 2)

    def _make_dense(self) -> Tensor:
        return torch.bmm(self.left, self.right.transpose(1, 2))

    def _rank(self) -> int:
        return self.left.shape[-1]

    def _takes_low_rank(self, channels: int) -> bool:
        return self.form != "matrix" and (
            self.form == "low_rank"
            or torch.compiler.is_exporting()
            or low_rank_is_cheaper(
                self.queries,
                self.keys,
                rank=self._rank(),
                channels=channels,
                uses=self.uses,
                build_rank=self.left.shape[-1],
            )
        )


def low_rank_is_cheaper(
    queries: int, keys: int, *, rank: int, channels: int, uses: int = 1, build_rank: int
) -> bool:
    """Whether `uses` products A z need fewer multiplications in low-rank form than with A stored.

    Low rank, left (right^T z): uses * rank * channels * (queries + keys). Stored: queries * keys *
    build_rank to make A and queries * keys * channels a use. For SNL (rank 2 C_s,
    build_rank C_s) with C_z = C_s and one use the low-rank form wins from N = 2 C_s on.
    """
    low_rank = uses * rank * channels * (queries + keys)
    stored = queries * keys * (build_rank + uses * channels)
    return low_rank <= stored


def at_least_float32(x: Tensor) -> Tensor:
    """float16 and bfloat16 become float32; float32 and float64 stay."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def full_precision(x: Tensor) -> AbstractContextManager[object]:
    """Turn autocast off, if it is on: sums over N overflow in float16."""
    device = x.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()
