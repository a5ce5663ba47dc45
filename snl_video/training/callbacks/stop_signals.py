"""Ctrl-C and SIGTERM end training after a step, with a checkpoint."""

import signal
import threading
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities.exceptions import SIGTERMException

from snl_video.training.callbacks.last_checkpoint import LastCheckpoint
from snl_video.training.lightning_private import stop_after_step


class StopSignals(pl.Callback):
    """Ends training after Ctrl-C or SIGTERM when its step is done, and saves it.

    A signal during validation waits for its end, since the weights may be averaged ones meanwhile.
    A second signal ends the run at once and saves nothing. Runs of several processes are left to
    Lightning: they go on from their last epoch.

    Args:
        last: writes the checkpoint.
        resume: the command that goes on from it.
    """

    def __init__(self, last: LastCheckpoint, resume: str) -> None:
        self.last, self.resume = last, resume
        self.received: int | None = None
        self._trainer: pl.Trainer | None = None
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over, from Lightning too."""
        if trainer.world_size == 1 and threading.current_thread() is threading.main_thread():
            self._trainer = trainer
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._receive)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let a signal that came meanwhile end training."""
        if self.received is not None:
            stop_after_step(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Save where training was stopped after a step, and say how to resume."""
        self._give_back()
        if self.received is None or not isinstance(exception, SIGTERMException):
            return
        if exception.code is None:
            exception.code = 128 + self.received
            self.last.save(trainer)
            print(f"saved {self.last.file}\nresume: {self.resume}", flush=True)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the signals back."""
        self._give_back()

    def _receive(self, number: int, frame: Any) -> None:
        if self.received is not None:
            raise SIGTERMException(128 + number)
        assert self._trainer is not None
        self.received = number
        waits = self._trainer.validating
        what = "the validation" if waits else "the step"
        print(f"\nstopping after {what}, to save it; once more stops at once", flush=True)
        if not waits:
            stop_after_step(self._trainer)

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
