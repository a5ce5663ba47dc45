"""`snl-video finetune`: from a folder of your own videos to a network that knows their classes."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from jsonargparse import Namespace

from snl_video.commands import probe
from snl_video.commands.video_cli import VideoCLI
from snl_video.data.holdout import HoldoutSettings
from snl_video.data.own_videos.folder_survey import survey
from snl_video.errors import InputError, UsageError
from snl_video.recipe_files import find_recipe
from snl_video.run import predict_command, refuse_to_overwrite

RECIPE = "ucf101/finetune_cpu"
OWN_VIDEOS = "finetune/own_videos"
ENOUGH = "snl_video.training.MinimumSteps"
TRAINED = ", the ones that it was trained on: no measure of new videos"
CHOSE = ", the ones that chose the checkpoint: expect somewhat less on new videos"
DESCRIPTION = """\
Train on a folder of your own videos, test, and print the line that predicts a new one.

  snl-video finetune data/mine
  snl-video finetune data/mine --run_dir runs/mine --config blocks/gsnl --trainer.max_epochs 20

The folder holds one sub-folder a class, with or without train, val and test above them. Every video
is opened before anything is trained. This is `snl-video fit` and `test` with the recipe
ucf101/finetune_cpu, a network pretrained on Kinetics-400, and over it finetune/own_videos: a
spectral non-local block (blocks/snl_walk), and classes weighed by their sizes. It takes any option
of `snl-video fit` too: `snl-video fit --help` lists them.

Whether the block helps depends on the videos. On a frozen network it was the best of those tried
where only movement tells the classes (words read from lips), and made no difference where the scene
tells them (docs/benchmarks.md). In fine-tuning this short no block was better or worse than none.
--model.non_local null leaves it out."""


def main(words: Sequence[str]) -> None:
    """Check the folder, train, test and say what to do next.

    Raises:
        InputError: the folder, a video in it, an option, the recipe or the run's folder is not as
            it should be.
    """
    options, others = _parse(words[1:])
    folder = Path(options.folder)
    if options.from_features:
        probe_features(options, others)
        return
    run_dir = Path(options.run_dir or Path("runs") / folder.resolve().name)
    recipes = [f"--config={find_recipe(name)}" for name in (options.recipe, OWN_VIDEOS)]
    configs = [f"--config={find_recipe(name)}" for name in options.config]
    data = [f"--run_dir={run_dir}", "--data.format=folder", f"--data.root={folder}"]
    common = [*recipes, *configs, *data, *others]
    _check_run_dir(run_dir, folder)
    parsed = VideoCLI(["fit", *common], run=False)
    if parsed.config.resume != "auto":
        refuse_to_overwrite(run_dir, options.ckpt_path)
    named = parsed.named([*configs, *others])
    check_monitor(named)
    survey(
        folder,
        go_on=parsed.config.data.bad_videos.evaluation == "wrong",
        holdout=HoldoutSettings(**vars(parsed.config.data.holdout)),
    )
    resume = [f"--ckpt_path={options.ckpt_path}"] if options.ckpt_path else []
    fit = ["fit", *common, *length_options(named), *resume]
    train_and_test(run_dir, fit, ["test", *common], called=words)


def probe_features(options: argparse.Namespace, others: Sequence[str]) -> None:
    """Train a probe on cached features: `snl-video probe` with these options.

    Raises:
        UsageError: an option that only training from pixels has.
    """
    named = {"config": options.config, "ckpt_path": options.ckpt_path}
    if options.recipe != RECIPE:
        named["recipe"] = options.recipe
    if wrong := [name for name, value in named.items() if value]:
        raise UsageError(
            f"--{wrong[0]} does not go with --from_features, which trains a probe: its options are "
            "those of `snl-video probe`"
        )
    run_dir = [f"--run_dir={options.run_dir}"] if options.run_dir else []
    words = [options.folder, f"--features={options.from_features}", *run_dir, *others]
    probe.main(["probe", *words])


def train_and_test(
    run_dir: Path, fit: Sequence[str], test: Sequence[str], *, called: Sequence[str]
) -> None:
    """Run two command lines, those that `called` means, and print what is in the run's folder."""
    VideoCLI(fit, called=called)
    cli = VideoCLI(test)
    if cli.trainer.is_global_zero:
        videos = cli.datamodule.video_list
        caution = ""
        if videos("test").records == videos("train").records:
            caution = TRAINED
        elif cli.config["test"].checkpoint.monitor is not None:
            caution = CHOSE if videos("test").records == videos("val").records else ""
        print(closing_words(run_dir, len(videos("test")), caution))


def length_options(named: Namespace) -> list[str]:
    """Options of `fit` that decide its length, where the user's settings don't.

    Epochs that the user names are kept. Otherwise few videos get more epochs, and steps that are
    named count alone: the epochs of the recipe would end the run before.

    Args:
        named: settings of the user, without those of the recipe.
    """
    if "trainer.max_epochs" in named:
        return []
    options = [f"--trainer.callbacks+={ENOUGH}"]
    if named.get("trainer.max_steps") not in (None, -1):
        options.append("--trainer.max_epochs=-1")
    return options


def check_monitor(named: Namespace) -> None:
    """Refuse a monitor of the user with the mode of the one in own_videos.yaml.

    Raises:
        UsageError: `checkpoint.monitor` is named, and `checkpoint.mode` is not.
    """
    monitor = named.get("checkpoint.monitor")
    if monitor is not None and "checkpoint.mode" not in named:
        raise UsageError(
            f"checkpoint.monitor {monitor} needs checkpoint.mode beside it: max for an accuracy, "
            "min for a loss"
        )


def closing_words(run_dir: Path, num_videos: int, caution: str = "") -> str:
    """What a finished run has left, one thing a line.

    Args:
        run_dir: folder of the run.
        num_videos: videos that the report is of.
        caution: what else these were used for, `TRAINED` or `CHOSE`.
    """
    return "\n".join(
        [
            f"checkpoint: {run_dir / 'checkpoints' / 'best.ckpt'}",
            f"report: {run_dir / 'report' / 'report.html'} (of {num_videos} videos{caution})",
            f"predict a new video: {predict_command(run_dir)}",
        ]
    )


def _check_run_dir(run_dir: Path, folder: Path) -> None:
    if run_dir.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"the run would go to {run_dir}, which lies in the data folder {folder} and would be "
            "taken for a class; name another place with --run_dir"
        )


class _Parser(argparse.ArgumentParser):
    """Of the options that `fit` does not have; it leaves the others to the parser of `fit`."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message)


def _parse(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the options of this command, and the words that are options of `fit`."""
    parser = _Parser(
        prog="snl-video finetune",
        usage="%(prog)s FOLDER [--run_dir DIR] [--recipe NAME] [--config NAME ...] "
        "[any option of snl-video fit]",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("folder", help="one sub-folder a class")
    parser.add_argument("--run_dir", help="by default runs/NAME_OF_THE_FOLDER")
    parser.add_argument(
        "--recipe", default=RECIPE, help="network and schedule (default: %(default)s)"
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        help="laid over recipe and own_videos, e.g. blocks/gsnl; may be repeated",
    )
    parser.add_argument("--ckpt_path", help="go on with this checkpoint of the same run")
    parser.add_argument(
        "--from_features",
        metavar="DIR",
        help="train on what `snl-video features` kept there: the network up to that place has run "
        "once and stays as it is, and only a block and a classifier on it are trained, as by "
        "`snl-video probe`, whose options it takes. Augmentation is the views and mirror images in "
        "the features; there are no random crops",
    )
    if words and words[0].startswith("-") and words[0] not in ("-h", "--help"):
        raise UsageError(f"the folder of the videos comes first, before {words[0]}")
    options, others = parser.parse_known_args(words)
    if others and not others[0].startswith("-"):
        raise UsageError(f"one folder only, and then options; got {others[0]!r} too")
    return options, others
