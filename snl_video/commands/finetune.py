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
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from snl_video.cli import main as train
from snl_video.commands.named_settings import (
    check_monitor,
    length_options,
    named_settings,
    number_of,
)
from snl_video.commands.own_files import look_at
from snl_video.data.holdout import HoldoutSettings
from snl_video.errors import plain_errors
from snl_video.run import predict_command, refuse_to_overwrite

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPE = CONFIGS / "ucf101" / "finetune_cpu.yaml"
OWN_VIDEOS = CONFIGS / "finetune" / "own_videos.yaml"
TRAINED = ", the ones that it was trained on: no measure of new videos"
CHOSE = ", the ones that chose the checkpoint: expect somewhat less on new videos"


def main(arguments: Sequence[str] | None = None) -> None:
    """Check the folder, train, test and say what to do next; `arguments` replaces `sys.argv[1:]`.

    Raises:
        SystemExit: the folder, a video in it, an option, the recipe or the run's folder is not as
            it should be.
    """
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0].startswith("-") and given[0] not in ("-h", "--help"):
        parser.error(f"the folder of the videos comes first, before {given[0]}")
    options, others = parser.parse_known_args(given)
    if others and not others[0].startswith("-"):
        parser.error(f"one folder only, and then options; got {others[0]!r} too")
    run_dir = options.run_dir or Path("runs") / options.folder.resolve().name
    recipes = [options.recipe, OWN_VIDEOS, *options.config]
    with plain_errors():
        for recipe in recipes:
            _check_recipe(recipe)
        refuse_to_overwrite(run_dir, options.ckpt_path)
        _check_run_dir(run_dir, options.folder)
        settings = named_settings(recipes, others)
        of_user = named_settings(options.config, others)
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
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
            train(["fit", *common, *length_options(of_user), *resume])
            cli = train(["test", *common])
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
        raise SystemExit(
            f"the run would go to {run_dir}, which lies in the data folder {folder} and would be "
            "taken for a class; name another place with --run_dir"
        )


def _check_recipe(recipe: Path) -> None:
    if not recipe.is_file():
        raise SystemExit(
            f"no recipe at {recipe}; call this in a checkout of the project, or name one with "
            "--recipe"
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
        type=Path,
        default=RECIPE,
        help="network and schedule; by default configs/ucf101/finetune_cpu.yaml",
    )
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        help="laid over recipe and own_videos.yaml, e.g. configs/blocks/gsnl.yaml; may be repeated",
    )
    parser.add_argument("--ckpt_path", help="go on with this checkpoint of the same run")
    return parser


if __name__ == "__main__":
    main()
