"""The frames of a video one after another, for files too long to keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from snl_video.data.decoding.containers import check_file
from snl_video.data.decoding.frame_files import holds_frames
from snl_video.data.decoding.frames_reader import FramesReader
from snl_video.data.decoding.streams import ToRGB, decoded, open_stream
from snl_video.errors import VideoError


class FrameStream:
    """Iterates over uint8 frames (H, W, 3), RGB, in the order in which they are shown.

    Every frame is decoded once and none is kept, so memory does not grow with the length.

    Attributes:
        fps: mean frames per second; 25 where the container does not say.

    Args:
        path: the file, or a folder, tar or zip of frames, of 12 a second.

    Raises:
        VideoError: the file is missing, empty, cut short or not a video, or, while it is read,
            holds no frame that decodes.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._pictures = FramesReader(self.path) if holds_frames(self.path) else None
        if self._pictures:
            self.fps = self._pictures.fps
            return
        check_file(self.path)
        with open_stream(self.path) as (_, stream):
            self.fps = float(stream.average_rate or 25)

    def __iter__(self) -> Iterator[Tensor]:
        if self._pictures:
            yield from (torch.from_numpy(picture.copy()) for picture in self._pictures)
            return
        number = 0
        with open_stream(self.path) as (container, stream):
            to_rgb = ToRGB((stream.width, stream.height))
            for frame in decoded(container, stream):
                yield torch.from_numpy(to_rgb(frame).copy())
                number += 1
        if not number:
            raise VideoError(self.path, "none of its frames decodes; fetch the file again")
