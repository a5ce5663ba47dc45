"""What Lightning and its parser print that no user of this program can act on."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGED = (
    "\U0001f4a1 Tip",
    "TPU available",
    "HPU available",
    "Restoring states from the checkpoint",
    "Restored all states from the checkpoint",
    "Loaded model weights from the checkpoint",
    "`Trainer.fit` stopped",
)
"""How such lines begin."""
WARNED = (
    r".*does not have many workers",
    r"`max_epochs` was not set",
    r".*callbacks used to create the checkpoint need to be provided",
    r"Checkpoint directory .* exists and is not empty",
    r"The number of training batches .* is smaller than the logging interval",
    r"It is recommended to use .*sync_dist=True",  # the scores are of all processes already
    r"LightningCLI's args parameter",
    r"\s*By default only one JsonargparseDeprecationWarning",
    r"\s*.*was deprecated in v4",
    r"\s*skip_none parameter was deprecated",
)
"""Regular expressions of how such warnings begin."""
LOGGERS = ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.rank_zero")


@contextmanager
def without_adverts() -> Iterator[None]:
    """Keep lines of `LOGGED` and warnings of `WARNED` from the terminal."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    with warnings.catch_warnings():
        for message in WARNED:
            warnings.filterwarnings("ignore", message=message)
        warnings.filterwarnings("ignore", module=r"pytorch_lightning\.utilities\._pytree")
        for logger in loggers:
            logger.addFilter(_tells_something)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeFilter(_tells_something)


def _tells_something(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(LOGGED)
