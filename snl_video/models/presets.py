"""The table of backbones: named presets over the component builders, and building by name."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from snl_video.errors import NetworkError
from snl_video.models.backbones import torchvision_video
from snl_video.models.backbones.hugging_face import PREFIX, hugging_face
from snl_video.models.backbones.inception_i3d import i3d_inception
from snl_video.models.backbones.mvit import mvit_b
from snl_video.models.backbones.resnet import c2d, i3d, slow, slowfast
from snl_video.models.backbones.separable_resnet import csn, r2plus1d
from snl_video.models.backbones.x3d import x3d
from snl_video.models.insertion import NonLocalSpec, insert_blocks
from snl_video.models.network import VideoNetwork
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
    "r2plus1d_r50": r2plus1d,
    "csn_r101": partial(csn, depth=101),
    "x3d_xs": partial(x3d, depth_factor=2.2),
    "x3d_s": partial(x3d, depth_factor=2.2),
    "x3d_m": partial(x3d, depth_factor=2.2),
    "x3d_l": partial(x3d, depth_factor=5.0),
    "mvit_b_16x4": partial(mvit_b, num_frames=16),
    "mvit_b_32x3": partial(mvit_b, num_frames=32),
    "torchvision:r3d_18": partial(torchvision_video.resnet18, "r3d_18"),
    "torchvision:mc3_18": partial(torchvision_video.resnet18, "mc3_18"),
    "torchvision:r2plus1d_18": partial(torchvision_video.resnet18, "r2plus1d_18"),
    "torchvision:s3d": partial(torchvision_video.s3d, "s3d"),
    "torchvision:swin3d_t": partial(torchvision_video.swin3d, "swin3d_t"),
    "torchvision:swin3d_s": partial(torchvision_video.swin3d, "swin3d_s"),
    "torchvision:swin3d_b": partial(torchvision_video.swin3d, "swin3d_b"),
    "torchvision:mvit_v1_b": partial(torchvision_video.mvit, "mvit_v1_b"),
    "torchvision:mvit_v2_s": partial(torchvision_video.mvit, "mvit_v2_s"),
}
"""Name -> builder(num_classes, width, dropout, *, options...).

A program may add a row; whatever builds by name then knows it. NxM of SlowFast: the slow pathway
takes N frames, every Mth of the video; the fast one takes alpha times as many. Of MViT: the clip.
"""


def builder_of(backbone: str) -> Callable[..., VideoNetwork]:
    """Return the builder of a name in ``BACKBONES``, or of ``transformers:FOLDER``.

    Raises:
        NetworkError: unknown backbone.
    """
    if backbone.startswith(PREFIX):
        return partial(hugging_face, backbone.removeprefix(PREFIX))
    if backbone not in BACKBONES:
        raise NetworkError(f"unknown backbone {backbone!r}; backbones: {', '.join(BACKBONES)}")
    return BACKBONES[backbone]


def options_of(backbone: str) -> dict[str, Any]:
    """The options of a backbone with the values that its name stands for.

    Raises:
        NetworkError: unknown backbone.
    """
    parameters = inspect.signature(builder_of(backbone)).parameters.values()
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
        backbone: a name in ``BACKBONES``, or ``transformers:FOLDER``.
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
    network = builder_of(backbone)(num_classes, width, dropout, **given)
    if non_local is not None:
        insert_blocks(network, as_spec(NonLocalSpec, non_local, "non_local"))
    return network
