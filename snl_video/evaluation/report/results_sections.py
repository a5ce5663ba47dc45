"""The sections of a report that say how the network did."""

from collections.abc import Mapping, Sequence
from typing import Any

from snl_video.evaluation.calibration import reliability
from snl_video.evaluation.metrics import metrics_shown
from snl_video.evaluation.per_class import confused_pairs, per_class_rows
from snl_video.evaluation.report.charts import (
    confusion_image,
    interval_bar,
    reliability_diagram,
    view_drawing,
)
from snl_video.evaluation.report.markup import (
    DASH,
    TIMES,
    Markup,
    grid,
    join,
    number_cell,
    percent,
    section,
    tag,
)
from snl_video.evaluation.report.mistakes import Mistake
from snl_video.evaluation.results import Evaluation
from snl_video.evaluation.views import ViewSetting

SMALL = 20
"""Up to so many classes a confusion matrix is written out in figures."""


def headline_section(numbers: Mapping[str, Any]) -> Markup:
    """The four accuracies with their intervals, then calibration and the accounts."""
    cards = []
    num_classes = round(1 / numbers["chance"])
    for name, metric in metrics_shown("headline", num_classes).items():
        value, interval = numbers[name], numbers["intervals"].get(name)
        unit = tag("small", "%") if metric.percent else None
        shown = []
        if interval:
            span = f"{percent(interval[0])} to {percent(interval[1])}"
            shown = [interval_bar(value, interval), tag("div", span, class_="range")]
        cards.append(
            tag(
                "div",
                tag("div", metric.title, class_="name"),
                tag("div", metric.text(value, dash=DASH), unit, class_="value"),
                *shown,
                tag("div", metric.meaning, class_="note"),
                class_="number",
            )
        )
    ece, nll = numbers["ece"], numbers["nll"]
    likelihood = DASH if nll is None else f"{nll:.3f}"
    facts = (
        f"Calibration error {percent(ece)} %, mean negative log-likelihood {likelihood}, "
        f"chance {percent(numbers['chance'])} %. "
    )
    accounts = (
        f"{numbers['listed']} listed = {numbers['scored']} scored + {numbers['failed']} failed + "
        f"{numbers['absent']} absent."
    )
    method = f"Bars and ranges: {numbers['interval_method']}. Training is not repeated."
    return join(
        [
            tag("div", *cards, class_="numbers", id="headline"),
            tag("p", facts, accounts if numbers["complete"] else None),
            tag("p", method, class_="note"),
        ]
    )


def views_section(numbers: Mapping[str, Any], setting: str) -> Markup | None:
    """What fewer views would have given."""
    if not numbers["views"]:
        return None
    whole = ViewSetting.parse(setting)
    metrics = metrics_shown("views", round(1 / numbers["chance"]))
    rows = []
    for view in numbers["views"]:
        low, high = view["intervals"]["top1"]
        rows.append(
            [
                view["setting"].replace("x", f" {TIMES} "),
                tag("td", view_drawing(ViewSetting.parse(view["setting"]), whole)),
                f"{percent(low)} to {percent(high)}",
                *(metric.text(view[name], dash=DASH) for name, metric in metrics.items()),
            ]
        )
    head = (
        f"Clips {TIMES} crops",
        "Views",
        "95 % interval of top-1",
        *(metric.heading for metric in metrics.values()),
    )
    lead = (
        "All from one pass: fewer views are a part of the same ones. Clips run across, crops down."
    )
    return section("views", "Views", grid(head, rows, numeric=range(2, len(head))), lead=lead)


def classes_section(evaluation: Evaluation) -> Markup:
    """A sortable table of all classes that have videos."""
    rows = []
    for row in per_class_rows(evaluation.results, evaluation.classes):
        width = f"width:{100 * row['top1']:.1f}%"
        bar = tag("td", tag("span", style=width), class_="bar", data_value=row["top1"])
        mistaken = tag("td", f"{row['mistaken_for']} ({row['times']})" if row["times"] else "")
        rows.append(
            [
                row["class"],
                number_cell(str(row["videos"]), row["videos"]),
                number_cell(percent(row["top1"]), row["top1"]),
                bar,
                mistaken,
            ]
        )
    head = ("Class", "Videos", "Top-1 %", "Accuracy", "Most often mistaken for")
    table = grid(head, rows, numeric=(1, 2), sortable=True, identity="per-class")
    if len(rows) <= SMALL:
        return section("classes", "Classes", table)
    search = tag(
        "input",
        type="search",
        placeholder="Filter classes",
        aria_label="Filter classes",
        data_table="per-class",
    )
    return section("classes", "Classes", search, tag("div", table, class_="tall"))


def confusion_section(evaluation: Evaluation) -> Markup:
    """The confusion matrix, and its largest cells off the diagonal."""
    results, classes = evaluation.results, evaluation.classes
    confusion = results.confusion()
    small = len(classes) <= SMALL
    if small:
        matrix = _confusion_table(confusion.tolist(), classes)
    else:
        matrix = tag("img", src=confusion_image(confusion), alt="confusion matrix", class_="matrix")
    pairs = confused_pairs(results, classes, 12)
    body = [[true, said, str(times)] for true, said, times in pairs]
    table = grid(("Is", "Was called", "Times"), body, numeric=(2,))
    note = tag(
        "p",
        "Down: the true class. Across: the predicted one. Failed videos are not in it.",
        class_="note",
    )
    beside = table if body else tag("p", "No mistake.")
    if small:
        return section("confusion", "Confusion", matrix, note)
    both = tag("div", tag("div", matrix, note), beside, class_="pair")
    return section("confusion", "Confusion", both)


def _confusion_table(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Markup:
    head = [tag("td"), *(tag("th", tag("span", name), scope="col") for name in classes)]
    lines = []
    for name, row in zip(classes, counts, strict=True):
        total = max(sum(row), 1)
        cells = []
        for count in row:
            share = count / total
            shade = "dark" if share > 0.55 else None if count else "zero"
            colour = f"background:rgba(var(--accent-rgb),{share:.3f})"
            cells.append(tag("td", count, style=colour, class_=shade))
        lines.append(tag("tr", tag("th", name, scope="row"), *cells))
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *lines), class_="confusion")
    return tag("div", table, class_="wide")


def calibration_section(evaluation: Evaluation) -> Markup:
    """Accuracy by confidence."""
    results = evaluation.results
    read = ~results.failed
    diagram = reliability_diagram(*reliability(results.confidence()[read], results.correct()[read]))
    text = join(
        [
            tag(
                "p",
                "Videos sorted into 15 bins by the probability of their best class. A network "
                "that knows how sure it may be has its bars end on the dashed line; red shows what "
                "is missing or too much.",
            ),
            tag(
                "p",
                "The calibration error is the mean length of the red parts, weighted by the "
                "number of videos in the bin (Guo et al., ICML 2017). Below: how many videos each "
                "bin holds.",
                class_="note",
            ),
        ]
    )
    return section(
        "calibration", "Calibration", tag("div", diagram, tag("div", text), class_="pair")
    )


def mistakes_section(mistakes: Sequence[Mistake], evaluation: Evaluation) -> Markup | None:
    """The surest wrong answers with their frames."""
    if not mistakes:
        return None
    classes, items = evaluation.classes, []
    for item in mistakes:
        alt = f"{classes[item.label]}, called {classes[item.predicted]}"
        images = [
            tag("img", src=uri, alt=f"{alt}: frame {number} of {len(item.frames)}")
            for number, uri in enumerate(item.frames, 1)
        ]
        who = tag(
            "p",
            tag("b", classes[item.predicted]),
            f" {percent(item.confidence)} % — is ",
            tag("i", classes[item.label]),
            f", {percent(item.score_true)} %, rank {item.rank}",
            class_="who",
        )
        strip = tag("div", *images, class_="strip") if images else None
        lost = tag("p", item.unreadable, class_="note") if item.unreadable else None
        name = tag("p", evaluation.ids[item.index], class_="file mono")
        items.append(tag("article", who, name, strip, lost, class_="mistake"))
    lead = "The wrong answers the network was surest of. Look here first for mislabelled videos."
    return section(
        "mistakes", "Most confident mistakes", tag("div", *items, class_="mistakes"), lead=lead
    )


def failures_section(evaluation: Evaluation, top1_of_listed: float | None) -> Markup | None:
    """Every video that could not be read, and every listed one that is not there."""
    results = evaluation.results
    rows = [
        [tag("td", evaluation.ids[int(results.index[row])], class_="mono"), results.reasons[row]]
        for row in results.failed.nonzero().flatten().tolist()
    ]
    rows += [[tag("td", name, class_="mono"), "listed, not on disk"] for name in evaluation.absent]
    if not rows:
        return None
    absent = len(evaluation.absent)
    lead = (
        f"Not readable: {len(rows) - absent}, wrong in every accuracy, left out of the confusion "
        f"matrix and the calibration. Not on disk: {absent}, wrong in top-1 of the whole list only"
        + ("." if top1_of_listed is None else f" ({percent(top1_of_listed)} %).")
    )
    return section("failed", "Failed videos", grid(("Video", "Reason"), rows), lead=lead)
