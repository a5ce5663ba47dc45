"""``build_model``: a backbone by name, with non-local blocks and pretrained weights or without."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snl_video.models.insertion import NonLocalSpec
from snl_video.models.network import VideoNetwork
from snl_video.models.presets import build_network
from snl_video.weights.load import load_spec
from snl_video.weights.pretrained_spec import PretrainedSpec, as_pretrained

logger = logging.getLogger(__name__)


def build_model(
    backbone: str,
    num_classes: int,
    *,
    width: int = 64,
    dropout: float = 0.5,
    non_local: NonLocalSpec | Mapping[str, Any] | None = None,
    backbone_options: Mapping[str, Any] | None = None,
    pretrained: str | Path | PretrainedSpec | Mapping[str, Any] | None = None,
) -> VideoNetwork:
    """Build a network that maps a clip (B, 3, T, H, W) of normalised pixels to logits.

    With ``pretrained`` every block that the weights do not have is the identity: in evaluation mode
    the logits are bit for bit those of the pretrained network without it. What was loaded is logged
    as one line; `load_pretrained` on a network gives the whole report.

    Args:
        backbone: a name in `BACKBONES`, or ``transformers:FOLDER``.
        num_classes: see `build_network`, as the next four.
        width: channels of the stem.
        dropout: before the last linear layer.
        non_local: the blocks to insert.
        backbone_options: what else than the name says.
        pretrained: weights to load: a source as `load_pretrained` takes it, or with more settings a
            `PretrainedSpec` or a dict of it, e.g. ``{"source": "resnet50.pth", "inflation":
            "centre"}``; None keeps random ones. A head of another number of classes stays random.

    Raises:
        ValueError: unknown backbone, option, kind or place, a size below one, or a setting of
            ``pretrained`` that is none; `PretrainedError`, a ValueError too, if the weights
            can't be read or don't fit.
        FetchError: the published weights can't be fetched.
    """
    spec = None if pretrained is None else as_pretrained(pretrained)
    network = build_network(
        backbone,
        num_classes,
        width=width,
        dropout=dropout,
        non_local=non_local,
        backbone_options=backbone_options,
    )
    if spec is not None:
        logger.info("%s", load_spec(network, spec).sentence())
    return network
