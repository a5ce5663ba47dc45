"""Checks of option values that several blocks share."""

from snl_video.blocks.pooling import Grid


def one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    """The value; ValueError that lists the choices when it is none of them."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value


def window(name: str, size: Grid | None) -> Grid | None:
    """Three sizes (T, H, W) as a tuple, or None; ValueError for anything else."""
    if size is None:
        return None
    if len(size) != 3 or min(size) < 1:
        raise ValueError(f"{name} must be three sizes (T, H, W) of 1 or more, got {tuple(size)}")
    return size[0], size[1], size[2]
