"""A part of the backbone that is not trained, for all of a run or for its first epochs."""

import logging
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch.distributed
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from snl_video.training.freeze_schedule import FreezeSchedule

logger = logging.getLogger(__name__)


class Freezing(pl.Callback):
    """Keeps the backbone up to a place as it is: its weights and its batch-norm statistics.

    Inserted blocks and the head are always trained. The optimiser holds all parameters; it passes
    over those that have no gradient. Lightning gives every layer its mode back after a validation,
    so that norms which are put into evaluation mode when an epoch begins stay in it.

    Args:
        until: the last frozen place, e.g. ``res4.2``, ``Mixed_4f``, ``res3`` (the whole stage) or
            ``stem``; None freezes nothing.
        norm: no batch norm of the backbone updates its statistics (partial batch norm).
        unfreeze: epoch, from 1 -> the last frozen place from the start of that epoch on, null for
            none; each nearer to the input than the one before. On the command line
            ``--freeze.unfreeze.5 res3 --freeze.unfreeze.9 null``.
    """

    def __init__(
        self,
        until: str | None = None,
        norm: bool = False,
        unfreeze: dict[int, str | None] | None = None,
    ) -> None:
        self.settings = {"until": until, "norm": norm, "unfreeze": unfreeze}
        self.schedule: FreezeSchedule | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Freeze as in epoch 0, before the optimiser and the wrapper of several processes.

        Raises:
            InputError: see `FreezeSchedule`.
        """
        if stage == "fit":
            self.schedule = FreezeSchedule(pl_module.network, **self.settings)  # type: ignore
            self.schedule.apply(epoch=0)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Freeze as the epoch wants it, which after a resume may be any, and in its middle."""
        self._begin(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Free what this epoch trains for the first time."""
        self._begin(trainer)

    def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Average the gradients that ``DistributedDataParallel`` does not know of."""
        if trainer.world_size > 1:
            assert self.schedule is not None
            average_gradients(self.schedule.later)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Record what was frozen."""
        checkpoint["freeze"] = self.settings

    def held_norms(self) -> Sequence[nn.Module]:
        """Return the batch norms whose statistics stay as they are in this epoch."""
        return self.schedule.held_norms() if self.schedule else ()

    def _begin(self, trainer: pl.Trainer) -> None:
        assert self.schedule is not None
        if self.schedule.apply(trainer.current_epoch) and trainer.is_global_zero:
            logger.info("epoch %d: %s", trainer.current_epoch, self.schedule.describe())
        self.schedule.hold_norms()


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Average the gradients over all processes, in place.

    ``DistributedDataParallel`` knows only the parameters that needed a gradient when it was made,
    so those that are freed later would go their own way in every process.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    together = parameters_to_vector(gradients)
    torch.distributed.all_reduce(together)
    vector_to_parameters(together / torch.distributed.get_world_size(), gradients)
