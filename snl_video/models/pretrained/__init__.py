"""Weights from elsewhere into the networks here."""

from snl_video.models.pretrained.load import load_pretrained
from snl_video.models.pretrained.report import LoadReport, Mismatch, PretrainedError

__all__ = ["LoadReport", "Mismatch", "PretrainedError", "load_pretrained"]
