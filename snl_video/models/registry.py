"""``build_network``: a backbone by name, with or without non-local blocks, from random weights."""

from collections.abc import Callable, Mapping
from typing import Any

from snl_video.models import resnet
from snl_video.models.inception_i3d import i3d_inception
from snl_video.models.insertion import NonLocalSpec, insert_blocks
from snl_video.models.network import VideoNetwork

BACKBONES: dict[str, Callable[..., VideoNetwork]] = {
    **resnet.BACKBONES,
    "i3d_inception": i3d_inception,
}
"""Name -> builder(num_classes, width, dropout, **options)."""


def build_network(
    backbone: str,
    num_classes: int,
    *,
    width: int = 64,
    dropout: float = 0.5,
    non_local: NonLocalSpec | Mapping[str, Any] | None = None,
    backbone_options: Mapping[str, Any] | None = None,
) -> VideoNetwork:
    """Build a network with random weights; see :func:`snl_video.weights.build_model`.

    This is what the readers of foreign checkpoints build; users call ``build_model``.

    Raises:
        ValueError: unknown backbone, option, kind or place, or a size below one.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"unknown backbone {backbone!r}; backbones: {', '.join(BACKBONES)}")
    for name, value in (("num_classes", num_classes), ("width", width)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
    builder = BACKBONES[backbone]
    known = builder.__kwdefaults__ or {}
    unknown = sorted(set(backbone_options or {}) - set(known))
    if unknown:
        raise ValueError(f"{backbone} has no option {unknown[0]!r}; its options: {sorted(known)}")
    network = builder(num_classes, width, dropout, **(backbone_options or {}))
    if non_local is not None:
        insert_blocks(network, non_local)
    return network
