"""PySlowFast's checkpoints: their network, their names, and the blocks in them."""

from snl_video.weights.formats.pyslowfast.load_pyslowfast import convert, from_slowfast, recognises

__all__ = ["convert", "from_slowfast", "recognises"]
