"""Whether the ``nl`` blocks of a network compute what another project's blocks compute."""

from collections.abc import Mapping
from typing import Any, cast

from snl_video.blocks import NonLocalBlock, block_options
from snl_video.models.insertion import inserted_blocks
from snl_video.models.network import VideoNetwork

SAVES_MEMORY_ONLY = ("checkpoint",)


def different_blocks(model: VideoNetwork, theirs: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the places where ``model`` has a block that is not the one of the file.

    Args:
        model: with or without blocks.
        theirs: place -> options of the ``nl`` block that would be the file's; an option that the
            file does not tell is left out and may have any value; a frozenset holds several that
            are possible.
    """
    return {
        place
        for place, module in inserted_blocks(model).items()
        if place in theirs and not _is_nl(cast(NonLocalBlock, module), theirs[place])
    }


def nl_options(**told: Any) -> dict[str, Any]:
    """All options of an ``nl`` block that bear on its function, those that were told replaced."""
    own = {k: v for k, v in block_options("nl").items() if k not in SAVES_MEMORY_ONLY}
    return own | told


def _is_nl(module: NonLocalBlock, theirs: Mapping[str, Any]) -> bool:
    return module.kind == "nl" and all(
        _agrees(module.options[name], value) for name, value in theirs.items()
    )


def _agrees(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, frozenset):
        return ours in theirs
    return _plain(ours) == _plain(theirs)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
