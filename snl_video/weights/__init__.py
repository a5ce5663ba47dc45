"""Weights from elsewhere into the networks here."""

from snl_video.weights.build import build_model
from snl_video.weights.class_names import (
    first_difference,
    kinetics400_classes,
    known_classes,
)
from snl_video.weights.formats.mmaction import from_mmaction
from snl_video.weights.formats.pyslowfast import from_slowfast
from snl_video.weights.load import load_pretrained, load_spec
from snl_video.weights.load_report import LoadReport, Mismatch
from snl_video.weights.pretrained_spec import PretrainedSpec, as_pretrained

__all__ = [
    "LoadReport",
    "Mismatch",
    "PretrainedSpec",
    "as_pretrained",
    "build_model",
    "first_difference",
    "from_mmaction",
    "from_slowfast",
    "kinetics400_classes",
    "known_classes",
    "load_pretrained",
    "load_spec",
]
