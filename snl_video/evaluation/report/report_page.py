"""The page of one evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snl_video.evaluation.report.markup import (
    TIMES,
    Markup,
    definitions,
    grid,
    join,
    page,
    section,
    tag,
)
from snl_video.evaluation.report.mistakes import Mistake
from snl_video.evaluation.report.pretrained_section import pretrained_section
from snl_video.evaluation.report.results_sections import (
    calibration_section,
    classes_section,
    confusion_section,
    failures_section,
    headline_section,
    mistakes_section,
    views_section,
)
from snl_video.evaluation.results import Evaluation


@dataclass(frozen=True)
class ReportPage:
    """All that a page shows.

    Attributes:
        evaluation: the results.
        numbers: of :func:`snl_video.evaluation.report.numbers.evaluation_numbers`.
        context: what was evaluated; ``data`` (with ``subsets``), ``network`` (parameters, GMACs and
            ``blocks``), ``load_report`` (what of pretrained weights was loaded) and ``recipe`` are
            known, anything else is listed as it is.
        mistakes: the surest first.
    """

    evaluation: Evaluation
    numbers: Mapping[str, Any]
    context: Mapping[str, Any] = field(default_factory=dict)
    mistakes: Sequence[Mistake] = ()

    def html(self) -> str:
        """Return the document."""
        numbers = self.numbers
        parts = [
            ("views", "Views", views_section(numbers, self.evaluation.setting)),
            (
                "failed",
                "Failed videos",
                failures_section(self.evaluation, numbers["top1_of_listed"]),
            ),
            ("classes", "Classes", classes_section(self.evaluation)),
            ("confusion", "Confusion", confusion_section(self.evaluation)),
            ("calibration", "Calibration", calibration_section(self.evaluation)),
            ("mistakes", "Mistakes", mistakes_section(self.mistakes, self.evaluation)),
            ("network", "Network", self._network()),
            (
                "pretrained",
                "Pretrained weights",
                pretrained_section(self.context.get("load_report")),
            ),
            ("recipe", "Recipe", self._recipe()),
            ("data", "Data set", self._data()),
        ]
        links = [tag("a", text, href=f"#{anchor}") for anchor, text, part in parts if part]
        title = self._title()
        head = [
            tag("p", "Evaluation report", class_="eyebrow"),
            tag("h1", title),
            self._summary(),
            headline_section(numbers),
            tag("nav", *links, aria_label="Sections"),
        ]
        foot = tag(
            "footer",
            "Beside this page: metrics.json, videos.parquet with the scores of every video, "
            "videos.csv, per_class.csv, confusion.csv, confusion.png, per_class.png.",
        )
        return page(title, [tag("header", *head), *(part for *_, part in parts), foot])

    def _title(self) -> str:
        data = self.context.get("data", {})
        parts = [str(data.get("format", "videos"))]
        if data.get("split") is not None and data.get("format") in ("ucf101", "hmdb51", "motion"):
            parts.append(f"split {data['split']}")
        return " ".join(parts)

    def _summary(self) -> Markup:
        numbers = self.numbers
        views = self.evaluation.setting.replace("x", f" {TIMES} ")
        setting = f" with {views} views" if views else ""
        text = f"{numbers['videos']} videos of {len(self.evaluation.classes)} classes{setting}."
        checkpoint = self.context.get("checkpoint")
        lines = [
            tag(
                "p",
                text,
                join([" Checkpoint ", tag("code", checkpoint), "."]) if checkpoint else None,
                class_="lead",
            )
        ]
        if not numbers["complete"]:
            part = f"{numbers['videos']} of the {numbers['videos_in_list']} listed videos"
            lines.append(
                tag("p", f"Partial: the run was cut short, {part} were tested.", class_="warning")
            )
        return join(lines)

    def _network(self) -> Markup | None:
        network = self.context.get("network")
        if not network:
            return None
        clip = f" {TIMES} ".join(map(str, network.get("clip_shape", ())))
        lead = (
            f"{network['parameters']:,} parameters, {network['gmacs']:.2f} GMACs for one clip "
            f"of {clip}."
        )
        head = ("Place", "Kind", "Positions N", "Channels C", "Inner C_s", "Parameters", "GMACs")
        rows = [
            [
                b["place"],
                b["kind"],
                f"{b['positions']:,}",
                b["in_channels"],
                b["inner_channels"],
                f"{b['parameters']:,}",
                f"{b['gmacs']:.3f}",
            ]
            for b in network["blocks"]
        ]
        body = (
            grid(head, rows, numeric=range(2, 7), caption="Inserted non-local blocks")
            if rows
            else tag("p", "No non-local block.")
        )
        return section("network", "Network", body, lead=lead)

    def _recipe(self) -> Markup | None:
        known = ("data", "network", "checkpoint", "load_report")
        rest = {key: value for key, value in self.context.items() if key not in known}
        recipe = rest.pop("recipe", {})
        groups = {**recipe, **rest}
        if not groups:
            return None
        loose = {key: value for key, value in groups.items() if not isinstance(value, Mapping)}
        columns = [
            tag("div", tag("h3", name.replace("_", " ").capitalize()), definitions(values))
            for name, values in groups.items()
            if isinstance(values, Mapping)
        ]
        listed = definitions(loose) if loose else None
        return section("recipe", "Recipe", listed, tag("div", *columns, class_="pair"))

    def _data(self) -> Markup:
        data = dict(self.context.get("data", {}))
        subsets = data.pop("subsets", {})
        rows = [
            [
                name,
                *(str(of.get(key, "")) for key in ("videos", "missing", "classes")),
                tag("td", of.get("sha256", of.get("error", "")), class_="mono"),
            ]
            for name, of in subsets.items()
        ]
        head = ("List", "Videos", "Missing", "Classes", "SHA-256 of ids and labels")
        tested = {"sha256 of the tested videos": self.numbers["list_sha256"]}
        return section(
            "data",
            "Data set",
            definitions({**data, **tested}),
            grid(head, rows, numeric=(1, 2, 3)) if rows else None,
        )
