"""Non-local blocks for video, each a graph and a filter. Needs only torch."""

from snl_video.blocks.block import NonLocalBlock
from snl_video.blocks.graphs import Graph
from snl_video.blocks.zoo import KINDS, block_options, build_block

__all__ = ["KINDS", "Graph", "NonLocalBlock", "block_options", "build_block"]
