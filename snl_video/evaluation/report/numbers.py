"""What ``metrics.json`` says of an evaluation."""

from typing import Any

from snl_video.evaluation.intervals import METHOD, metric_intervals, shares_of_videos
from snl_video.evaluation.metrics import compute_metrics
from snl_video.evaluation.results import Evaluation, ScoredVideos
from snl_video.evaluation.video_table import list_sha256


def evaluation_numbers(evaluation: Evaluation) -> dict[str, Any]:
    """Return all numbers as plain types, shares in [0, 1].

    ``listed`` = ``scored`` + ``failed`` + ``absent`` holds for a complete run. ``top1`` counts
    failed videos as wrong; ``top1_of_listed`` counts the absent ones as wrong too, and is None for
    a partial run, which leaves listed videos untested.
    """
    results = evaluation.results
    listed = results.expected + len(evaluation.absent)
    views = [{"setting": name, **_with_intervals(view)} for name, view in evaluation.views.items()]
    ids = [evaluation.ids[i] for i in results.index.tolist()]
    return {
        **_with_intervals(results),
        "interval_method": METHOD,
        "chance": results.chance(),
        "videos": len(results.index),
        "videos_in_list": results.expected,
        "scored": results.num_scored,
        "failed": results.num_failed,
        "complete": results.complete,
        "absent": len(evaluation.absent),
        "absent_ids": list(evaluation.absent),
        "listed": listed,
        "top1_of_listed": int(results.correct().sum()) / listed if results.complete else None,
        "setting": evaluation.setting,
        "views": views,
        "list_sha256": list_sha256(ids, results.labels()),
    }


def _with_intervals(results: ScoredVideos) -> dict[str, Any]:
    intervals = {name: list(ends) for name, ends in metric_intervals(results).items()}
    shares = shares_of_videos(results)
    methods = {name: "wilson" if name in shares else "bootstrap" for name in intervals}
    return {**compute_metrics(results), "intervals": intervals, "interval_methods": methods}
