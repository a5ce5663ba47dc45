"""`snl-video probe`: a classifier on cached features, with and without blocks, in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rich.console import Console

from snl_video.commands.command_parser import CommandParser
from snl_video.commands.folder_lock import locked_folder
from snl_video.data.feature_files import FeatureFiles
from snl_video.data.formats import ListSettings, open_data_set
from snl_video.data.holdout import group_of, hold_out
from snl_video.data.overlap import tell_overlap
from snl_video.data.subset_lists import SubsetLists
from snl_video.data.unlabelled import PredictSettings
from snl_video.data.video_list import VideoList
from snl_video.errors import UsageError
from snl_video.evaluation.probe_results import ProbeRun, probe_rows
from snl_video.evaluation.probe_tables import probe_markdown, probe_page
from snl_video.inference.probe_checkpoint import frozen_network, write_probe
from snl_video.run import predict_command
from snl_video.training.probe_data import ListedFeatures, listed_features
from snl_video.training.probe_fit import ProbeFitSettings
from snl_video.training.probe_kinds import probe_head_spec
from snl_video.training.probe_runs import ProbeTask, best_kind, carry_out, kept_or_carried_out
from snl_video.whole_files import write_whole

HOLDER = "another snl-video probe"
INNER_SHARE = 0.2
"""Share of the training videos of each class that chooses the kind to keep."""


def probe(
    data: str,
    features: Path,
    settings: ProbeFitSettings,
    kinds: Sequence[str] = ("none", "snl_walk"),
    splits: Sequence[int] = (1,),
    seeds: Sequence[int] = (0, 1, 2),
    format: str = "folder",
    lists: ListSettings = ListSettings(),
    on: Literal["test", "inner"] = "test",
    run_dir: Path | None = None,
) -> None:
    """Train classifiers on cached features of a frozen network: minutes on a CPU.

      snl-video features kinetics400 data/mine --format folder --place Mixed_4e --average 2x2x2 \\
          --output features/mine
      snl-video probe data/mine --features features/mine
      snl-video predict runs/mine_probe new.mp4

    A probe is [block] -> 1x1x1 convolution -> mean over positions -> linear layer. Kinds are those
    of blocks, snl_focus (snl with focus 3), snl_walk (with rows of sum one and focus 4), none, and
    the controls order_1 (the block without its graph), mean_graph (every position sees the mean of
    all) and mlp (a further layer). All are trained with the same settings and tested on the test
    list; a paired test sets each against the first. The kind that is best on a fifth of the
    training videos, held out by whole groups, is kept as a checkpoint: the test list chooses
    nothing. Augmentation is what the features hold: several views, mirror images.

    The command can be stopped and called again: what is trained is not trained again.

    Args:
        data: folder of the data set.
        features: folder that `snl-video features` wrote for it.
        settings: of the training.
        kinds: what is compared.
        splits: of the data set.
        seeds: of training.
        format: of the data set, as data.format of a recipe.
        lists: as data.lists of a recipe.
        on: inner measures on a fifth of the training videos, to choose settings by; the test list
            is not read then, and no checkpoint is written.
        run_dir: by default runs/NAME_probe.
    """
    for name, values in (("kinds", kinds), ("splits", splits), ("seeds", seeds)):
        if len(set(values)) < len(values):
            raise UsageError(f"--{name} names one twice: {' '.join(map(str, values))}")
    specs = {kind: probe_head_spec(kind, settings) for kind in kinds}
    files = FeatureFiles(features)
    folder = run_dir or Path("runs") / f"{Path(data).resolve().name}_probe"
    console = Console(stderr=True, soft_wrap=True)
    frozen = None if on == "inner" else frozen_network(files.origin, files.settings)
    with locked_folder(folder, HOLDER):
        inner: list[ProbeRun] = []
        runs: list[ProbeRun] = []
        notes: list[str] = []
        kept: ProbeTask | None = None
        for split in splits:
            source = SubsetLists(open_data_set(format, data, split, lists), PredictSettings())
            train = source.read("train")
            chooses = on == "inner" or (split == splits[0] and len(kinds) > 1)
            if chooses:
                tasks = _tasks(files, *_inner(train), split, kinds, seeds)
                inner += _run(folder / "inner", tasks, settings, console)
            if on == "test":
                tell_overlap(source.overlap("test"), stop=lists.overlap == "error")
                tasks = _tasks(files, train, source.read("test"), split, kinds, seeds)
                runs += _run(folder / "test", tasks, settings, console)
                kept = kept or tasks[0]
                notes += _lost(tasks[0].measured, split)
        if kept is None:
            measured, rows = "videos held out of the training list", probe_rows(inner, group_of)
        else:
            measured, rows = "test videos", probe_rows(runs, group_of)
            kind = best_kind(inner) if inner else kinds[0]
            notes.append(_kept_words(kind, inner))
            head, _ = carry_out(replace(kept, kind=kind), settings)
            assert frozen is not None
            write_probe(
                folder / "checkpoints" / "best.ckpt",
                frozen,
                head,
                specs[kind],
                classes=source.classes,
                origin=files.origin,
                settings=files.settings,
            )
        text = probe_markdown(rows, measured, notes)
        write_whole(folder / "probe.md", text)
        write_whole(folder / "probe.html", probe_page(rows, measured, notes))
    print(text)
    print(f"page: {folder / 'probe.html'}")
    if kept is not None:
        print(f"predict a new video: {predict_command(folder)}")


def _inner(train: VideoList) -> tuple[VideoList, VideoList]:
    held = hold_out(train, INNER_SHARE)
    return held.train, held.val


def _tasks(
    files: FeatureFiles,
    train: VideoList,
    measured: VideoList,
    split: int,
    kinds: Sequence[str],
    seeds: Sequence[int],
) -> list[ProbeTask]:
    learnt = listed_features(files, train, mirrored=True)
    seen = listed_features(files, measured, mirrored=False)
    classes = len(train.classes)
    return [
        ProbeTask(kind, split, seed, learnt, seen, classes, files.key)
        for seed in seeds
        for kind in kinds
    ]


def _run(
    folder: Path, tasks: Sequence[ProbeTask], settings: ProbeFitSettings, console: Console
) -> list[ProbeRun]:
    done = []
    for task in tasks:
        file = folder / task.kind / f"split{task.split}_seed{task.seed}.json"
        run = kept_or_carried_out(file, task, settings)
        console.print(
            f"{folder.name} {run.kind} split {run.split} seed {run.seed}: "
            f"{100 * run.correct.mean():.1f} % of {len(run.ids)}"
        )
        done.append(run)
    return done


def _lost(measured: ListedFeatures, split: int) -> list[str]:
    if not measured.lost:
        return []
    names = ", ".join(measured.lost[:5])
    return [f"Not readable, and counted as wrong: {len(measured.lost)} of split {split}, {names}."]


def _kept_words(kind: str, inner: Sequence[ProbeRun]) -> str:
    if not inner:
        return f"Kept as a checkpoint: {kind}."
    return (
        f"Kept as a checkpoint: {kind}, of the first split and seed, since it was best on a fifth "
        "of the training videos, held out by whole groups. The test list chose nothing."
    )


def main(words: Sequence[str]) -> None:
    """Run the command."""
    parser = CommandParser(
        "snl-video probe",
        probe,
        "DATA --features DIR [--kinds none snl_walk ...] [--splits 1 2 3] [--OPTION VALUE]",
        words={"data": None},
        group=("settings", ProbeFitSettings),
        lists={
            "kinds": "none, a control or a kind of block; the others are set against the first",
            "splits": "of the data set; their test videos are pooled",
            "seeds": "of training",
        },
    )
    parser.call(words)
