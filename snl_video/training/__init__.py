"""The LightningModule, its optimiser and its callbacks."""

from snl_video.training.classifier import VideoClassifier
from snl_video.training.optim import OptimizerSpec, ScheduleSpec

__all__ = ["OptimizerSpec", "ScheduleSpec", "VideoClassifier"]
