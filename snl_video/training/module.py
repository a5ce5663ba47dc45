"""The LightningModule: a network, its loss, its optimiser and its honest evaluation."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from snl_video.evaluation.metrics import metrics_of
from snl_video.evaluation.multi_label import THRESHOLD, MultiLabelResults
from snl_video.evaluation.results import ScoredVideos
from snl_video.models import NonLocalSpec, use_protocol
from snl_video.models.activation_checkpointing import checkpoint_activations
from snl_video.protocol import ProtocolName
from snl_video.spec import as_spec, plain_settings
from snl_video.training.batch import Batch
from snl_video.training.checkpoint_origin import origin_of
from snl_video.training.lightning_private import trainer_of
from snl_video.training.loss import LossSpec, balance, build_loss, hits, refuse_one_class_loss
from snl_video.training.optim import OptimizerSpec, ScheduleSpec, optimizer_of_run
from snl_video.training.same_protocol import compare_protocols, refuse_other_data
from snl_video.training.view_scores import EvaluationSpec, ViewScores
from snl_video.weights import build_model


class VideoClassifier(pl.LightningModule):
    """Trains and evaluates one network on batches of uint8 clips.

    Freezing, pretrained weights and the report are callbacks, in ``training/callbacks``.

    Args:
        backbone: see `build_model`, as the next five.
        num_classes: size of the logits.
        width: channels of the stem.
        dropout: before the last linear layer.
        backbone_options: what only this backbone knows.
        non_local: blocks to insert.
        protocol: how the head averages; the data must have the same.
        optimizer: optimiser and weight decay.
        schedule: learning rate over the run.
        loss: its kind, label smoothing and class weights.
        evaluation: how the views of a video are averaged and reported.
        channels_last: lay clips out with the channels innermost (``torch.channels_last_3d``): the
            same numbers up to rounding, and faster in half precision; by default in bfloat16 on a
            CPU.
        compile: let ``torch.compile`` make faster kernels of the network; the first step of each
            shape takes a minute or more.
        activation_checkpointing: keep no activations inside the places, and compute them again in
            the backward pass: less memory, a third more work.
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
        protocol: ProtocolName = "snl_video",
        optimizer: OptimizerSpec = OptimizerSpec(),  # noqa: B008
        schedule: ScheduleSpec = ScheduleSpec(),  # noqa: B008
        loss: LossSpec = LossSpec(),  # noqa: B008
        evaluation: EvaluationSpec = EvaluationSpec(),  # noqa: B008
        channels_last: bool | None = None,
        compile: bool = False,
        activation_checkpointing: bool = False,
        classes: list[str] | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.hparams.update(plain_settings(self.hparams))
        self.network = build_model(
            backbone,
            num_classes,
            width=width,
            dropout=dropout,
            non_local=non_local,
            backbone_options=backbone_options,
        )
        self.loss = build_loss(as_spec(LossSpec, loss, "loss"), num_classes)
        use_protocol(self.network, protocol, activation=self.loss.activation)
        if activation_checkpointing:
            checkpoint_activations(self.network)
        if compile:
            self.network.compile()
        self.optimizer_spec = as_spec(OptimizerSpec, optimizer, "optimizer")
        self.schedule_spec = as_spec(ScheduleSpec, schedule, "schedule")
        spec = as_spec(EvaluationSpec, evaluation, "evaluation")
        self.scores = ViewScores(spec, self.loss.activation)
        self.channels_last = channels_last
        self.classes = classes or [f"class {i}" for i in range(num_classes)]
        self.results: ScoredVideos | None = None
        self.results_of_views: dict[str, ScoredVideos] = {}
        self.thresholds: list[float] | None = None
        self.origin: dict[str, Any] = {}

    def setup(self, stage: str) -> None:
        """Weigh the classes by the training list where ``loss.class_weights`` is ``balanced``.

        Raises:
            InputError: the lists and the loss do not fit, or the data have another protocol.
        """
        refuse_one_class_loss(self.loss, self.trainer, stage)
        refuse_other_data(self.trainer, self.hparams["protocol"])
        if stage == "fit" and self.loss.balanced:
            balance(self.loss, self.trainer, self.classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Map uint8 clips (B, 3, T, H, W) to logits (B, num_classes)."""
        inner = self.channels_last
        if inner is None:
            inner = clips.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        layout = torch.channels_last_3d if inner else torch.preserve_format
        return self.network(self.network.normalise(clips).to(memory_format=layout))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Learn one clip of each video; ``train/top1`` counts the largest share of mixed ones.

        ``train/loss`` is the mean over an epoch of all processes, ``train/loss_step`` that of one
        batch of the first process.
        """
        target = batch.get("target", batch["label"])
        logits = self(batch["clips"].flatten(0, 1))
        loss = self.loss(logits, target)
        top1, size = hits(logits, target).float().mean(), len(target)
        self.log("train/loss_step", loss, prog_bar=True, batch_size=size)
        epoch: dict[str, Any] = {"on_step": False, "on_epoch": True, "sync_dist": True}
        self.log("train/loss", loss, batch_size=size, **epoch)
        self.log("train/top1", top1, prog_bar=True, batch_size=size, **epoch)
        if "replaced" in batch:
            self.log("data/replaced", batch["replaced"].sum().float(), reduce_fx="sum", **epoch)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score the videos of the batch."""
        self.scores.update(batch, self.scores.logits(self, batch["clips"]))

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Score the videos of the batch with all their views, and with each cheaper setting."""
        logits = self.scores.logits(self, batch["clips"])
        settings = self.scores.settings(logits, self.trainer.test_dataloaders)
        self.scores.update(batch, logits, settings)

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Return ``index`` (B,), ``scores`` (B, num_classes) and ``failed`` (B,)."""
        scores = self.scores.average(self.scores.logits(self, batch["clips"]))
        failed = batch.get("failed", torch.zeros_like(batch["index"], dtype=torch.bool))
        return {"index": batch["index"], "scores": scores, "failed": failed}

    def on_validation_epoch_start(self) -> None:
        """Forget the videos of the last evaluation."""
        self.scores.reset(Path(self.trainer.default_root_dir))

    on_test_epoch_start = on_validation_epoch_start

    def on_validation_epoch_end(self) -> None:
        """Log the accuracies of the validation list."""
        self._finish("val", self.trainer.val_dataloaders, self.trainer.num_val_batches[0])

    def on_test_epoch_end(self) -> None:
        """Log the accuracies of the test list; the results stay, for the report."""
        self._finish("test", self.trainer.test_dataloaders, self.trainer.num_test_batches[0])

    @property
    def decision_thresholds(self) -> list[float] | None:
        """Probability from which on each class is there; None where a video shows one class."""
        if self.loss.activation == "softmax":
            return None
        return self.thresholds or [THRESHOLD] * len(self.classes)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return the optimiser, and its schedule that moves after every step."""
        return optimizer_of_run(self.network, self.optimizer_spec, self.schedule_spec, self.trainer)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep how the weights were trained, which an evaluation's own settings need not tell."""
        self.origin = origin_of(checkpoint, self)
        self.thresholds = checkpoint.get("thresholds")
        if trainer := trainer_of(self):
            compare_protocols(checkpoint, trainer, self.hparams["protocol"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the thresholds of classes that a video may show several of."""
        if self.thresholds is not None:
            checkpoint["thresholds"] = self.thresholds

    def _finish(self, stage: str, loader: Any, num_batches: float) -> None:
        partial = self.trainer.sanity_checking or num_batches < len(loader)
        self.results_of_views = self.scores.results(loader, partial=partial)
        *_, last = self.results_of_views.values()
        if isinstance(last, MultiLabelResults):
            if self.trainer.state.fn == TrainerFn.FITTING and not self.trainer.sanity_checking:
                self.thresholds = last.best_thresholds()
            self.results_of_views = {
                name: results.at(self.thresholds)
                for name, results in self.results_of_views.items()
                if isinstance(results, MultiLabelResults)
            }
        *_, self.results = self.results_of_views.values()
        if not self.trainer.sanity_checking:
            for name, metric in metrics_of(type(self.results)).items():
                key, show = f"{stage}/{metric.log_name or name}", "progress" in metric.shown
                self.log(key, metric.compute(self.results), prog_bar=show, rank_zero_only=False)
