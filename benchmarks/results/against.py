"""Every kind against no block: the tests, what they say, and whether further seeds agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.results.markdown import DASH, code, markdown, percent, with_splits
from benchmarks.results.numbers import Against, Row
from snl_video.evaluation.intervals import NO_SPREAD, interval_text, is_point

ALPHA = 0.05
"""Below this adjusted p-value a difference is called significant."""

LEVEL = f"{100 * ALPHA:.0f} %"

Tables = Mapping[int, Sequence[Row]]
"""Rows by seed, the seed of the test first."""


def differences(tables: Tables, hypotheses: int, *, complete: bool) -> list[str]:
    """The section "Against no block".

    Args:
        tables: rows by seed; the first seed's are tested.
        hypotheses: how many kinds Holm's correction is for.
        complete: whether every planned run is finished.
    """
    seed, table = next(iter(tables.items()))
    compared = [(row, row.against) for row in table if row.against]
    title = "## Against no block"
    if not compared:
        return [title, f"No kind has a finished split in common with `none`, seed {seed}."]
    grouped = any(against.by_group.groups < against.videos for _, against in compared)
    head = ["block", "videos", *(["groups"] if grouped else []), "points", "95 %, videos drawn"]
    head += ["95 %, groups drawn"] if grouped else []
    head += ["only `none` right", "only this right"]
    head += ["p (videos)", "p (groups)", "p (groups, Holm)"] if grouped else ["p", "p (Holm)"]
    body = [[code(row.kind), *_cells(against, grouped)] for row, against in compared]
    preliminary = "" if complete else "Preliminary: not every planned run is finished. "
    return [
        title,
        _method(seed, hypotheses, grouped, [against for _, against in compared]),
        markdown(head, body),
        *([_rule(seed, grouped)] if len(tables) > 1 else []),
        preliminary + verdict(tables),
    ]


def verdict(tables: Tables) -> str:
    """What is significant and what is not, in words.

    A kind is claimed where the adjusted p-value of the first seed, over groups, is below `ALPHA`
    and the difference has the same sign in every seed that has it.

    Args:
        tables: rows by seed; of the first at least one has a comparison.
    """
    claimed, signs_differ, not_shown = [], [], []
    for row in next(iter(tables.values())):
        if row.against is None:
            continue
        word = f"{code(row.kind)} ({_points(row.against)})"
        if row.against.pair.decisive >= ALPHA:
            not_shown.append(word)
        elif len(_signs(row.kind, tables)) > 1:
            signs_differ.append(word)
        else:
            claimed.append(word)
    parts = [
        f"Significantly different from no block at {LEVEL}: {', '.join(claimed)}."
        if claimed
        else f"No kind in this table is shown to differ from no block at {LEVEL}."
    ]
    if signs_differ:
        parts.append(f"Not claimed, as the seeds differ in sign: {', '.join(signs_differ)}.")
    if not_shown:
        parts.append(f"Not significant: {', '.join(not_shown)}.")
    return " ".join(parts)


def seed_tables(tables: Tables) -> list[str]:
    """The section "Seeds": accuracy and difference of each kind in each seed; nothing for one."""
    if len(tables) < 2:
        return []
    kinds = list(dict.fromkeys(row.kind for table in tables.values() for row in table))
    by_kind = [{row.kind: row for row in table} for table in tables.values()]
    head = ["block", *(f"seed {seed}" for seed in tables)]
    top1 = [[code(kind), *(_top1(rows.get(kind)) for rows in by_kind)] for kind in kinds]
    gains = [
        [code(kind), *(_gain(rows.get(kind), rows.get("none")) for rows in by_kind)]
        for kind in kinds
        if kind != "none"
    ]
    parts = ["## Seeds", "Video top-1 % (splits).", markdown(head, top1)]
    if gains:
        parts += ["Points against no block of the same seed (splits).", markdown(head, gains)]
    return parts


def _cells(against: Against, grouped: bool) -> list[str]:
    pair, by_group = against.pair, against.by_group
    counts = [str(pair.only_first), str(pair.only_second)]
    over_videos = interval_text(pair.interval, sign="+", dash=DASH)
    if not grouped:
        p_values = [pair.p_value, pair.decisive]
        return [str(against.videos), _points(against), over_videos, *counts, *map(_p, p_values)]
    over_groups = interval_text(by_group.interval, sign="+", dash=DASH)
    return [
        str(against.videos),
        str(by_group.groups),
        _points(against),
        over_videos,
        over_groups,
        *counts,
        *map(_p, (pair.p_value, by_group.p_value, pair.decisive)),
    ]


def _method(seed: int, hypotheses: int, grouped: bool, shown: Sequence[Against]) -> str:
    holm = f"Holm's correction is for all planned kinds other than `none` ({hypotheses})."
    intervals = [against.pair.interval for against in shown]
    if grouped:
        intervals += [against.by_group.interval for against in shown]
        tests = (
            "p (videos) is of the exact McNemar test, which takes all videos as independent; clips "
            "of one group are not. p (groups) is of the exact sign-flip test: were there no "
            f"difference, the gain of each group would as often have the other sign. Believe p "
            f"(groups). {holm}"
        )
    else:
        tests = f"p is of the exact McNemar test. {holm}"
    dash = f" {NO_SPREAD}" if any(map(is_point, intervals)) else ""
    return f"Seed {seed}, over the splits that both have; tests are two-sided. {tests}{dash}"


def _rule(seed: int, grouped: bool) -> str:
    column = "p (groups, Holm)" if grouped else "p (Holm)"
    return (
        f"A kind is called different only if {column} of seed {seed} is below {ALPHA} and its "
        "difference has the same sign in every finished seed (see Seeds)."
    )


def _signs(kind: str, tables: Tables) -> set[int]:
    """The signs of a kind's difference over the seeds: -1, 0, 1."""
    found = [row.against for table in tables.values() for row in table if row.kind == kind]
    gains = [against.pair.only_second - against.pair.only_first for against in found if against]
    return {(gain > 0) - (gain < 0) for gain in gains}


def _top1(row: Row | None) -> str:
    return DASH if row is None else with_splits(percent(row.top1), row.top1_of_split)


def _gain(row: Row | None, none: Row | None) -> str:
    if row is None or none is None or row.against is None:
        return DASH
    common = [split for split in row.top1_of_split if split in none.top1_of_split]
    return with_splits(_points(row.against), common)


def _points(against: Against) -> str:
    return f"{100 * against.pair.difference:+.1f}"


def _p(value: float) -> str:
    return f"{value:.3g}"
