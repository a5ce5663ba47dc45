"""What a run prints and leaves behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from rich.console import Console
from torch import Tensor

from snl_video.evaluation.predictions import best_classes, predictions_table, write_predictions
from snl_video.evaluation.report.mistakes import OpenVideo
from snl_video.evaluation.report.write_report import write_report
from snl_video.evaluation.results import Evaluation, MissingVideosError
from snl_video.evaluation.scores import merge_across_processes
from snl_video.evaluation.terminal import headline_table, per_class_table, views_table
from snl_video.models.summary import summarise
from snl_video.training.module import Batch, VideoClassifier


class NetworkSummary(pl.Callback):
    """Prints the inserted blocks and the cost of one clip at start-up; keeps them in checkpoints.

    Args:
        num_frames: length of the clip that is counted.
        size: height and width of the clip that is counted, in pixels.
    """

    def __init__(self, num_frames: int, size: int) -> None:
        self.num_frames = num_frames
        self.size = size
        self.summary: dict[str, Any] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Count and print, once."""
        assert isinstance(pl_module, VideoClassifier)
        if self.summary:
            return
        summary = summarise(pl_module.network, self.num_frames, self.size, self.size)
        self.summary = summary.to_dict()
        if trainer.is_global_zero:
            Console().print(summary.table())

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Record the network beside its weights."""
        checkpoint["network_summary"] = self.summary


class LastCheckpoint(Checkpoint):
    """Writes a checkpoint at the end of every epoch, over the one before it.

    ``ModelCheckpoint(save_last=True)`` writes only when it also writes a best one, so that its
    last checkpoint can be many epochs old.

    Args:
        file: the checkpoint.
    """

    def __init__(self, file: str | Path) -> None:
        self.file = Path(file)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write it."""
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.file, weights_only=False)


class EvaluationReport(pl.Callback):
    """Prints the result of ``test`` and writes its report.

    Args:
        folder: where the report goes.
        context: what was evaluated, for ``metrics.json`` and the page. The settings of the model
            and the data and the network's summary are added.
        open_video: opens a file, as :func:`snl_video.data.open_video` does, to show frames of the
            most confident mistakes; without it they have none.
    """

    def __init__(
        self,
        folder: str | Path,
        context: dict[str, Any],
        open_video: OpenVideo | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.context = context
        self.open_video = open_video

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write and print, in the first process only."""
        assert isinstance(pl_module, VideoClassifier)
        results = pl_module.results
        if not trainer.is_global_zero or results is None:
            return
        views = pl_module.results_of_views
        videos = _videos(trainer.test_dataloaders)
        evaluation = Evaluation(
            results,
            pl_module.classes,
            [record.id for record in videos.records],
            views=views,
            setting=list(views)[-1],
            absent=videos.missing,
        )
        write_report(
            self.folder,
            evaluation,
            {**_context(trainer, pl_module), **self.context},
            paths=[record.path for record in videos.records],
            open_video=self.open_video,
        )
        console = Console()
        console.print(per_class_table(results, pl_module.classes))
        console.print(views_table(views))
        console.print(headline_table(results, "test" if results.complete else "test (PARTIAL)"))
        page = self.folder / "report.html"
        console.print(f"report: {page}", soft_wrap=True, markup=False)


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
        """Keep the scores of the batch."""
        rows = zip(
            outputs["index"].tolist(),
            outputs["scores"].float().cpu(),
            outputs["failed"].tolist(),
            strict=True,
        )
        for index, scores, failed in rows:
            self._scores[index] = None if failed else torch.clone(scores)

    def on_predict_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write and print, in the first process only."""
        assert isinstance(pl_module, VideoClassifier)
        scores = merge_across_processes(self._scores)
        if not trainer.is_global_zero:
            return
        records = _records(trainer.predict_dataloaders)
        missing = sorted(set(range(len(records))) - set(scores))
        if missing and trainer.limit_predict_batches in (None, 1.0):
            raise MissingVideosError(
                f"{len(missing)} of {len(records)} videos have no prediction, first: "
                f"{records[missing[0]].path}"
            )
        predictions = [
            best_classes(records[index].path, scores[index], pl_module.classes)
            for index in sorted(scores)
        ]
        write_predictions(self.file, predictions, self.weights)
        console = Console()
        console.print(predictions_table(predictions))
        console.print(f"predictions: {self.file}", soft_wrap=True, markup=False)


EVALUATION = ("average", "views_per_forward", "view_settings")
"""Settings of the model that an evaluation chooses; all others are those it was trained with."""


def _context(trainer: pl.Trainer, module: VideoClassifier) -> dict[str, Any]:
    """How the network was trained and evaluated, and what it costs."""
    model = {**module.origin.get("hyper_parameters", module.hparams)}
    data = getattr(trainer, "datamodule", None)
    run = {
        **{name: module.hparams[name] for name in EVALUATION},
        "precision": trainer.precision,
        "processes": trainer.world_size,
        "torch": torch.__version__,
        "lightning": pl.__version__,
    }
    recipe = {
        "model": {name: value for name, value in model.items() if name not in EVALUATION},
        "training": {
            "epochs": module.origin["epoch"] + 1 if "epoch" in module.origin else None,
            "steps": module.origin.get("global_step"),
        },
        "data": dict(data.hparams) if data is not None else {},
        "evaluation": run,
    }
    hidden = ("classes", "predict", "_instantiator")
    for values in recipe.values():
        for name in hidden:
            values.pop(name, None)
    callbacks = getattr(trainer, "callbacks", [])
    summaries = [c.summary for c in callbacks if isinstance(c, NetworkSummary)]
    loaded = {"load_report": module.load_report} if module.load_report else {}
    return {"recipe": recipe, "network": summaries[0] if summaries else {}, **loaded}


def _videos(loader: Any) -> Any:
    return loader.dataset.videos


def _records(loader: Any) -> Sequence[Any]:
    return _videos(loader).records
