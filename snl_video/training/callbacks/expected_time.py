"""Says early how long a training run will take."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl

from snl_video.wording import duration


class ExpectedTime(pl.Callback):
    """Prints once, after a few batches, how long the remaining ones will take.

    It is the median time of a batch, loading included, times the number of those that remain. The
    time of validations is not known then and not counted.

    Args:
        num_batches: how many are measured; one more comes before them.
        clock: returns seconds.
    """

    def __init__(self, num_batches: int = 10, clock: Callable[[], float] = time.monotonic) -> None:
        self.num_batches, self.clock = num_batches, clock
        self._ends: list[float] = []

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Note the time, and print when there are enough."""
        if len(self._ends) > self.num_batches:
            return
        self._ends.append(self.clock())
        left = batches_left(trainer, batch_idx + 1)
        if len(self._ends) > self.num_batches and left and trainer.is_global_zero:
            pairs = zip(self._ends[1:], self._ends, strict=False)
            seconds = statistics.median(end - start for end, start in pairs)
            print(
                f"\nabout {duration(seconds * left)} to go: {left:,} batches of {seconds:.2g} s, "
                "validation not counted",
                flush=True,
            )


def batches_left(trainer: pl.Trainer, done: int) -> int | None:
    """How many training batches come after the first `done` of this epoch; None if endless."""
    of_epoch, epochs, steps = trainer.num_training_batches, trainer.max_epochs, trainer.max_steps
    limits: list[float] = []
    if epochs is not None and epochs != -1:
        limits.append((epochs - trainer.current_epoch) * of_epoch - done)
    if steps != -1:
        limits.append((steps - trainer.global_step) * trainer.accumulate_grad_batches)
    left = min(limits, default=float("inf"))
    return None if left == float("inf") else max(int(left), 0)
