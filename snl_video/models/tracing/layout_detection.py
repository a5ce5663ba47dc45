"""How a module lays out its features, told by one run of an example, or by two."""

import torch
from torch import nn

from snl_video.errors import NetworkError
from snl_video.models.feature_layout import FeatureLayout
from snl_video.models.tracing.example_run import Example, Features, Run, frames_of, tensors_in
from snl_video.models.tracing.token_grid import token_layout

STATE = "state it with layout=FeatureLayout(axes, sizes, extra_tokens)"


def detected_layout(
    module: nn.Module,
    path: str,
    example: Example,
    features: Features,
    full: Run,
    smaller: Run | None,
) -> FeatureLayout:
    """Return the layout of the features that a module returns.

    Args:
        module: the network.
        path: of the module in it.
        example: that ran through the network.
        features: shape of what the module returned.
        full: the run of the example.
        smaller: the run of a smaller one, where the network takes it.

    Raises:
        NetworkError: nothing tells it; the message begins with "returns".
    """
    if len(features.shape) == 3:
        return _of_tokens(module, path, example, features, full)
    return _of_maps(module, path, example, features, smaller)


def _of_tokens(
    module: nn.Module, path: str, example: Example, features: Features, full: Run
) -> FeatureLayout:
    _lead(example, features.shape)
    grids = full.modules[path].grids
    layout = token_layout(module, example, features.shape, full.convolutions, grids)
    if layout is None:
        raise NetworkError(
            f"returns features of shape {tuple(features.shape)}: nothing tells where in "
            f"the clip these tokens are; {STATE}, such as "
            'FeatureLayout("B(THW)C", {"T": 8, "H": 14, "W": 14}, extra_tokens=1)'
        )
    return layout


def _of_maps(
    module: nn.Module, path: str, example: Example, features: Features, smaller: Run | None
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
                f"returns {tuple(shape)}, and {tuple(small)} for a smaller clip: the number "
                f"of channels changes with the input, so no block fits; if C is elsewhere, {STATE}"
            )
    for around in (path, path.rpartition(".")[0]):
        if len(candidates) > 1:
            known = {n for p in module.get_submodule(around).parameters() for n in p.shape}
            candidates = [axis for axis in candidates if shape[axis] in known] or candidates
    if len(candidates) != 1:
        raise NetworkError(
            f"returns {tuple(shape)}: nothing tells whether its channels come second or "
            f'last; {STATE}, such as layout="{"BCTHW" if last == 4 else "BCHW"}"'
        )
    lead, sizes = _lead(example, shape)
    rest = "HW" if last == 3 else "THW"
    axes = f"{lead}C{rest}" if candidates[0] == 1 else f"{lead}{rest}C"
    return FeatureLayout(axes, sizes)


def _lead(example: Example, shape: torch.Size) -> tuple[str, dict[str, int]]:
    """The first axis of features: B, or B and T where each frame is an image of its own."""
    clip = tensors_in(example)[0]
    frames = frames_of(clip)
    if shape[0] == clip.shape[0]:
        return "B", {}
    if frames and len(shape) < 5 and shape[0] == clip.shape[0] * frames:
        return "(BT)", {"T": frames}
    raise NetworkError(
        f"returns {tuple(shape)} for a batch of {clip.shape[0]}: its first axis is neither "
        f"the batch nor the frames of the batch; {STATE}"
    )
