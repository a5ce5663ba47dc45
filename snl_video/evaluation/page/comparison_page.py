"""The page of a comparison."""

from snl_video.evaluation.comparison import Comparison
from snl_video.evaluation.intervals import METHOD
from snl_video.evaluation.page.charts import interval_bar
from snl_video.evaluation.page.markup import (
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
    rows = []
    for report in comparison.reports:
        metrics = report.metrics
        low, high = metrics["intervals"]["top1"]
        rows.append(
            [
                report.name,
                metrics.get("setting", "").replace("x", f" {TIMES} ") or DASH,
                percent(metrics["top1"]),
                tag("td", interval_bar(metrics["top1"], (low, high))),
                f"{percent(low)} to {percent(high)}",
                *(percent(metrics[name]) for name in ("top5", "mean_class", "clip_top1", "ece")),
            ]
        )
    head = ("Report", "Views", "Top-1 %", "", "95 % interval")
    tail = ("Top-5 %", "Mean class %", "Clip top-1 %", "ECE %")
    table = grid((*head, *tail), rows, numeric=(2, 4, 5, 6, 7, 8))
    return section(
        "accuracies", "Accuracies", table, tag("p", f"Intervals: {METHOD}.", class_="note")
    )


def _differences(comparison: Comparison) -> Markup:
    first = comparison.reports[0].name
    reach = max(max(abs(end) for end in pair.interval) for pair in comparison.pairs) or 0.01
    rows = []
    for report, pair in zip(comparison.reports[1:], comparison.pairs, strict=True):
        low, high = pair.interval
        way = "up" if pair.difference > 0 else "down" if pair.difference < 0 else ""
        rows.append(
            [
                report.name,
                tag("td", f"{100 * pair.difference:+.1f}", class_=f"num {way}".strip()),
                tag("td", interval_bar(pair.difference, pair.interval, low=-reach, high=reach)),
                f"{100 * low:+.1f} to {100 * high:+.1f}",
                str(pair.only_first),
                str(pair.only_second),
                f"{pair.p_value:.2g}",
                f"{pair.adjusted:.2g}",
            ]
        )
    head = ("Report", "Difference", "", "95 % interval", "Only first", "Only this", "p", "p (Holm)")
    note = (
        "Difference of video top-1 in points. Only first, only this: videos that just one of the "
        "two has right. p: exact McNemar test, two-sided; the last column holds it against the "
        "number of comparisons (Holm 1979). The test speaks about these two sets of weights: "
        "another training seed may move both."
    )
    table = grid(head, rows, numeric=(1, 3, 4, 5, 6, 7))
    return section(
        "differences", "Differences", table, tag("p", note, class_="note"), lead=f"Against {first}."
    )


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
