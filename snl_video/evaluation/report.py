"""The folder that an evaluation leaves behind."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snl_video.evaluation.numbers import Evaluation, metrics
from snl_video.evaluation.records import video_rows, write_confusion, write_csv, write_parquet
from snl_video.evaluation.tables import per_class_rows


def write_report(folder: Path, evaluation: Evaluation, context: Mapping[str, Any]) -> Path:
    """Write ``metrics.json``, ``videos.parquet`` and three CSV files.

    Args:
        folder: made if it is not there; files of the same names are replaced.
        evaluation: the results and what they are about.
        context: what was evaluated (checkpoint, data set), kept in ``metrics.json``.

    Returns:
        The folder.

    Raises:
        ValueError: ``context`` uses the name of a number.
    """
    numbers = metrics(evaluation)
    clash = sorted(set(numbers) & set(context))
    if clash:
        raise ValueError(f"the context of a report can't be called {', '.join(clash)}")
    results, classes, ids = evaluation.results, evaluation.classes, evaluation.ids
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**numbers, **context}, indent=2, allow_nan=False)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    write_parquet(folder / "videos.parquet", results, classes, ids)
    write_csv(folder / "videos.csv", video_rows(results, classes, ids))
    write_csv(folder / "per_class.csv", per_class_rows(results, classes))
    write_confusion(folder / "confusion.csv", results.confusion().tolist(), classes)
    return folder
