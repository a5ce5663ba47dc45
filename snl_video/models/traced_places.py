"""Places in any module: channels and layout, found by one run of an example through it."""

import difflib
import re
from collections.abc import Sequence

import torch
from torch import nn

from snl_video.errors import NetworkError
from snl_video.models.block_hook import carrier, has_block
from snl_video.models.example_run import (
    Example,
    Features,
    Returned,
    Run,
    frames_of,
    run,
    smaller_run,
    tensors_in,
)
from snl_video.models.feature_layout import FeatureLayout
from snl_video.models.grid_reading import is_read
from snl_video.models.network import Place
from snl_video.models.token_grid import token_layout

STATE = "state it with layout=FeatureLayout(axes, sizes, extra_tokens)"


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
        elif len(features.shape) == 3:
            found = _of_tokens(name, module, example, features, full, path)
        else:
            found = _of_maps(name, module, path, example, features, small)
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


def _of_tokens(
    name: str, module: nn.Module, example: Example, features: Features, full: Run, path: str
) -> FeatureLayout:
    _lead(name, example, features.shape)
    grids = full.modules[path].grids
    layout = token_layout(module, example, features.shape, full.convolutions, grids)
    if layout is None:
        raise NetworkError(
            f"{name} returns features of shape {tuple(features.shape)}: nothing tells where in "
            f"the clip these tokens are; {STATE}, such as "
            'FeatureLayout("B(THW)C", {"T": 8, "H": 14, "W": 14}, extra_tokens=1)'
        )
    return layout


def _of_maps(
    name: str,
    module: nn.Module,
    path: str,
    example: Example,
    features: Features,
    smaller: Run | None,
) -> FeatureLayout:
    """Layout of features of four or five axes: channels come second or last.

    Channels keep their number when the clip is smaller. Where the network takes no smaller clip,
    one of the module's own tensors, or of the one around it, has an axis of that many.
    """
    shape, last = features.shape, len(features.shape) - 1
    others = smaller.modules[path].features if smaller else []
    small = next((f.shape for f in others if f.item == features.item), None)
    candidates = [axis for axis in (1, last) if shape[axis] > 1]
    if small is not None and len(small) == len(shape):
        candidates = [axis for axis in candidates if small[axis] == shape[axis]]
        if not candidates:
            raise NetworkError(
                f"{name} returns {tuple(shape)}, and {tuple(small)} for a smaller clip: the number "
                f"of channels changes with the input, so no block fits; if C is elsewhere, {STATE}"
            )
    for around in (path, path.rpartition(".")[0]):
        if len(candidates) > 1:
            known = {n for p in module.get_submodule(around).parameters() for n in p.shape}
            candidates = [axis for axis in candidates if shape[axis] in known] or candidates
    if len(candidates) != 1:
        raise NetworkError(
            f"{name} returns {tuple(shape)}: nothing tells whether its channels come second or "
            f'last; {STATE}, such as layout="{"BCTHW" if last == 4 else "BCHW"}"'
        )
    lead, sizes = _lead(name, example, shape)
    rest = "HW" if last == 3 else "THW"
    axes = f"{lead}C{rest}" if candidates[0] == 1 else f"{lead}{rest}C"
    return FeatureLayout(axes, sizes)


def _lead(name: str, example: Example, shape: torch.Size) -> tuple[str, dict[str, int]]:
    """The first axis of features: B, or B and T where each frame is an image of its own."""
    clip = tensors_in(example)[0]
    frames = frames_of(clip)
    if shape[0] == clip.shape[0]:
        return "B", {}
    if frames and len(shape) < 5 and shape[0] == clip.shape[0] * frames:
        return "(BT)", {"T": frames}
    raise NetworkError(
        f"{name} returns {tuple(shape)} for a batch of {clip.shape[0]}: its first axis is neither "
        f"the batch nor the frames of the batch; {STATE}"
    )


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
