"""Backbones with named places, and non-local blocks in them."""

from snl_video.models.build import build_model
from snl_video.models.insertion import NonLocalSpec, insert_blocks, inserted_blocks
from snl_video.models.network import Place, VideoNetwork
from snl_video.models.pretrained import (
    LoadReport,
    PretrainedError,
    PretrainedSpec,
    from_mmaction,
    from_slowfast,
    load_pretrained,
)

__all__ = [
    "LoadReport",
    "NonLocalSpec",
    "Place",
    "PretrainedError",
    "PretrainedSpec",
    "VideoNetwork",
    "build_model",
    "from_mmaction",
    "from_slowfast",
    "insert_blocks",
    "inserted_blocks",
    "load_pretrained",
]
