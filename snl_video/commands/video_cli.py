"""`snl-video fit | validate | test | predict`: LightningCLI with one folder a run."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import LearningRateMonitor
from pytorch_lightning.cli import (
    ArgsType,
    LightningArgumentParser,
    LightningCLI,
)
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from snl_video.commands.adverts import without_adverts
from snl_video.commands.command_parser import CommandHelp, ShortErrors
from snl_video.commands.freed_memory import keep_freed_memory
from snl_video.commands.run_lock import locked_run
from snl_video.commands.run_loggers import loggers_of
from snl_video.commands.run_options import add_engine_options, add_run_options
from snl_video.commands.trainer_parts import (
    RunConfig,
    evaluation_callbacks,
    fit_callbacks,
    other_engine,
    refuse_half_on_cpu,
    refuse_unchosen_best,
    with_whole_checkpoints,
)
from snl_video.commands.video_help import HELP
from snl_video.commands.video_trainer import VideoTrainer, automatic_precision
from snl_video.data.datamodule import VideoDataModule
from snl_video.errors import FetchError, InputError, PretrainedError, UsageError
from snl_video.recipe_files import with_recipe_paths
from snl_video.run import (
    ARCHITECTURE,
    checkpoint_to_evaluate,
    checkpoint_to_resume,
    classes_of_weights,
    load_checkpoint,
    next_commands,
    proposals,
    refuse_to_overwrite,
    resume_command,
    was_requeued,
    why_weights,
)
from snl_video.training.lightning_private import limit_waiting
from snl_video.training.module import VideoClassifier
from snl_video.weights import LoadReport, as_pretrained
from snl_video.weights.load_to_evaluate import hint_of_protocol, load_to_evaluate


class VideoParser(ShortErrors, LightningArgumentParser):
    """LightningCLI's parser with the errors and the help of the other commands."""


class VideoCLI(LightningCLI):
    """LightningCLI with one folder a run.

    ``fit`` fills ``run_dir`` with ``config.yaml``, ``checkpoints/{best,last}.ckpt``, TensorBoard
    and CSV logs; ``test`` adds ``report/``, ``predict`` adds ``predictions.json``. The last three
    sub-commands take the best checkpoint of ``run_dir`` unless ``--ckpt_path`` names another, build
    the network that it holds, and take its settings of data and evaluation where the configuration
    names no others; those of the trainer, such as ``precision``, are always the configuration's.
    Without any checkpoint they evaluate the weights of ``pretrained`` as they are, with the
    network and the data settings of the configuration; the head must be theirs.

    Args:
        words: the sub-command and its options.
        run: False to parse only; ``config`` is what was parsed.
        called: the words of the program's command line, where they are others.
    """

    def __init__(
        self, words: Sequence[str], run: bool = True, called: Sequence[str] | None = None
    ) -> None:
        self.called = called or words
        self.words, self.runs = with_recipe_paths(words), run
        self.command = words[0]
        self.ckpt_path: str | None = None
        usage, description = HELP[self.command]
        with contextlib.ExitStack() as self.held, without_adverts():
            super().__init__(
                VideoClassifier,
                VideoDataModule,
                args=self.words if run else self.words[1:],
                parser_class=VideoParser,
                parser_kwargs={
                    "prog": "snl-video",
                    "formatter_class": CommandHelp,
                    "allow_abbrev": False,
                    self.command: {
                        "usage": f"snl-video {self.command} {usage}",
                        "description": description,
                    },
                },
                trainer_class=VideoTrainer,
                run=run,
                seed_everything_default=0,
                auto_configure_optimizers=False,
                save_config_callback=RunConfig,
                save_config_kwargs={"save_to_log_dir": False},
                trainer_defaults={"enable_model_summary": False},
            )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """Return the one that is called, since a parser of all four takes four times as long."""
        return {self.command: LightningCLI.subcommands()[self.command]}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the options of a run; see `add_run_options`."""
        self.options = parser
        if not self.runs:
            skip: set[str | int] = set(LightningCLI.subcommands()[self.command])
            parser.add_method_arguments(VideoTrainer, self.command, skip=skip)
        elif isinstance(self.parser, VideoParser):
            self.parser.inner = parser
        add_run_options(parser)
        if self.command != "fit":
            add_engine_options(parser)

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse; for anything but ``fit`` let the checkpoint say what network it holds."""
        if self.command == "test":  # its report is printed instead of Lightning's table
            self.options.set_defaults({"verbose": False})
        super().parse_arguments(parser, args)
        if not self.runs:
            return
        config = self.config[self.command]
        if self.command == "fit":
            self._refuse_the_working_folder()
            run_dir = Path(config.run_dir)
            if not getattr(rank_zero_only, "rank", 0) and not config.trainer.fast_dev_run:
                self.held.enter_context(locked_run(run_dir))
            if config.ckpt_path is None and (config.resume == "auto" or was_requeued()):
                config.ckpt_path = checkpoint_to_resume(run_dir)
            refuse_to_overwrite(run_dir, config.ckpt_path)
            if config.ckpt_path is not None:
                begun = load_checkpoint(Path(config.ckpt_path))["epoch"]
                rank_zero_only(print)(f"resumes {config.ckpt_path}, of epoch {begun}")
            if config.checkpoint.monitor is None:  # Lightning would save at validations only
                config.checkpoint.save_on_train_epoch_end = True
            self._take_checkpoint(config.ckpt_path)
            return
        path = checkpoint_to_evaluate(config, self.command)
        if path is None:
            classes = classes_of_weights(config) if self.command == "predict" else None
            self._parse_again(parser, args, {"data.predict.classes": classes} if classes else {})
            return
        checkpoint = load_checkpoint(path)
        defaults = self.options.get_defaults()
        self._parse_again(parser, args, proposals(checkpoint, config, defaults, self.command))
        for name in ARCHITECTURE:
            self.config[self.command].model[name] = checkpoint["hyper_parameters"][name]
        self._take_checkpoint(str(path))

    def named(self, words: Sequence[str]) -> Namespace:
        """Return the settings that options and the files among them name, without any default.

        ``run_dir`` and ``protocol`` are always there, since others are made of them.
        """
        defaults = self.options.get_defaults()
        linked = [f"--{name}={defaults[name]}" for name in ("run_dir", "protocol")]
        return self.options.parse_args([*linked, *words], defaults=False)

    def _parse_again(
        self, parser: LightningArgumentParser, args: ArgsType, proposals: Mapping[str, Any]
    ) -> None:
        """Parse with other defaults; what the configuration names goes before them."""
        if proposals:
            self.options.set_defaults(dict(proposals))
            super().parse_arguments(parser, args)

    def _take_checkpoint(self, path: str | None) -> None:
        """Keep a checkpoint from LightningCLI, which would take all settings of its model."""
        self.ckpt_path = path
        self.config[self.command].ckpt_path = None

    def _refuse_the_working_folder(self) -> None:
        """Raise UsageError if nothing was said of what to train on."""
        data = self.config[self.command].data
        if data.root != "." or data.format == "csv":
            return
        if self.named(self.words[1:]).get("data.root") is None:
            raise UsageError(
                "fit needs to know what to train on: name a recipe, as in --config demo "
                "(`snl-video recipes` lists them), or a data set, as in --data.root data/mine"
            )

    def before_instantiate_classes(self) -> None:
        """Name the checkpoint again that `parse_arguments` settled on, and never run what it holds.

        Raises:
            UsageError: ``weights_only`` is false.
        """
        if not self.runs:
            return
        config = self.config[self.command]
        if config.weights_only is False:
            raise UsageError("checkpoints are read with weights_only=true only; leave it out")
        config.ckpt_path, config.weights_only = self.ckpt_path, True

    def instantiate_classes(self) -> None:
        """Make trainer, model and data; settings that don't fit are errors of the user.

        Raises:
            UsageError: what a class says of its arguments.
        """
        if not self.runs:
            return
        try:
            super().instantiate_classes()
        except InputError:
            raise
        except (ValueError, TypeError, MisconfigurationException) as error:
            words = str(error)
            if words == "No supported gpu backend found!":
                words = "this machine has no GPU that PyTorch can use: --trainer.accelerator cpu"
            raise UsageError(words) from error

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Add the loggers and callbacks of ``run_dir`` to those of the configuration."""
        config, data = self.config[self.subcommand], self.datamodule
        run_dir = Path(config.run_dir)
        fits = self.subcommand == "fit"
        if config.trainer.logger is None:
            kwargs["logger"] = loggers_of(run_dir, config.logger) if fits else False
        elif config.logger != "tensorboard":
            raise UsageError(f"--logger {config.logger} and trainer.logger: name only one of them")
        if fits:
            resume = resume_command(self.called, run_dir)
            callbacks = fit_callbacks(run_dir, data, self.config_init["fit"].pretrained, resume)
            if config.trainer.logger is None:
                callbacks.append(LearningRateMonitor("step"))
        else:
            loaded = None if config.ckpt_path else self._load_to_evaluate()
            callbacks = evaluation_callbacks(
                self.command, run_dir, data, config.ckpt_path, loaded, other_engine(config)
            )
        self.trainer_defaults["callbacks"] = callbacks
        if config.trainer.precision == "auto":
            kwargs["precision"], why = automatic_precision(
                config.trainer.accelerator, training=fits
            )
            rank_zero_only(print)(f"precision: {kwargs['precision']} ({why})")
        kwargs["plugins"] = with_whole_checkpoints(self.config_init[self.command].trainer.plugins)
        trainer = super().instantiate_trainer(default_root_dir=str(run_dir), **kwargs)
        refuse_half_on_cpu(trainer, config.trainer.precision)
        limit_waiting(trainer, config.process_timeout)
        keep_freed_memory(trainer.strategy.root_device)
        return trainer

    def before_fit(self) -> None:
        """Refuse to train for a best checkpoint that no validation ever chooses."""
        config = self.config["fit"]
        if not config.trainer.fast_dev_run:
            refuse_unchosen_best(self.trainer, config.checkpoint.monitor)

    def _load_to_evaluate(self) -> LoadReport:
        """Load the weights of ``pretrained``, where there is no checkpoint to evaluate."""
        config, model = self.config_init[self.subcommand], self.model
        try:
            spec = as_pretrained(config.pretrained)
            report = load_to_evaluate(model.network, spec, model.classes)
        except (PretrainedError, FetchError) as error:
            raise InputError(f"{error}\n{why_weights(config.run_dir)}") from error
        rank_zero_only(print)(f"weights: {report.sentence()}; no checkpoint")
        if hint := hint_of_protocol(report, model.network.protocol):
            rank_zero_only(print)(hint)
        return report

    def after_fit(self) -> None:
        """Print the commands that come next."""
        if self.trainer.is_global_zero:
            print(next_commands(self.config["fit"].run_dir))


def main(words: Sequence[str]) -> None:
    """Run the sub-command that the words begin with.

    Raises:
        UsageError: Lightning refuses a setting.
    """
    try:
        VideoCLI(words)
    except MisconfigurationException as error:
        raise UsageError(str(error)) from error
