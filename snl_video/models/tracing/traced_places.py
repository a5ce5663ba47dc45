"""Places in any module: channels and layout, found by one run of an example through it."""

import difflib
import re
from collections.abc import Sequence

import torch
from torch import nn

from snl_video.errors import NetworkError
from snl_video.models.block_hook import carrier, has_block
from snl_video.models.feature_layout import FeatureLayout
from snl_video.models.network import Place
from snl_video.models.tracing.example_run import (
    Example,
    Features,
    Returned,
    run,
    smaller_run,
)
from snl_video.models.tracing.grid_reading import is_read
from snl_video.models.tracing.layout_detection import detected_layout


def traced_places(
    module: nn.Module,
    names: Sequence[str],
    example: Example | None,
    layout: FeatureLayout | str | None = None,
) -> dict[str, Place]:
    """Return name -> `Place` for modules of a network.

    Args:
        module: the network.
        names: of modules in it, with ``[item]`` where one returns several feature maps.
        example: a batch for it, on its device or on ``meta``; see `insert_blocks`.
        layout: of the features; None finds it.

    Raises:
        NetworkError: see `insert_blocks`.
    """
    if example is None:
        raise NetworkError(
            f"{type(module).__name__} does not name its places: give insert_blocks an "
            "example=clip, a batch of clips as the network takes it"
        )
    targets = {name: _target(module, name) for name in names}
    paths = [path for path, _ in targets.values()]
    twice = [name for name, (path, _) in targets.items() if paths.count(path) > 1]
    if twice:
        raise NetworkError(f"{' and '.join(twice)} mean the same module: name one of them")
    full = run(module, example, paths)
    small = smaller_run(module, example, paths) if layout is None else None
    places = {}
    for name, (path, item) in targets.items():
        seen = full.modules[path]
        features = _chosen(name, seen, item)
        if isinstance(layout, str):
            found = FeatureLayout(layout)
        elif layout is not None:
            found = layout
        else:
            try:
                found = detected_layout(module, path, example, features, full, small)
            except NetworkError as error:
                raise NetworkError(f"{name} {error}") from error
        try:
            channels = found.channels(features.shape)
        except NetworkError as error:
            raise NetworkError(f"{name}: {error}") from error
        if found.positions(features.shape) < 2:
            raise NetworkError(
                f"{name} returns {seen.what}, no feature map: one position has no other to relate "
                "to; name a module before the pooling"
            )
        places[name] = Place(path, channels, found, features.item)
        if found.extra_tokens:
            places[name] = places[name]._replace(read=is_read(module, example, places[name]))
    return places


def _chosen(name: str, seen: Returned, item: int | str | None) -> Features:
    """The feature map that a block at ``name`` takes.

    Raises:
        NetworkError: the module did not run once, or returned none, or several.
    """
    if seen.calls != 1:
        how = f"runs {seen.calls} times" if seen.calls else "does not run"
        raise NetworkError(
            f"{name} {how} when the example goes through the network, so a block after it "
            f"{'would run as often' if seen.calls else 'would do nothing'}: name a module that "
            "runs once"
        )
    candidates = [f for f in seen.features if item is None or f.item == item]
    if not candidates:
        raise NetworkError(
            f"{name} returns {seen.what}, no feature map: a block needs channels at several "
            "positions, 3 to 5 axes; name another module"
        )
    first, *others = candidates
    if any(len(other.shape) == len(first.shape) for other in others):
        stated = " or ".join(f"{name}[{f.item}]" for f in candidates)
        raise NetworkError(f"{name} returns several feature maps, {seen.what}: name {stated}")
    return first


def _target(module: nn.Module, name: str) -> tuple[str, int | str | None]:
    """Path of the module that a name means, and the item of its output."""
    match = re.fullmatch(r"(.+?)(?:\[(\w+)\])?", name)
    path, item = match.groups() if match else (name, None)
    known = [known for known, _ in module.named_modules(remove_duplicate=False) if known]
    if path not in known:
        near = difflib.get_close_matches(path, known, 3) or known[:3]
        raise NetworkError(
            f"no module {path!r} in this {type(module).__name__}: near it are {', '.join(near)}; "
            f"it has {len(known)}, see named_modules()"
        )
    words = path.split(".")
    for count in range(len(words) + 1):
        if how := _frozen_code(module.get_submodule(".".join(words[:count]))):
            raise NetworkError(
                f"{name} is inside a module that is {how}, whose code no block can enter: insert "
                f"the blocks first"
            )
    path = carrier(module, path)
    if has_block(module.get_submodule(path)):
        raise NetworkError(f"{name} already has a block: take it out with remove_blocks first")
    return path, int(item) if item and item.isdigit() else item


def _frozen_code(module: nn.Module) -> str | None:
    if isinstance(module, torch.jit.ScriptModule):
        return "compiled by torch.jit"
    if "_orig_mod" in module._modules or module._compiled_call_impl is not None:
        return "compiled by torch.compile"
    if isinstance(module, nn.parallel.DistributedDataParallel):
        return "wrapped in DistributedDataParallel"
    return None
