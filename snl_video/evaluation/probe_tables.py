"""Probes side by side, as Markdown and as a page; every sentence is made from the numbers."""

from collections.abc import Sequence

from snl_video.evaluation.comparison import FEW_GROUPS
from snl_video.evaluation.intervals import NO_SPREAD, REPLICATES, interval_text, is_point
from snl_video.evaluation.probe_results import ProbeRow
from snl_video.evaluation.report.page import render
from snl_video.wording import markdown_table

EXPLANATION = (
    "Video top-1, the mean over seeds; all views of a video are averaged. Intervals are 95 % "
    f"bootstraps of {REPLICATES} draws of whole groups of clips, since clips of one group show the "
    "same person and place; where names tell no groups, each video is one. Spread is the standard "
    "deviation over seeds. Points are against the first row. p is of the exact two-sided sign-flip "
    "test over groups, on the right answers of all seeds; Holm's correction is for all rows. Gain "
    "is the mean absolute gain of the block's last norm: 0 at the start, where the block is the "
    "identity. Seconds are of the processor, for one training."
)


def probe_head(rows: Sequence[ProbeRow]) -> list[str]:
    """Return the heads of the columns."""
    splits = [f"split {split}" for split in rows[0].top1_of_split]
    head = ["probe", "video top-1 %", "95 %", "spread", *(splits if len(splits) > 1 else [])]
    return [*head, "points", "95 %", "p", "p (Holm)", "gain", "parameters", "seconds"]


def probe_body(rows: Sequence[ProbeRow]) -> list[list[str]]:
    """Return the cells, one list a row."""
    return [
        [
            row.kind,
            f"{100 * row.top1:.1f}",
            interval_text(row.interval),
            "" if row.spread is None else f"{100 * row.spread:.1f}",
            *(
                [f"{100 * value:.1f}" for value in row.top1_of_split.values()]
                if len(row.top1_of_split) > 1
                else []
            ),
            *_difference(row),
            "" if row.gain is None else f"{row.gain:.3f}",
            f"{row.parameters / 1e6:.2f} M",
            f"{row.seconds:.0f}",
        ]
        for row in rows
    ]


def probe_sentences(rows: Sequence[ProbeRow], measured_on: str) -> list[str]:
    """Return what must be known to read the table.

    Args:
        rows: of it.
        measured_on: which videos these are, in words.
    """
    first = rows[0]
    seeds = f"{first.seeds} seed{'s' * (first.seeds > 1)}"
    sentences = [
        f"{first.videos} {measured_on} in {first.groups} groups, {seeds}.",
        EXPLANATION,
    ]
    if first.groups < min(FEW_GROUPS, first.videos):
        sentences.append(
            f"With fewer than {FEW_GROUPS} groups the intervals are too narrow: they cover the "
            "true value in less than 95 % of cases."
        )
    intervals = [row.interval for row in rows]
    intervals += [row.difference_interval for row in rows if row.difference_interval]
    return sentences + [NO_SPREAD] * any(map(is_point, intervals))


def probe_markdown(rows: Sequence[ProbeRow], measured_on: str, notes: Sequence[str]) -> str:
    """Return the page as Markdown."""
    table = markdown_table(probe_head(rows), probe_body(rows))
    return "\n\n".join(["# Probes", table, *probe_sentences(rows, measured_on), *notes]) + "\n"


def probe_page(rows: Sequence[ProbeRow], measured_on: str, notes: Sequence[str]) -> str:
    """Return the page as HTML."""
    return render(
        "probe.html",
        title=f"{len(rows)} probes on {rows[0].videos} videos",
        head=probe_head(rows),
        body=probe_body(rows),
        sentences=[*probe_sentences(rows, measured_on), *notes],
    )


def _difference(row: ProbeRow) -> list[str]:
    if row.difference is None or row.difference_interval is None:
        return [""] * 4
    return [
        f"{100 * row.difference:+.1f}",
        interval_text(row.difference_interval, sign="+"),
        f"{row.p_value:.3g}",
        f"{row.adjusted:.3g}",
    ]
