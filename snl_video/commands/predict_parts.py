"""`snl-video predict --engine ray`: very many videos, by several processes, in Parquet parts."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress

from snl_video.errors import UsageError
from snl_video.inference.prediction_parts import PredictionParts
from snl_video.inference.ray_prediction import Task, predict_with_ray
from snl_video.inference.recognizer import Recognizer

PART = 64
"""Videos in a part."""


def predict_in_parts(
    paths: Sequence[str],
    recognizer: Recognizer,
    task: Task,
    workers: int,
    address: str | None,
    console: Console,
) -> int:
    """Predict what is missing of a list, and return the exit code: 1 where a video is unreadable.

    Args:
        paths: the videos.
        recognizer: what every process will load; what it is and sees is kept beside the parts.
        task: for every process.
        workers: how many there are.
        address: of a Ray cluster.
        console: where progress is told.

    Raises:
        UsageError: no worker.
        InputError: the output holds parts of other settings.
    """
    if workers < 1:
        raise UsageError(f"--workers must be 1 or more, got {workers}")
    parts = PredictionParts(task.url, paths, PART, task.top)
    missing = parts.begin({"model": recognizer.source, "views": str(recognizer.viewing.views)})
    left = sum(len(parts.paths_of(number)) for number in missing)
    if left < len(paths):
        console.print(f"{len(paths) - left} of them were predicted before")
    with Progress(console=console, transient=True) as bar:
        row = bar.add_task("videos", total=left)
        if missing:
            predict_with_ray(
                task, parts, missing, workers, address, lambda count: bar.advance(row, count)
            )
    failed = parts.failures()
    console.print(f"predictions: {task.url}/part-*.parquet", soft_wrap=True)
    if failed:
        console.print(f"{failed} of {len(paths)} videos could not be read")
    return int(failed > 0)
