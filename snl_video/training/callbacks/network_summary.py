"""What a network consists of and costs, printed when a run starts."""

from typing import Any

import pytorch_lightning as pl
from rich.console import Console

from snl_video.models.summary import summarise
from snl_video.training.module import VideoClassifier


class NetworkSummary(pl.Callback):
    """Prints the inserted blocks and the cost of one clip at start-up; keeps them in checkpoints.

    Args:
        num_frames: length of the clip that is counted.
        size: height and width of the clip that is counted, in pixels.
    """

    def __init__(self, num_frames: int, size: int) -> None:
        self.num_frames = num_frames
        self.size = size
        self.summary: dict[str, Any] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Count and print, once."""
        assert isinstance(pl_module, VideoClassifier)
        if self.summary:
            return
        summary = summarise(pl_module.network, self.num_frames, self.size, self.size)
        self.summary = summary.to_dict()
        if trainer.is_global_zero:
            Console().print(summary.table())

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Record the network beside its weights."""
        checkpoint["network_summary"] = self.summary
