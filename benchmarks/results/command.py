"""Fine-tune with every kind of block on every split, and write the table of results.

    python -m benchmarks.results --root data/ucf101 --config configs/ucf101/finetune_cpu.yaml \
        --runs runs/results --out docs/results.md [--jobs 2]

A finished run is not repeated and an interrupted one goes on from its last checkpoint, so the
command can be killed and called again at any time. `--table-only` writes the document from what is
finished; it may be called while the runs go on. Splits whose test lists share a video, as HMDB51's
do, are refused before anything starts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.results.lists import check_test_lists
from benchmarks.results.page import document
from benchmarks.results.plan import (
    FIRST_KINDS,
    FURTHER_KINDS,
    SPLITS,
    Recipe,
    ResultsError,
    Run,
    plan,
)
from benchmarks.results.record import lock, next_stage, read_record
from benchmarks.results.runner import Runner
from benchmarks.results.scored import read_scored


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and write the document; 1 if a run failed, 130 if stopped."""
    options = _parser().parse_args(arguments)
    recipe = Recipe(options.config, options.root)
    try:
        runs = plan(options.kinds, options.further_kinds, options.splits, options.seeds)
        write = partial(
            write_document,
            options.out,
            runs,
            options.runs,
            recipe,
            linear=options.linear,
            note=options.note,
        )
        failures = []
        if not options.table_only:
            check_test_lists(recipe, options.splits)
            with lock(options.runs) as held:
                runner = Runner(
                    options.runs,
                    recipe,
                    recipe.command,
                    jobs=options.jobs,
                    lock=held,
                    finished=lambda run: _try(write),
                )
                failures = runner.carry_out(runs)
        for failure in failures:
            print(failure)
        write()
    except ResultsError as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here")
        return 130
    return int(bool(failures))


def write_document(
    out: Path,
    plan: Sequence[Run],
    runs: Path,
    recipe: Recipe,
    *,
    linear: Sequence[float] = (),
    note: str = "",
) -> None:
    """Write the document from the finished runs, and print how many there are.

    Raises:
        ResultsError: a run is of another recipe, or its report is damaged.
    """
    records = [read_record(runs, run, recipe) for run in plan]
    finished = [record for record in records if next_stage(runs, record.run) is None]
    scored = [read_scored(runs, record) for record in finished]
    text = document(plan, scored, recipe, linear=linear, note=note)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {len(finished)} of {len(plan)} runs", flush=True)


def _try(write: Callable[[], None]) -> None:
    """Write while runs go on: what is wrong with the document must not end a training of hours.

    It is raised when the document is written again at the end.
    """
    try:
        write()
    except Exception as error:
        print(f"the document can't be written yet, the runs go on: {error}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.results",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, required=True, help="the data set's folder")
    parser.add_argument("--config", type=Path, required=True, help="recipe of every run")
    parser.add_argument("--runs", type=Path, default=Path("runs/results"))
    parser.add_argument("--out", type=Path, default=Path("docs/results.md"))
    parser.add_argument("--kinds", nargs="+", default=FIRST_KINDS, help="trained first")
    parser.add_argument("--further-kinds", nargs="*", default=FURTHER_KINDS)
    parser.add_argument("--splits", nargs="+", type=int, default=SPLITS)
    parser.add_argument("--seeds", nargs="+", type=int, default=(0,))
    parser.add_argument(
        "--jobs", type=int, choices=(1, 2, 3, 4), default=1, help="side by side, one thread each"
    )
    parser.add_argument(
        "--linear",
        nargs="*",
        type=float,
        default=(),
        metavar="PERCENT",
        help="accuracy on splits 1, 2, ... of a linear classifier for ten classes of UCF101, for "
        "a line of its own; give it for these ten classes only",
    )
    parser.add_argument("--note", default="", help="printed under the table")
    parser.add_argument("--table-only", action="store_true", help="write the document, run nothing")
    return parser
