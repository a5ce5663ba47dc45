"""Backbones with named places, and non-local blocks in them. Knows nothing of weight files."""

from snl_video.models.insertion import NonLocalSpec, insert_blocks, inserted_blocks
from snl_video.models.network import Place, VideoNetwork
from snl_video.models.registry import BACKBONES, build_network

__all__ = [
    "BACKBONES",
    "NonLocalSpec",
    "Place",
    "VideoNetwork",
    "build_network",
    "insert_blocks",
    "inserted_blocks",
]
