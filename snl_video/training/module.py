"""The LightningModule: a network, its loss, its optimiser and its honest evaluation."""

from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from snl_video.evaluation.metrics import METRICS
from snl_video.evaluation.results import VideoResults
from snl_video.evaluation.scores import VideoScores
from snl_video.evaluation.views import ViewSetting, settings_of, whole_setting
from snl_video.models import NonLocalSpec
from snl_video.spec import as_spec
from snl_video.training.finetuning import FineTuning
from snl_video.training.loss import ClassWeights
from snl_video.training.optim import (
    OptimizerSpec,
    ScheduleSpec,
    build_optimizer,
    build_schedule,
    steps_of,
)
from snl_video.weights import PretrainedSpec, as_pretrained, build_model

Batch = dict[str, Any]


class VideoClassifier(FineTuning):
    """Trains and evaluates one network on batches of uint8 clips.

    A batch is a dict: ``clips`` uint8 (B, V, 3, T, H, W), ``label`` (B,), ``index`` (B,) position
    of each video in its list, and where the data set gives them ``replaced`` and ``target``
    (training; soft targets (B, num_classes) of mixed clips, learnt in place of ``label``) and
    ``failed`` and ``reason`` (evaluation).

    Args:
        backbone: see :func:`snl_video.weights.build_model`, as the next five.
        num_classes: size of the logits.
        width: channels of the stem.
        dropout: before the last linear layer.
        backbone_options: what only this backbone knows.
        non_local: blocks to insert.
        optimizer: optimiser and weight decay.
        schedule: learning rate over the run.
        label_smoothing: share of the target spread over all classes.
        class_weights: of the loss: ``none``, ``balanced`` (n / (K n_c) of the training list's n
            videos, n_c of class c), or one positive number a class.
        pretrained: weights to start from: a file or ``kinetics400``, or with more settings a
            :class:`snl_video.weights.PretrainedSpec`. Read when ``fit`` starts, not when it
            resumes; a checkpoint of this package never needs them again.
        freeze_until: the last frozen place, e.g. ``res4.2``, ``Mixed_4f``, ``res3`` (the whole
            stage) or ``stem``: up to there weights and batch-norm statistics stay as they are;
            inserted blocks are always trained.
        freeze_norm: no batch norm of the backbone updates its statistics (partial batch norm).
        unfreeze: epoch, from 1 -> the last frozen place from the start of that epoch on, null for
            none; each nearer to the input than the one before. On the command line
            ``--model.unfreeze.5 res3 --model.unfreeze.9 null``.
        channels_last: lay clips out with the channels innermost (``torch.channels_last_3d``): the
            same numbers up to rounding, and faster on a CPU and in half precision.
        views_per_forward: evaluate this many clips at a time; 0 takes all views of a batch at once.
        average: of the views of a video: their ``probabilities`` or their ``logits``.
        view_settings: clips x crops to report after ``test`` beside all that are loaded, as
            ``["1x1", "1x3"]``; by default one clip of one crop and one clip of all crops.
        classes: names of the classes, kept in the checkpoint for predictions.
    """

    def __init__(
        self,
        backbone: str = "i3d_r50",
        num_classes: int = 400,
        *,
        width: int = 64,
        dropout: float = 0.5,
        backbone_options: dict[str, Any] | None = None,
        non_local: NonLocalSpec | None = None,
        optimizer: OptimizerSpec = OptimizerSpec(),  # noqa: B008
        schedule: ScheduleSpec = ScheduleSpec(),  # noqa: B008
        label_smoothing: float = 0.0,
        class_weights: ClassWeights = "none",
        pretrained: str | PretrainedSpec | None = None,
        freeze_until: str | None = None,
        freeze_norm: bool = False,
        unfreeze: dict[int, str | None] | None = None,
        channels_last: bool = False,
        views_per_forward: int = 0,
        average: Literal["probabilities", "logits"] = "probabilities",
        view_settings: list[str] | None = None,
        classes: list[str] | None = None,
    ) -> None:
        super().__init__(
            build_model(
                backbone,
                num_classes,
                width=width,
                dropout=dropout,
                non_local=non_local,
                backbone_options=backbone_options,
            ),
            num_classes,
            label_smoothing=label_smoothing,
            class_weights=class_weights,
            pretrained=None if pretrained is None else as_pretrained(pretrained),
            freeze_until=freeze_until,
            freeze_norm=freeze_norm,
            unfreeze=unfreeze,
        )
        self.save_hyperparameters()
        for name, value in self.hparams.items():
            if is_dataclass(value) and not isinstance(value, type):
                self.hparams[name] = asdict(value)
            elif isinstance(value, Path):
                self.hparams[name] = str(value)
        if average not in ("probabilities", "logits"):
            raise ValueError(f"average must be 'probabilities' or 'logits', got {average!r}")
        if views_per_forward < 0:
            raise ValueError(f"views_per_forward must be >= 0, got {views_per_forward}")
        for text in view_settings or ():
            ViewSetting.parse(text)
        self.optimizer_spec = as_spec(OptimizerSpec, optimizer, "optimizer")
        self.schedule_spec = as_spec(ScheduleSpec, schedule, "schedule")
        self.channels_last = channels_last
        self.views_per_forward = views_per_forward
        self.average = average
        self.view_settings = view_settings
        self.classes = classes or [f"class {i}" for i in range(num_classes)]
        self.scores = VideoScores()
        self.scores_of_views: dict[str, VideoScores] = {}
        self.results: VideoResults | None = None
        self.results_of_views: dict[str, VideoResults] = {}

    def forward(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (B, 3, T, H, W) to logits (B, num_classes)."""
        pixels = self.network.normalise(clips)
        if self.channels_last:
            pixels = pixels.contiguous(memory_format=torch.channels_last_3d)
        return self.network(pixels)

    def view_logits(self, clips: Tensor) -> Tensor:
        """Map uint8 views (B, V, 3, T, H, W) to float32 logits (B, V, num_classes)."""
        views = clips.flatten(0, 1)
        chunk = self.views_per_forward or len(views)
        logits = torch.cat([self(part).float() for part in views.split(chunk)])
        return logits.unflatten(0, clips.shape[:2])

    def video_probabilities(self, view_logits: Tensor) -> Tensor:
        """Average the views (B, V, num_classes) of each video to probabilities (B, num_classes)."""
        if self.average == "logits":
            return view_logits.mean(dim=1).softmax(dim=1)
        return view_logits.softmax(dim=2).mean(dim=1)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One forward pass over the single clip of each video.

        ``train/top1`` of mixed clips counts the class with the largest share of the target.
        """
        clips = batch["clips"].flatten(0, 1)
        label: Tensor = batch["label"]
        target = batch.get("target", label)
        if target.is_floating_point():
            label = target.argmax(dim=1)
        logits = self(clips)
        loss = self.loss(logits if logits.dtype == torch.float64 else logits.float(), target)
        top1 = (logits.argmax(dim=1) == label).float().mean()
        self.log("train/loss", loss, prog_bar=True, batch_size=len(label))
        epoch: dict[str, Any] = {"on_step": False, "on_epoch": True, "sync_dist": True}
        self.log("train/top1", top1, prog_bar=True, batch_size=len(label), **epoch)
        if "replaced" in batch:
            replaced = batch["replaced"].sum().float()
            self.log("data/replaced", replaced, reduce_fx="sum", **epoch)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score the videos of the batch."""
        self._score(self.scores, batch, self.view_logits(batch["clips"]))

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Score the videos of the batch with all their views, and with each cheaper setting."""
        logits = self.view_logits(batch["clips"])
        num_views = logits.shape[1]
        loader: Any = self.trainer.test_dataloaders
        num_clips = getattr(loader.dataset, "num_clips", num_views)
        whole = whole_setting(num_views, num_clips)
        for setting in settings_of(whole, self.view_settings):
            scores = self.scores_of_views.setdefault(str(setting), VideoScores())
            self._score(scores, batch, logits[:, setting.select(whole)])

    def predict_step(self, batch: Batch, batch_idx: int) -> Batch:
        """Return ``index`` (B,), ``scores`` (B, num_classes) and ``failed`` (B,)."""
        scores = self.video_probabilities(self.view_logits(batch["clips"]))
        failed = batch.get("failed", torch.zeros_like(batch["index"], dtype=torch.bool))
        return {"index": batch["index"], "scores": scores, "failed": failed}

    def on_validation_epoch_start(self) -> None:
        """Forget the videos of the last epoch."""
        self.scores.reset()

    def on_test_epoch_start(self) -> None:
        """Forget the videos of the last evaluation."""
        self.scores_of_views = {}

    def on_validation_epoch_end(self) -> None:
        """Log video accuracies of the validation list."""
        loader, num_batches = self.trainer.val_dataloaders, self.trainer.num_val_batches
        self.results = self._results(self.scores, loader, num_batches)
        self._log_results("val", self.results)

    def on_test_epoch_end(self) -> None:
        """Log video accuracies of the test list; the two results keep the rows for the report."""
        loader, num_batches = self.trainer.test_dataloaders, self.trainer.num_test_batches
        self.results_of_views = {
            name: self._results(scores, loader, num_batches)
            for name, scores in self.scores_of_views.items()
        }
        self.results = list(self.results_of_views.values())[-1]
        self._log_results("test", self.results)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Optimiser and per-step schedule of the two specs.

        Raises:
            ValueError: neither epochs nor steps end the run, or a spec is a bad one.
        """
        later = self.freezing.later(self.network)
        optimizer = build_optimizer(self.network, self.optimizer_spec, later)
        num_steps, steps_per_epoch = steps_of(self.trainer)
        schedule = build_schedule(
            optimizer, self.schedule_spec, num_steps=num_steps, steps_per_epoch=steps_per_epoch
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _score(self, scores: VideoScores, batch: Batch, logits: Tensor) -> None:
        label = batch["label"]
        scores.update(
            batch["index"],
            label,
            self.video_probabilities(logits),
            (logits.argmax(dim=2) == label[:, None]).float().mean(dim=1),
            failed=batch.get("failed"),
            reasons=batch.get("reason"),
        )

    def _results(
        self, scores: VideoScores, loader: Any, num_batches: list[int | float]
    ) -> VideoResults:
        cut_short = self.trainer.sanity_checking or num_batches[0] < len(loader)
        ids = [record.id for record in loader.dataset.videos.records]
        return scores.results(len(ids), partial=cut_short, ids=ids)

    def _log_results(self, stage: str, results: VideoResults) -> None:
        if self.trainer.sanity_checking:
            return
        for name, metric in METRICS.items():
            show = "progress" in metric.shown
            key = f"{stage}/{metric.log_name or name}"
            self.log(key, metric.compute(results), prog_bar=show, rank_zero_only=False)
