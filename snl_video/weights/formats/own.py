"""Checkpoints of this package: of training, of ``state_dict()``, or kept in canonical names."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from snl_video.blocks import BLOCKS, block_options
from snl_video.models.block_hook import carrier
from snl_video.models.insertion import NonLocalSpec
from snl_video.models.network import VideoNetwork
from snl_video.renamed import unwrapped
from snl_video.spec import as_spec
from snl_video.weights.canonical_names import canonical_name, place_of, tensors_under
from snl_video.weights.formats.block_comparison import different_blocks

NETWORK = "network."


def recognises(checkpoint: Mapping[str, Any]) -> bool:
    """Whether the names are those of a ``VideoNetwork``, or of a classifier that holds one."""
    tensors = tensors_under(checkpoint, "state_dict")
    return any(name.removeprefix(NETWORK).startswith("trunk.") for name in tensors)


def convert(checkpoint: Mapping[str, Any], model: VideoNetwork) -> dict[str, Tensor]:
    """Return canonical names, of trunk and blocks.

    A block of another kind, or with other options, than the one that ``model`` has at its place
    keeps its foreign name, though its tensors may be of equal size: ``nl`` and ``a2`` are. Which
    blocks a file has, its ``hyper_parameters`` tell; without them the sizes alone decide.
    """
    tensors = {
        name.removeprefix(NETWORK): value
        for name, value in unwrapped(tensors_under(checkpoint, "state_dict")).items()
    }
    paths = {name: carrier(model.trunk, place.path) for name, place in model.places.items()}
    others = _other_blocks(checkpoint, model)
    result = {}
    for name, value in tensors.items():
        canonical = canonical_name(name, paths)
        result[name if place_of(canonical, model) in others else canonical] = value
    return result


def _other_blocks(checkpoint: Mapping[str, Any], model: VideoNetwork) -> set[str]:
    """Places where ``model`` has a block and the file says that its own is another one."""
    settings = checkpoint.get("hyper_parameters")
    theirs = settings.get("non_local") if isinstance(settings, Mapping) else None
    if not isinstance(theirs, Mapping):
        return set()
    spec = as_spec(NonLocalSpec, theirs, "hyper_parameters.non_local")
    defaults = block_options(spec.kind) if spec.kind in BLOCKS else {}
    options = defaults | spec.options | {"num_units": spec.num_units}
    for name in ("checkpoint", "gain"):  # more memory, a start of training: no other block
        options.pop(name, None)
    return different_blocks(model, dict.fromkeys(model.places, options), spec.kind)
