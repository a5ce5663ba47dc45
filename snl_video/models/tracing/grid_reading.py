"""Whether a network goes on with the tokens of the grid, or with its class token only."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from snl_video.models.block_hook import BlockHook
from snl_video.models.network import Place
from snl_video.models.tracing.example_run import Example, call, tensors_in


def is_read(module: nn.Module, example: Example, place: Place) -> bool:
    """Whether the answer of ``module`` depends on the features that a block at ``place`` gets.

    The first clip of ``example`` goes through twice, once with other features there. On the
    ``meta`` device nothing can be told, and the answer is yes.
    """
    if any(tensor.is_meta for tensor in tensors_in(example)):
        return True
    batch = tensors_in(example)[0].shape[0]
    first: Any = tree_map(lambda value: _first(value, batch), example)
    before = [leaf for leaf in tree_leaves(call(module, first)) if isinstance(leaf, Tensor)]
    hook = BlockHook(place.layout, place.item)
    child = module.get_submodule(place.path)
    child.add_module("non_local", _Reversed())
    handle = child.register_forward_hook(hook)
    try:
        after = [leaf for leaf in tree_leaves(call(module, first)) if isinstance(leaf, Tensor)]
    finally:
        handle.remove()
        delattr(child, "non_local")
    return not all(torch.equal(*pair) for pair in zip(before, after, strict=True))


class _Reversed(nn.Module):
    """Every position gets the features of another one, and other ones."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x.flatten(2).flip(-1).view_as(x) + 1


def _first(value: Any, batch: int) -> Any:
    own = isinstance(value, Tensor) and value.ndim > 0 and value.shape[0] == batch
    return value[:1] if own else value
