"""From a folder of your own videos to a network that knows their classes, in one command.

    python -m snl_video.commands.finetune data/mine [--run_dir DIR] [any option of train.py fit]

The folder holds one sub-folder per class, with or without `train`, `val` and `test` above them;
data/README.md says which videos are held out where there is no `val`. This is `train.py fit` and
`train.py test` with the recipe configs/ucf101/finetune_cpu.yaml, a network pretrained on
Kinetics-400, and over it configs/finetune/own_videos.yaml: a spectral non-local block, and classes
weighed by their sizes. At the end there are a checkpoint, a report and the line that predicts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from snl_video.commands.named_settings import (
    check_monitor,
    length_options,
    named_settings,
    number_of,
)
from snl_video.commands.own_files import look_at
from snl_video.commands.video_cli import VideoCLI
from snl_video.data.holdout import HoldoutSettings
from snl_video.errors import InputError
from snl_video.recipe_files import find_recipe
from snl_video.run import predict_command, refuse_to_overwrite

RECIPE = "ucf101/finetune_cpu"
OWN_VIDEOS = "finetune/own_videos"
TRAINED = ", the ones that it was trained on: no measure of new videos"
CHOSE = ", the ones that chose the checkpoint: expect somewhat less on new videos"


def main(words: Sequence[str]) -> None:
    """Check the folder, train, test and say what to do next.

    Raises:
        InputError: the folder, a video in it, an option, the recipe or the run's folder is not as
            it should be.
    """
    parser = _parser()
    given = list(words[1:])
    if given and given[0].startswith("-") and given[0] not in ("-h", "--help"):
        parser.error(f"the folder of the videos comes first, before {given[0]}")
    options, others = parser.parse_known_args(given)
    if others and not others[0].startswith("-"):
        parser.error(f"one folder only, and then options; got {others[0]!r} too")
    run_dir = options.run_dir or Path("runs") / options.folder.resolve().name
    recipes = [*map(find_recipe, [options.recipe, OWN_VIDEOS, *options.config])]
    refuse_to_overwrite(run_dir, options.ckpt_path)
    _check_run_dir(run_dir, options.folder)
    settings = named_settings(recipes, others)
    of_user = named_settings(map(find_recipe, options.config), others)
    check_monitor(of_user)
    look_at(
        options.folder,
        go_on=settings.get("data.bad_videos.evaluation") == "wrong",
        holdout=HoldoutSettings(
            number_of(settings, "data.holdout.share"),
            int(number_of(settings, "data.holdout.seed") or 0),
        ),
    )
    common = [
        *(f"--config={recipe}" for recipe in recipes),
        f"--run_dir={run_dir}",
        "--data.format=folder",
        f"--data.root={options.folder}",
        *others,
    ]
    resume = [f"--ckpt_path={options.ckpt_path}"] if options.ckpt_path else []
    VideoCLI(["fit", *common, *length_options(of_user), *resume])
    cli = VideoCLI(["test", *common])
    if cli.trainer.is_global_zero:
        tested = cli.datamodule.video_list("test")
        caution = ""
        if tested.records == cli.datamodule.video_list("train").records:
            caution = TRAINED
        elif cli.config["test"].checkpoint.monitor is not None:
            caution = CHOSE if tested.records == cli.datamodule.video_list("val").records else ""
        print(closing_words(run_dir, len(tested), caution))


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m snl_video.commands.finetune",
        usage="%(prog)s FOLDER [--run_dir DIR] [--recipe FILE] [--config FILE ...] "
        "[any option of train.py fit]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("folder", type=Path, help="one sub-folder per class")
    parser.add_argument("--run_dir", type=Path, help="by default runs/<name of the folder>")
    parser.add_argument(
        "--recipe",
        default=RECIPE,
        help="network and schedule; by default configs/ucf101/finetune_cpu.yaml",
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        help="laid over recipe and own_videos.yaml, e.g. configs/blocks/gsnl.yaml; may be repeated",
    )
    parser.add_argument("--ckpt_path", help="go on with this checkpoint of the same run")
    return parser
