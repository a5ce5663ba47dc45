"""Markdown tables and the figures in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

DASH = "-"


def markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A table, all columns but the first set to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))


def code(name: str) -> str:
    """The name of a kind as it stands in the document."""
    return f"`{name}`"


def percent(value: float | None) -> str:
    """A share in percent, a dash for None."""
    return DASH if value is None else f"{100 * value:.1f}"


def with_splits(text: str, splits: Iterable[int]) -> str:
    """A figure, and in brackets the splits that it is of."""
    return f"{text} ({', '.join(map(str, splits))})"
