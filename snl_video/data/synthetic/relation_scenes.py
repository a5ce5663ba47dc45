"""Where and when the things of a relations clip are shown, and the frames that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snl_video.data.synthetic.ground import coarse_ground
from snl_video.data.synthetic.relation_tasks import COLOURS, DISTRACTOR, Thing
from snl_video.errors import InputError

PALETTE = np.array(list(COLOURS.values()), dtype=np.float32)
FROM_COLOURS = 80
"""Least difference of a ground's mean from every colour, in at least one channel."""

PLACES, STARTS = 50, 1000
"""Random places tried for one thing, and times to begin again, before things count as too large."""


@dataclass(frozen=True)
class Placed:
    """A thing and its upper left corner in pixels."""

    thing: Thing
    row: int
    column: int


def part_frames(num_frames: int, gap: int, parts: int) -> list[range]:
    """Frames of each part: equally many, as many as fit with at least `gap` empty ones between.

    The first part starts with the clip, the last ends with it.
    """
    lit = (num_frames - gap * (parts - 1)) // parts
    starts = [round(part * (num_frames - lit) / (parts - 1)) for part in range(parts)]
    return [range(start, start + lit) for start in starts]


def place(
    rng: np.random.Generator, things: Sequence[Thing], *, size: int, side: int, distance: int
) -> list[Placed]:
    """Random places: free of each other in a part, `distance` pixels from those of other parts.

    Distractors keep no distance.

    Raises:
        InputError: no such places were found.
    """

    def apart(first: Placed, second: Placed) -> bool:
        down, right = abs(first.row - second.row), abs(first.column - second.column)
        if first.thing.part == second.thing.part:
            return max(down, right) > side
        shapes = (first.thing.shape, second.thing.shape)
        return DISTRACTOR in shapes or bool(np.hypot(down, right) >= distance)

    for _ in range(STARTS if side <= size else 0):
        placed: list[Placed] = []
        for thing in things:
            for row, column in rng.integers(size - side + 1, size=(PLACES, 2)).tolist():
                candidate = Placed(thing, row, column)
                if all(apart(candidate, other) for other in placed):
                    placed.append(candidate)
                    break
            else:
                break
        if len(placed) == len(things):
            return placed
    raise InputError(
        f"{len(things)} things of {side} pixels, {distance} apart from one part of a clip to the "
        f"next, do not fit into {size} pixels: choose a greater size or a smaller distance"
    )


def draw_frames(
    ground: np.ndarray, placed: Sequence[Placed], shown: Sequence[range], side: int
) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) of things on a ground uint8 (H, W, 3).

    Args:
        shown: frames of each part; the last one ends the clip.
    """
    frames = np.repeat(ground[None], shown[-1].stop, axis=0)
    for item in placed:
        mask = shape_mask(item.thing.shape, side)
        rows, columns = slice(item.row, item.row + side), slice(item.column, item.column + side)
        for t in shown[item.thing.part]:
            frames[t, rows, columns][mask] = PALETTE[item.thing.colour]
    return frames


def draw_ground(rng: np.random.Generator, size: int, variety: float) -> np.ndarray:
    """A random ground uint8 (size, size, 3) that no thing's colour is close to.

    Args:
        variety: of grounds, from 0 to 1.
    """
    base = 128 + variety * rng.uniform(-88, 88, 3)
    while np.abs(PALETTE - base).max(-1).min() < FROM_COLOURS:
        base = 128 + variety * rng.uniform(-88, 88, 3)
    return coarse_ground(rng, base, size, size, variety).clip(0, 255).astype(np.uint8)


def shape_mask(shape: str, side: int) -> np.ndarray:
    """Which pixels of its square a shape fills, bool (side, side)."""
    across = (2 * np.arange(side) + 1) / side - 1
    u, v = across[None], across[:, None]
    match shape:
        case "disc":
            return u**2 + v**2 <= 1
        case "cross":
            return (np.abs(u) < 0.4) | (np.abs(v) < 0.4)
        case "triangle":
            return np.abs(u) <= (v + 1) / 2
        case "upright":
            return np.broadcast_to(np.abs(u) < 0.5, (side, side))
        case "lying":
            return np.broadcast_to(np.abs(v) < 0.5, (side, side))
        case "ring":
            return (u**2 + v**2 <= 1) & (u**2 + v**2 > 0.3)
        case _:
            return np.ones((side, side), dtype=bool)
