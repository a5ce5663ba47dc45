"""MMAction2's checkpoints: their network, their names, and the blocks in them."""

from snl_video.weights.formats.mmaction.load_mmaction import convert, from_mmaction, recognises

__all__ = ["convert", "from_mmaction", "recognises"]
