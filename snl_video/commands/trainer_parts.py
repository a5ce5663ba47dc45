"""What the commands add to a trainer, and the settings of one that they refuse."""

from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.cli import SaveConfigCallback
from pytorch_lightning.plugins import CheckpointIO

from snl_video.commands.other_engine import OtherEngine
from snl_video.data.datamodule import VideoDataModule
from snl_video.errors import UsageError
from snl_video.training.callbacks.block_progress import BlockProgress
from snl_video.training.callbacks.evaluation_report import EvaluationReport
from snl_video.training.callbacks.expected_time import ExpectedTime
from snl_video.training.callbacks.last_checkpoint import LastCheckpoint
from snl_video.training.callbacks.loader_place import LoaderPlace
from snl_video.training.callbacks.network_summary import NetworkSummary
from snl_video.training.callbacks.prediction_writer import PredictionWriter
from snl_video.training.callbacks.pretrained_weights import PretrainedWeights
from snl_video.training.callbacks.stop_signals import StopSignals
from snl_video.training.callbacks.unreadable_report import UnreadableReport
from snl_video.training.whole_checkpoints import WholeCheckpoints
from snl_video.weights import LoadReport, PretrainedSpec
from snl_video.weights.safe_reading.checkpoints import sha256
from snl_video.whole_files import whole_file

HALF = ("16-mixed", "16", 16)
"""Precisions that Lightning turns into bfloat16 where there is no GPU."""


class RunConfig(SaveConfigCallback):
    """Writes the whole configuration of a ``fit`` to ``run_dir/config.yaml``."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write it, in the first process only."""
        if stage == "fit":
            with whole_file(Path(trainer.default_root_dir) / "config.yaml") as file:
                self.parser.save(self.config, file, skip_none=False, multifile=False)


def with_whole_checkpoints(plugins: Any) -> list[Any]:
    """Add the way to save to a trainer's plugins, unless they have one."""
    given = plugins if isinstance(plugins, list) else [] if plugins is None else [plugins]
    own = any(isinstance(plugin, CheckpointIO) for plugin in given)
    return given if own else [*given, WholeCheckpoints()]


def fit_callbacks(
    run_dir: Path, data: VideoDataModule, pretrained: str | PretrainedSpec | None, resume: str
) -> list[Callback]:
    """What training needs beside the callbacks of its configuration.

    Args:
        run_dir: folder of the run.
        data: what is trained on.
        pretrained: the weights to start from.
        resume: the command that goes on with the run.
    """
    last = LastCheckpoint(run_dir / "checkpoints" / "last.ckpt")
    loaders = data.loaders
    callbacks: list[Callback] = [
        NetworkSummary(loaders.clip.num_frames, loaders.crop.size),
        BlockProgress(),
        UnreadableReport(data.unreadable),
        LoaderPlace(),
        ExpectedTime(),
        last,
        StopSignals(last, resume),
    ]
    return callbacks if pretrained is None else [*callbacks, PretrainedWeights(pretrained)]


def evaluation_callbacks(
    command: str,
    run_dir: Path,
    data: VideoDataModule,
    checkpoint: str | None,
    loaded: LoadReport | None,
    other: OtherEngine | None = None,
) -> list[Callback]:
    """What `validate`, `test` or `predict` needs.

    Args:
        command: which of them.
        run_dir: folder of the run.
        data: what is evaluated.
        checkpoint: the file that is evaluated, or None where weights are.
        loaded: how these weights were loaded.
        other: what runs the network, where that is not Lightning alone.
    """
    loaders = data.loaders
    size = loaders.crop.size if command == "validate" else loaders.crop.size_in_test
    callbacks: list[Callback] = [NetworkSummary(loaders.clip.num_frames, size)]
    if other:
        callbacks.append(other)
    source = loaded.source if loaded else str(checkpoint)
    weights = {"source": source, "sha256": sha256(source)}
    if command == "test":
        context = {"checkpoint": checkpoint, "weights": weights, "data": data.describe()}
        if loaded:
            context["load_report"] = loaded.to_dict()
        if other:
            context["engine"] = other.facts
        callbacks.append(EvaluationReport(run_dir / "report", context, show_frames=True))
    if command == "predict":
        callbacks.append(PredictionWriter(run_dir / "predictions.json", weights))
    return callbacks


def other_engine(config: Namespace) -> OtherEngine | None:
    """Return what the settings of an evaluation name to run its network, None for Lightning."""
    if (config.backend, config.precision) == ("torch", "fp32"):
        return None
    return OtherEngine(config.backend, config.precision)


def refuse_half_on_cpu(trainer: Trainer, precision: str | int) -> None:
    """Refuse a precision that Lightning replaces by another.

    Raises:
        UsageError: it is float16, and the trainer has no GPU.
    """
    if isinstance(trainer.accelerator, CPUAccelerator) and precision in HALF:
        raise UsageError(
            f"precision {precision} needs a GPU, and none is used; add --trainer.precision "
            "32-true, or bf16-mixed where the CPU has instructions for it"
        )


def refuse_unchosen_best(trainer: Trainer, monitor: str | None) -> None:
    """Refuse to train for a best checkpoint that no validation ever chooses.

    Raises:
        UsageError: `monitor` is of the validation, and there is none.
    """
    if monitor is None or not monitor.startswith("val/"):
        return
    epochs, every = trainer.max_epochs, trainer.check_val_every_n_epoch
    reason = ""
    if trainer.limit_val_batches == 0:
        reason = "limit_val_batches is 0"
    elif epochs is not None and every is not None and 0 < epochs < every:
        reason = f"the run has {epochs} epochs, and the first validation comes after {every}"
    if reason:
        raise UsageError(
            f"no validation would choose the best checkpoint by {monitor}: {reason}. Keep the last "
            "epoch with --checkpoint.monitor null, or validate: "
            "--trainer.check_val_every_n_epoch 1"
        )
