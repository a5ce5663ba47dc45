"""A checkpoint of the last finished epoch."""

from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint


class LastCheckpoint(Checkpoint):
    """Writes a checkpoint at the end of every epoch, over the one before it.

    ``ModelCheckpoint(save_last=True)`` writes only when it also writes a best one, so that its
    last checkpoint can be many epochs old.

    Args:
        file: the checkpoint.
    """

    def __init__(self, file: str | Path) -> None:
        self.file = Path(file)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write it."""
        self.save(trainer)

    def save(self, trainer: pl.Trainer) -> None:
        """Write the file, unless the run is a trial."""
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.file, weights_only=False)
