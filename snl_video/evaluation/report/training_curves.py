"""Loss and accuracy over training, from the CSV logs of a run."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 300, 160
"""Of a curve's picture, in its own units."""


@dataclass(frozen=True)
class Curve:
    """One number in training and in validation.

    Attributes:
        title: what it is.
        lines: (name, points (step, value)) of each.
    """

    title: str
    lines: list[tuple[str, list[tuple[int, float]]]]

    @property
    def last_step(self) -> int:
        """Where the picture ends."""
        return max(points[-1][0] for _, points in self.lines)

    @property
    def top(self) -> float:
        """The value at the upper end of the picture; the lower end is 0."""
        if self.title != "Loss":
            return 1.0
        return max(max(value for _, value in points) for _, points in self.lines) or 1.0

    def drawn(self, points: list[tuple[int, float]]) -> str:
        """Points as those of an SVG polyline."""
        last, top = max(self.last_step, 1), self.top
        return " ".join(
            f"{WIDTH * step / last:.1f},{HEIGHT * (1 - value / top):.1f}" for step, value in points
        )


def read_curves(folder: Path) -> list[Curve]:
    """Return the curves of loss, top-1 and mAP of the logs `version_*/metrics.csv` in a folder.

    A resumed run has several logs; where they tell of the same step, the last one counts.
    """
    found: dict[str, dict[int, float]] = {}
    for file in sorted(folder.glob("version_*/metrics.csv"), key=lambda f: f.stat().st_mtime):
        with file.open(newline="", encoding="utf-8") as rows:
            for row in csv.DictReader(rows):
                for name, text in row.items():
                    if text and name.startswith(("train/", "val/")):
                        found.setdefault(name, {})[int(row["step"])] = float(text)
    curves = []
    for metric, title in (("loss", "Loss"), ("top1", "Top-1"), ("map", "mAP")):
        lines = [
            (word, points)
            for word, where in (("training", "train"), ("validation", "val"))
            if (points := _finite(found.get(f"{where}/{metric}", {})))
        ]
        if lines:
            curves.append(Curve(title, lines))
    return curves


def _finite(points: dict[int, float]) -> list[tuple[int, float]]:
    return [(step, points[step]) for step in sorted(points) if math.isfinite(points[step])]
