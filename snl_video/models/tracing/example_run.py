"""One forward pass of an example through a module, and the shapes that some modules return."""

import copy
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from snl_video.errors import NetworkError

Example = Tensor | tuple[Any, ...] | Mapping[str, Any]
"""What a module is called with: a tensor, a tuple of arguments, or a dict of keywords."""


class Features(NamedTuple):
    """A feature map that a module returns: where in its output, and its shape."""

    item: int | str | None
    shape: torch.Size


@dataclass
class Returned:
    """What a module returned.

    Attributes:
        calls: how often it ran.
        what: its last output, in words.
        features: tensors of three axes and more.
        grids: triples of whole numbers beside them, which transformers return as (T, H, W).
    """

    calls: int = 0
    what: str = ""
    features: list[Features] = field(default_factory=list)
    grids: list[tuple[int, ...]] = field(default_factory=list)

    def add(self, output: Any) -> None:
        """Take down one call."""
        self.calls += 1
        items: list[tuple[Any, Any]] = [(None, output)]
        if isinstance(output, Mapping):
            items = list(output.items())
        elif isinstance(output, list | tuple):
            items = list(enumerate(output))
        shapes = [
            f"{tuple(v.shape)}" if isinstance(v, Tensor) else type(v).__name__ for _, v in items
        ]
        self.what = f"{type(output).__name__} of {', '.join(shapes)}"
        self.features = [Features(i, v.shape) for i, v in items if is_features(v)]
        self.grids = [tuple(v) for _, v in items if _is_triple(v)]


class Run(NamedTuple):
    """What some modules, and all convolutions in the order in which they ran, returned."""

    modules: dict[str, Returned]
    convolutions: dict[str, torch.Size]


def run(module: nn.Module, example: Example, paths: Collection[str]) -> Run:
    """Run ``example`` through ``module`` in evaluation mode and leave it as it was.

    An example on the ``meta`` device goes through a copy there.
    """
    if all(t.is_meta for t in tensors_in(example)):
        module = copy.deepcopy(module).to("meta")
    result = Run({path: Returned() for path in paths}, {})

    def watch(path: str) -> Callable[..., None]:
        def hook(child: nn.Module, inputs: Any, output: Any) -> None:
            if path in result.modules:
                result.modules[path].add(output)
            if isinstance(child, nn.Conv2d | nn.Conv3d):
                result.convolutions.setdefault(path, output.shape)

        return hook

    with watching(module, watch):
        call(module, example)
    return result


def smaller_run(module: nn.Module, example: Example, paths: Collection[str]) -> Run | None:
    """The same with clips of half the size, time or both; None if the module takes no such."""
    for axes in ((2, 3, 4), (3, 4), (2,)):
        try:
            return run(module, tree_map(lambda t: _halved(t, axes), example), paths)  # noqa: B023
        except Exception:  # the network decides what it raises
            continue
    return None


def tensors_in(example: Example) -> list[Tensor]:
    """The tensors of an example.

    Raises:
        NetworkError: there is none.
    """
    tensors = [leaf for leaf in tree_leaves(example) if isinstance(leaf, Tensor)]
    if not tensors:
        raise NetworkError("the example holds no tensor: give a batch as the network takes it")
    return tensors


def frames_of(clip: Tensor) -> int | None:
    """T of a clip (B, C, T, H, W) or (B, T, C, H, W); None for images."""
    return clip.shape[_time_axis(clip)] if clip.ndim == 5 else None


def is_features(value: Any) -> bool:
    """Whether ``value`` may be a feature map."""
    return isinstance(value, Tensor) and value.is_floating_point() and 3 <= value.ndim <= 5


def call(module: nn.Module, example: Example) -> Any:
    """Call ``module`` with an example, in evaluation mode and without gradients."""
    modes = {child: child.training for child in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            if isinstance(example, Mapping):
                return module(**example)
            return module(*example) if isinstance(example, tuple) else module(example)
    finally:
        for child, training in modes.items():
            child.training = training


@contextmanager
def watching(module: nn.Module, watch: Callable[[str], Callable[..., Any]]) -> Iterator[None]:
    """Have a forward hook ``watch(path)`` on every module while the context is open."""
    handles = [child.register_forward_hook(watch(path)) for path, child in module.named_modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _time_axis(clip: Tensor) -> int:
    return 1 if clip.shape[2] == 3 and clip.shape[1] != 3 else 2


def _halved(value: Any, axes: tuple[int, ...]) -> Any:
    """A clip or an image with half of some of T (axis 2), H and W; anything else as it is."""
    if not isinstance(value, Tensor) or value.ndim < 4:
        return value
    if value.ndim == 5:
        axes = tuple(_time_axis(value) if axis == 2 else axis for axis in axes)
    else:
        axes = tuple(axis - 1 for axis in axes if axis > 2)
    for axis in axes:
        value = value.narrow(axis, 0, -(-value.shape[axis] // 2))
    return value


def _is_triple(value: Any) -> bool:
    whole = isinstance(value, list | tuple) and all(type(size) is int for size in value)
    return whole and len(value) == 3
