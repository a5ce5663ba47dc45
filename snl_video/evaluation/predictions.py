"""What a network says of videos without labels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table
from torch import Tensor


@dataclass(frozen=True)
class Prediction:
    """The best classes of one video, best first; none where it could not be read."""

    path: str
    top: tuple[tuple[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        top = [{"class": name, "score": score} for name, score in self.top]
        return {"path": self.path, "failed": not self.top, "top": top}


def best_classes(
    path: str, scores: Tensor | None, classes: Sequence[str], k: int = 5
) -> Prediction:
    """Return the ``k`` best classes of ``scores`` (K,); None stands for an unreadable video."""
    if scores is None:
        return Prediction(path, ())
    best = scores.topk(min(k, len(classes)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return Prediction(path, tuple((classes[index], value) for index, value in pairs))


def write_predictions(
    file: Path, predictions: Sequence[Prediction], weights: Mapping[str, Any] | None = None
) -> None:
    """Write a JSON list with one object a video.

    Args:
        file: its folder is made.
        predictions: the videos.
        weights: what made the predictions, such as ``source`` and ``sha256``; kept in each object.
    """
    own = {"weights": dict(weights)} if weights else {}
    rows = [p.to_dict() | own for p in predictions]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(rows, indent=2) + "\n")


def predictions_table(predictions: Sequence[Prediction]) -> Table:
    """Render the predictions for the terminal."""
    table = Table(title=f"{len(predictions)} videos", title_justify="left")
    table.add_column("video", overflow="fold")
    table.add_column("class")
    table.add_column("score", justify="right")
    for prediction in predictions:
        names = "\n".join(escape(name) for name, _ in prediction.top) or "could not be read"
        scores = "\n".join(f"{score:.4f}" for _, score in prediction.top)
        table.add_row(escape(prediction.path), names, scores, end_section=True)
    return table
