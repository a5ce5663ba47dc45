"""Non-local blocks into a network: where, which kind, and what was done."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from torch import Tensor, nn

from snl_video.blocks import NonLocalBlock, build_block
from snl_video.errors import NetworkError
from snl_video.models.network import VideoNetwork
from snl_video.spec import as_spec


@dataclass
class NonLocalSpec:
    """Which block goes where.

    Attributes:
        kind: a kind of `build_block`, e.g. ``snl``.
        places: names of modules to insert after (``res4.4``, ``slow.res4.4``, ``Mixed_4e``), or
            ``paper`` (before the last one of the fourth stage; Zhu et al., ICCV 2021) or ``five``
            (two in the third stage, three in the fourth; Wang et al., CVPR 2018); the two named
            sets mean the slow pathway of a SlowFast network.
        inner_channels: C_s; half the channels of the place when None.
        num_units: filter units that share one affinity.
        options: further options of the kind, e.g. ``{"order": 3}`` for ``gsnl``.
    """

    kind: str = "snl"
    places: str | list[str] = "paper"
    inner_channels: int | None = None
    num_units: int = 1
    options: dict[str, Any] = field(default_factory=dict)


class WithBlock(nn.Module):
    """A module of the trunk followed by a non-local block."""

    def __init__(self, module: nn.Module, non_local: NonLocalBlock) -> None:
        super().__init__()
        self.module = module
        self.non_local = non_local

    def forward(self, x: Tensor) -> Tensor:
        """Apply the module, then the block."""
        return self.non_local(self.module(x))


def insert_blocks(network: VideoNetwork, spec: NonLocalSpec | Mapping[str, Any]) -> list[dict]:
    """Insert one block after each place of ``spec``, in place; load pretrained weights first.

    Returns:
        One dictionary a block (place, kind, in_channels, inner_channels, num_units, options),
        appended to ``network.non_local`` too.

    Raises:
        NetworkError: unknown kind or option; no place, or one that is named twice, unknown or
            taken; the message lists those that there are.
        TypeError: ``network`` is no `VideoNetwork`.
    """
    if not isinstance(network, VideoNetwork):
        raise TypeError(
            f"insert_blocks takes a VideoNetwork, which names its places, got a "
            f"{type(network).__name__}: put build_block(...) into it by hand"
        )
    spec = as_spec(NonLocalSpec, spec, "non_local")
    blocks = {}
    for name in resolve_places(network, spec.places):
        sizes = network.places[name].channels, spec.inner_channels
        try:
            block = build_block(spec.kind, *sizes, num_units=spec.num_units, **spec.options)
        except ValueError as error:
            raise NetworkError(f"non_local at {name}: {error}") from error
        blocks[name] = block
    inserted = []
    for name, block in blocks.items():
        path = network.places[name].path
        parent, _, child = path.rpartition(".")
        module = network.trunk.get_submodule(path)
        setattr(network.trunk.get_submodule(parent), child, WithBlock(module, block))
        inserted.append(
            {
                "place": name,
                "kind": spec.kind,
                "in_channels": block.in_channels,
                "inner_channels": block.inner_channels,
                "num_units": spec.num_units,
                "options": dict(spec.options),
            }
        )
    network.non_local.extend(inserted)
    return inserted


def inserted_blocks(network: VideoNetwork) -> dict[str, NonLocalBlock]:
    """Return place -> block for the blocks of ``network``, in the order of the forward pass."""
    taken = {entry["place"] for entry in network.non_local}
    return {
        name: cast(WithBlock, network.trunk.get_submodule(place.path)).non_local
        for name, place in network.places.items()
        if name in taken
    }


def resolve_places(network: VideoNetwork, places: str | Sequence[str]) -> list[str]:
    """Turn ``paper``, ``five`` or a list of names into free places of ``network``."""
    wanted = [places] if isinstance(places, str) else places
    names = [name for place in wanted for name in network.place_sets.get(place, [place])]
    taken = {entry["place"] for entry in network.non_local}
    free = [name for name in network.places if name not in taken]
    for number, name in enumerate(names or [""]):
        if name in free and name not in names[:number]:
            continue
        if name in names[:number]:
            problem = f"non_local.places names {name!r} twice"
        elif not name:
            problem = "non_local.places is empty: no block would be inserted; name a place"
        elif name in taken:
            problem = f"place {name!r} already has a block"
        else:
            near = difflib.get_close_matches(name, free, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            problem = f"no place {name!r} in this network{hint}"
        raise NetworkError(f"{problem}; places: {', '.join([*network.place_sets, *free])}")
    return names
