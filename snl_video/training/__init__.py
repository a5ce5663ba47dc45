"""The LightningModule, its optimiser, its callbacks and what fine-tuning needs."""

from snl_video.training.callbacks.freezing import Freezing
from snl_video.training.callbacks.minimum_steps import MinimumSteps
from snl_video.training.callbacks.moving_average import MovingAverage
from snl_video.training.callbacks.precise_bn import PreciseBatchNorm
from snl_video.training.callbacks.pretrained_weights import PretrainedWeights
from snl_video.training.loss import LossSpec
from snl_video.training.module import VideoClassifier
from snl_video.training.optim import OptimizerSpec, ScheduleSpec
from snl_video.training.view_scores import EvaluationSpec

__all__ = [
    "EvaluationSpec",
    "Freezing",
    "LossSpec",
    "MinimumSteps",
    "MovingAverage",
    "OptimizerSpec",
    "PreciseBatchNorm",
    "PretrainedWeights",
    "ScheduleSpec",
    "VideoClassifier",
]
