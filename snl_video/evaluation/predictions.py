"""What a network says of videos without labels."""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from snl_video.whole_files import write_whole
from snl_video.wording import utf8


@dataclass(frozen=True)
class Prediction:
    """The best classes of one video.

    Attributes:
        path: the file.
        top: (class, probability), the best first; none where the video could not be read.
        reason: why it could not be read, "" where it could.
        id: name of the segment of the file; "" for the whole file.
        present: the classes that reach their thresholds, where a video may show several; else None.
    """

    path: str
    top: tuple[tuple[str, float], ...]
    reason: str = ""
    id: str = ""
    present: tuple[str, ...] | None = None

    @property
    def label(self) -> str | None:
        """The best class; None where the video could not be read."""
        return self.top[0][0] if self.top else None

    @property
    def score(self) -> float:
        """The probability of the best class; NaN where the video could not be read."""
        return self.top[0][1] if self.top else float("nan")

    def __str__(self) -> str:
        found = ", ".join(f"{name} {score:.3f}" for name, score in self.top)
        present = "" if self.present is None else f" (present: {', '.join(self.present) or 'none'})"
        said = found or self.reason or "could not be read"
        return f"{self.id or self.path}: {said}{present}"

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        top = [{"class": name, "score": score} for name, score in self.top]
        of_segment = {"id": self.id} if self.id else {}
        found = {"path": self.path, **of_segment, "failed": not self.top, "top": top}
        if self.present is not None:
            found["present"] = list(self.present)
        return found | ({"reason": self.reason} if self.reason else {})


class Predictions(list[Prediction]):
    """The predictions of several videos, which print as a table."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(p.path)}</td><td>{html.escape(p.label or p.reason)}</td>"
            f"<td>{'' if p.label is None else f'{p.score:.3f}'}</td></tr>"
            for p in self
        )
        return f"<table><tr><th>video</th><th>class</th><th>score</th></tr>{rows}</table>"

    def rows(self) -> list[dict[str, Any]]:
        """One flat row a video: path, reason, class, score, class_2, score_2 and so on."""
        return [prediction_row(prediction) for prediction in self]

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` of `rows`; needs pandas."""
        import pandas

        return pandas.DataFrame(self.rows())


def prediction_row(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction flat, for a table."""
    row: dict[str, Any] = {"path": prediction.path, "reason": prediction.reason}
    for place, (name, score) in enumerate(prediction.top, 1):
        suffix = "" if place == 1 else f"_{place}"
        row |= {f"class{suffix}": name, f"score{suffix}": score}
    if prediction.present is not None:
        row["present"] = "; ".join(prediction.present)
    return row


def best_classes(
    path: str,
    scores: Tensor | None,
    classes: Sequence[str],
    k: int = 5,
    *,
    id: str = "",
    thresholds: Sequence[float] | None = None,
) -> Prediction:
    """Return the ``k`` best classes of ``scores`` (K,); None stands for an unreadable video.

    With ``thresholds`` (K,) all classes that reach theirs are named too.
    """
    if scores is None:
        return Prediction(path, (), id=id)
    best = scores.topk(min(k, len(classes)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    top = tuple((classes[index], value) for index, value in pairs)
    if thresholds is None:
        return Prediction(path, top, id=id)
    there = (scores >= torch.tensor(thresholds)).nonzero().flatten().tolist()
    return Prediction(path, top, id=id, present=tuple(classes[index] for index in there))


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
    write_whole(file, json.dumps(rows, indent=2) + "\n")


def predictions_table(predictions: Sequence[Prediction]) -> Table:
    """Render the predictions for the terminal."""
    table = Table(title=f"{len(predictions)} videos", title_justify="left")
    table.add_column("video", overflow="fold")
    table.add_column("class")
    table.add_column("score", justify="right")
    for prediction in predictions:
        names = "\n".join(escape(name) for name, _ in prediction.top) or "could not be read"
        scores = "\n".join(f"{score:.4f}" for _, score in prediction.top)
        table.add_row(
            escape(utf8(prediction.id or prediction.path)), names, scores, end_section=True
        )
    return table
