"""From a folder of your own videos to a network that knows their classes, in one command.

    python -m snl_video.tools.finetune data/mine [--run_dir runs/mine] [any option of train.py fit]

The folder holds one sub-folder per class, with or without `train`, `val` and `test` above them;
data/README.md says which videos are held out where there is no `val`. This is `train.py fit` and
`train.py test` with the recipe configs/finetune.yaml: a network pretrained on Kinetics-400 with a
spectral non-local block. At the end there are a checkpoint, a report and the line that predicts.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from snl_video.cli import main as train
from snl_video.data.annotations import AnnotationError, folder_classes, read_folder
from snl_video.runs import predict_command

RECIPE = Path(__file__).parents[2] / "configs" / "finetune.yaml"


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
    recipes = options.config or [RECIPE]
    try:
        check_folder(options.folder)
        for recipe in recipes:
            _check_recipe(recipe)
        common = [
            *(f"--config={recipe}" for recipe in recipes),
            f"--run_dir={run_dir}",
            "--data.format=folder",
            f"--data.root={options.folder}",
            *others,
        ]
        resume = [f"--ckpt_path={options.ckpt_path}"] if options.ckpt_path else []
        train(["fit", *common, *resume])
        cli = train(["test", *common])
    except AnnotationError as error:
        raise SystemExit(str(error)) from error
    if cli.trainer.is_global_zero:
        tested, val = (cli.datamodule.video_list(subset) for subset in ("test", "val"))
        print(closing_words(run_dir, len(tested), tested.records == val.records))


def check_folder(folder: Path) -> None:
    """Refuse a folder that nothing can be learnt from, before anything is built or downloaded.

    Raises:
        AnnotationError: it is no folder, or has fewer than two classes or no training video.
    """
    classes = folder_classes(folder)
    if len(classes) < 2:
        raise AnnotationError(
            f"{folder} has one class, {classes[0]}; a classifier needs two or more: one sub-folder "
            f"per class, {folder}/<class>/<video>"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        counts = read_folder(folder, "train").class_counts()
    empty = [name for name, count in counts.items() if not count]
    if empty:
        raise AnnotationError(
            f"{folder}: no training video of {', '.join(empty[:3])}{', ...' * (len(empty) > 3)}; "
            "add some, or move the empty folders away"
        )


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


def _check_recipe(recipe: Path) -> None:
    if not recipe.is_file():
        raise SystemExit(
            f"no recipe at {recipe}; call this in a checkout of the project, or name one with "
            "--config"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m snl_video.tools.finetune",
        usage="%(prog)s FOLDER [--run_dir DIR] [--config FILE ...] [any option of train.py fit]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("folder", type=Path, help="one sub-folder per class")
    parser.add_argument("--run_dir", type=Path, help="by default runs/<name of the folder>")
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        help="recipe, then overlays such as configs/blocks/gsnl.yaml; by default "
        "configs/finetune.yaml",
    )
    parser.add_argument("--ckpt_path", help="go on with this checkpoint of the same run")
    return parser


if __name__ == "__main__":
    main()
