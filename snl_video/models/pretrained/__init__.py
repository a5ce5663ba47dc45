"""Weights from elsewhere into the networks here."""

from snl_video.models.pretrained.load import load_pretrained
from snl_video.models.pretrained.mmaction import from_mmaction
from snl_video.models.pretrained.report import LoadReport, Mismatch, PretrainedError
from snl_video.models.pretrained.slowfast import from_slowfast

__all__ = [
    "LoadReport",
    "Mismatch",
    "PretrainedError",
    "from_mmaction",
    "from_slowfast",
    "load_pretrained",
]
