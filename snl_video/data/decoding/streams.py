"""Open a file with PyAV: the containers and the stream that are read, and its packets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from snl_video.data.addresses import is_address, open_address, why_unreadable
from snl_video.data.decoding.reader import MAX_PIXELS, NOT_A_VIDEO, video_errors
from snl_video.errors import VideoError

CONTAINERS = (
    "mov matroska avi mpegts mpeg mpegvideo m4v h264 hevc vvc av1 obu ivf flv asf ogg rm mxf gxf "
    "nut dv wtv mjpeg mpjpeg vc1 dirac dnxhd yuv4mpegpipe h261 h263 nsv swf flic"
)
"""FFmpeg's names of what is opened: files of video, none that names other files to read."""

ATTACHED_PICTURE = 1 << 10
"""FFmpeg's flag of a stream that is a cover."""

SLACK = 2
"""FFmpeg refuses frames of more than this times the limit, since it counts the edges it adds."""


@contextmanager
def open_stream(
    path: str, max_pixels: int | None = MAX_PIXELS
) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a file and its video stream: the one that a player shows, never a cover picture.

    Raises:
        VideoError: there is none, its frames have more than `max_pixels` where that is given, or
            PyAV raises anything while the file is open.
    """
    with (
        video_errors(path, NOT_A_VIDEO, "PyAV"),
        _source(path) as source,
        av.open(
            source,
            metadata_errors="ignore",
            options={"format_whitelist": CONTAINERS.replace(" ", ",")},
        ) as container,
    ):
        yield container, video_stream(container, path, max_pixels)


@contextmanager
def _source(path: str) -> Iterator[str | BinaryIO]:
    if is_address(path):
        try:
            file = open_address(path)
        except Exception as error:  # each kind of storage has errors of its own
            raise VideoError(path, why_unreadable(error)) from error
        with file:
            yield file
    else:
        yield os.path.abspath(path)  # a name with a colon would be taken for a protocol


def video_stream(
    container: av.container.InputContainer, name: str, max_pixels: int | None = MAX_PIXELS
) -> av.VideoStream:
    """The stream of video that a player shows, never a cover picture.

    Raises:
        VideoError: there is none, or its frames have more than `max_pixels` where that is given.
    """
    stream = container.streams.best("video")
    if not isinstance(stream, av.VideoStream) or _is_cover(stream):
        kinds = ", ".join(sorted({s.type for s in container.streams if s is not stream}))
        raise VideoError(name, f"no video stream (streams: {kinds or 'none'}); name a video file")
    if stream.codec_context is None:
        raise VideoError(name, f"{NOT_A_VIDEO} (FFmpeg does not know its codec)")
    if max_pixels is not None:
        check_pixels(name, stream.width, stream.height, max_pixels)
        stream.codec_context.options = {"max_pixels": str(SLACK * max_pixels)}
    stream.codec_context.thread_count = 1
    return stream


def check_pixels(path: str, width: int, height: int, most: int) -> None:
    """Refuse a frame of more pixels than `decoding.max_pixels`.

    Raises:
        VideoError: it has more.
    """
    if width * height > most:
        raise VideoError(
            path,
            f"a frame of {width}x{height} pixels is more than decoding.max_pixels={most}; scale "
            "the video down, or raise that setting if there is memory for it",
        )


def packets(
    container: av.container.InputContainer, *streams: av.stream.Stream
) -> Iterator[av.Packet]:
    """The packets of streams; the last one of each, not from the file, flushes its decoder.

    Where another stream appeared that was unknown when the file was opened, as sound does that
    begins late in an MPEG-TS, PyAV fails after the last packet; by then all have been delivered.
    """
    try:
        yield from container.demux(*streams)
    except IndexError:
        return


def frames_of(packet: av.Packet, max_pixels: int = MAX_PIXELS) -> list[av.VideoFrame]:
    """The frames of a packet of video; none where it does not decode.

    Raises:
        VideoError: the stream has come to frames of more than `max_pixels`.
    """
    stream = packet.stream
    try:
        frames = packet.decode()
    except av.FFmpegError:
        context = stream.codec_context
        check_pixels(stream.container.name, context.width, context.height, max_pixels)
        return []
    for frame in frames:
        check_pixels(stream.container.name, frame.width, frame.height, max_pixels)
    return frames


def decoded(
    container: av.container.InputContainer, stream: av.VideoStream, max_pixels: int = MAX_PIXELS
) -> Iterator[av.VideoFrame]:
    """All frames of a stream that decode, in the order in which they are shown.

    Raises:
        VideoError: the stream has come to frames of more than `max_pixels`.
    """
    for packet in packets(container, stream):
        yield from frames_of(packet, max_pixels)


class ToRGB:
    """Turns the frames of one stream into pictures; keeps FFmpeg's scaler from frame to frame.

    Args:
        size: (width, height) of the pictures, as the header has it.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._scaler = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """RGB, uint8 (H, W, 3), turned as the display matrix asks; copy it before the next one."""
        width, height = self._size
        plane = self._scaler.reformat(frame, width, height, "rgb24").planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
        image = rows[:, : 3 * width].reshape(height, width, 3)
        return np.rot90(image, round(frame.rotation / 90)) if frame.rotation else image


def rgb(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """One frame as a picture of its own; see `ToRGB`."""
    return ToRGB(size)(frame).copy()


def is_data(packet: av.Packet) -> bool:
    """Whether a packet comes from the file; PyAV ends every stream with one that does not."""
    return packet.size > 0 or packet.dts is not None


def _is_cover(stream: av.VideoStream) -> bool:
    flags = getattr(getattr(stream, "disposition", None), "value", 0)  # none in older PyAV
    return bool(flags & ATTACHED_PICTURE)
