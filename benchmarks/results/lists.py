"""Whether the test lists of several splits can be pooled, asked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.results.plan import Recipe, ResultsError
from snl_video.data.formats import ListSettings, open_data_set
from snl_video.data.holdout import HoldoutSettings
from snl_video.errors import AnnotationError
from snl_video.wording import first_few


def check_test_lists(recipe: Recipe, splits: Sequence[int]) -> None:
    """Refuse splits whose test lists share a video; a single split is always well.

    UCF101's lists share none. Those of HMDB51 do: each of its splits is drawn anew.

    Raises:
        ResultsError: a list can't be read, or two lists share a video.
    """
    if len(splits) < 2:
        return
    refuse_shared((split, _test_names(recipe, split)) for split in splits)


def refuse_shared(lists: Iterable[tuple[int, Sequence[str]]]) -> None:
    """Refuse test lists, given as split and names, that share a video.

    Raises:
        ResultsError: two do.
    """
    split_of: dict[str, int] = {}
    for split, names in lists:
        if shared := [name for name in names if name in split_of]:
            one = split_of[shared[0]]
            raise ResultsError(
                f"the test lists of splits {one} and {split} share videos ({first_few(shared, 3)}),"
                f" so they can't be pooled; make a table of one split, --splits {one}"
            )
        split_of |= dict.fromkeys(names, split)


def _test_names(recipe: Recipe, split: int) -> list[str]:
    data = recipe.data()
    lists, holdout = (
        ListSettings(**data.get("lists", {})),
        HoldoutSettings(**data.get("holdout", {})),
    )
    try:
        data_set = open_data_set(
            data.get("format", "folder"), str(recipe.root), split, lists, holdout
        )
        return [record.id for record in data_set.read("test").records]
    except AnnotationError as error:
        raise ResultsError(f"the test list of split {split} can't be read: {error}") from error
