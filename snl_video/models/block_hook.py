"""A block after a module: a forward hook, so that the module, its class and its names stay."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from snl_video.blocks import NonLocalBlock
from snl_video.errors import NetworkError
from snl_video.models.feature_layout import FeatureLayout

CHILD = "non_local"
"""Name of the block in the module that it follows."""


@dataclass(frozen=True)
class BlockHook:
    """Hands what a module returns, or one item of it, to the block that the module holds.

    Attributes:
        layout: of the features.
        item: index or key of the features in a list, tuple or mapping; None for a tensor.
    """

    layout: FeatureLayout
    item: int | str | None = None

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        """Return ``output`` with the features that the block made of them."""
        block = module.get_submodule(CHILD)
        if self.item is None:
            return self.layout.apply(block, output)
        features = self.layout.apply(block, output[self.item])
        if isinstance(output, Mapping):
            new: Any = copy.copy(output)
            new[self.item] = features
            return new
        items = [features if i == self.item else value for i, value in enumerate(output)]
        if isinstance(output, list):
            return items
        return type(output)(*items) if hasattr(output, "_fields") else tuple(items)


def attach(module: nn.Module, block: NonLocalBlock, hook: BlockHook) -> None:
    """Put ``block`` after ``module``."""
    module.add_module(CHILD, block)
    module.register_forward_hook(hook)


def detach(module: nn.Module) -> NonLocalBlock:
    """Take the block after ``module`` away; the module is what it was before `attach`."""
    hooks = module._forward_hooks
    for key in [key for key, hook in hooks.items() if isinstance(hook, BlockHook)]:
        del hooks[key]
    block = module.get_submodule(CHILD)
    delattr(module, CHILD)
    assert isinstance(block, NonLocalBlock)
    return block


def has_block(module: nn.Module) -> bool:
    """Whether a block follows ``module``."""
    return any(isinstance(hook, BlockHook) for hook in module._forward_hooks.values())


def carrier(root: nn.Module, path: str) -> str:
    """Path of the module in ``root`` that holds the block of a place.

    That is the module at ``path``, or its last one where it is a plain ``Sequential``: a further
    child there would run by itself.

    Raises:
        NetworkError: another container; its forward pass may run every child that it has.
    """
    module = root.get_submodule(path)
    if type(module).forward is nn.Sequential.forward and len(module._modules):
        return carrier(root, f"{path}.{list(module._modules)[-1]}")
    if isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict):
        inside = ", ".join(f"{path}.{name}" for name in list(module._modules)[-3:])
        raise NetworkError(
            f"{path} is a container ({type(module).__name__}), which holds no block of its own: "
            f"name a module in it{f', such as {inside}' if inside else ''}"
        )
    return path
