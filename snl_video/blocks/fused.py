"""Embeddings, graph and filter of a spectral block in one step that keeps little for its gradient.

With A = E J E'^T (E' is E in `SymmetricGraph`, and E times what each vertex gives in
`RandomWalkGraph`) every polynomial is F = E G^T + Z H^T for small G and H. So the block is two
large products, S = W X and F^T = [G H] S, and the sums E'^T Z between them. The rows of S become E
and Z in place: beside X, S is all of size N that is kept.
"""

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snl_video.blocks.filters import PolynomialFilter
from snl_video.blocks.graphs.graph import at_least_float32, full_precision
from snl_video.blocks.graphs.normalisation import Normalised, normalise_
from snl_video.blocks.graphs.random_walk import RandomWalkGraph
from snl_video.blocks.graphs.symmetric import (
    MakesGraph,
    ReluAffinity,
    SymmetricGraph,
    factored_is_cheaper,
)
from snl_video.blocks.graphs.walk_normalisation import WalkNormalised, normalise_walk_
from snl_video.blocks.pointwise import matrix_product
from snl_video.blocks.polynomial import Basis, exchange_halves, factored_weights


class Operator(NamedTuple):
    """Powers of A that have a weight, their basis, the graph and its focus."""

    powers: tuple[int, ...]
    basis: Basis
    graph: MakesGraph
    focus: int


InPlace = tuple[Callable[..., Normalised | WalkNormalised], Callable[..., Any]]
IN_PLACE: dict[MakesGraph, InPlace] = {
    SymmetricGraph: (normalise_, Normalised),
    RandomWalkGraph: (normalise_walk_, WalkNormalised),
}
"""Graph -> what normalises its factors in place, and what that returns."""


def can_fuse(
    affinity: ReluAffinity,
    filter: PolynomialFilter,
    convs: Sequence[nn.Conv3d],
    x: Tensor,
) -> bool:
    """Whether `fused_filter` takes this block and input, and takes fewer products than a stored A.

    Not in float16, whose range sums over N may exceed. Compilers, exporters and the transforms of
    `torch.func` are left the ordinary operations.
    """
    if (
        affinity.graph not in IN_PLACE
        or affinity.form == "matrix"
        or max(filter.powers) == 0
        or work_dtype(x) == torch.float16
        or torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
    ):
        return False
    inner, _, channels = (conv.out_channels for conv in convs)
    out, order = filter.convs()[0].out_channels, max(filter.powers) + 1
    return affinity.form == "low_rank" or factored_is_cheaper(
        x.shape[1], inner, channels, out, order
    )


def work_dtype(x: Tensor) -> torch.dtype:
    """The dtype of a matrix product with x: that of autocast, where it is on and x not float64."""
    device = x.device.type
    if x.dtype == torch.float64:
        return x.dtype
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return x.dtype


def fused_filter(
    affinity: ReluAffinity,
    filter: PolynomialFilter,
    convs: Sequence[nn.Conv3d],
    x: Tensor,
    shift: Tensor | None = None,
) -> Tensor:
    """The filter's F(A, Z) for tokens x (B, N, C) -> (B, N, out), in the dtype of the products.

    `convs` make theta, phi and Z; `shift` (2 C_s, N) is added to theta and phi.
    """
    weight = torch.cat([conv.weight.flatten(1) for conv in convs])
    weights = filter.weights()
    if shift is not None:
        shift = F.pad(shift, (0, 0, 0, convs[-1].out_channels))
    biases = [conv.bias for conv in convs if conv.bias is not None]
    if biases:
        shift = torch.cat(biases)[:, None] + (0 if shift is None else shift)
    columns = x.transpose(1, 2).to(work_dtype(x))
    operator = Operator(tuple(weights), filter.basis, affinity.graph, affinity.focus)
    y = FusedFilter.apply(operator, columns, weight, shift, *weights.values()).transpose(1, 2)
    return y if filter.bias is None else y + filter.bias


def plain_filter(
    operator: Operator, x: Tensor, weight: Tensor, shift: Tensor | None, *weights: Tensor
) -> Tensor:
    """What `FusedFilter` computes, in ordinary operations."""
    stack = matrix_product(weight.to(x.dtype), x)
    if shift is not None:
        stack = stack + shift.to(x.dtype)
    embeddings, z = _parts(stack, weights)
    t, p = embeddings.relu().mT.chunk(2, dim=2)
    graph = operator.graph(t, p, "low_rank", focus=operator.focus)
    given = dict(zip(operator.powers, (w.to(x.dtype) for w in weights), strict=True))
    return graph.polynomial(z.mT, given, operator.basis).mT


class FusedFilter(torch.autograd.Function):
    """Channels-first `fused_filter`: x (B, C, N) -> (B, out, N).

    Products over N are in the dtype of x, degrees and small products in float32 or wider. The
    gradient of its gradient is that of `plain_filter`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        operator: Operator,
        x: Tensor,
        weight: Tensor,
        shift: Tensor | None,
        *weights: Tensor,
    ) -> Tensor:
        """weight (2 C_s + C_z, C) of theta, phi and Z, shift (2 C_s + C_z, 1 or N), weights W_k."""
        with full_precision(x):
            stack = matrix_product(weight.to(x.dtype), x)
            if shift is not None:
                stack += shift.to(x.dtype)
            factors, z = _parts(stack, weights)
            normalise, _ = IN_PLACE[operator.graph]
            normalised = normalise(factors, operator.focus)
            given = normalised.given(factors)
            first = _exchanged(torch.bmm(given, z.mT))
            core = _exchanged(torch.bmm(given, factors.mT)) if max(operator.powers) > 1 else None
            y = torch.bmm(_output_weight(operator, first, core, *weights).to(x.dtype), stack)
        ctx.operator = operator
        ctx.save_for_backward(x, weight, shift, *weights, stack, first, core, *normalised)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight, shift and weights; none of the operator."""
        (gradient,), (_, *needed), saved = gradients, ctx.needs_input_grad, ctx.saved_tensors
        inputs, kept = saved[: len(needed)], saved[len(needed) :]
        with full_precision(gradient):
            if not torch.is_grad_enabled():
                return None, *_gradients(ctx.operator, inputs, kept, gradient, needed)
            wanted = list(compress(inputs, needed))
            y = plain_filter(ctx.operator, *inputs)
            found = iter(torch.autograd.grad(y, wanted, gradient, create_graph=True))
            return None, *(next(found) if is_needed else None for is_needed in needed)


def _gradients(
    operator: Operator,
    inputs: Sequence[Tensor],
    kept: Sequence[Tensor],
    gradient: Tensor,
    needed: Sequence[bool],
) -> list[Tensor | None]:
    x, weight, shift, *weights = inputs
    stack, first, core, *rest = kept
    factors, z = _parts(stack, weights)
    normalised = IN_PLACE[operator.graph][1](*rest)
    given = normalised.given(factors)

    leaves = [None if leaf is None else leaf.detach() for leaf in (first, core, *weights)]
    small = [leaf.requires_grad_() for leaf in leaves if leaf is not None]
    with torch.enable_grad():
        output_weight = _output_weight(operator, *leaves)
    of_output_weight = torch.bmm(gradient, stack.mT).to(output_weight.dtype)
    of_first, *others = torch.autograd.grad(output_weight, small, of_output_weight)

    of_stack = torch.bmm(output_weight.detach().to(x.dtype).mT, gradient)
    of_factors, of_z = _parts(of_stack, weights)
    of_given = of_factors if given is factors else torch.zeros_like(of_factors)
    of_product = _exchanged(of_first).to(x.dtype)
    of_given.baddbmm_(of_product, z)
    of_z.baddbmm_(of_product.mT, given)
    if core is not None:
        of_gram = _exchanged(others.pop(0)).to(x.dtype)
        of_given.baddbmm_(of_gram, factors)
        of_factors.baddbmm_(of_gram.mT, given)
    normalised.backward_(of_factors, of_given, factors, operator.focus)
    return [
        matrix_product(weight.to(x.dtype).mT, of_stack) if needed[0] else None,
        torch.bmm(of_stack, x.mT).sum(0, dtype=weight.dtype) if needed[1] else None,
        of_stack.sum(0).sum_to_size(shift.shape) if needed[2] else None,
        *others,
    ]


def _parts(stack: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    channels = weights[0].shape[1]
    return stack[:, :-channels], stack[:, -channels:]


def _exchanged(product: Tensor) -> Tensor:
    return exchange_halves(at_least_float32(product)) / 2


def _output_weight(
    operator: Operator, first: Tensor, core: Tensor | None, *weights: Tensor
) -> Tensor:
    """[G H] (B, out, 2 C_s + C_z)."""
    given = dict(zip(operator.powers, map(at_least_float32, weights), strict=True))
    of_factors, of_z = factored_weights(first, core, given, operator.basis)
    if of_z is None:
        of_z = weights[0].new_zeros(weights[0].shape)
    return torch.cat([of_factors, of_z.expand(len(first), -1, -1)], dim=2)
