"""The command line: ``python train.py fit | validate | test | predict``."""

import warnings
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.cli import (
    ArgsType,
    LightningArgumentParser,
    LightningCLI,
    SaveConfigCallback,
)
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from snl_video.data.datamodule import VideoDataModule
from snl_video.data.decoding import open_video
from snl_video.training.callbacks import (
    EvaluationReport,
    LastCheckpoint,
    NetworkSummary,
    PredictionWriter,
)
from snl_video.training.classifier import VideoClassifier

ARCHITECTURE = ("backbone", "width", "dropout", "backbone_options", "non_local")
"""Settings of the model that a checkpoint decides; the configuration can't change them."""


class RunConfig(SaveConfigCallback):
    """Writes the whole configuration of a ``fit`` to ``run_dir/config.yaml``."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write it, in the first process only."""
        if stage == "fit":
            folder = Path(trainer.default_root_dir)
            folder.mkdir(parents=True, exist_ok=True)
            self.parser.save(
                self.config,
                folder / "config.yaml",
                skip_none=False,
                overwrite=True,
                multifile=False,
            )


class VideoCLI(LightningCLI):
    """LightningCLI with one folder a run.

    ``fit`` fills ``run_dir`` with ``config.yaml``, ``checkpoints/{best,last}.ckpt``, TensorBoard
    and CSV logs; ``test`` adds ``report/``, ``predict`` adds ``predictions.json``. The last three
    sub-commands take the best checkpoint of ``run_dir`` unless ``--ckpt_path`` names another, build
    the network that it holds, and take its data settings where the configuration names no others.
    """

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add ``run_dir`` and the checkpoint options, and link the data to the model."""
        parser.add_argument("--run_dir", type=str, default="runs/default", help="folder of the run")
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.set_defaults(
            {
                "checkpoint.filename": "best",
                "checkpoint.monitor": "val/top1",
                "checkpoint.mode": "max",
                "checkpoint.enable_version_counter": False,
            }
        )
        parser.link_arguments(
            "run_dir", "checkpoint.dirpath", compute_fn=lambda folder: f"{folder}/checkpoints"
        )
        parser.link_arguments("data.num_classes", "model.num_classes", apply_on="instantiate")
        parser.link_arguments("data.classes", "model.classes", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse; for anything but ``fit`` let the checkpoint say what network it holds."""
        super().parse_arguments(parser, args)
        subcommand = self.config["subcommand"]
        config = self.config[subcommand]
        if subcommand == "fit":
            _refuse_to_overwrite(Path(config.run_dir), config.ckpt_path)
            return
        path = _checkpoint_path(config.ckpt_path, Path(config.run_dir), subcommand)
        checkpoint = _load_checkpoint(path)
        data = checkpoint["datamodule_hyper_parameters"]
        known = config.data.keys()
        proposals = {f"data.{name}": value for name, value in data.items() if name in known}
        if subcommand == "predict":
            proposals["data.class_names"] = checkpoint["hyper_parameters"]["classes"]
        self._subcommand_parsers[subcommand].set_defaults(proposals)
        super().parse_arguments(parser, args)
        config = self.config[subcommand]
        config.ckpt_path = str(path)
        for name in ARCHITECTURE:
            config.model[name] = checkpoint["hyper_parameters"][name]

    def _parse_ckpt_path(self) -> None:
        """Leave the configuration as it is: :meth:`parse_arguments` has settled it."""

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Add the loggers and callbacks of ``run_dir`` to those of the configuration."""
        config = self.config[self.subcommand]
        run_dir = Path(config.run_dir)
        data: VideoDataModule = self.datamodule
        callbacks: list[Callback] = [NetworkSummary(data.num_frames, data.crop_size)]
        if self.subcommand == "fit" and config.trainer.logger is None:
            kwargs["logger"] = [
                TensorBoardLogger(run_dir, name="tensorboard", version=""),
                CSVLogger(run_dir, name="csv"),
            ]
            callbacks.append(LearningRateMonitor("step"))
        elif config.trainer.logger is None:
            kwargs["logger"] = False
        if self.subcommand == "fit":
            callbacks.append(LastCheckpoint(run_dir / "checkpoints" / "last.ckpt"))
        if self.subcommand == "test":
            context = {"checkpoint": config.ckpt_path, "data": data.describe()}
            callbacks.append(EvaluationReport(run_dir / "report", context, open_video))
        if self.subcommand == "predict":
            callbacks.append(PredictionWriter(run_dir / "predictions.json"))
        self.trainer_defaults["callbacks"] = callbacks
        return super().instantiate_trainer(default_root_dir=str(run_dir), **kwargs)

    def after_fit(self) -> None:
        """Print the commands that come next."""
        if self.trainer.is_global_zero:
            run_dir = self.config["fit"].run_dir
            print(
                f"next: python train.py test --run_dir {run_dir}\n"
                f"      python train.py predict --run_dir {run_dir} "
                "--data.predict_paths '[video.mp4]'"
            )


def main(args: ArgsType = None) -> VideoCLI:
    """Run the command line; ``args`` replaces ``sys.argv[1:]``."""
    warnings.filterwarnings("ignore", module=r"pytorch_lightning\.utilities\._pytree")
    return VideoCLI(
        VideoClassifier,
        VideoDataModule,
        args=args,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        save_config_callback=RunConfig,
        save_config_kwargs={"save_to_log_dir": False},
        trainer_defaults={"enable_model_summary": False},
    )


def _refuse_to_overwrite(run_dir: Path, ckpt_path: str | None) -> None:
    last = run_dir / "checkpoints" / "last.ckpt"
    if last.exists() and ckpt_path is None:
        raise SystemExit(
            f"{run_dir} already holds a run. Resume it with --ckpt_path {last}, choose another "
            "folder with --run_dir, or delete it."
        )


def _checkpoint_path(given: str | None, run_dir: Path, subcommand: str) -> Path:
    path = Path(given) if given else run_dir / "checkpoints" / "best.ckpt"
    if not path.is_file():
        origin = "--ckpt_path" if given else "--run_dir"
        raise SystemExit(
            f"{subcommand} needs trained weights, and {path} ({origin}) is no file; "
            "name a checkpoint with --ckpt_path, or the folder of a finished fit with --run_dir"
        )
    return path


def _load_checkpoint(path: Path) -> dict[str, Any]:
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        checkpoint["hyper_parameters"], checkpoint["datamodule_hyper_parameters"]
    except Exception as error:
        raise SystemExit(
            f"{path} is not a checkpoint of this package: {type(error).__name__}: {error}"
        ) from error
    return checkpoint
