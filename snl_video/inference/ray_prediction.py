"""Predict very many videos with Ray Data: a pool of processes, on one machine or on a cluster."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from snl_video.errors import UsageError
from snl_video.inference.prediction_parts import PredictionParts, write_part
from snl_video.inference.recognizer import load_model


@dataclass(frozen=True)
class Task:
    """What every process does with its parts.

    Attributes:
        model: see `load_model`.
        views: clips x crops, as 10x3; None for those of the model.
        device: cpu or cuda; None for a GPU if there is one.
        url: where the parts are written.
        top: classes named of a video.
    """

    model: str
    views: str | None
    device: str | None
    url: str
    top: int


class PartPredictor:
    """Holds a model, and predicts one part after another. Ray keeps one in every process."""

    def __init__(self, **task: Any) -> None:
        self.task = Task(**task)
        recognizer = load_model(self.task.model, device=self.task.device)
        views = self.task.views
        self.recognizer = recognizer.with_views(views) if views else recognizer

    def __call__(self, part: dict[str, Any]) -> dict[str, Any]:
        """Predict and write a part; a video that can't be read is a row that says why."""
        predictions = list(self.recognizer.predict_each(part["paths"], top=self.task.top))
        write_part(self.task.url, part["number"], predictions, self.task.top)
        return {"videos": len(predictions)}


def predict_with_ray(
    task: Task,
    parts: PredictionParts,
    missing: Sequence[int],
    workers: int,
    address: str | None,
    advance: Callable[[int], None],
) -> None:
    """Predict the missing parts. Ray starts a process that dies anew, with the part it had.

    Args:
        task: for all processes.
        parts: the list.
        missing: numbers of its parts.
        workers: processes; each has a model, and a GPU where ``task.device`` is cuda.
        address: of a Ray cluster; None starts Ray here, and ends it.
        advance: called with the number of videos of each part that is done.

    Raises:
        UsageError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError("--engine ray needs Ray: pip install 'snl_video[ray]'") from error
    # Ray's CPUs only count what may run at once; it would wait for ever with fewer than it plans
    cpus = None if address else workers + 1
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    with ray.init(address, num_cpus=cpus, include_dashboard=False, **quiet):
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        rows = [{"number": number, "paths": parts.paths_of(number)} for number in missing]
        done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            PartPredictor,
            fn_constructor_kwargs=asdict(task),
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=1,
            num_gpus=1 if task.device == "cuda" else 0,
        )
        for row in done.iter_rows():
            advance(row["videos"])
