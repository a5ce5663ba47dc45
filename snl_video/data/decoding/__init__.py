"""Open a video and take frames from it by index."""

from snl_video.data.decoding.backends import Backend, open_reader
from snl_video.data.decoding.reader import Known, VideoReader
from snl_video.data.decoding.video import DecodingSettings, Video, open_video

__all__ = [
    "Backend",
    "DecodingSettings",
    "Known",
    "Video",
    "VideoReader",
    "open_reader",
    "open_video",
]
