"""The outcome of an evaluation, one row a video, and the numbers made of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from snl_video.evaluation.answers import Answers
from snl_video.evaluation.calibration import expected_calibration_error
from snl_video.evaluation.stored_scores import StoredScores
from snl_video.wording import utf8


class MissingVideosError(RuntimeError):
    """An evaluation ended without a score for every video of its list."""


@dataclass(frozen=True, kw_only=True)
class ScoredVideos(ABC):
    """One row a video, in the order of the annotation list.

    Attributes:
        index: (N,) int64, position of the video in its list.
        num_classes: K.
        clip_correct: (N,) float32, the share of its views whose own top class is right.
        failed: (N,) bool, videos that could not be read; they count as wrong.
        reasons: (N,) why each of them could not be read, "" for the others.
        expected: how many videos the list has.
    """

    index: Tensor
    num_classes: int
    clip_correct: Tensor
    failed: Tensor
    reasons: tuple[str, ...]
    expected: int

    @property
    def complete(self) -> bool:
        """Whether every video of the list has its row."""
        return len(self.index) == self.expected

    @property
    def num_failed(self) -> int:
        """How many videos could not be read."""
        return int(self.failed.sum())

    @property
    def num_scored(self) -> int:
        """How many videos were read."""
        return len(self.failed) - self.num_failed

    @abstractmethod
    def rank(self) -> Tensor:
        """(N,) int64, how many classes stand before the first that is right."""

    @abstractmethod
    def labels(self) -> list[str]:
        """What each video shows, as the hash of a list has it: "3", or "1,5" of several."""

    @abstractmethod
    def chance(self) -> float:
        """The headline number of scores that are drawn at random."""

    def correct(self, top: int = 1) -> Tensor:
        """(N,) bool: one of the ``top`` best classes is right, and the video was read."""
        return (self.rank() < top) & ~self.failed

    def accuracy(self, top: int = 1) -> float:
        """Video accuracy: the share of videos that are `correct`."""
        return self.correct(top).double().mean().item()

    def clip_accuracy(self) -> float:
        """Clip accuracy: the share of single views whose best class is right."""
        return self.clip_correct.double().mean().item()


@dataclass(frozen=True, kw_only=True)
class VideoResults(ScoredVideos):
    """The results of videos that have one class each.

    Attributes:
        label: (N,) int64.
        answers: what the scores say. A score is a probability, the mean over the views of a video,
            and 0 where it failed.
        scores: of all classes, on disk, to be read a few videos at a time: in the first process,
            and where they were kept.
    """

    label: Tensor
    answers: Answers
    scores: StoredScores | None = None

    def predicted(self) -> Tensor:
        """(N,) int64, the best class of each video, the first of equals; -1 where it failed."""
        return torch.where(self.failed, -1, self.answers.best)

    def rank(self) -> Tensor:
        """(N,) int64, how many classes stand before the label; of equal scores the first leads."""
        return self.answers.rank

    def labels(self) -> list[str]:
        """The label of each video."""
        return list(map(str, self.label.tolist()))

    def chance(self) -> float:
        """Top-1 of one class in K."""
        return 1 / self.num_classes

    def per_class(self) -> tuple[Tensor, Tensor]:
        """Return (K,) top-1 accuracy of each class (NaN where it has no video) and (K,) counts."""
        counts = torch.bincount(self.label, minlength=self.num_classes)
        hits = torch.bincount(self.label[self.correct()], minlength=self.num_classes)
        return hits.double() / counts, counts

    def mean_class_accuracy(self) -> float:
        """Mean of the per-class accuracies over the classes that have videos."""
        accuracy, counts = self.per_class()
        return accuracy[counts > 0].mean().item()

    def negative_log_likelihood(self) -> float:
        """Mean of -log p(label) over the videos that were read; p is at least 1e-12."""
        chosen = self.answers.score_true[~self.failed]
        return -chosen.clamp_min(1e-12).log().double().mean().item()

    def confidence(self) -> Tensor:
        """(N,) float32, the probability of the best class; 0 where the video failed."""
        return self.answers.confidence

    def calibration_error(self, num_bins: int = 15) -> float:
        """Expected calibration error over the videos that were read."""
        read = ~self.failed
        return expected_calibration_error(
            self.confidence()[read], self.correct()[read], num_bins=num_bins
        )

    def confusion(self) -> Tensor:
        """(K, K) int64 counts, true class by predicted class; failed videos are left out."""
        cell = (self.label * self.num_classes + self.predicted())[~self.failed]
        shape = (self.num_classes, self.num_classes)
        return torch.bincount(cell, minlength=self.num_classes**2).view(shape)


@dataclass(frozen=True)
class Evaluation:
    """The results of one pass over a list of videos; names are kept as `wording.utf8` has them.

    Attributes:
        results: with all the views.
        classes: (K,) names.
        ids: name of every video of the list, by index.
        views: results of cheaper view settings by name ("1x1"), the whole one included.
        setting: name of the whole one ("10x3"); "" without ``views``.
        absent: ids that the list names and that are not on disk.
    """

    results: ScoredVideos
    classes: Sequence[str]
    ids: Sequence[str]
    views: Mapping[str, ScoredVideos] = field(default_factory=dict)
    setting: str = ""
    absent: Sequence[str] = ()

    def __post_init__(self) -> None:
        for names in ("classes", "ids", "absent"):
            object.__setattr__(self, names, [utf8(name) for name in getattr(self, names)])
        results = self.results
        if (len(self.classes), len(self.ids)) != (results.num_classes, results.expected):
            raise ValueError(
                f"{len(self.classes)} class names for scores of {results.num_classes} classes, "
                f"{len(self.ids)} ids for a list of {results.expected} videos"
            )
        reasons = sum(bool(reason) for reason in results.reasons)
        different = len(results.index.unique())
        if reasons != results.num_failed or different != len(results.index):
            raise MissingVideosError(
                f"{len(self.ids)} videos are listed; {results.num_scored} scores, "
                f"{results.num_failed} failures, {reasons} reasons for {different} different ones "
                "do not add up"
            )
