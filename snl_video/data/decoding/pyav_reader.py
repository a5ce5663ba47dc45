"""PyAV: reads forward, and reads whatever FFmpeg reads."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np

from snl_video.data.decoding.containers import is_data
from snl_video.data.decoding.reader import NOT_A_VIDEO, one_line
from snl_video.data.errors import VideoError


class PyAVReader:
    """Reads forward from the start with PyAV, converting only the frames asked for.

    Packets that do not decode are passed over. `num_frames` counts packets, as decord does.

    Raises:
        VideoError: there is no video stream.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            with av.open(path, metadata_errors="ignore") as container:
                if not container.streams.video:
                    kinds = sorted({stream.type for stream in container.streams}) or ["none"]
                    raise VideoError(
                        path, f"no video stream (streams: {', '.join(kinds)}); name a video file"
                    )
                stream = container.streams.video[0]
                self.fps = float(stream.average_rate or 0)
                self.height, self.width = stream.height, stream.width
                self.num_frames = sum(map(is_data, container.demux(stream)))
        except (av.FFmpegError, ValueError, OSError) as error:
            raise VideoError(path, f"{NOT_A_VIDEO} (PyAV: {one_line(error)})") from error
        if self.num_frames == 0 or self.height == 0 or self.width == 0:
            raise VideoError(path, f"{NOT_A_VIDEO} (it holds no frame)")

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        out = np.empty((len(indices), self.height, self.width, 3), dtype=np.uint8)
        done, last = 0, None
        try:
            for number, frame in enumerate(self._decode()):
                last = frame
                if number == indices[done]:
                    out[done] = self._pixels(frame)
                    done += 1
                    if done == len(indices):
                        return out
            if last is None:
                raise VideoError(self._path, f"{NOT_A_VIDEO} (none of its frames decodes)")
            out[done:] = self._pixels(last)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise VideoError(
                self._path, f"does not decode, fetch the file again (PyAV: {one_line(error)})"
            ) from error
        return out

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
        return frame.to_ndarray(format="rgb24", width=self.width, height=self.height)
