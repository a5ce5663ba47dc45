"""The LightningModule, its optimiser, its callbacks and what fine-tuning needs."""

from snl_video.training.classifier import VideoClassifier
from snl_video.training.ema import MovingAverage
from snl_video.training.minimum_steps import MinimumSteps
from snl_video.training.optim import OptimizerSpec, ScheduleSpec
from snl_video.training.precise_bn import PreciseBatchNorm

__all__ = [
    "MinimumSteps",
    "MovingAverage",
    "OptimizerSpec",
    "PreciseBatchNorm",
    "ScheduleSpec",
    "VideoClassifier",
]
