"""Where a run logs to: always to CSV files in its folder, and to one other place."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from pytorch_lightning.loggers import (
    CSVLogger,
    Logger,
    MLFlowLogger,
    TensorBoardLogger,
    WandbLogger,
)

from snl_video.errors import UsageError

PROJECT = "snl_video"
"""What wandb calls a project and MLflow an experiment."""


def _tensorboard(run_dir: Path) -> Logger:
    return TensorBoardLogger(run_dir, name="tensorboard", version="")


def _wandb(run_dir: Path) -> Logger:
    (run_dir / "wandb").mkdir(parents=True, exist_ok=True)
    return WandbLogger(name=run_dir.resolve().name, save_dir=run_dir, project=PROJECT)


def _mlflow(run_dir: Path) -> Logger:
    """In the store that ``MLFLOW_TRACKING_URI`` names, else in the folder of the run."""
    store = os.environ.get("MLFLOW_TRACKING_URI") or (run_dir.resolve() / "mlruns").as_uri()
    return MLFlowLogger(PROJECT, run_name=run_dir.resolve().name, tracking_uri=store)


LOGGERS: dict[str, Callable[[Path], Logger]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
"""By the words of ``--logger``, which are also the packages that they need."""


def loggers_of(run_dir: Path, name: str) -> list[Logger]:
    """The logger of a name and the CSV logger, which reports and the progress bar read.

    Raises:
        UsageError: its package is not installed.
    """
    if find_spec(name) is None:
        raise UsageError(f"--logger {name} needs the package {name}: pip install {name}")
    return [LOGGERS[name](run_dir), CSVLogger(run_dir, name="csv")]
