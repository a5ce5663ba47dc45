"""Resuming in the middle of an epoch, however early the training loader was made."""

from __future__ import annotations

import pytorch_lightning as pl

from snl_video.training.lightning_private import load_loader_places


class LoaderPlace(pl.Callback):
    """Gives a `ResumableLoader` the place that a checkpoint has for it.

    Lightning gives it to a loader that it makes after reading the checkpoint. A module that asks
    for `trainer.estimated_stepping_batches` in `configure_optimizers` has it made before; without
    this callback such a run, resumed in the middle of an epoch, starts that epoch again.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give it, before the first batch is asked for; nothing where that is done."""
        load_loader_places(trainer)
