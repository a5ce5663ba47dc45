"""The data module of a run, for what looks at the training list by itself."""

from typing import Any, Protocol

import pytorch_lightning as pl

from snl_video.errors import InputError


class TrainingData(Protocol):
    """What is asked of a data module.

    Attributes:
        loaders: how batches are made; ``loaders.loader.batch_size`` is of one process.
    """

    loaders: Any

    def video_list(self, subset: str) -> Any:
        """Return the list of a subset, with its ``records``."""

    def train_dataloader(self) -> Any:
        """Return a loader of training batches."""


def training_data(trainer: pl.Trainer, reader: str) -> TrainingData:
    """Return the data module of a run.

    Raises:
        InputError: the run has loaders only; the message begins with ``reader``.
    """
    data = getattr(trainer, "datamodule", None)
    if data is None:
        raise InputError(f"{reader} needs a datamodule, which has the training list")
    return data
