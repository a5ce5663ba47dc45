"""The folder that an evaluation leaves behind, and its tables for the terminal."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from snl_video.evaluation.video_scores import VideoResults


def headline(results: VideoResults) -> dict[str, Any]:
    """Return the numbers that sum an evaluation up, accuracies in [0, 1]."""
    return {
        "top1": results.accuracy(1),
        "top5": results.accuracy(5),
        "mean_class": results.mean_class_accuracy(),
        "clip_top1": results.clip_accuracy(),
        "videos": len(results.index),
        "videos_in_list": results.expected,
        "complete": results.complete,
        "failed": int(results.failed.sum()),
        "chance": 1 / results.scores.shape[1],
    }


def headline_table(results: VideoResults, title: str) -> Table:
    """Render :func:`headline` for the terminal, accuracies in percent."""
    numbers = headline(results)
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column("name")
    table.add_column("value", justify="right")
    for name, label in (
        ("top1", "video top-1 %"),
        ("top5", "video top-5 %"),
        ("mean_class", "mean-class %"),
        ("clip_top1", "clip top-1 %"),
        ("chance", "chance %"),
    ):
        table.add_row(label, f"{100 * numbers[name]:.2f}")
    table.add_row("videos scored", f"{numbers['videos']} of {numbers['videos_in_list']}")
    table.add_row("unreadable, counted as wrong", str(numbers["failed"]))
    return table


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


def per_class_table(results: VideoResults, classes: Sequence[str]) -> Table:
    """Render :func:`per_class_rows` for the terminal."""
    table = Table(title="per class", title_justify="left")
    for column in ("class", "videos", "top-1 %", "most often mistaken for"):
        table.add_column(column, justify="right" if column in ("videos", "top-1 %") else "left")
    for row in per_class_rows(results, classes):
        mistaken = f"{row['mistaken_for']} ({row['times']})" if row["times"] else ""
        table.add_row(row["class"], str(row["videos"]), f"{100 * row['top1']:.1f}", mistaken)
    return table


def write_report(
    folder: Path,
    results: VideoResults,
    *,
    classes: Sequence[str],
    ids: Sequence[str],
    context: Mapping[str, Any],
) -> Path:
    """Write ``metrics.json``, ``videos.csv``, ``per_class.csv`` and ``confusion.csv``.

    Args:
        folder: made if it is not there; files of the same names are replaced.
        results: the evaluation.
        classes: (K,) names.
        ids: name of every video of the list, by index.
        context: what was evaluated (checkpoint, data set, views), kept in ``metrics.json``.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    metrics = {**headline(results), **context}
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    _write_csv(folder / "videos.csv", _video_rows(results, classes, ids))
    _write_csv(folder / "per_class.csv", per_class_rows(results, classes))
    confusion = results.confusion().tolist()
    _write_csv(
        folder / "confusion.csv",
        (
            {"true": name, **dict(zip(classes, row, strict=True))}
            for name, row in zip(classes, confusion, strict=True)
        ),
    )
    return folder


def _video_rows(
    results: VideoResults, classes: Sequence[str], ids: Sequence[str]
) -> Iterable[dict[str, Any]]:
    correct = results.correct()
    for row, index in enumerate(results.index.tolist()):
        scores, label = results.scores[row], int(results.label[row])
        predicted = int(scores.argmax())
        failed = bool(results.failed[row])
        yield {
            "video": ids[index],
            "true": classes[label],
            "predicted": "" if failed else classes[predicted],
            "correct": int(correct[row]),
            "score_true": f"{float(scores[label]):.6f}",
            "score_predicted": "" if failed else f"{float(scores[predicted]):.6f}",
            "clip_accuracy": f"{float(results.clip_correct[row]):.4f}",
            "failed": int(failed),
            "reason": results.reasons[row],
        }


def _write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    rows = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
