"""Where every weight of a network sits: in which part, and how deep."""

import difflib
from typing import Literal, NamedTuple

from snl_video.errors import InputError
from snl_video.models import VideoNetwork
from snl_video.models.insertion import block_paths

Part = Literal["backbone", "blocks", "head"]
STEM = "stem"
PATHWAYS = ("slow.", "fast.")


class Spot(NamedTuple):
    """A part of the network and a position among its places, -1 before the first of them."""

    part: Part
    position: int


def module_spots(network: VideoNetwork) -> dict[str, Spot]:
    """Return path in the network -> `Spot` for every module of its trunk.

    What comes before the first place is the stem, what comes between two places goes with the
    earlier one (the lateral connections of SlowFast with the stage they follow), what comes after
    the last is the head. An inserted block has the position of its place.
    """
    paths = {place.path: index for index, place in enumerate(network.places.values())}
    blocks = [f"{path}.non_local" for path in block_paths(network).values()]
    spots = {}
    reached, within = -1, ""
    for path, _ in network.trunk.named_modules():
        if path in paths:
            reached, within = paths[path], path
        inside = path == within or path.startswith(f"{within}.")
        part: Part = "backbone"
        if any(path == block or path.startswith(f"{block}.") for block in blocks):
            part = "blocks"
        elif reached == len(paths) - 1 and not inside:
            part = "head"
        name = f"trunk.{path}" if path else "trunk"
        spots[name] = Spot(part, len(paths) if part == "head" else reached)
    return spots


def parameter_spots(network: VideoNetwork) -> dict[str, Spot]:
    """Return name -> `Spot` for every parameter of ``network``."""
    modules = module_spots(network)
    return {name: modules[name.rpartition(".")[0]] for name, _ in network.named_parameters()}


def depths(network: VideoNetwork) -> list[int]:
    """Return the depth of the stem, of every place in order, and of the head.

    The stem has depth 0 and every place is one deeper than the one before; the residual blocks of
    two pathways that have the same name (``slow.res4.1``, ``fast.res4.1``) are equally deep.
    """
    order = list(dict.fromkeys(_bare(name) for name in network.places))
    known = {name: depth for depth, name in enumerate(order, 1)}
    return [0, *(known[_bare(name)] for name in network.places), len(order) + 1]


def label_of(network: VideoNetwork, position: int) -> str:
    """Name a position as all that is equally deep is named: without the pathway."""
    return STEM if position < 0 else _bare(list(network.places)[position])


def place_position(network: VideoNetwork, name: str, setting: str) -> int:
    """Return the position of a place, of the end of a stage (``res4``), or of the ``stem``.

    Raises:
        InputError: no such place; the message lists them and begins with ``setting``.
    """
    names = list(network.places)
    stages = {_stage(_bare(place)): number for number, place in enumerate(names)}
    stages |= {_stage(place): number for number, place in enumerate(names)}
    known = {STEM: -1, **stages, **{place: number for number, place in enumerate(names)}}
    known.pop("", None)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise InputError(
            f"{setting}: no place {name!r} in this network{hint}; places: {', '.join(known)}"
        )
    return known[name]


def _bare(place: str) -> str:
    prefix = next((p for p in PATHWAYS if place.startswith(p)), "")
    return place.removeprefix(prefix)


def _stage(place: str) -> str:
    return place.rpartition(".")[0]
