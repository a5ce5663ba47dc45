"""TorchCodec: seeks, and reads with the FFmpeg libraries of the system."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from snl_video.data.decoding.reader import NOT_A_VIDEO, no_frames, one_line, video_errors
from snl_video.errors import VideoError


@lru_cache(maxsize=1)
def video_decoder() -> Any:
    """TorchCodec's decoder class.

    Raises:
        ImportError: the package or the FFmpeg libraries that it needs are absent; says which.
    """
    if find_spec("torchcodec") is None:
        raise ImportError(
            "torchcodec is not installed; pip install 'snl_video[torchcodec]', or use backend=auto"
        )
    try:
        return import_module("torchcodec.decoders").VideoDecoder
    except (ImportError, OSError, RuntimeError) as error:
        raise ImportError(
            "torchcodec is installed but does not load: it needs FFmpeg's shared libraries of a "
            "version that it supports and was built for another torch otherwise; install FFmpeg "
            "(apt install ffmpeg, or conda install ffmpeg) and the torchcodec of this torch, or "
            f"use backend=auto ({one_line(error)})"
        ) from error


class TorchCodecReader:
    """Reads with TorchCodec, one thread, after an exact look at all packets.

    Raises:
        VideoError: TorchCodec cannot open the file.
        ImportError: see `video_decoder`.
    """

    def __init__(self, path: str, pixels: int) -> None:
        decoder = video_decoder()
        self._path = path
        self.pixels = pixels
        with video_errors(path, NOT_A_VIDEO, "TorchCodec"):
            self._decoder = decoder(
                os.path.abspath(path),
                dimension_order="NHWC",
                num_ffmpeg_threads=1,
                seek_mode="exact",
            )
            self.num_frames = len(self._decoder)
            self.fps = float(self._decoder.metadata.average_fps or 0)
            if self.num_frames < 1:
                raise VideoError(path, f"{NOT_A_VIDEO} (it holds no frame)")

    @property
    def height(self) -> int:
        """Pixels; decodes one frame."""
        return self.read([0]).shape[1]

    @property
    def width(self) -> int:
        """Pixels; decodes one frame."""
        return self.read([0]).shape[2]

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        with video_errors(self._path, no_frames(indices), "TorchCodec"):
            return self._decoder.get_frames_at(indices).data.numpy()
