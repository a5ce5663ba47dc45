"""How each class fared, and which classes are taken for which."""

from collections.abc import Sequence
from typing import Any

from snl_video.evaluation.results import VideoResults


def per_class_rows(results: VideoResults, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row a class that has videos: accuracy and its most frequent wrong answer."""
    accuracy, counts = results.per_class()
    confusion = results.confusion()
    confusion.fill_diagonal_(0)
    rows = []
    for number in counts.nonzero().flatten().tolist():
        wrong = int(confusion[number].max())
        mistaken = classes[int(confusion[number].argmax())] if wrong else ""
        rows.append(
            {
                "class": classes[number],
                "videos": int(counts[number]),
                "top1": float(accuracy[number]),
                "mistaken_for": mistaken,
                "times": wrong,
            }
        )
    return rows


def confused_pairs(
    results: VideoResults, classes: Sequence[str], count: int = 10
) -> list[tuple[str, str, int]]:
    """Return the most frequent (true, predicted, times) among the mistakes, most frequent first."""
    confusion = results.confusion()
    confusion.fill_diagonal_(0)
    order = confusion.flatten().argsort(descending=True, stable=True)[:count].tolist()
    cells = [(*divmod(cell, len(classes)), int(confusion.flatten()[cell])) for cell in order]
    return [(classes[true], classes[said], times) for true, said, times in cells if times]
