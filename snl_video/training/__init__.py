"""The LightningModule, its optimiser, its callbacks and what fine-tuning needs."""

from snl_video.training.callbacks.minimum_steps import MinimumSteps
from snl_video.training.callbacks.moving_average import MovingAverage
from snl_video.training.callbacks.precise_bn import PreciseBatchNorm
from snl_video.training.module import VideoClassifier
from snl_video.training.optim import OptimizerSpec, ScheduleSpec

__all__ = [
    "MinimumSteps",
    "MovingAverage",
    "OptimizerSpec",
    "PreciseBatchNorm",
    "ScheduleSpec",
    "VideoClassifier",
]
