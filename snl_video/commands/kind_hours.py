"""How long the runs of compare-kinds will take: from their lists, later from finished runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from snl_video.data.datamodule import VideoDataModule
from snl_video.data.subset_lists import AnySubset
from snl_video.errors import AnnotationError
from snl_video.wording import duration

FORWARD = 1 / 3
"""Time of a clip that only goes forward, as a share of one that is trained on."""

ASSUMED_RATE = 100.0
"""Training clips a second, where nobody says another and no run is finished."""


@dataclass(frozen=True)
class Work:
    """What one run computes.

    Attributes:
        trained: clips that are trained on, over all epochs.
        viewed: clips of validation and test, each of which goes forward once.
    """

    trained: int
    viewed: int

    def seconds(self, rate: float) -> float:
        """With `rate` training clips a second."""
        return (self.trained + FORWARD * self.viewed) / rate


def work_of(settings: Mapping[str, Any], split: int) -> Work:
    """The work of a run with the settings of a `fit`; limits in batches are not looked at.

    Raises:
        AnnotationError: the data set has no training or test list.
    """
    data = VideoDataModule(**{**settings["data"], "split": split})
    data.prepare_data()
    trainer, views = settings["trainer"], data.loaders.views
    train = len(data.video_list("train"))
    epochs = -1 if trainer["max_epochs"] is None else trainer["max_epochs"]
    validated = 0
    if trainer["limit_val_batches"] != 0 and epochs > 0:
        times = epochs // (trainer["check_val_every_n_epoch"] or 1)
        validated = times * _count(data, "val") * views.val_num_clips * views.val_num_crops
    tested = len(data.video_list("test")) * views.num_clips * views.num_crops
    steps = [train * epochs] if epochs > 0 else []
    if trainer["max_steps"] not in (None, -1):
        batch = data.loaders.loader.batch_size * (trainer["accumulate_grad_batches"] or 1)
        steps.append(trainer["max_steps"] * batch)
    return Work(min(steps, default=0), validated + tested)


def expectation(missing: Sequence[Work], finished: Sequence[float], rate: float | None) -> str:
    """One sentence about the time that the missing runs will take, and what it rests on.

    Args:
        missing: the work of every run that is to be done.
        finished: seconds of the runs that are, from start to end.
        rate: training clips a second, as the user knows it; None where he doesn't.
    """
    runs = f"{len(missing)} run{'s' * (len(missing) > 1)} to go"
    if finished:
        each = median(finished)
        whole = duration(each * len(missing))
        return f"{runs}, about {whole}: a finished one took {duration(each)}"
    trained = sum(work.trained for work in missing)
    viewed = sum(work.viewed for work in missing)
    told = "" if rate else "assumed, yours is set with --clips_per_second; "
    seconds = sum(work.seconds(rate or ASSUMED_RATE) for work in missing)
    return (
        f"{runs}, {trained:,} training clips and {viewed:,} views: about {duration(seconds)} at "
        f"{rate or ASSUMED_RATE:g} training clips a second ({told}a view counts a third)"
    )


def _count(data: VideoDataModule, subset: AnySubset) -> int:
    try:
        return len(data.video_list(subset))
    except AnnotationError:
        return 0
