"""The table of backbones: named presets over the component builders, and building by name."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from snl_video.errors import NetworkError
from snl_video.models.inception_i3d import i3d_inception
from snl_video.models.insertion import NonLocalSpec, insert_blocks
from snl_video.models.network import VideoNetwork
from snl_video.models.resnet import c2d, i3d, slow, slowfast
from snl_video.spec import as_spec

BACKBONES: dict[str, Callable[..., VideoNetwork]] = {
    "i3d_r50": partial(i3d, depth=50),
    "i3d_r101": partial(i3d, depth=101),
    "c2d_r50": partial(c2d, depth=50),
    "slow_r50": partial(slow, depth=50),
    "slow_r101": partial(slow, depth=101),
    "slowfast_r50_4x16": partial(slowfast, depth=50, alpha=8, fusion_kernel=5),
    "slowfast_r50_8x8": partial(slowfast, depth=50, alpha=4, fusion_kernel=7),
    "slowfast_r101_8x8": partial(slowfast, depth=101, alpha=4, fusion_kernel=5),
    "i3d_inception": i3d_inception,
}
"""Name -> builder(num_classes, width, dropout, *, options...).

A program may add a row; whatever builds by name then knows it. NxM of SlowFast: the slow pathway
takes N frames, every Mth of the video; the fast one takes alpha times as many.
"""


def options_of(backbone: str) -> dict[str, Any]:
    """The options of a backbone with the values that its name stands for.

    Raises:
        NetworkError: unknown backbone.
    """
    if backbone not in BACKBONES:
        raise NetworkError(f"unknown backbone {backbone!r}; backbones: {', '.join(BACKBONES)}")
    parameters = inspect.signature(BACKBONES[backbone]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def build_network(
    backbone: str,
    num_classes: int,
    *,
    width: int = 64,
    dropout: float = 0.5,
    non_local: NonLocalSpec | Mapping[str, Any] | None = None,
    backbone_options: Mapping[str, Any] | None = None,
) -> VideoNetwork:
    """Build a network with random weights; `build_model` loads some too.

    Args:
        backbone: a name in ``BACKBONES``.
        num_classes: size of the logits.
        width: channels of the stem, 64 in the published networks; narrow ones serve tests.
        dropout: probability of dropping a feature before the last linear layer.
        non_local: the blocks to insert, as a `NonLocalSpec` or a dict of it, e.g.
            ``{"kind": "snl", "places": ["res4.4"]}``; None inserts none.
        backbone_options: what else than the name says, e.g. ``{"temporal_pool": False}``.

    Raises:
        NetworkError: unknown backbone, option, kind or place, or a size below one.
    """
    known = options_of(backbone)
    given = dict(backbone_options or {})
    if unknown := sorted(set(given) - set(known)):
        raise NetworkError(f"{backbone} has no option {unknown[0]!r}; its options: {sorted(known)}")
    if num_classes < 1 or width < 1 or not 0 <= dropout < 1:
        raise NetworkError(
            "num_classes and width must be at least 1, and dropout must lie in [0, 1); got "
            f"num_classes {num_classes}, width {width}, dropout {dropout}"
        )
    network = BACKBONES[backbone](num_classes, width, dropout, **given)
    if non_local is not None:
        insert_blocks(network, as_spec(NonLocalSpec, non_local, "non_local"))
    return network
