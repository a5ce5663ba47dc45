"""More epochs where the training list is so short that those of a recipe are few steps."""

import math

import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_info

from snl_video.errors import InputError
from snl_video.training.training_data import training_data


class MinimumSteps(pl.Callback):
    """Multiplies the epochs, and those between two validations, so that there are enough steps.

    A recipe counts epochs, and an epoch of fifteen videos is one step. Both numbers are multiplied
    by the same whole factor, so that there are as many validations as before. Nothing is changed
    where the epochs are enough, or where ``max_steps`` or ``max_epochs=-1`` decides. A cosine
    schedule stretches along; milestones and ``unfreeze`` stay at their epochs.

    Args:
        num_steps: optimiser steps that a run should have, at least.
    """

    def __init__(self, num_steps: int = 100) -> None:
        if num_steps < 1:
            raise InputError(f"num_steps must be at least 1, got {num_steps}")
        self.num_steps = num_steps

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Count the steps of an epoch and set the epochs, before a schedule is built on them.

        Raises:
            InputError: there is no data module with a training list.
        """
        epochs = trainer.max_epochs
        if stage != "fit" or trainer.max_steps != -1 or epochs is None or epochs < 1:
            return
        data = training_data(trainer, "MinimumSteps")
        videos = len(data.video_list("train"))
        batches = max(1, math.ceil(videos / trainer.world_size) // data.loaders.loader.batch_size)
        steps = math.ceil(batches / trainer.accumulate_grad_batches)
        factor = math.ceil(self.num_steps / (steps * epochs))
        if factor == 1:
            return
        trainer.fit_loop.max_epochs = epochs * factor
        if trainer.check_val_every_n_epoch is not None:
            trainer.check_val_every_n_epoch *= factor
        rank_zero_info(
            f"{videos} training videos make {steps} step{'s' * (steps > 1)} an epoch: "
            f"{epochs * factor} epochs instead of {epochs}, for at least {self.num_steps} steps; "
            "trainer.max_epochs decides otherwise"
        )
