"""Textured grounds of the synthetic data sets."""

from __future__ import annotations

import numpy as np


def coarse_ground(
    rng: np.random.Generator, base: np.ndarray, height: int, width: int, variety: float = 1.0
) -> np.ndarray:
    """Slow changes of colour around `base` (3,) with a fine grain, float (height, width, 3).

    Args:
        variety: share of the full changes and grain, from 0 to 1.
    """
    coarse = base + variety * rng.uniform(-35, 35, (4, 5, 3))
    ground = _stretch(coarse, height, width)
    return ground + variety * rng.normal(0, 4, (height, width, 1))


def _stretch(coarse: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear enlargement of (h, w, C) to (height, width, C)."""
    rows = np.linspace(0, coarse.shape[0] - 1, height)
    columns = np.linspace(0, coarse.shape[1] - 1, width)
    top = np.minimum(rows.astype(int), coarse.shape[0] - 2)
    left = np.minimum(columns.astype(int), coarse.shape[1] - 2)
    down = (rows - top)[:, None, None]
    right = (columns - left)[None, :, None]
    upper = coarse[top][:, left] * (1 - right) + coarse[top][:, left + 1] * right
    lower = coarse[top + 1][:, left] * (1 - right) + coarse[top + 1][:, left + 1] * right
    return upper * (1 - down) + lower * down
