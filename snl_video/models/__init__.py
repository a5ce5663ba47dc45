"""Backbones with named places, and non-local blocks in them. Knows nothing of weight files."""

from snl_video.models.feature_layout import FeatureLayout
from snl_video.models.insertion import NonLocalSpec, insert_blocks, inserted_blocks, remove_blocks
from snl_video.models.network import Place, VideoNetwork
from snl_video.models.position_head import use_protocol
from snl_video.models.presets import BACKBONES, build_network

__all__ = [
    "BACKBONES",
    "FeatureLayout",
    "NonLocalSpec",
    "Place",
    "VideoNetwork",
    "build_network",
    "insert_blocks",
    "inserted_blocks",
    "remove_blocks",
    "use_protocol",
]
