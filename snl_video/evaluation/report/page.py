"""Fills the templates of a page: one file that needs nothing from outside, every text escaped."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from snl_video.evaluation.intervals import interval_text, is_point
from snl_video.wording import DASH, utf8

TIMES = "\u00a0\u00d7\u00a0"
"""Between spaces that keep a line whole."""


def render(template: str, **values: Any) -> str:
    """Return the page of a template; a name that it uses and that is not given is an error."""
    return utf8(_environment().get_template(template).render(values))


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share in percent without the sign; None as a dash."""
    return DASH if share is None else f"{100 * share:.{digits}f}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("snl_video.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["interval_text"] = interval_text
    environment.filters["times"] = lambda setting: (setting or "").replace("x", TIMES)
    environment.filters["first_upper"] = lambda text: text[:1].upper() + text[1:]
    environment.tests["point"] = is_point
    return environment
