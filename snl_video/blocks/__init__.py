"""Non-local blocks for video, each a graph and a filter. Needs only torch."""

from snl_video.blocks.block import NonLocalBlock
from snl_video.blocks.graphs.graph import Graph
from snl_video.blocks.reference_weights import REFERENCE_OPTIONS, load_reference_weights
from snl_video.blocks.registry import KINDS, block_options, build_block
from snl_video.blocks.spectrum import (
    GraphReport,
    check_graph,
    filter_response,
    laplacian,
    spectrum,
)

__all__ = [
    "KINDS",
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
