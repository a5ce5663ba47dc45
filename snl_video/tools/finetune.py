"""From a folder of your own videos to a network that knows their classes, in one command.

    python -m snl_video.tools.finetune data/mine [--run_dir runs/mine] [any option of train.py fit]

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

from pytorch_lightning.utilities import rank_zero_only
from rich.progress import Progress

from snl_video.cli import main as train
from snl_video.data.annotations import AnnotationError
from snl_video.data.unreadable import TooManyUnreadableError
from snl_video.models.pretrained import PretrainedError
from snl_video.models.pretrained.cache import FetchError
from snl_video.runs import predict_command, refuse_to_overwrite
from snl_video.tools.own_folder import (
    list_of_unreadable,
    opening_words,
    read_own_folder,
    unreadable_videos,
)

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPE = CONFIGS / "ucf101" / "finetune_cpu.yaml"
OWN_VIDEOS = CONFIGS / "finetune" / "own_videos.yaml"
ENOUGH = "snl_video.training.MinimumSteps"


def main(arguments: Sequence[str] | None = None) -> None:
    """Check the folder, train, test and say what to do next; `arguments` replaces `sys.argv[1:]`.

    Raises:
        SystemExit: the folder, the recipe or the run's folder is not as it should be.
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
    try:
        for recipe in recipes:
            _check_recipe(recipe)
        refuse_to_overwrite(run_dir, options.ckpt_path)
        look_at(options.folder, go_on=_names(others, "--data.on_bad_video"))
        common = [
            *(f"--config={recipe}" for recipe in recipes),
            f"--run_dir={run_dir}",
            "--data.format=folder",
            f"--data.root={options.folder}",
            *others,
        ]
        resume = [f"--ckpt_path={options.ckpt_path}"] if options.ckpt_path else []
        enough = [] if _names(others, "--trainer.max_") else [f"--trainer.callbacks+={ENOUGH}"]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
            train(["fit", *common, *enough, *resume])
            cli = train(["test", *common])
    except (AnnotationError, TooManyUnreadableError, PretrainedError, FetchError) as error:
        raise SystemExit(str(error)) from error
    if cli.trainer.is_global_zero:
        tested, val = (cli.datamodule.video_list(subset) for subset in ("test", "val"))
        monitor = cli.config["test"].checkpoint.monitor
        chosen = monitor is not None and tested.records == val.records
        print(closing_words(run_dir, len(tested), chosen))


@rank_zero_only
def look_at(folder: Path, go_on: bool) -> None:
    """Print what the folder holds, and refuse one that nothing can be learnt from.

    Args:
        folder: one sub-folder per class.
        go_on: where videos can't be read, print which and go on.

    Raises:
        AnnotationError: see `read_own_folder`, or videos that can't be read.
    """
    lists = read_own_folder(folder)
    print(opening_words(folder, lists))
    total = sum(len(videos) for videos in lists.values())
    with Progress(transient=True, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("opening every video", total=total)
        reasons = unreadable_videos(folder, lists, lambda done, _: bar.update(task, completed=done))
    if not reasons:
        print(f"all {total} videos can be opened")
        return
    found = list_of_unreadable(reasons, total)
    if not go_on:
        raise AnnotationError(
            f"{found}\nmend them, move them away, or go on with --data.on_bad_video wrong: "
            "training replaces them, and a test counts them as wrong"
        )
    print(found)


def closing_words(run_dir: Path, num_videos: int, chosen_by_them: bool) -> str:
    """What a finished run has left, one thing a line.

    Args:
        run_dir: folder of the run.
        num_videos: videos that the report is of.
        chosen_by_them: whether the same videos were the validation set.
    """
    caution = ""
    if chosen_by_them:
        caution = ", the ones that chose the checkpoint: expect somewhat less on new videos"
    return "\n".join(
        [
            f"checkpoint: {run_dir / 'checkpoints' / 'best.ckpt'}",
            f"report: {run_dir / 'report' / 'report.html'} (of {num_videos} videos{caution})",
            f"predict a new video: {predict_command(run_dir)}",
        ]
    )


def _names(options: Sequence[str], start: str) -> bool:
    """Whether an option begins like this; its value may follow after "=" or a space."""
    return any(option.startswith(start) for option in options)


def _check_recipe(recipe: Path) -> None:
    if not recipe.is_file():
        raise SystemExit(
            f"no recipe at {recipe}; call this in a checkout of the project, or name one with "
            "--recipe"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m snl_video.tools.finetune",
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
