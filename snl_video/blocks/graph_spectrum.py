"""The spectral side of a block: eigenvalues of A, its Laplacian, its filter, and checks."""

from dataclasses import dataclass
from typing import Literal, overload

import torch
from torch import Tensor

from snl_video.blocks.block import NonLocalBlock
from snl_video.blocks.filters import DifferenceFilter, PolynomialFilter
from snl_video.blocks.graphs.graph import Graph, LowRankGraph
from snl_video.blocks.graphs.random_walk import RandomWalkGraph
from snl_video.blocks.graphs.symmetric import SymmetricGraph, inverse_root


@overload
def spectrum(graph: Graph, k: int | None = ..., *, vectors: Literal[False] = ...) -> Tensor: ...
@overload
def spectrum(
    graph: Graph, k: int | None = ..., *, vectors: Literal[True]
) -> tuple[Tensor, Tensor]: ...


@torch.no_grad()
def spectrum(
    graph: Graph, k: int | None = None, *, vectors: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Eigenvalues of A, largest modulus first: (B, min(k, N)), and vectors (B, N, k) on request.

    k None gives all N. For SNL, A = E J E^T with E (B, N, 2 C_s): with the thin QR, E = Q R, the
    eigenvalues are those of the small symmetric R J R^T and zeros, and the vectors Q times its own,
    so no N x N matrix is made while k <= 2 C_s. Computed in float64. A random walk D^-1/2 S D^1/2
    has the eigenvalues of S and the vectors D^-1/2 v, which are not of length 1.
    Eigenvalues of a graph that is not symmetric are complex; `vectors` then are right eigenvectors.

    Raises ValueError when A is not square or k is below 1.
    """
    n = _square(graph)
    if k is not None and k < 1:
        raise ValueError(f"k must be 1 or more, got {k}: leave it out for all {n} eigenvalues")
    if isinstance(graph, RandomWalkGraph):
        similar = graph.similar()
        if not vectors:
            return spectrum(similar, k)
        values, basis = spectrum(similar, k, vectors=True)
        return values, inverse_root(similar.degree().double())[..., None] * basis
    count = n if k is None else min(k, n)
    factors = _factors(graph)
    if (
        factors is not None
        and factors[0].shape[-1] < n
        and not (vectors and count > factors[0].shape[-1])
    ):
        values, basis = _low_rank_eigen(*factors, symmetric=graph.symmetric)
    elif graph.symmetric:
        values, basis = torch.linalg.eigh(graph.dense().double())
    else:
        values, basis = torch.linalg.eig(graph.dense().double())
    order = values.abs().argsort(dim=1, descending=True)[:, :count]
    values = values.gather(1, order)
    if count > values.shape[1]:
        zeros = values.new_zeros(values.shape[0], count - values.shape[1])
        values = torch.cat([values, zeros], dim=1)
    if not vectors:
        return values
    return values, basis.gather(2, order[:, None].expand(-1, basis.shape[1], -1))


def laplacian(graph: Graph) -> Tensor:
    """L = I - A, (B, N, N); for symmetric normalised A its eigenvalues lie in [0, 2]."""
    n = _square(graph)
    dense = graph.dense()
    return torch.eye(n, dtype=dense.dtype, device=dense.device) - dense


@torch.no_grad()
def filter_response(block: NonLocalBlock, eigenvalues: Tensor, unit: int = 0) -> Tensor:
    """How strongly F passes a signal of each eigenvalue of A: |sum_k B_k(a) W_{k+1}| (Frobenius).

    eigenvalues (...,) of A, not of L -> the same shape, for one unit of the block.

    Raises ValueError for a filter that is not a function of A alone.
    """
    module = block.units[unit].filter
    a = eigenvalues.double()
    if isinstance(module, PolynomialFilter):
        order = max(module.powers) + 1
        terms = list(module.basis.terms(lambda v: a * v, torch.ones_like(a), order))
        pairs = zip(module.powers, module.convs(), strict=True)
        response = sum(
            terms[p][..., None, None] * conv.weight.flatten(1).double() for p, conv in pairs
        )
    elif isinstance(module, DifferenceFilter):
        response = (a - 1)[..., None, None] * module.w_2.weight.flatten(1).double()
    else:
        raise ValueError(
            f"the filter of block kind {block.kind!r}, {type(module).__name__}, is no polynomial "
            "of A: nl, ns, a2, snl and gsnl have a response"
        )
    return torch.linalg.matrix_norm(torch.as_tensor(response))


@dataclass(frozen=True)
class GraphReport:
    """What `check_graph` found, over the whole batch. `eigenvalues` is (smallest, largest)."""

    symmetric: bool
    asymmetry: float
    real_spectrum: bool
    eigenvalues: tuple[float, float]
    row_sums: tuple[float, float]
    connected: bool
    components: int


@torch.no_grad()
def check_graph(graph: Graph, tolerance: float = 1e-5) -> GraphReport:
    """Check the requirements of a spectral filter on a graph small enough for its matrix.

    Symmetric: max |A - A^T| within `tolerance` of max |A|. Real spectrum: largest imaginary part
    within `tolerance` of the largest modulus. Connected: every sample's graph of the entries of A
    above 0 in modulus, taken in both directions, has one component; `components` is the most.

    Raises ValueError when A is not square.
    """
    _square(graph)
    dense = graph.dense().double()
    largest = float(dense.abs().max())
    asymmetry = float((dense - dense.transpose(1, 2)).abs().max())
    symmetric = asymmetry <= tolerance * largest
    if symmetric:
        values = torch.linalg.eigvalsh((dense + dense.transpose(1, 2)) / 2).to(torch.complex128)
    else:
        values = torch.linalg.eigvals(dense)
    sums = dense.sum(2)
    components = max(_components(sample) for sample in dense)
    return GraphReport(
        symmetric=symmetric,
        asymmetry=asymmetry,
        real_spectrum=bool(values.imag.abs().max() <= tolerance * values.abs().max()),
        eigenvalues=(float(values.real.min()), float(values.real.max())),
        row_sums=(float(sums.min()), float(sums.max())),
        connected=components == 1,
        components=components,
    )


def _square(graph: Graph) -> int:
    if graph.queries != graph.keys:
        raise ValueError(
            f"A is {graph.queries} x {graph.keys}, it has no eigenvalues: build the block "
            "without pool"
        )
    return graph.queries


def _factors(graph: Graph) -> tuple[Tensor, Tensor] | None:
    """A = left right^T in float64, for the graphs that are kept so."""
    if not isinstance(graph, LowRankGraph):
        return None
    left, right = graph.left.double(), graph.right.double()
    if isinstance(graph, SymmetricGraph):
        return torch.cat([left, right], -1), torch.cat([right, left], -1) / 2
    return left, right


def _low_rank_eigen(left: Tensor, right: Tensor, *, symmetric: bool) -> tuple[Tensor, Tensor]:
    q, r = torch.linalg.qr(left)
    small = r @ (right.transpose(1, 2) @ q)
    if symmetric:
        values, vectors = torch.linalg.eigh((small + small.transpose(1, 2)) / 2)
        return values, q @ vectors
    values, vectors = torch.linalg.eig(small)
    return values, q.to(vectors.dtype) @ vectors


def _components(dense: Tensor) -> int:
    linked = dense.abs() > 0
    linked = linked | linked.T
    unseen = torch.ones(len(dense), dtype=torch.bool, device=dense.device)
    count = 0
    while unseen.any():
        reached = torch.zeros_like(unseen)
        reached[unseen.nonzero()[0]] = True
        size = 0
        while int(reached.sum()) > size:
            size = int(reached.sum())
            reached = reached | linked[reached].any(0)
        unseen &= ~reached
        count += 1
    return count
