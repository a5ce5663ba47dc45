"""MMAction2's checkpoints: their network, their names, and the blocks in them."""

from snl_video.models.pretrained.mmaction.load import convert, from_mmaction, recognises

__all__ = ["convert", "from_mmaction", "recognises"]
