"""The hooks of a training run that starts from other weights and trains a part of a network."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from snl_video.errors import PretrainedError
from snl_video.models import VideoNetwork
from snl_video.training.freezing import FreezeSchedule, average_gradients
from snl_video.training.loss import (
    ClassWeights,
    WeightedCrossEntropy,
    balanced_weights,
    check_class_weights,
)
from snl_video.training.pretraining import load_weights
from snl_video.weights import PretrainedSpec, first_difference

logger = logging.getLogger(__name__)


class FineTuning(pl.LightningModule):
    """A network with its loss, pretrained weights, frozen part and class weights.

    See :class:`snl_video.training.module.VideoClassifier` for the arguments.

    Attributes:
        network: what is trained.
        loss: of its logits.
        classes: names of the classes.
        freezing: what is frozen, epoch by epoch.
        load_report: what was loaded when the run, or that of its checkpoint, started.
        origin: of a checkpoint that the weights are from: how it was trained.
    """

    classes: list[str]

    def __init__(
        self,
        network: VideoNetwork,
        num_classes: int,
        *,
        label_smoothing: float,
        class_weights: ClassWeights,
        pretrained: PretrainedSpec | None,
        freeze_until: str | None,
        freeze_norm: bool,
        unfreeze: Mapping[int, str | None] | None,
    ) -> None:
        super().__init__()
        check_class_weights(class_weights, num_classes)
        self.network = network
        self.loss = WeightedCrossEntropy(num_classes, label_smoothing)
        if not isinstance(class_weights, str):
            self.loss.weight.copy_(torch.tensor(class_weights))
        self.class_weights = class_weights
        self.pretrained = pretrained
        self.freezing = FreezeSchedule(network, freeze_until, unfreeze, freeze_norm)
        self.load_report: dict[str, Any] | None = None
        self.origin: dict[str, Any] = {}

    def setup(self, stage: str) -> None:
        """For ``fit``: freeze as in epoch 0, and weigh the classes.

        Raises:
            ValueError: balanced weights without a datamodule or with a class that has no video.
        """
        if stage != "fit":
            return
        self.freezing.apply(self.network, epoch=0)
        if self.class_weights == "balanced":
            data = getattr(self.trainer, "datamodule", None)
            if data is None:
                raise ValueError(
                    "class_weights 'balanced' needs a datamodule, which has the training list"
                )
            labels = (record.label for record in data.video_list("train").records)
            self.loss.weight.copy_(balanced_weights(labels, self.classes))

    def on_fit_start(self) -> None:
        """Load the pretrained weights, unless the weights are those of a checkpoint."""
        if self.pretrained is None or self.origin or self.load_report is not None:
            return
        folder = Path(self.trainer.default_root_dir) if self.trainer.is_global_zero else None
        self.load_report = load_weights(self.network, self.pretrained, folder)

    def train(self, mode: bool = True) -> "FineTuning":
        """Set the mode; frozen batch norms stay in evaluation mode."""
        super().train(mode)
        if mode:
            self.freezing.set_norms(self.network)
        return self

    def on_train_start(self) -> None:
        """Freeze as the epoch wants it, which after a resume may be any."""
        self._freeze()

    def on_train_epoch_start(self) -> None:
        """Free what this epoch trains for the first time."""
        self._freeze()

    def on_after_backward(self) -> None:
        """Average the gradients that ``DistributedDataParallel`` does not know of."""
        if self.trainer.world_size > 1 and len(self.freezing.steps) > 1:
            average_gradients(self.freezing.later(self.network))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Record which weights the run started from."""
        if self.load_report is not None:
            checkpoint["load_report"] = self.load_report

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep how the weights were trained, which an evaluation's own settings need not tell.

        Raises:
            PretrainedError: the classes of a checkpoint that is evaluated or trained on are not
                those of the data, by name and order.
        """
        self._check_classes(checkpoint)
        names = ("hyper_parameters", "epoch", "global_step")
        self.origin = {name: checkpoint[name] for name in names if name in checkpoint}
        self.load_report = checkpoint.get("load_report")

    def _check_classes(self, checkpoint: dict[str, Any]) -> None:
        """A label means the class at its place: other classes would be scored without a word."""
        if self._trainer is None or self.trainer.predicting:
            return
        ours = self.hparams.get("classes")
        theirs = checkpoint.get("hyper_parameters", {}).get("classes")
        if ours and theirs and (difference := first_difference(list(ours), list(theirs))):
            raise PretrainedError(
                f"the classes of the data are not those of the checkpoint: {difference}; name data "
                "with the same classes in the same order (--data.lists.classes for folders), or "
                "train a new head with --model.pretrained CHECKPOINT"
            )

    def _freeze(self) -> None:
        changed = self.freezing.apply(self.network, self.trainer.current_epoch)
        self.freezing.set_norms(self.network)
        if changed and self.trainer.is_global_zero:
            epoch = self.trainer.current_epoch
            logger.info("epoch %d: %s", epoch, self.freezing.describe(self.network))
