"""Weights that a run starts from."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console

from snl_video.weights import PretrainedSpec, as_pretrained, load_spec

REPORT_FILE = "load_report.json"


class PretrainedWeights(pl.Callback):
    """Loads weights into the network when a run starts, not when it resumes.

    A table of what went where is printed and written to ``load_report.json`` in the trainer's
    ``default_root_dir``. Checkpoints keep it, and never need the weights again.

    Args:
        source: a file or ``kinetics400``, or with more settings a `PretrainedSpec` or a
            mapping of its fields.

    Attributes:
        report: of the weights that this run, or the one that it resumes, started from.
    """

    def __init__(self, source: str | Path | PretrainedSpec | Mapping[str, Any]) -> None:
        self.spec = as_pretrained(source)
        self.report: dict[str, Any] | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Load, unless the weights are those of a checkpoint.

        Raises:
            PretrainedError: the weights can't be read or don't fit.
            FetchError: the published weights can't be fetched.
        """
        if trainer.ckpt_path is not None or self.report is not None:
            return
        report = load_spec(pl_module.network, self.spec)  # type: ignore[arg-type]
        self.report = report.to_dict()
        if trainer.is_global_zero:
            Console().print(report.table())
            folder = Path(trainer.default_root_dir)
            folder.mkdir(parents=True, exist_ok=True)
            report.write_json(folder / REPORT_FILE)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Record which weights the run started from."""
        checkpoint["pretrained"] = asdict(self.spec)
        checkpoint["load_report"] = self.report

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take over the report of the run that is resumed."""
        self.report = checkpoint.get("load_report")
