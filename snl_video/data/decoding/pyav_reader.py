"""PyAV: reads forward, and reads whatever FFmpeg reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import av
import numpy as np

from snl_video.data.decoding.containers import is_data
from snl_video.data.decoding.reader import NOT_A_VIDEO, Known, one_line
from snl_video.data.errors import VideoError


class PyAVReader:
    """Reads forward from the start with PyAV, converting only the frames asked for.

    Packets that do not decode are passed over. `num_frames` counts packets, as decord does. Frames
    that are to be shown rotated come rotated; a change of size in the middle is scaled away.

    Raises:
        VideoError: there is no video stream.
    """

    def __init__(self, path: str, known: Known | None = None) -> None:
        self._path = path
        try:
            with av.open(path, metadata_errors="ignore") as container:
                if not container.streams.video:
                    kinds = sorted({stream.type for stream in container.streams}) or ["none"]
                    raise VideoError(
                        path, f"no video stream (streams: {', '.join(kinds)}); name a video file"
                    )
                stream = container.streams.video[0]
                if stream.codec_context is None:
                    raise VideoError(path, f"{NOT_A_VIDEO} (FFmpeg does not know its codec)")
                self.fps = float(stream.average_rate or 0)
                self._size = stream.width, stream.height
                self.num_frames = (
                    known.frames if known else sum(map(is_data, container.demux(stream)))
                )
        except (av.FFmpegError, ValueError, OSError) as error:
            raise VideoError(path, f"{NOT_A_VIDEO} (PyAV: {one_line(error)})") from error
        if self.num_frames == 0 or 0 in self._size:
            raise VideoError(path, f"{NOT_A_VIDEO} (it holds no frame)")

    @cached_property
    def _shape(self) -> tuple[int, ...]:
        return self.read([0]).shape

    @property
    def height(self) -> int:
        """Pixels; decodes one frame the first time."""
        return self._shape[1]

    @property
    def width(self) -> int:
        """Pixels; decodes one frame the first time."""
        return self._shape[2]

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        images: list[np.ndarray] = []
        last = None
        try:
            for number, frame in enumerate(self._decode()):
                last = frame
                if number == indices[len(images)]:
                    images.append(self._pixels(frame))
                    if len(images) == len(indices):
                        break
            if last is None:
                raise VideoError(self._path, f"{NOT_A_VIDEO} (none of its frames decodes)")
            if len(images) < len(indices):
                images += [self._pixels(last)] * (len(indices) - len(images))
        except (av.FFmpegError, ValueError, OSError) as error:
            raise VideoError(
                self._path, f"does not decode, fetch the file again (PyAV: {one_line(error)})"
            ) from error
        return np.stack(images)

    def _decode(self) -> Iterator[av.VideoFrame]:
        with av.open(self._path, metadata_errors="ignore") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    continue
                yield from frames

    def _pixels(self, frame: av.VideoFrame) -> np.ndarray:
        """RGB in the size of the stream's header, turned as its display matrix asks."""
        width, height = self._size
        image = frame.to_ndarray(format="rgb24", width=width, height=height)
        return np.rot90(image, round(frame.rotation / 90)) if frame.rotation else image
