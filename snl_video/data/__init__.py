"""Videos on disk to uint8 batches: lists, decoding, clip sampling, transforms, loaders."""

from snl_video.data.datamodule import VideoDataModule
from snl_video.data.datasets import EvalVideos, TrainVideos
from snl_video.data.decoding import open_video
from snl_video.data.formats import VideoList, VideoRecord
from snl_video.data.transforms.augmentation import Augmentation, AugmentSpec

__all__ = [
    "AugmentSpec",
    "Augmentation",
    "EvalVideos",
    "TrainVideos",
    "VideoDataModule",
    "VideoList",
    "VideoRecord",
    "open_video",
]
