"""Kinds of block side by side, as Markdown; every sentence is made from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snl_video.evaluation.comparison import FEW_GROUPS
from snl_video.evaluation.intervals import NO_SPREAD, REPLICATES, interval_text, is_point
from snl_video.evaluation.kind_results import FinishedRun, KindRow, KindRun
from snl_video.wording import first_few, markdown_table

ALPHA = 0.05
"""Below this adjusted p-value a difference is called significant."""

EXPLANATION = (
    "Video top-1 over the test videos of the splits that all kinds have. Intervals are 95 % "
    f"bootstraps of {REPLICATES} draws of whole groups of clips, since clips of one group show "
    "the same person and place; where names tell no groups, that of top-1 is Wilson's, and each "
    "video is a group. How much another training seed would change is not in them. Points are "
    "against the first row, with the videos that only this kind has right, and only the first. p "
    "is of the exact two-sided sign-flip test over groups: were there no difference, the gain of "
    "each group would as often have the other sign. With groups of one video it is the exact "
    "McNemar test. Holm's correction is for all planned comparisons of a seed. GMACs are "
    "multiply-adds of one clip. CPU hours are of training and test of one run, all processes, "
    "the mean over runs that were not started again; they depend on what else the machine does."
)

Tables = Mapping[int, Sequence[KindRow]]
"""Rows by seed, as `rows_by_seed` makes them."""


def kinds_document(
    planned: Sequence[KindRun], finished: Sequence[FinishedRun], tables: Tables, note: str = ""
) -> str:
    """One table a seed, and what must be known to read it.

    Args:
        planned: every run there should be.
        finished: those that are.
        tables: their numbers.
        note: printed under the tables: what a reader must know to judge the figures.
    """
    there = {one.run for one in finished}
    missing = [run.name for run in planned if run not in there]
    parts = [
        "# Results",
        f"Written by `snl-video compare-kinds` from {len(finished)} of {len(planned)} planned "
        "runs; do not edit.",
    ]
    for seed, rows in tables.items():
        views = {one.report.metrics.get("setting", "") for one in finished if one.run.seed == seed}
        parts += [f"Seed {seed}, views {', '.join(sorted(views))}:", _table(rows)]
    if tables:
        parts += [verdict(tables), note, EXPLANATION, *lost_videos(finished)]
    if any(row.groups < min(FEW_GROUPS, row.videos) for rows in tables.values() for row in rows):
        parts.append(
            f"With fewer than {FEW_GROUPS} groups the intervals over them are too narrow: they "
            "cover the true value in less than 95 % of cases."
        )
    if any(map(is_point, _intervals(tables))):
        parts.append(NO_SPREAD)
    if missing:
        parts.append(f"Preliminary, as planned runs are missing: {', '.join(missing)}.")
    return "\n\n".join(filter(None, parts)) + "\n"


def verdict(tables: Tables) -> str:
    """Which kinds are shown to differ from the first; nothing where it has no finished run.

    A kind differs where the adjusted p-value of the first seed is below `ALPHA` and the difference
    has the same sign in every seed that has it.
    """
    first, *others = next(iter(tables.values()))
    shown, judged = [], [row for row in others if row.against]
    for row in judged:
        seeds = [
            r.against.difference
            for rows in tables.values()
            for r in rows
            if r.kind == row.kind and r.against
        ]
        if row.by_group.adjusted < ALPHA and len({(gain > 0) - (gain < 0) for gain in seeds}) == 1:
            shown.append(f"`{row.kind}`")
    if not judged:
        return ""
    seeds_agree = ", and the difference has one sign in all seeds" if len(tables) > 1 else ""
    return (
        f"Shown to differ from `{first.kind}`: {', '.join(shown) or 'no kind'} (p (Holm) of the "
        f"first table is below {ALPHA}{seeds_agree})."
    )


def lost_videos(finished: Sequence[FinishedRun]) -> list[str]:
    """Sentences about the videos that are not what their lists promise, over all runs."""
    failed: dict[str, None] = {}
    absent: dict[str, None] = {}
    for one in finished:
        videos = one.report.videos
        lost = [name for name, bad in zip(videos.ids, videos.failed, strict=True) if bad]
        failed |= dict.fromkeys(f"{name} (split {one.run.split})" for name in lost)
        gone = one.report.metrics.get("absent_ids", ())
        absent |= dict.fromkeys(f"{name} (split {one.run.split})" for name in gone)
    texts = {
        "Not readable in at least one run, and counted as wrong there": list(failed),
        "Listed but not there, and in no accuracy": list(absent),
    }
    parts = [
        f"{text}: {len(names)} different videos, {first_few(names)}."
        for text, names in texts.items()
        if names
    ]
    return parts or ["Every listed test video was read."]


def _table(rows: Sequence[KindRow]) -> str:
    splits = list(rows[0].top1_of_split)
    head = ["block", "videos", "groups", "video top-1 %", "95 %", *(f"split {s}" for s in splits)]
    head += ["mean class %", "points", "95 %", "p", "p (Holm)", "parameters", "GMACs", "CPU hours"]
    body = [
        [
            f"`{row.kind}`",
            str(row.videos),
            str(row.groups),
            f"{100 * row.top1:.1f}",
            interval_text(row.interval, dash="-"),
            *(f"{100 * row.top1_of_split[split]:.1f}" for split in splits),
            f"{100 * row.mean_class:.1f}",
            *_against(row),
            "-" if row.parameters is None else f"{row.parameters / 1e6:.2f} M",
            "-" if row.gmacs is None else f"{row.gmacs:.2f}",
            "-" if row.cpu_hours is None else f"{row.cpu_hours:.2f}",
        ]
        for row in rows
    ]
    return markdown_table(head, body)


def _against(row: KindRow) -> list[str]:
    pair = row.against
    if pair is None:
        return [""] * 4
    return [
        f"{100 * pair.difference:+.1f} ({pair.only_second}, {pair.only_first})",
        interval_text(row.by_group.interval, sign="+", dash="-"),
        f"{row.by_group.p_value:.3g}",
        f"{row.by_group.adjusted:.3g}",
    ]


def _intervals(tables: Tables) -> list[tuple[float, float]]:
    rows = [row for table in tables.values() for row in table]
    return [row.interval for row in rows] + [row.by_group.interval for row in rows if row.against]
