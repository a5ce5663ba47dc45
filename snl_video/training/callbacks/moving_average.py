"""An exponential moving average of the weights that leaves frozen numbers untouched."""

import itertools
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor

from snl_video.errors import InputError
from snl_video.training.lightning_private import average_of


class MovingAverage(WeightAveraging):
    """Validates and checkpoints an exponential moving average of the network.

    After every ``every_n_steps`` optimiser steps ``average = decay * average + (1 - decay) *
    current``, for weights and batch-norm statistics. Validation runs on the average, ``best.ckpt``
    and ``last.ckpt`` hold it as their weights (and the current weights beside it, for resuming),
    and it is what the network has after training.

    What Lightning's ``EMAWeightAveraging`` does otherwise: there equal numbers drift by rounding,
    so that frozen layers and pixel statistics change, counters are rounded down, and before the
    first update the average is the network as it was before pretrained weights were loaded. Here
    equal numbers stay equal bit for bit, counters are copied, and until the first update the
    average is the network itself.

    Args:
        decay: in [0, 1); the average covers about 1 / (1 - decay) updates.
        every_n_steps: optimiser steps between two updates.
        start_step: optimiser steps before the first update.
        device: where the average is kept; by default where the network is.
    """

    def __init__(
        self,
        decay: float = 0.999,
        every_n_steps: int = 1,
        start_step: int = 0,
        device: str | None = None,
    ) -> None:
        if not 0 <= decay < 1 or every_n_steps < 1 or start_step < 0:
            raise InputError(
                "decay must lie in [0, 1), every_n_steps must be >= 1 and start_step >= 0, got "
                f"{decay}, {every_n_steps} and {start_step}"
            )
        self.every_n_steps = every_n_steps
        self.start_step = start_step

        def average(mean: list[Tensor], current: list[Tensor], num_averaged: Tensor | int) -> None:
            if mean[0].is_floating_point():
                torch._foreach_lerp_(mean, current, 1 - decay)
            else:
                torch._foreach_copy_(mean, current)

        super().__init__(device=device, use_buffers=True, multi_avg_fn=average)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Whether to update after the optimiser step ``step_idx``, counted from 0."""
        if step_idx is None or step_idx < self.start_step:
            return False
        return (step_idx - self.start_step) % self.every_n_steps == 0

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Make the average, in the precision that the network will have."""
        super().setup(trainer, pl_module, stage)
        if stage == "fit" and (average := average_of(self)) is not None:
            trainer.precision_plugin.convert_module(average.module)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Follow the network to its device, where it was not yet when the average was made.

        The count of updates stays on the CPU: it is read at every update.
        """
        if self._device is None and (average := average_of(self)) is not None:
            average.module.to(pl_module.device)

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the average into the network."""
        self._follow(pl_module)
        super().on_validation_epoch_start(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write the average as the weights."""
        self._follow(pl_module)
        super().on_save_checkpoint(trainer, pl_module, checkpoint)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the average in the network."""
        self._follow(pl_module)
        super().on_train_end(trainer, pl_module)

    def _follow(self, module: pl.LightningModule) -> None:
        """Until the first update make the average equal to the network."""
        average = average_of(self)
        if average is None or average.n_averaged > 0:
            return
        theirs = itertools.chain(average.module.parameters(), average.module.buffers())
        ours = itertools.chain(module.parameters(), module.buffers())
        for mean, current in zip(theirs, ours, strict=True):
            mean.data.copy_(current.data)
