"""Non-local blocks into a network: where, which kind, and what was done."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from torch import nn

from snl_video.blocks import NonLocalBlock, build_block
from snl_video.errors import NetworkError
from snl_video.models.block_hook import CHILD, BlockHook, attach, carrier, detach, has_block
from snl_video.models.feature_layout import FeatureLayout
from snl_video.models.network import VideoNetwork
from snl_video.models.tracing.traced_places import Example, traced_places
from snl_video.spec import as_spec


@dataclass
class NonLocalSpec:
    """Which block goes where.

    Attributes:
        kind: a kind of `build_block`, e.g. ``snl``.
        places: names of places to insert after (``res4.4``, ``slow.res4.4``, ``Mixed_4e``), or
            ``paper`` (before the last one of the fourth stage; Zhu et al., ICCV 2021) or ``five``
            (two in the third stage, three in the fourth; Wang et al., CVPR 2018); the two named
            sets mean the slow pathway of a SlowFast network. In a module that is no `VideoNetwork`,
            the names of modules.
        inner_channels: C_s; half the channels of the place when None.
        num_units: filter units that share one affinity.
        options: further options of the kind, e.g. ``{"order": 3}`` for ``gsnl``.
    """

    kind: str = "snl"
    places: str | list[str] = "paper"
    inner_channels: int | None = None
    num_units: int = 1
    options: dict[str, Any] = field(default_factory=dict)


Blocks = NonLocalSpec | Mapping[str, Any]
"""A `NonLocalSpec`, a dict of its fields, or place -> kind or a dict of the other fields."""


def insert_blocks(
    module: nn.Module,
    blocks: Blocks,
    *,
    example: Example | None = None,
    layout: FeatureLayout | str | None = None,
) -> list[dict[str, Any]]:
    """Insert one non-local block after each of some modules, in place.

        insert_blocks(network, {"kind": "snl", "places": "five"})           # a VideoNetwork
        insert_blocks(network, {"res3.1": "nl", "res4.4": "snl"})
        insert_blocks(r3d_18(), {"layer3.1": "snl"}, example=clip)          # any module

    A `VideoNetwork` names its places. In any other module a place is the name of a module, with an
    index or a key where the module returns several feature maps (``fusion[0]``); ``example`` runs
    through it once, twice where another size tells the axes apart, and four clips as far as the
    tokens where tokens have to be told apart. The names of all other tensors stay as they are, so
    published weights load before and after.

    Args:
        module: the network.
        blocks: see `Blocks`.
        example: a batch for ``module``: a tensor, a tuple of arguments or a dict of keywords; on
            the ``meta`` device nothing is computed but the embedding of tokens. A `VideoNetwork`
            needs none.
        layout: of the features at all these places, instead of the one that is found.

    Returns:
        One dictionary a block (place, kind, in_channels, inner_channels, num_units, options),
        appended to ``network.non_local`` too.

    Raises:
        NetworkError: unknown kind or option; no place, or one that is named twice, unknown or
            taken; a module that does not run once, returns no feature map, or is compiled; a layout
            that can't be told or does not fit.
    """
    specs = _specs(module, blocks)
    if isinstance(module, VideoNetwork):
        places = {name: module.places[name] for name in specs}
        root: nn.Module = module.trunk
    else:
        places, root = traced_places(module, list(specs), example, layout), module
    for name, place in places.items():
        if not place.read:
            raise NetworkError(
                f"after {name} the network reads its class token only, which a block leaves as it "
                "is, so a block there would do nothing: name an earlier place"
            )
    built = {name: _build(name, specs[name], place.channels) for name, place in places.items()}
    for name, place in places.items():
        target = root.get_submodule(carrier(root, place.path))
        _like(built[name], [*target.parameters(), *root.parameters()])
        attach(target, built[name].train(target.training), BlockHook(place.layout, place.item))
    inserted = [
        {
            "place": name,
            "kind": spec.kind,
            "in_channels": built[name].in_channels,
            "inner_channels": built[name].inner_channels,
            "num_units": spec.num_units,
            "options": dict(spec.options),
        }
        for name, spec in specs.items()
    ]
    if isinstance(module, VideoNetwork):
        module.non_local.extend(inserted)
    return inserted


def inserted_blocks(module: nn.Module) -> dict[str, NonLocalBlock]:
    """Return place -> block for the blocks in ``module``.

    The places of a `VideoNetwork` come in the order of its forward pass; in any other module a
    place is the name of the module that the block follows.
    """
    if isinstance(module, VideoNetwork):
        paths = block_paths(module)
        return {name: _block(module.trunk.get_submodule(path)) for name, path in paths.items()}
    return {name: _block(child) for name, child in module.named_modules() if has_block(child)}


def block_paths(network: VideoNetwork) -> dict[str, str]:
    """Return place -> path in the trunk of the module that holds its block, of places with one."""
    paths = {name: carrier(network.trunk, place.path) for name, place in network.places.items()}
    return {n: path for n, path in paths.items() if has_block(network.trunk.get_submodule(path))}


def remove_blocks(module: nn.Module) -> dict[str, NonLocalBlock]:
    """Take all blocks out of ``module`` again and return them; it is what it was before them."""
    removed = inserted_blocks(module)
    for child in list(module.modules()):
        if has_block(child):
            detach(child)
    if isinstance(module, VideoNetwork):
        module.non_local.clear()
    return removed


def _specs(module: nn.Module, blocks: Blocks) -> dict[str, NonLocalSpec]:
    """Place -> what goes there."""
    if isinstance(blocks, NonLocalSpec) or {f.name for f in fields(NonLocalSpec)} & set(blocks):
        spec = as_spec(NonLocalSpec, blocks, "non_local")
        wanted = [spec.places] if isinstance(spec.places, str) else spec.places
        pairs = [(name, spec) for name in wanted]
    else:
        given = {n: {"kind": v} if isinstance(v, str) else v for n, v in blocks.items()}
        pairs = [(n, as_spec(NonLocalSpec, v, f"non_local at {n}")) for n, v in given.items()]
    sets = module.place_sets if isinstance(module, VideoNetwork) else {}
    names = [(place, spec) for name, spec in pairs for place in sets.get(name, [name])]
    _check_names([name for name, _ in names])
    if isinstance(module, VideoNetwork):
        _check_places(module, [name for name, _ in names])
    return dict(names)


def _check_names(names: Sequence[str]) -> None:
    if not names:
        raise NetworkError("non_local.places is empty: no block would be inserted; name a place")
    for number, name in enumerate(names):
        if name in names[:number]:
            raise NetworkError(f"non_local.places names {name!r} twice")


def _check_places(network: VideoNetwork, names: Sequence[str]) -> None:
    taken = block_paths(network)
    free = [name for name in network.places if name not in taken]
    for name in names:
        if name in free:
            continue
        near = difflib.get_close_matches(name, free, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        problem = f"no place {name!r} in this network{hint}"
        if name in taken:
            problem = f"place {name!r} already has a block"
        raise NetworkError(f"{problem}; places: {', '.join([*network.place_sets, *free])}")


def _build(name: str, spec: NonLocalSpec, channels: int) -> NonLocalBlock:
    try:
        return build_block(
            spec.kind, channels, spec.inner_channels, num_units=spec.num_units, **spec.options
        )
    except ValueError as error:
        raise NetworkError(f"non_local at {name}: {error}") from error


def _like(block: NonLocalBlock, parameters: Sequence[nn.Parameter]) -> None:
    """Bring ``block`` to the device and precision of the first of the parameters, if need be."""
    own = next(block.parameters())
    for first in [p for p in parameters if p.is_floating_point()][:1]:
        if (first.device, first.dtype) != (own.device, own.dtype):
            block.to(first.device, first.dtype)


def _block(module: nn.Module) -> NonLocalBlock:
    block = module.get_submodule(CHILD)
    assert isinstance(block, NonLocalBlock)
    return block
