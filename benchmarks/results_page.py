"""The table of results as a document; every sentence about it is made from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.results_numbers import Row, Scored, rows
from benchmarks.results_plan import Recipe, Run
from snl_video.evaluation.intervals import REPLICATES, Interval

ALPHA = 0.05
"""Below this adjusted p-value a difference is called significant."""

DASH = "-"


def document(
    plan: Sequence[Run], scored: Sequence[Scored], recipe: Recipe, linear: Sequence[float]
) -> str:
    """The whole text, Markdown.

    Args:
        plan: all runs there should be; the first one's seed is that of the table.
        scored: those that are finished.
        recipe: of all of them.
        linear: accuracy in percent of the linear classifier on each split; may be empty.

    Raises:
        ResultsError: see `benchmarks.results_numbers.rows`.
    """
    seed = plan[0].seed
    table = rows([one for one in scored if one.run.seed == seed])
    parts = [
        "# Results",
        f"Written by `python -m benchmarks.results` from {len(scored)} of {len(plan)} planned runs "
        f"of `{recipe.config.name}`; do not edit.",
        *([_table(table), *_meaning(table, scored, seed)] if table else ["Nothing is finished."]),
        *_linear(linear),
        *(["## Against no block", *_differences(table)] if table else []),
        *_seeds(scored),
        *_missing(plan, scored),
    ]
    return "\n\n".join(parts) + "\n"


def _table(table: Sequence[Row]) -> str:
    splits = sorted({split for row in table for split in row.top1_of_split})
    head = [
        "block",
        "videos (splits)",
        "video top-1 %",
        "95 %, videos drawn",
        "95 %, groups drawn",
        *(f"split {split}" for split in splits),
        "mean class %",
        "parameters",
        "GMACs",
        "CPU hours a run",
    ]
    body = [
        [
            f"`{row.kind}`",
            f"{row.videos} ({', '.join(map(str, row.top1_of_split))})",
            f"{100 * row.top1:.1f}",
            _range(row.interval),
            _range(row.group_interval),
            *(_percent(row.top1_of_split.get(split)) for split in splits),
            f"{100 * row.mean_class:.1f}",
            DASH if row.parameters is None else f"{row.parameters / 1e6:.2f} M",
            DASH if row.gmacs is None else f"{row.gmacs:.2f}",
            f"{'' if row.all_counted else 'over '}{row.cpu_seconds / 3600:.2f}",
        ]
        for row in table
    ]
    return _markdown(head, body)


def _meaning(table: Sequence[Row], scored: Sequence[Scored], seed: int) -> list[str]:
    settings = sorted({one.metrics.get("setting", "") for one in scored} - {""})
    commits = sorted({commit for one in scored for commit in one.record.commits})
    failed = sum(row.failed for row in table)
    views = f"; views: {', '.join(settings)}" if settings else ""
    return [
        f"Video top-1 over the test videos of all splits together, seed {seed}{views}. Intervals "
        f"are percentile bootstraps of {REPLICATES} draws, of videos, and of whole groups of clips "
        "(clips of one group show the same person and place, so the second is the one to believe). "
        "Neither tells how much another training seed would change. GMACs are of one clip of the "
        "training size. CPU hours are of training and test, all processes, user and system.",
        f"{failed} videos could not be read, and count as wrong."
        if failed
        else "Every video was read.",
        f"Code: {', '.join(commits)}.",
    ]


def _linear(linear: Sequence[float]) -> list[str]:
    if not linear:
        return []
    figures = " / ".join(f"{value:.1f}" for value in linear)
    return [
        "For comparison, and not measured here: a linear classifier on frozen features of one "
        "16-frame centre clip (the "
        f"pretrained Inception-I3D, stride 4, 224 pixels): {figures} % on splits "
        f"{', '.join(str(split) for split in range(1, len(linear) + 1))}."
    ]


def _differences(table: Sequence[Row]) -> list[str]:
    compared = [row for row in table if row.against]
    if not compared:
        return ["No other kind has a finished split in common with `none`."]
    head = ["block", "videos", "points", "95 %, videos drawn", "95 %, groups drawn"]
    head += ["only `none` right", "only this right", "p", "p (Holm)"]
    body = []
    for row in compared:
        assert row.against
        pair = row.against.pair
        body.append(
            [
                f"`{row.kind}`",
                str(row.against.videos),
                f"{100 * pair.difference:+.1f}",
                _range(pair.interval, "+"),
                _range(row.against.group_interval, "+"),
                str(pair.only_first),
                str(pair.only_second),
                f"{pair.p_value:.3g}",
                f"{pair.adjusted:.3g}",
            ]
        )
    return [
        f"Exact McNemar test over the videos that both tested, two-sided; Holm's correction over "
        f"{len(compared)} kinds.",
        _markdown(head, body),
        verdict(compared),
    ]


def verdict(compared: Sequence[Row]) -> str:
    """What is significant and what is not, in words.

    Args:
        compared: rows with a comparison.
    """
    firm, shaky, not_shown = [], [], []
    for row in compared:
        assert row.against
        pair, (low, high) = row.against.pair, row.against.group_interval
        word = f"`{row.kind}` ({100 * pair.difference:+.1f})"
        if pair.adjusted >= ALPHA:
            not_shown.append(word)
        elif low <= 0 <= high:
            shaky.append(word)
        else:
            firm.append(word)
    level = f"{ALPHA:.0%}".replace("%", " %")
    parts = [
        f"Significantly different from no block at {level}: {', '.join(firm)}."
        if firm
        else f"No kind is significantly different from no block at {level}."
    ]
    if shaky:
        parts.append(
            f"Significant over videos but not when whole groups are drawn: {', '.join(shaky)}."
        )
    if not_shown and firm + shaky:
        parts.append(f"Not significant: {', '.join(not_shown)}.")
    elif not_shown:
        parts.append(f"The differences, in points: {', '.join(not_shown)}.")
    return " ".join(parts)


def _seeds(scored: Sequence[Scored]) -> list[str]:
    seeds = sorted({one.run.seed for one in scored})
    if len(seeds) < 2:
        return []
    kinds = list(dict.fromkeys(one.run.kind for one in scored))
    by_seed = {s: {row.kind: row for row in rows([o for o in scored if o.run.seed == s])}
               for s in seeds}  # fmt: skip
    body = [
        [f"`{kind}`", *(_seed_cell(by_seed[seed].get(kind)) for seed in seeds)] for kind in kinds
    ]
    head = ["block", *(f"seed {seed}" for seed in seeds)]
    return ["## Seeds", "Video top-1 % (splits).", _markdown(head, body)]


def _seed_cell(row: Row | None) -> str:
    if row is None:
        return DASH
    return f"{100 * row.top1:.1f} ({', '.join(map(str, row.top1_of_split))})"


def _missing(plan: Sequence[Run], scored: Sequence[Scored]) -> list[str]:
    there = {one.run for one in scored}
    missing = [run.name for run in plan if run not in there]
    if not missing:
        return []
    return ["## Missing", f"{len(missing)} planned runs are not finished: {', '.join(missing)}."]


def _markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))


def _percent(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f}"


def _range(interval: Interval, sign: str = "") -> str:
    low, high = interval
    return f"{100 * low:{sign}.1f} to {100 * high:{sign}.1f}"
