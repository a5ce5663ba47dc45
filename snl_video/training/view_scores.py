"""How the views of a video become one answer, and the scores of a running evaluation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from snl_video.errors import InputError
from snl_video.evaluation.results import ScoredVideos
from snl_video.evaluation.scores import VideoScores
from snl_video.evaluation.views import (
    Activation,
    Average,
    ViewSetting,
    join_views,
    settings_of,
    whole_setting,
)
from snl_video.training.batch import Batch

PIXELS_ON_A_CPU = 2**20
"""Of the clips that go through a network at a time: two of 8x224x224."""


@dataclass
class EvaluationSpec:
    """How videos are evaluated.

    Attributes:
        average: of the views of a video: their ``probabilities`` or their ``logits``.
        views_per_forward: evaluate this many clips at a time; 0 takes all views of a batch at once
            on a GPU, and on a CPU as many as have a million pixels, but one at least.
        view_settings: clips x crops to report after ``test`` beside all that are loaded, as
            ``["1x1", "1x3"]``; by default one clip of one crop and one clip of all crops.
    """

    average: Average = "probabilities"
    views_per_forward: int = 0
    view_settings: list[str] | None = None

    def __post_init__(self) -> None:
        if self.average not in get_args(Average) or self.views_per_forward < 0:
            raise InputError(
                "evaluation.average must be 'probabilities' or 'logits' and views_per_forward at "
                f"least 0, got {self.average!r} and {self.views_per_forward}"
            )
        for text in self.view_settings or ():
            ViewSetting.parse(text)


def usual_number(views: Tensor) -> int:
    """How many of the views (V, 3, T, H, W) go through a network at a time.

    On a CPU more do not make it faster, but need more memory.
    """
    if views.device.type != "cpu":
        return len(views)
    return max(1, PIXELS_ON_A_CPU // views[0, 0].numel())


class ViewScores:
    """The scores of every video of an evaluation, for each setting of views.

    Attributes:
        spec: how views are averaged.
        activation: from logits to probabilities.
        by_setting: setting, such as ``10x3``, or ``all`` -> scores of the videos so far.
        folder: where the scores of all classes are kept, those of all views; None: nowhere.
    """

    def __init__(self, spec: EvaluationSpec, activation: Activation = "softmax") -> None:
        self.spec = spec
        self.activation: Activation = activation
        self.by_setting: dict[str, VideoScores] = {}
        self.folder: Path | None = None

    def reset(self, folder: Path | None = None) -> None:
        """Forget the videos of the last evaluation; the scores of the next go to ``folder``."""
        self.by_setting, self.folder = {}, folder

    def logits(self, forward: Callable[[Tensor], Tensor], clips: Tensor) -> Tensor:
        """Map uint8 views (B, V, 3, T, H, W) to float32 logits (B, V, K), a few at a time."""
        views = clips.flatten(0, 1)
        parts = views.split(self.spec.views_per_forward or usual_number(views))
        return torch.cat([forward(part).float() for part in parts]).unflatten(0, clips.shape[:2])

    def average(self, logits: Tensor) -> Tensor:
        """Average the views (B, V, K) of each video to probabilities (B, K)."""
        return join_views(logits, self.spec.average, self.activation)

    def settings(self, logits: Tensor, loader: Any) -> dict[str, list[int]]:
        """Return setting -> the views of a video that it averages, all of them last.

        Args:
            logits: (B, V, K).
            loader: of the evaluation; its data set has ``num_clips``.

        Raises:
            ValueError: a setting that needs more than is loaded.
        """
        whole = whole_setting(logits.shape[1], loader.dataset.num_clips)
        settings = settings_of(whole, self.spec.view_settings)
        return {str(setting): setting.select(whole) for setting in settings}

    def update(
        self, batch: Batch, logits: Tensor, settings: Mapping[str, list[int]] | None = None
    ) -> None:
        """Add the videos of a batch.

        Args:
            batch: ``label`` and ``index``, perhaps ``target``, ``failed`` and ``reason``.
            logits: (B, V, K).
            settings: as `settings` returns them; by default ``all`` views.
        """
        label, target = batch["label"], batch.get("target")
        best = logits.argmax(dim=2)
        right = best == label[:, None] if target is None else target.gather(1, best) > 0
        settings = settings or {"all": list(range(logits.shape[1]))}
        if not self.by_setting:
            *cheaper, whole = settings
            self.by_setting = {name: VideoScores() for name in cheaper}
            self.by_setting[whole] = VideoScores(self.folder)
        for name, views in settings.items():
            self.by_setting[name].update(
                batch["index"],
                label,
                self.average(logits[:, views]),
                right[:, views].float().mean(dim=1),
                failed=batch.get("failed"),
                reasons=batch.get("reason"),
                target=target,
            )

    def results(self, loader: Any, *, partial: bool) -> dict[str, ScoredVideos]:
        """Return the results by setting, that of all views last.

        Args:
            loader: of the evaluation; its data set has ``videos.records``.
            partial: the evaluation was cut short on purpose.
        """
        ids = [record.id for record in loader.dataset.videos.records]
        return {
            name: scores.results(len(ids), partial=partial, ids=ids)
            for name, scores in self.by_setting.items()
        }
