"""Annotation lists: which videos, with which label. Nothing here opens a video."""

from snl_video.data.formats.csv_list import csv_classes, read_csv
from snl_video.data.formats.entries import Missing, read_class_file
from snl_video.data.formats.folder import (
    folder_classes,
    folder_held_out,
    folder_subsets,
    read_files,
    read_folder,
)
from snl_video.data.formats.hmdb51 import hmdb51_classes, read_hmdb51
from snl_video.data.formats.kinetics import kinetics_classes, read_kinetics
from snl_video.data.formats.ucf101 import read_ucf101, ucf101_classes
from snl_video.data.holdout import HeldOut, group_of, hold_out
from snl_video.data.video_list import RecordTable, VideoList, VideoRecord

__all__ = [
    "HeldOut",
    "Missing",
    "RecordTable",
    "VideoList",
    "VideoRecord",
    "csv_classes",
    "folder_classes",
    "folder_held_out",
    "folder_subsets",
    "group_of",
    "hmdb51_classes",
    "hold_out",
    "kinetics_classes",
    "read_class_file",
    "read_csv",
    "read_files",
    "read_folder",
    "read_hmdb51",
    "read_kinetics",
    "read_ucf101",
    "ucf101_classes",
]
