"""The folder that an evaluation leaves behind."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.evaluation.multi_label_tables import class_rows, several_rows, write_several
from snl_video.evaluation.per_class import per_class_rows
from snl_video.evaluation.report.figures import save_confusion, save_per_class
from snl_video.evaluation.report.mistakes import Mistake, OpenVideo, confident_mistakes, film_strip
from snl_video.evaluation.report.numbers import evaluation_numbers
from snl_video.evaluation.report.report_page import report_page
from snl_video.evaluation.report.training_curves import Curve
from snl_video.evaluation.results import Evaluation, VideoResults
from snl_video.evaluation.video_table import video_rows, write_confusion, write_csv, write_parquet
from snl_video.whole_files import swapped_folder


def write_report(
    folder: Path,
    evaluation: Evaluation,
    context: Mapping[str, Any],
    *,
    open_video: OpenVideo | None = None,
    curves: Sequence[Curve] = (),
) -> Path:
    """Write the numbers, one row a video, the figures and ``report.html``.

    Args:
        folder: it is replaced at once, when all is written; other files in it stay.
        evaluation: the results and what they are about.
        context: what was evaluated, kept in ``metrics.json``; see
            `report_page` for the names it knows.
        open_video: opens one of the list by its index; without it the mistakes have no frames.
        curves: of the training, for the page.

    Returns:
        The folder.

    Raises:
        ValueError: ``context`` uses the name of a number.
    """
    numbers = evaluation_numbers(evaluation)
    clash = sorted(set(numbers) & set(context))
    if clash:
        raise ValueError(f"the context of a report can't be called {', '.join(clash)}")
    results, classes, ids = evaluation.results, evaluation.classes, evaluation.ids
    with swapped_folder(folder) as scratch:
        text = json.dumps({**numbers, **context}, indent=2, allow_nan=False, default=str)
        (scratch / "metrics.json").write_text(text + "\n", encoding="utf-8")
        mistakes: list[Mistake] = []
        if isinstance(results, MultiLabelResults):
            write_several(scratch / "videos.parquet", results, classes, ids)
            write_csv(scratch / "videos.csv", several_rows(results, classes, ids))
            write_csv(scratch / "per_class.csv", class_rows(results, classes))
        elif isinstance(results, VideoResults):
            write_parquet(scratch / "videos.parquet", results, classes, ids)
            write_csv(scratch / "videos.csv", video_rows(results, classes, ids))
            write_csv(scratch / "per_class.csv", per_class_rows(results, classes))
            write_confusion(scratch / "confusion.csv", results.confusion().tolist(), classes)
            save_confusion(scratch / "confusion.png", results, classes)
            save_per_class(scratch / "per_class.png", results, classes)
            mistakes = confident_mistakes(results)
        if open_video:
            mistakes = [_with_frames(item, open_video) for item in mistakes]
        html = report_page(evaluation, numbers, context, mistakes, curves)
        (scratch / "report.html").write_text(html, encoding="utf-8")
    return folder


def _with_frames(mistake: Mistake, open_video: OpenVideo) -> Mistake:
    try:
        return replace(mistake, frames=film_strip(open_video(mistake.index)))
    except Exception as error:  # a strip of frames must not cost the report
        return replace(mistake, unreadable=f"no frames: {type(error).__name__}: {error}")
