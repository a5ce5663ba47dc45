"""Wording that messages and reports share."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

DASH = "\u2013"


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""


def utf8(text: str) -> str:
    r"""Return a text that UTF-8 can hold: the odd byte of a file's name is written as `\udce9`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cell(value: Any) -> Any:
    """Return what to write into a CSV file: a text that is no number is never a formula."""
    if not isinstance(value, str):
        return value
    text = utf8(value)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def first_few(names: Sequence[str], shown: int = 5, separator: str = ", ") -> str:
    """Return the first ``shown`` names and, as the last item, how many more there are."""
    more = [f"and {len(names) - shown} more"] if len(names) > shown else []
    return separator.join([*names[:shown], *more])


def unknown_name(what: str, name: str, known: Collection[str]) -> str:
    """Say that there is no ``what`` of this name, which one is meant, and which there are."""
    near = get_close_matches(name, known, 1)
    meant = f", did you mean {near[0]!r}?" if near else ";"
    return f"unknown {what} {name!r}{meant} choose one of {', '.join(known)}"


def duration(seconds: float) -> str:
    """Return seconds, minutes, or hours and minutes: "40 s", "12 min", "3 h 05 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return (dotted name, text) of every leaf; None is shown as a dash."""
    leaves: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            leaves += flatten(value, f"{name}.")
        else:
            leaves.append((name, DASH if value is None else str(value)))
    return leaves


def markdown_table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, all columns but the first set to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))
