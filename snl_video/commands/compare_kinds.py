"""`snl-video compare-kinds`: train and test with several kinds of block, side by side."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from snl_video.commands.command_parser import CommandParser
from snl_video.commands.kind_hours import expectation, work_of
from snl_video.commands.kind_runs import (
    RunRecord,
    Start,
    carry_out,
    locked,
    locked_part,
    read_record,
    start_program,
)
from snl_video.commands.video_cli import VideoCLI
from snl_video.data.datamodule import VideoDataModule
from snl_video.data.holdout import group_of
from snl_video.errors import InputError, UsageError
from snl_video.evaluation.comparison import read_report
from snl_video.evaluation.kind_results import FinishedRun, KindRun, refuse_shared, rows_by_seed
from snl_video.evaluation.kind_tables import kinds_document
from snl_video.whole_files import write_whole
from snl_video.wording import flatten

FREE = ("config", "run_dir", "checkpoint.dirpath", "data.root", "data.loader.num_workers")
"""Settings of `fit` in which the runs of one table may differ."""

Records = Mapping[KindRun, RunRecord]


def compare_kinds(
    config: Sequence[str],
    kinds: Sequence[str],
    splits: Sequence[int] = (1,),
    seeds: Sequence[int] = (0,),
    run_dir: Path = Path("runs/kinds"),
    output: Path | None = None,
    note: str = "",
    clips_per_second: float | None = None,
    part: int | None = None,
    others: Sequence[str] = (),
    start: Start | None = None,
) -> int:
    """Train and test with several kinds of block, and put the results into one table.

      snl-video compare-kinds --config ucf101/finetune_cpu --data.root data/ucf101 \\
          --kinds none nl snl --splits 1 2 3

    Each run is `snl-video fit` and `snl-video test` with the recipe, the overlay blocks/KIND (none
    is the network without a block), a split and a seed. Any option of `fit` is passed on to all.
    RUN_DIR gets the tables kinds.md and kinds.json and a folder for each run. The command can be
    stopped and called again: what is finished is not repeated, and a training that was stopped
    goes on from its last checkpoint. Paired tests set every kind against the first. What the
    missing runs will take is printed first, from the lists and a rate, or from finished runs.

    Args:
        config: the recipe; several are laid one over the other.
        kinds: of block.
        splits: of the data set; their test videos are pooled.
        seeds: of training. The tests are of the first; the others must agree in sign.
        run_dir: folder of all runs.
        output: the Markdown table; by default RUN_DIR/kinds.md.
        note: printed under the table: what a reader must know to judge the figures.
        clips_per_second: training clips a second, for the time that is printed at the start; 100
            is assumed where nothing is known.
        part: carry out only this one of the runs, counted from 0, and write no table: for job
            arrays, whose jobs may run at the same time.
        others: further options of `fit`.
        start: runs the program; by default in a process of its own.

    Returns:
        How many runs failed, 1 at most.

    Raises:
        InputError: a bad setting, test lists that share a video, or a run folder of other settings.
    """
    for name, values in (("kinds", kinds), ("splits", splits), ("seeds", seeds)):
        if len(set(values)) < len(values):
            raise UsageError(f"--{name} names one twice: {' '.join(map(str, values))}")
    words = {kind: _words(config, kind, others) for kind in kinds}
    settings = {kind: _settings(words[kind]) for kind in kinds}
    if len(splits) > 1:
        refuse_shared({split: _test_ids(settings[kinds[0]], split) for split in splits})
    planned = [KindRun(k, split, seed) for seed in seeds for split in splits for k in kinds]
    if part is not None and part not in range(len(planned)):
        raise UsageError(f"--part {part}: there are {len(planned)} runs, counted from 0")
    chosen = planned if part is None else [planned[part]]
    with locked(run_dir) if part is None else locked_part(run_dir, planned[part].name) as lock:
        records = {
            run: read_record(run_dir / run.name, _comparable(settings[run.kind], run))
            for run in chosen
        }
        _tell_time(records, settings, clips_per_second)
        write = partial(write_tables, run_dir, records, output or run_dir / "kinds.md", note)
        failed = False
        for run, record in records.items():
            if record.finished:
                continue
            print(f"{run.name} ...", flush=True)
            ended = carry_out(
                run_dir / run.name,
                record,
                [*words[run.kind], *_of_run(run)],
                start or partial(start_program, lock=lock),
            )
            if ended is not None:
                failed = True
                print(f"{run.name}: {ended}", flush=True)
            elif part is None:
                try:
                    write()
                except InputError as error:  # it is raised at the end; it must not stop the runs
                    print(f"no table yet: {error}", flush=True)
        if part is None:
            write()
    return int(failed)


def write_tables(run_dir: Path, records: Records, output: Path, note: str = "") -> None:
    """Write the Markdown and RUN_DIR/kinds.json from the finished runs.

    Raises:
        ComparisonError: a report is damaged, or the runs can't stand in one table.
    """
    tested = [
        FinishedRun(
            run, read_report(run_dir / run.name / "report", run.name), record.uninterrupted_seconds
        )
        for run, record in records.items()
        if record.finished
    ]
    planned = list(records)
    tables = rows_by_seed(planned, tested, group_of)
    write_whole(output, kinds_document(planned, tested, tables, note))
    there = {one.run for one in tested}
    numbers = {
        "missing": [run.name for run in planned if run not in there],
        "seeds": {seed: [asdict(row) for row in rows] for seed, rows in tables.items()},
    }
    write_whole(run_dir / "kinds.json", json.dumps(numbers, indent=1) + "\n")
    print(f"{output}: {len(tested)} of {len(records)} runs", flush=True)


def main(words: Sequence[str]) -> int:
    """Run the command; SIGTERM ends it as Ctrl-C does."""
    parser = CommandParser(
        "snl-video compare-kinds",
        compare_kinds,
        "--config RECIPE --kinds KIND KIND ... [--splits 1 2 3] [--run_dir DIR] [--OPTION VALUE]",
        lists={
            "config": "the recipe; several are laid one over the other",
            "kinds": "of block; none is the network without one",
            "splits": "of the data set; their test videos are pooled",
            "seeds": "of training; the first decides, the others must agree in sign",
        },
        skip=["others", "start"],
    )
    own, others = own_options(words[1:], ["help", *parser.get_defaults().keys()])
    parser.function = partial(compare_kinds, others=others)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return parser.call([words[0], *own])
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", flush=True)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def own_options(words: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the options of these names with their values, and all other words.

    The values of an option that is repeated are put together.
    """
    own: dict[str, list[str]] = {}
    others: list[str] = []
    place = others
    for word in words:
        if word.startswith("-"):
            name, equals, value = ("--help" if word == "-h" else word).lstrip("-").partition("=")
            place = own.setdefault(name, []) if name in names else others
            if place is not others:
                place += [value] if equals else []
                continue
        place.append(word)
    return [word for name in own for word in (f"--{name}", *own[name])], others


def _words(config: Sequence[str], kind: str, others: Sequence[str]) -> list[str]:
    """Options of `fit` and `test` for a kind; that no block is made goes over all."""
    recipes = [*config] if kind == "none" else [*config, f"blocks/{kind}"]
    last = ["--model.non_local=null"] if kind == "none" else []
    return [*(f"--config={recipe}" for recipe in recipes), *others, *last]


def _of_run(run: KindRun) -> list[str]:
    return [f"--seed_everything={run.seed}", f"--data.seed={run.seed}", f"--data.split={run.split}"]


def _settings(words: Sequence[str]) -> dict[str, Any]:
    return VideoCLI(["fit", *words], run=False).config.as_dict()


def _comparable(settings: Mapping[str, Any], run: KindRun) -> dict[str, str]:
    """The settings that make a run what it is: dotted name -> value as text."""
    data = {**settings["data"], "split": run.split, "seed": run.seed}
    flat = dict(flatten({**settings, "seed_everything": run.seed, "data": data}))
    return {name: value for name, value in flat.items() if name not in FREE}


def _tell_time(
    records: Records, settings: Mapping[str, Mapping[str, Any]], rate: float | None
) -> None:
    """Print how long the runs that are not finished will take; nothing where all are."""
    todo = [run for run, record in records.items() if not record.finished]
    if todo:
        known = [record.uninterrupted_time for record in records.values()]
        of_split = {run.split: work_of(settings[run.kind], run.split) for run in todo}
        works = [of_split[run.split] for run in todo]
        print(expectation(works, [time for time in known if time is not None], rate), flush=True)


def _test_ids(settings: Mapping[str, Any], split: int) -> list[str]:
    module = VideoDataModule(**{**settings["data"], "split": split})
    module.prepare_data()
    return [record.id for record in module.video_list("test").records]
