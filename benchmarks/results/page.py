"""The table of results as a document; every sentence about it is made from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.results.against import differences, seed_tables
from benchmarks.results.markdown import DASH, code, markdown, percent, with_splits
from benchmarks.results.numbers import Row, rows
from benchmarks.results.plan import Recipe, Run
from benchmarks.results.scored import Scored, absent, unreadable
from snl_video.evaluation.intervals import NO_SPREAD, REPLICATES, interval_text, is_point
from snl_video.wording import first_few


def document(
    plan: Sequence[Run],
    scored: Sequence[Scored],
    recipe: Recipe,
    *,
    linear: Sequence[float] = (),
    note: str = "",
) -> str:
    """The whole text, Markdown.

    Args:
        plan: all runs there should be. The tables are of its first seed that has a finished run;
            further seeds have a section of their own.
        scored: those that are finished.
        recipe: of all of them.
        linear: accuracy in percent of a linear classifier on splits 1, 2, ...; see `_linear`.
        note: printed under the table; what a reader must know to judge the figures.

    Raises:
        ResultsError: see `benchmarks.results.numbers.rows`.
    """
    kinds = {run.kind for run in plan} - {"none"}
    seeds = list(dict.fromkeys(run.seed for run in plan))
    of_seed = {seed: [one for one in scored if one.run.seed == seed] for seed in seeds}
    tables = {seed: rows(runs, len(kinds)) for seed, runs in of_seed.items() if runs}
    parts = [
        "# Results",
        f"Written by `python -m benchmarks.results` from {len(scored)} of {len(plan)} planned runs "
        f"of `{recipe.config.name}`; do not edit.",
    ]
    if tables:
        seed, table = next(iter(tables.items()))
        parts += [
            _table(table),
            *([note] if note else []),
            *_meaning(table, scored, seed),
            *_comparable(table),
            _hours(table),
            *_lost(scored),
            *_linear(linear),
            *differences(tables, len(kinds), complete=len(scored) == len(plan)),
            *seed_tables(tables),
        ]
    else:
        parts.append("Nothing is finished.")
    return "\n\n".join([*parts, *_missing(plan, scored)]) + "\n"


def _grouped(table: Sequence[Row]) -> bool:
    """Whether the names of the videos tell groups."""
    return any(row.groups < row.videos for row in table)


def _table(table: Sequence[Row]) -> str:
    splits = sorted({split for row in table for split in row.top1_of_split})
    grouped = _grouped(table)
    head = [
        "block",
        "videos (splits)",
        *(["groups"] if grouped else []),
        "video top-1 %",
        "95 %, videos drawn",
        *(["95 %, groups drawn"] if grouped else []),
        *(f"split {split}" for split in splits),
        "mean class %",
        "parameters",
        "GMACs",
        "CPU hours a run",
    ]
    body = [
        [
            code(row.kind),
            with_splits(str(row.videos), row.top1_of_split),
            *([str(row.groups)] if grouped else []),
            percent(row.top1),
            interval_text(row.interval, dash=DASH),
            *([interval_text(row.group_interval, dash=DASH)] if grouped else []),
            *(percent(row.top1_of_split.get(split)) for split in splits),
            percent(row.mean_class),
            DASH if row.parameters is None else f"{row.parameters / 1e6:.2f} M",
            DASH if row.gmacs is None else f"{row.gmacs:.2f}",
            DASH if row.cpu_seconds is None else f"{row.cpu_seconds / 3600:.2f}",
        ]
        for row in table
    ]
    return markdown(head, body)


def _meaning(table: Sequence[Row], scored: Sequence[Scored], seed: int) -> list[str]:
    settings = sorted({one.metrics.get("setting", "") for one in scored} - {""})
    commits = sorted({commit for one in scored for commit in one.record.commits})
    views = f"; views: {', '.join(settings)}" if settings else ""
    draws = f"Intervals are percentile bootstraps of {REPLICATES} draws"
    intervals = [row.interval for row in table]
    if _grouped(table):
        draws += (
            ", of videos and of whole groups of clips. Clips of one group show the same person and "
            "place, so the second is the one to believe. Neither tells"
        )
        intervals += [row.group_interval for row in table]
    else:
        draws += " of videos. They don't tell"
    dash = f" {NO_SPREAD}" if any(map(is_point, intervals)) else ""
    shapes = sorted({row.clip_shape for row in table} - {()})
    clips = " or ".join(" x ".join(map(str, shape)) for shape in shapes)
    cost = f" GMACs are of one clip of {clips}." if shapes else ""
    return [
        f"Video top-1 over the test videos of all splits named, seed {seed}{views}. {draws} how "
        f"much another training seed would change.{dash}{cost}",
        f"Code: {', '.join(commits)}.",
    ]


def _comparable(table: Sequence[Row]) -> list[str]:
    """Which rows are of fewer splits than the table."""
    splits = {split for row in table for split in row.top1_of_split}
    fewer = [row for row in table if len(row.top1_of_split) < len(splits)]
    if not fewer:
        return []
    names = ", ".join(with_splits(code(row.kind), row.top1_of_split) for row in fewer)
    return [
        f"Rows of fewer splits than the table has: {names}. Compare video top-1, its intervals and "
        "mean class only between rows of the same splits. The section against no block compares "
        "over common videos."
    ]


def _hours(table: Sequence[Row]) -> str:
    """What the hours are of, and of how many runs."""
    text = (
        "CPU hours are of training and test, all processes, user and system. They depend on what "
        "else the machine does, so they are not for ranking kinds."
    )
    fewer = [row for row in table if row.in_one_go < len(row.top1_of_split)]
    if not fewer:
        return text
    counts = ", ".join(
        f"{code(row.kind)} {row.in_one_go} of {len(row.top1_of_split)}" for row in fewer
    )
    return (
        f"{text} A run with a stage that was started again, or not counted in full, is left out: "
        f"the hours are of {counts} runs."
    )


def _lost(scored: Sequence[Scored]) -> list[str]:
    """The videos that are not what their lists promise, over all runs of all seeds."""
    failed, left_out = unreadable(scored), absent(scored)
    parts = []
    if failed:
        parts.append(
            f"Not readable in at least one run, and wrong there: {len(failed)} different videos, "
            f"{first_few(failed)}."
        )
    if left_out:
        parts.append(
            f"Listed but not there, and in no accuracy: {len(left_out)} different videos, "
            f"{first_few(left_out)}."
        )
    return parts or ["Every listed test video was read."]


def _linear(linear: Sequence[float]) -> list[str]:
    """A line about ten classes of UCF101; the caller knows that the table is of them."""
    if not linear:
        return []
    figures = " / ".join(f"{value:.1f}" for value in linear)
    return [
        "For comparison, and not measured here: a linear classifier for ten classes of UCF101 on "
        "frozen features of one 16-frame centre clip (the pretrained Inception-I3D, stride 4, 224 "
        f"pixels): {figures} % on splits {', '.join(map(str, range(1, len(linear) + 1)))}."
    ]


def _missing(plan: Sequence[Run], scored: Sequence[Scored]) -> list[str]:
    there = {one.run for one in scored}
    missing = [run.name for run in plan if run not in there]
    if not missing:
        return []
    return [
        "## Missing",
        f"Planned runs that are not finished, {len(missing)}: {', '.join(missing)}.",
    ]
