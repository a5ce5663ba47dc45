"""Wording that messages and reports share."""

from collections.abc import Sequence


def first_few(names: Sequence[str], shown: int = 5, separator: str = ", ") -> str:
    """Return the first ``shown`` names and, as the last item, how many more there are."""
    more = [f"and {len(names) - shown} more"] if len(names) > shown else []
    return separator.join([*names[:shown], *more])
