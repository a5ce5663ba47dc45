"""The page of a comparison."""

from collections.abc import Sequence

from snl_video.evaluation.comparison import Comparison
from snl_video.evaluation.intervals import METHOD, NO_SPREAD, interval_text, is_point
from snl_video.evaluation.report.charts import interval_bar
from snl_video.evaluation.report.markup import (
    DASH,
    TIMES,
    Markup,
    grid,
    number_cell,
    page,
    percent,
    section,
    tag,
)

COUNTS = (
    "Difference of video top-1 in points. Only first, only this: videos that just one of the two "
    "has right."
)


def comparison_page(comparison: Comparison) -> str:
    """Return the document."""
    reports = comparison.reports
    number = len(reports[0].videos.ids)
    title = f"{len(reports)} networks on {number} videos"
    lead = f"List {reports[0].metrics['list_sha256']}"
    head = tag(
        "header",
        tag("p", "Comparison of evaluations", class_="eyebrow"),
        tag("h1", title),
        tag("p", lead, class_="note mono"),
    )
    parts = [_accuracies(comparison), _differences(comparison)]
    return page(title, [head, *parts, _classes(comparison), _settings(comparison)])


def _accuracies(comparison: Comparison) -> Markup:
    rows, intervals = [], []
    for report in comparison.reports:
        metrics = report.metrics
        intervals.append(metrics["intervals"]["top1"])
        rows.append(
            [
                report.name,
                metrics.get("setting", "").replace("x", f" {TIMES} ") or DASH,
                percent(metrics["top1"]),
                _bar(metrics["top1"], intervals[-1], 0.0, 1.0),
                interval_text(intervals[-1], dash=DASH),
                *(percent(metrics[name]) for name in ("top5", "mean_class", "clip_top1", "ece")),
            ]
        )
    head = ("Report", "Views", "Top-1 %", "", "95 % interval")
    tail = ("Top-5 %", "Mean class %", "Clip top-1 %", "ECE %")
    table = grid((*head, *tail), rows, numeric=(2, 4, 5, 6, 7, 8))
    alone = " Groups are not kept together." if comparison.by_group else ""
    return section(
        "accuracies",
        "Accuracies",
        table,
        tag("p", f"Intervals: {METHOD}.{alone}{_dash(intervals)}", class_="note"),
    )


def _differences(comparison: Comparison) -> Markup:
    believed = [pair.by_group or pair for pair in comparison.pairs]
    ends = [end for one in believed for end in one.interval]
    reach = max(map(abs, ends)) or 0.01
    rows = []
    for report, pair, one in zip(comparison.reports[1:], comparison.pairs, believed, strict=True):
        way = "up" if pair.difference > 0 else "down" if pair.difference < 0 else ""
        over_videos = [interval_text(pair.interval, sign="+", dash=DASH)] if pair.by_group else []
        rows.append(
            [
                report.name,
                tag("td", f"{100 * pair.difference:+.1f}", class_=f"num {way}".strip()),
                _bar(pair.difference, one.interval, -reach, reach),
                *over_videos,
                interval_text(one.interval, sign="+", dash=DASH),
                str(pair.only_first),
                str(pair.only_second),
                *([f"{pair.p_value:.2g}"] if pair.by_group else []),
                f"{one.p_value:.2g}",
                f"{one.adjusted:.2g}",
            ]
        )
    first, intervals = comparison.reports[0].name, [one.interval for one in believed]
    head, note = _over_groups(comparison) if comparison.by_group else _over_videos()
    speaks = "The test speaks about these two sets of weights: another training seed may move both."
    table = grid(head, rows, numeric=(1, *range(3, len(head))))
    return section(
        "differences",
        "Differences",
        table,
        tag("p", f"{COUNTS} {note} {speaks}{_dash(intervals)}", class_="note"),
        lead=f"Against {first}.",
    )


def _over_videos() -> tuple[list[str], str]:
    """Titles of the columns, and what p is."""
    head = ["Report", "Difference", "", "95 % interval", "Only first", "Only this", "p", "p (Holm)"]
    note = (
        "p: exact McNemar test, two-sided; the last column holds it against the number of "
        "comparisons (Holm 1979)."
    )
    return head, note


def _over_groups(comparison: Comparison) -> tuple[list[str], str]:
    """Titles of the columns, and what each p is."""
    head = ["Report", "Difference", "", "95 %, videos drawn", "95 %, groups drawn"]
    head += ["Only first", "Only this", "p (videos)", "p (groups)", "p (groups, Holm)"]
    note = (
        "p (videos): exact McNemar test; p (groups): exact sign-flip test over groups of clips; "
        "both two-sided. The last column holds that over groups against the number of comparisons "
        f"(Holm 1979). {comparison.advice}"
    )
    return head, note


def _bar(value: float, interval: Sequence[float], low: float, high: float) -> Markup:
    """The interval as a drawing, nothing where it has no width."""
    bar = "" if is_point(interval) else interval_bar(value, interval, low=low, high=high)
    return tag("td", bar)


def _dash(intervals: Sequence[Sequence[float]]) -> str:
    """The sentence about dashes, where there is one."""
    return f" {NO_SPREAD}" if any(map(is_point, intervals)) else ""


def _classes(comparison: Comparison) -> Markup:
    rows = []
    for name, videos, accuracies in comparison.per_class():
        change = accuracies[-1] - accuracies[0]
        way = "up" if change > 0 else "down" if change < 0 else ""
        shares = [number_cell(percent(value), value) for value in accuracies]
        change_cell = tag(
            "td", f"{100 * change:+.1f}", class_=f"num {way}".strip(), data_value=change
        )
        rows.append([name, number_cell(str(videos), videos), *shares, change_cell])
    names = [report.name for report in comparison.reports]
    head = ("Class", "Videos", *names, "Last to first")
    table = grid(head, rows, numeric=range(1, len(head)), sortable=True, identity="per-class")
    lead = "Video top-1 in percent, the largest change first."
    return section("classes", "Classes", tag("div", table, class_="tall"), lead=lead)


def _settings(comparison: Comparison) -> Markup | None:
    rows = comparison.differing_settings()
    if not rows:
        return None
    head = ("Setting", *(report.name for report in comparison.reports))
    return section("settings", "What was different", grid(head, ([n, *v] for n, v in rows)))
