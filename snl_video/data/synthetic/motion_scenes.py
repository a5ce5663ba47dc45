"""Drawing the motion data set: grounds, shapes, and what happens to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from snl_video.data.synthetic.ground import coarse_ground

CLASSES = [
    "MoveLeft",
    "MoveRight",
    "MoveUp",
    "MoveDown",
    "Grow",
    "Shrink",
    "TurnClockwise",
    "TurnCounterclockwise",
    "SignalsEqual",
    "SignalsDiffer",
]

SIZES = (8.0, 17.0)
"""Least and greatest radius of the object in pixels, for a frame 64 pixels high."""

SIGNAL_COLOURS = np.array([[250.0, 220.0, 40.0], [40.0, 90.0, 250.0]], dtype=np.float32)
SIGNAL_SHARE = 0.2
"""Share of the clip's frames, at either end, during which a signal is lit."""


class Size(Protocol):
    """What a look needs to know of the settings."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def width(self) -> int:
        """Pixels."""


@dataclass(frozen=True)
class Look:
    """What the clips of a group share.

    Attributes:
        ground: float32 (H, W, 3), 0 to 255.
        shape: one of "half", "arrow", "corner"; none looks the same after a turn.
        colour: float32 (3,), of the object.
    """

    ground: np.ndarray
    shape: str
    colour: np.ndarray


def draw_look(rng: np.random.Generator, size: Size) -> Look:
    """A random ground, shape, and object colour that stands out from the ground."""
    base = rng.uniform(40, 215, 3)
    ground = coarse_ground(rng, base, size.height, size.width)
    colour = rng.uniform(0, 255, 3)
    while np.abs(colour - base).sum() < 240:
        colour = rng.uniform(0, 255, 3)
    shape = str(rng.choice(["half", "arrow", "corner"]))
    return Look(ground.clip(0, 255).astype(np.float32), shape, colour.astype(np.float32))


def draw_video(rng: np.random.Generator, name: str, look: Look, num_frames: int) -> np.ndarray:
    """Frames of one clip of the class `name`.

    Returns:
        uint8 (T, H, W, 3).
    """
    height, width = look.ground.shape[:2]
    time = np.arange(num_frames)
    unit = height / 64
    x = np.full(num_frames, rng.uniform(0, width))
    y = np.full(num_frames, rng.uniform(0, height))
    angle = np.full(num_frames, rng.uniform(0, 2 * np.pi))
    phase = np.full(num_frames, rng.uniform(0, 1))
    step = rng.uniform(1.0, 2.2) * unit
    turn = np.deg2rad(rng.uniform(4, 9))
    growth = rng.uniform(0.6, 1.2) / num_frames
    if name in ("MoveLeft", "MoveRight"):
        x += time * step * (1 if name == "MoveRight" else -1)
    elif name in ("MoveUp", "MoveDown"):
        y += time * step * (1 if name == "MoveDown" else -1)
    elif name in ("Grow", "Shrink"):
        phase += time * growth * (1 if name == "Grow" else -1)
    elif name in ("TurnClockwise", "TurnCounterclockwise"):
        angle += time * turn * (1 if name == "TurnClockwise" else -1)
    radius = unit * SIZES[0] * (SIZES[1] / SIZES[0]) ** (phase % 1)

    ground = (look.ground + rng.normal(0, 8, 3)).clip(0, 255)
    colour = (look.colour + rng.normal(0, 8, 3)).clip(0, 255)
    frames = np.empty((num_frames, height, width, 3), dtype=np.uint8)
    for t in range(num_frames):
        mask = _object_mask(look.shape, height, width, x[t], y[t], radius[t], angle[t])
        frames[t] = ground + mask[..., None] * (colour - ground) + 0.5
    _add_signals(rng, frames, name)
    return frames


def _add_signals(rng: np.random.Generator, frames: np.ndarray, name: str) -> None:
    """Light one corner in the first frames and the opposite one in the last frames, in place.

    The corners are those of the middle square, so that every crop along the width holds them.
    """
    num_frames, height, width = frames.shape[:3]
    first = int(rng.integers(2))
    second = int(rng.integers(2))
    if name == "SignalsEqual":
        second = first
    elif name == "SignalsDiffer":
        second = 1 - first
    down, right = rng.integers(2, size=2)
    side = height * 3 // 16
    margin = height // 16
    centre = width // 2
    rows = (margin, height - margin - side)
    columns = (centre - height // 4, centre + height // 4 - side)
    lit = max(1, round(num_frames * SIGNAL_SHARE))
    for part, colour, far in ((slice(lit), first, 0), (slice(-lit, None), second, 1)):
        top, left = rows[down ^ far], columns[right ^ far]
        frames[part, top : top + side, left : left + side] = SIGNAL_COLOURS[colour]


def _object_mask(
    shape: str, height: int, width: int, x: float, y: float, radius: float, angle: float
) -> np.ndarray:
    """Soft mask (H, W) in [0, 1] of a shape on a ground whose opposite edges are joined."""
    dx = (np.arange(width) - x + width / 2) % width - width / 2
    dy = (np.arange(height) - y + height / 2) % height - height / 2
    cos, sin = np.cos(angle), np.sin(angle)
    u = dx[None] * cos + dy[:, None] * sin
    v = dy[:, None] * cos - dx[None] * sin
    if shape == "half":
        outside = np.maximum(np.hypot(u, v) - radius, -u - radius * 0.1)
    elif shape == "arrow":
        outside = np.maximum(np.abs(v) - (radius - u) * 0.5, -u - radius * 0.8)
    else:
        reach = np.maximum(np.abs(u), np.abs(v)) - radius * 0.85
        outside = np.maximum(reach, np.minimum(u, v) + radius * 0.2)
    return (0.5 - outside).clip(0, 1)
