"""Names of weights: of the network as if it had no blocks, and of a block by its place."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from snl_video.models.insertion import block_paths
from snl_video.models.network import VideoNetwork

OF_BLOCKS = "non_local."
"""How the canonical names of the tensors of blocks begin."""

WRAPPERS = ("module.", "_orig_mod.")


def canonical_name(name: str, places: Mapping[str, str]) -> str:
    """Turn a name in a network's ``state_dict`` into the one that does not depend on its blocks.

    ``trunk.<path>.non_local.<rest>`` becomes ``non_local.<place>.<rest>``.

    Args:
        name: as in ``state_dict``.
        places: place -> path in the trunk of the module that holds its block.
    """
    for place, path in places.items():
        start = f"trunk.{path}.non_local."
        if name.startswith(start):
            return f"{OF_BLOCKS}{place}." + name.removeprefix(start)
    return name


def canonical_state(model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical name -> tensor of ``model``; the tensors share its memory."""
    places = block_paths(model)
    return {canonical_name(name, places): value for name, value in model.state_dict().items()}


def place_of(name: str, model: VideoNetwork) -> str | None:
    """Return the place in a canonical name of a block's tensor, None for any other name."""
    if not name.startswith(OF_BLOCKS):
        return None
    rest = name.removeprefix(OF_BLOCKS)
    return next((place for place in model.places if rest.startswith(f"{place}.")), None)


def tensors_under(checkpoint: Mapping[str, Any], *keys: str) -> dict[str, Tensor]:
    """Return the tensors below the first of ``keys`` that is there, or at the top.

    A wrapper's prefix that all names have (``module.`` of DataParallel, ``_orig_mod.`` of
    ``torch.compile``) is taken off.
    """
    found = next(
        (checkpoint[k] for k in keys if isinstance(checkpoint.get(k), Mapping)), checkpoint
    )
    tensors = {
        name: value
        for name, value in found.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    for wrapper in WRAPPERS:
        if tensors and all(name.startswith(wrapper) for name in tensors):
            tensors = {name.removeprefix(wrapper): value for name, value in tensors.items()}
    return tensors
