"""HTML by construction: what is not Markup is text, and text is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import Any

from snl_video.evaluation.report.script import SCRIPT
from snl_video.evaluation.report.style import STYLE
from snl_video.wording import DASH, flatten

TIMES = "\u00d7"

VOID = frozenset({"img", "input", "line", "rect", "circle"})

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$body
</main>
<script>$script</script>
</body>
</html>
"""
)


class Markup(str):
    """HTML that may stand in a page as it is."""

    __slots__ = ()


def tag(name: str, *children: Any, **attributes: Any) -> Markup:
    """Return an element; ``class_`` and ``for_`` lose their underscore, ``data_x`` is ``data-x``.

    Children that are not :class:`Markup` are escaped; None is left out. So are attributes that are
    None or False.
    """
    pairs = (
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = f"{name}{''.join(pairs)}"
    if name in VOID:
        return Markup(f"<{inside}/>")
    return Markup(f"<{inside}>{join(children)}</{name}>")


def join(children: Iterable[Any]) -> Markup:
    """Put pieces side by side, escaping those that are text and leaving out None."""
    texts = (
        child if isinstance(child, Markup) else escape(str(child))
        for child in children
        if child is not None
    )
    return Markup("".join(texts))


def page(title: str, sections: Iterable[Markup | None]) -> str:
    """Return the whole document."""
    body = Markup("\n".join(section for section in sections if section))
    return PAGE.substitute(title=escape(title), style=STYLE, script=SCRIPT, body=body)


def section(anchor: str, title: str, *children: Any, lead: str | None = None) -> Markup:
    """Return a part of the page with its heading."""
    lead_text = tag("p", lead, class_="lead") if lead else ""
    return tag("section", tag("h2", title), lead_text, *children, id=anchor)


def number_cell(text: str, value: float | None = None) -> Markup:
    """Return a right-aligned cell that sorts by ``value``."""
    return tag("td", text, class_="num", data_value=value)


def grid(
    head: Sequence[str],
    rows: Iterable[Iterable[Any]],
    *,
    numeric: Iterable[int] = (),
    sortable: bool = False,
    caption: str | None = None,
    identity: str | None = None,
) -> Markup:
    """Return a table; cells that are Markup must be ``td`` elements.

    Args:
        head: column titles.
        rows: cells.
        numeric: columns that are set to the right.
        sortable: make buttons of the titles.
        caption: above the table.
        identity: the ``id`` attribute.
    """
    right = set(numeric)
    titles = []
    for place, text in enumerate(head):
        label = tag("button", text, type="button") if sortable else text
        titles.append(tag("th", label, scope="col", class_="num" if place in right else None))
    lines = []
    for row in rows:
        cells = [
            cell
            if isinstance(cell, Markup)
            else tag("td", cell, class_="num" if place in right else None)
            for place, cell in enumerate(row)
        ]
        lines.append(tag("tr", *cells))
    table = tag(
        "table",
        tag("caption", caption) if caption else "",
        tag("thead", tag("tr", *titles)),
        tag("tbody", *lines),
        class_="sortable" if sortable else None,
        id=identity,
    )
    return tag("div", table, class_="wide")


def definitions(values: Mapping[str, Any]) -> Markup:
    """Return a list of names and values, nested mappings flattened to dotted names."""
    pairs = (join([tag("dt", name), tag("dd", value)]) for name, value in flatten(values))
    return tag("dl", *pairs)


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share as percent without the sign; None as a dash."""
    return DASH if value is None else f"{100 * value:.{digits}f}"
