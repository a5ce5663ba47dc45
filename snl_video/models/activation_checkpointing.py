"""Less memory in training: activations inside the places are computed again, not kept."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from snl_video.models.network import VideoNetwork


def checkpoint_activations(network: VideoNetwork) -> None:
    """Let every place of a network, with its block, keep its input only for the backward pass.

    Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016. Gradients are the same.
    Batch norm counts each batch once: computing again leaves its statistics as they are.
    """
    for place in network.places.values():
        module = network.trunk.get_submodule(place.path)
        module.forward = partial(_forward, module)


def _forward(module: nn.Module, *inputs: Any) -> Any:
    forward = partial(type(module).forward, module)
    if not torch.is_grad_enabled():
        return forward(*inputs)
    contexts = partial(_contexts, module)
    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts)


def _contexts(module: nn.Module) -> tuple[AbstractContextManager, AbstractContextManager]:
    return nullcontext(), _on_copies(module)


@contextmanager
def _on_copies(module: nn.Module) -> Iterator[None]:
    """Let batch norms in training update copies of their statistics, which are then forgotten."""
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.training]
    kept = [(norm, *named) for norm in norms for named in norm.named_buffers(recurse=False)]
    for norm, name, value in kept:
        setattr(norm, name, value.clone())
    try:
        yield
    finally:
        for norm, name, value in kept:
            setattr(norm, name, value)
