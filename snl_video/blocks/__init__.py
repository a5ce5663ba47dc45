"""Non-local blocks for video, each a graph and a filter. Needs only torch."""

from snl_video.blocks.block import NonLocalBlock
from snl_video.blocks.graph_spectrum import (
    GraphReport,
    check_graph,
    filter_response,
    laplacian,
    spectrum,
)
from snl_video.blocks.graphs.graph import Graph
from snl_video.blocks.reference_weights import REFERENCE_OPTIONS, load_reference_weights
from snl_video.blocks.registry import BLOCKS, block_options, build_block

__all__ = [
    "BLOCKS",
    "REFERENCE_OPTIONS",
    "Graph",
    "GraphReport",
    "NonLocalBlock",
    "block_options",
    "build_block",
    "check_graph",
    "filter_response",
    "laplacian",
    "load_reference_weights",
    "spectrum",
]
