"""The private names of Lightning that this package uses, all of them.

Lightning may change them in any release; `tests/training/test_lightning_private.py` names the one
that a version lacks.
"""

from __future__ import annotations

from datetime import timedelta

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging
from torch.optim.swa_utils import AveragedModel


def load_loader_places(trainer: pl.Trainer) -> None:
    """Give the training loaders the places that the checkpoint of a resumed run has for them."""
    trainer.fit_loop._load_combined_loader_states()


def stop_after_step(trainer: pl.Trainer) -> None:
    """Let training end with a SIGTERMException when the current step is done."""
    trainer._signal_connector.received_sigterm = True


def limit_waiting(trainer: pl.Trainer, seconds: float) -> None:
    """Let no process wait longer for the others, where the trainer has several."""
    if hasattr(trainer.strategy, "_timeout"):
        trainer.strategy._timeout = timedelta(seconds=seconds)


def trainer_of(module: pl.LightningModule) -> pl.Trainer | None:
    """Return the trainer that a module is attached to; `module.trainer` raises without one."""
    return module._trainer


def average_of(callback: WeightAveraging) -> AveragedModel | None:
    """Return the average that a callback keeps, which is there once it is set up for training."""
    return callback._average_model
