"""The folder that an evaluation leaves behind."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from snl_video.evaluation.per_class import per_class_rows
from snl_video.evaluation.report.figures import save_confusion, save_per_class
from snl_video.evaluation.report.mistakes import Mistake, OpenVideo, confident_mistakes, film_strip
from snl_video.evaluation.report.numbers import evaluation_numbers
from snl_video.evaluation.report.report_page import report_page
from snl_video.evaluation.results import Evaluation
from snl_video.evaluation.video_table import video_rows, write_confusion, write_csv, write_parquet


def write_report(
    folder: Path,
    evaluation: Evaluation,
    context: Mapping[str, Any],
    *,
    paths: Sequence[str] = (),
    open_video: OpenVideo | None = None,
) -> Path:
    """Write the numbers, one row a video, the figures and ``report.html``.

    Args:
        folder: made if it is not there; files of the same names are replaced.
        evaluation: the results and what they are about.
        context: what was evaluated, kept in ``metrics.json``; see
            `report_page` for the names it knows.
        paths: file of every video of the list, by index, for the frames of the mistakes.
        open_video: opens one of them; without it the mistakes have no frames.

    Returns:
        The folder.

    Raises:
        ValueError: ``context`` uses the name of a number, or ``paths`` is of another length.
    """
    numbers = evaluation_numbers(evaluation)
    clash = sorted(set(numbers) & set(context))
    if clash:
        raise ValueError(f"the context of a report can't be called {', '.join(clash)}")
    if open_video and len(paths) != len(evaluation.ids):
        raise ValueError(f"{len(paths)} paths for {len(evaluation.ids)} videos")
    results, classes, ids = evaluation.results, evaluation.classes, evaluation.ids
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**numbers, **context}, indent=2, allow_nan=False, default=str)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    write_parquet(folder / "videos.parquet", results, classes, ids)
    write_csv(folder / "videos.csv", video_rows(results, classes, ids))
    write_csv(folder / "per_class.csv", per_class_rows(results, classes))
    write_confusion(folder / "confusion.csv", results.confusion().tolist(), classes)
    save_confusion(folder / "confusion.png", results, classes)
    save_per_class(folder / "per_class.png", results, classes)
    mistakes = confident_mistakes(results)
    if open_video:
        mistakes = [_with_frames(item, paths[item.index], open_video) for item in mistakes]
    html = report_page(evaluation, numbers, context, mistakes)
    (folder / "report.html").write_text(html, encoding="utf-8")
    return folder


def _with_frames(mistake: Mistake, path: str, open_video: OpenVideo) -> Mistake:
    try:
        return replace(mistake, frames=film_strip(path, open_video))
    except Exception as error:  # a strip of frames must not cost the report
        return replace(mistake, unreadable=f"no frames: {type(error).__name__}: {error}")
