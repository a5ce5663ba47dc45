"""Two readers of one file: decord, which seeks, and PyAV, which reads forward."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib.util import find_spec

import av
import numpy as np

from snl_video.data.containers import is_data
from snl_video.data.errors import VideoError

NOT_A_VIDEO = "no video stream can be decoded; check that it is a whole video file"


@lru_cache(maxsize=1)
def have_decord() -> bool:
    """Whether decord is installed; silences its log the first time."""
    if find_spec("decord") is None:
        return False
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    return True


def _one_line(error: BaseException) -> str:
    """The informative line of a library's error, without its native stack trace."""
    text = str(error).split("Stack trace")[0].strip()
    if not text:
        return type(error).__name__
    line = re.sub(r"^(\[[\d:]+\] \S+: )+", "", text.splitlines()[0])
    return line.removeprefix("Check failed: ")


class DecordReader:
    """Reads with decord, one thread, never touching decord's process-wide bridge.

    Raises:
        VideoError: decord cannot open the file.
    """

    def __init__(self, path: str) -> None:
        import decord

        self._path = path
        try:
            self._reader = decord.VideoReader(path, num_threads=1)
            self.num_frames = len(self._reader)
            self.fps = float(self._reader.get_avg_fps())
        except Exception as error:  # decord raises bare errors of many types
            raise VideoError(path, f"{NOT_A_VIDEO} (decord: {_one_line(error)})") from error

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
        try:
            return self._reader.get_batch(indices).asnumpy()
        except Exception as error:
            raise VideoError(
                self._path,
                f"frames {indices[0]} to {indices[-1]} do not decode, fetch the file again "
                f"(decord: {_one_line(error)})",
            ) from error


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
            raise VideoError(path, f"{NOT_A_VIDEO} (PyAV: {_one_line(error)})") from error
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
                self._path, f"does not decode, fetch the file again (PyAV: {_one_line(error)})"
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
