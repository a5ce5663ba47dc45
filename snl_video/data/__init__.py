"""Videos on disk to uint8 batches: lists, decoding, clip sampling, transforms, loaders."""

from snl_video.data.annotations import AnnotationError, VideoList, VideoRecord
from snl_video.data.augmentation import Augmentation, AugmentSpec
from snl_video.data.datamodule import VideoDataModule
from snl_video.data.dataset import EvalVideos, TrainVideos
from snl_video.data.decoding import open_video
from snl_video.data.errors import VideoError

__all__ = [
    "AnnotationError",
    "AugmentSpec",
    "Augmentation",
    "EvalVideos",
    "TrainVideos",
    "VideoDataModule",
    "VideoError",
    "VideoList",
    "VideoRecord",
    "open_video",
]
