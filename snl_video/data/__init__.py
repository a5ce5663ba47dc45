"""Videos on disk to uint8 batches: lists, decoding, clip sampling, transforms, loaders."""

from snl_video.data.clips import ClipSettings
from snl_video.data.datamodule import VideoDataModule
from snl_video.data.datasets import EvalVideos, TrainVideos, ViewSettings
from snl_video.data.decoding import DecodingSettings, open_video
from snl_video.data.formats import FORMATS, DataSetFormat, ListSettings
from snl_video.data.holdout import HoldoutSettings
from snl_video.data.loaders import LoaderSettings
from snl_video.data.transforms.augmentation import Augmentation, AugmentSpec
from snl_video.data.transforms.clip_operations import AUGMENTATIONS
from snl_video.data.transforms.crops import CropSettings
from snl_video.data.unlabelled import PredictSettings
from snl_video.data.unreadable import BadVideoSettings
from snl_video.data.video_list import VideoList, VideoRecord

__all__ = [
    "AUGMENTATIONS",
    "FORMATS",
    "AugmentSpec",
    "Augmentation",
    "BadVideoSettings",
    "ClipSettings",
    "CropSettings",
    "DataSetFormat",
    "DecodingSettings",
    "EvalVideos",
    "HoldoutSettings",
    "ListSettings",
    "LoaderSettings",
    "PredictSettings",
    "TrainVideos",
    "VideoDataModule",
    "VideoList",
    "VideoRecord",
    "ViewSettings",
    "open_video",
]
