"""The symmetric graph of the embedded Gaussian kernel, never held as a matrix."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from snl_video.blocks.graphs.graph import Graph, at_least_float32, full_precision
from snl_video.blocks.pointwise import Grid

CHUNK = 2**22


class SymmetricGaussianGraph(Graph):
    """A = D^-1/2 (M + M^T)/2 D^-1/2 with M = exp(theta phi^T), theta and phi (B, N, C_s).

    In logarithms, so that no score is too large: with the log-sum-exp r of the rows and c of the
    columns of theta phi^T, log d = logaddexp(r, c) - log 2, and every entry is
    (exp(theta_i phi_j - (log d_i + log d_j)/2) + the same with i and j exchanged) / 2, where both
    exponents are at most log 2. Computed in row chunks that are made again in the backward pass:
    O(N^2 C) time, O(N C) memory. Compiled and exported programs take one chunk.
    """

    symmetric = True

    def __init__(self, theta: Tensor, phi: Tensor) -> None:
        theta, phi = at_least_float32(theta), at_least_float32(phi)
        super().__init__(theta, theta.shape[1])
        with full_precision(theta):
            rows = by_rows(_log_sum_exp, [theta], [phi])
            columns = by_rows(_log_sum_exp, [phi], [theta])
            self.log_degree = torch.logaddexp(rows, columns) - torch.log(theta.new_tensor(2.0))
        self.theta, self.phi = theta, phi

    def propagate(self, z: Tensor) -> Tensor:
        """A z: (B, N, C) -> (B, N, C)."""
        with full_precision(z):
            per_row = [self.theta, self.phi, self.log_degree]
            wide = at_least_float32(z)
            return by_rows(_propagate, per_row, [*per_row, wide]).to(z.dtype)

    def degree(self) -> Tensor:
        """d = (M + M^T)/2 1, (B, N); infinite where the float type ends."""
        return self.log_degree[..., 0].exp()


class SymmetricGaussianAffinity(nn.Module):
    """Makes the symmetric embedded Gaussian graph; `scale` divides the scores by sqrt(C_s)."""

    def __init__(self, *, scale: bool = False) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, theta: Tensor, phi: Tensor, grid: Grid) -> SymmetricGaussianGraph:
        """theta, phi (B, N, C_s) -> graph."""
        return SymmetricGaussianGraph(theta * theta.shape[-1] ** -0.5 if self.scale else theta, phi)


def by_rows(fn: Callable[..., Tensor], per_row: list[Tensor], whole: list[Tensor]) -> Tensor:
    """fn(*rows of per_row, *whole) over chunks of rows, joined: (B, N, ...) tensors."""
    batch, queries = per_row[0].shape[:2]
    if torch.compiler.is_compiling():
        return fn(*per_row, *whole)
    rows = max(CHUNK // (batch * whole[0].shape[1]), 1)
    if rows >= queries:
        return fn(*per_row, *whole)
    chunks = zip(*(t.split(rows, dim=1) for t in per_row), strict=True)
    return torch.cat(
        [checkpoint(fn, *chunk, *whole, use_reentrant=False) for chunk in chunks], dim=1
    )


def _log_sum_exp(query: Tensor, key: Tensor) -> Tensor:
    return torch.logsumexp(query @ key.transpose(1, 2), dim=-1, keepdim=True)


def _propagate(
    theta_i: Tensor,
    phi_i: Tensor,
    log_i: Tensor,
    theta: Tensor,
    phi: Tensor,
    log_j: Tensor,
    z: Tensor,
) -> Tensor:
    shift = (log_i + log_j.transpose(1, 2)) / 2
    forward = torch.exp(theta_i @ phi.transpose(1, 2) - shift)
    backward = torch.exp(phi_i @ theta.transpose(1, 2) - shift)
    return (forward + backward) @ z / 2
