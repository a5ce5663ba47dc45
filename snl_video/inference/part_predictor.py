"""Predict the parts of a long list, in one of several processes."""

from dataclasses import dataclass

from snl_video.inference.prediction_parts import write_part
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
    """Holds a model, and predicts one part after another."""

    def __init__(self, task: Task) -> None:
        self.task = task
        recognizer = load_model(task.model, device=task.device)
        self.recognizer = recognizer.with_views(task.views) if task.views else recognizer

    def __call__(self, part: tuple[int, list[str]]) -> int:
        """Predict and write a part; a video that can't be read is a row that says why.

        Args:
            part: its number, and its videos.

        Returns:
            How many videos it has.
        """
        number, paths = part
        predictions = list(self.recognizer.predict_each(paths, top=self.task.top))
        write_part(self.task.url, number, predictions, self.task.top)
        return len(predictions)
