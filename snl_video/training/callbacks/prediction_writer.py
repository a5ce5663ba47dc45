"""The answers of ``predict``, printed and as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console
from torch import Tensor

from snl_video.errors import InputError
from snl_video.evaluation.gathering import merge_across_processes
from snl_video.evaluation.predictions import best_classes, predictions_table, write_predictions
from snl_video.evaluation.results import MissingVideosError
from snl_video.evaluation.scores import NOT_FINITE
from snl_video.training.module import Batch, VideoClassifier


class PredictionWriter(pl.Callback):
    """Prints the best classes of every video that ``predict`` was given, and writes them as JSON.

    Args:
        file: the JSON file.
        weights: what predicts, such as ``source`` and ``sha256``, to be kept in the file.
    """

    def __init__(self, file: str | Path, weights: Mapping[str, Any] | None = None) -> None:
        self.file = Path(file)
        self.weights = weights
        self._scores: dict[int, Tensor | None] = {}

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget earlier predictions."""
        self._scores = {}

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the scores of the batch.

        Raises:
            InputError: the scores of a video that was read are not finite.
        """
        rows = zip(
            outputs["index"].tolist(),
            outputs["scores"].float().cpu(),
            outputs["failed"].tolist(),
            strict=True,
        )
        for index, scores, failed in rows:
            if not failed and not scores.isfinite().all():
                raise InputError(f"video #{index} {NOT_FINITE}")
            self._scores[index] = None if failed else torch.clone(scores)

    def on_predict_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write and print, in the first process only."""
        assert isinstance(pl_module, VideoClassifier)
        scores = merge_across_processes(self._scores)
        if not trainer.is_global_zero:
            return
        loader: Any = trainer.predict_dataloaders
        records = loader.dataset.videos.records
        missing = sorted(set(range(len(records))) - set(scores))
        if missing and trainer.limit_predict_batches in (None, 1.0):
            raise MissingVideosError(
                f"{len(missing)} of {len(records)} videos have no prediction, first: "
                f"{records[missing[0]].path}"
            )
        predictions = [
            best_classes(
                records[index].path,
                scores[index],
                pl_module.classes,
                id=records[index].id if records[index].segment else "",
                thresholds=pl_module.decision_thresholds,
            )
            for index in sorted(scores)
        ]
        write_predictions(self.file, predictions, self.weights)
        console = Console()
        console.print(predictions_table(predictions))
        console.print(f"predictions: {self.file}", soft_wrap=True, markup=False)
