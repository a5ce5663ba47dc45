"""Whether the blocks of a network compute what the blocks of a file compute."""

from collections.abc import Mapping
from typing import Any

from snl_video.models.insertion import inserted_blocks
from snl_video.models.network import VideoNetwork


def different_blocks(
    model: VideoNetwork, theirs: Mapping[str, Mapping[str, Any]], kind: str = "nl"
) -> set[str]:
    """Return the places where ``model`` has a block that is not the one of the file.

    Args:
        model: with or without blocks.
        theirs: place -> options of the file's block there; an option that the file does not tell is
            left out and may have any value; a frozenset holds several that are possible.
        kind: of the file's blocks.
    """
    return {
        place
        for place, block in inserted_blocks(model).items()
        if place in theirs
        and not (
            block.kind == kind
            and all(_agrees(block.options.get(k), value) for k, value in theirs[place].items())
        )
    }


def _agrees(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, frozenset):
        return ours in theirs
    return ours == (list(theirs) if isinstance(theirs, tuple) else theirs)
