"""Weights from elsewhere into the networks here."""

from snl_video.models.pretrained.classes import (
    first_difference,
    kinetics400_classes,
    known_classes,
)
from snl_video.models.pretrained.load import load_pretrained
from snl_video.models.pretrained.mmaction import from_mmaction
from snl_video.models.pretrained.report import LoadReport, Mismatch, PretrainedError
from snl_video.models.pretrained.slowfast import from_slowfast
from snl_video.models.pretrained.spec import PretrainedSpec, as_pretrained, load_spec

__all__ = [
    "LoadReport",
    "Mismatch",
    "PretrainedError",
    "PretrainedSpec",
    "as_pretrained",
    "first_difference",
    "from_mmaction",
    "from_slowfast",
    "kinetics400_classes",
    "known_classes",
    "load_pretrained",
    "load_spec",
]
