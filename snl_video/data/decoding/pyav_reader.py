"""PyAV: reads whatever FFmpeg reads; seeks where that is exact, else reads forward."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import av
import numpy as np

from snl_video.data.decoding.reader import (
    MAX_PIXELS,
    NOT_A_VIDEO,
    Known,
    SizedByFirstFrame,
    video_errors,
)
from snl_video.data.decoding.streams import decoded, is_data, open_stream, packets, rgb
from snl_video.errors import VideoError

EMPTY_PACKET_BYTES = 8
"""MPEG-4 packets up to this size carry no picture: a dropped frame or the tail of a packed one."""

TIMED = {"mov", "mp4", "matroska", "webm"}
"""Containers that state the time of every frame, by FFmpeg's names."""


class Packets:
    """The packets of a stream: how many, and where decoding may start.

    Attributes:
        count: packets with data; the frames that the container promises.
        times: presentation times in ascending order, so that frame i has `times[i]`; empty where
            a frame cannot be known by its time.
        keys: presentation times of key frames, ascending.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        found = [packet for packet in packets(container, stream) if is_data(packet)]
        self.count = len(found)
        self.times: list[int] = []
        self.keys: list[int] = []
        kinds = set(container.format.name.split(","))
        exact = bool(kinds & TIMED) or (
            "avi" in kinds
            and not stream.codec_context.has_b_frames
            and min((packet.size for packet in found), default=0) > EMPTY_PACKET_BYTES
        )
        times = {time: packet for packet in found if (time := _time(packet)) is not None}
        if exact and len(times) == len(found):
            self.times = sorted(times)
            self.keys = [time for time in self.times if times[time].is_keyframe]

    def start(self, frame: int) -> int | None:
        """Time of the last key frame that is not after a frame; None to start at the beginning."""
        if frame >= len(self.times):
            return None
        place = int(np.searchsorted(self.keys, self.times[frame], side="right")) - 1
        return self.keys[place] if place > 0 else None


def _time(packet: av.Packet) -> int | None:
    return packet.dts if packet.pts is None else packet.pts


class PyAVReader(SizedByFirstFrame):
    """Reads forward from the last key frame before the first frame asked for, or from the start
    where a seek could land elsewhere; converts only the frames asked for.

    Packets that do not decode are passed over. `num_frames` counts packets, as decord does. Frames
    that are to be shown rotated come rotated; a change of size in the middle is scaled away.

    Raises:
        VideoError: there is no video stream, or its frames have more than `max_pixels`.
    """

    def __init__(self, path: str, known: Known | None = None, max_pixels: int = MAX_PIXELS) -> None:
        self._path = path
        self._max_pixels = max_pixels
        with open_stream(path, max_pixels) as (container, stream):
            self.fps = float(stream.average_rate or 0)
            self._size = stream.width, stream.height
            self.pixels = stream.width * stream.height
            if known is None:
                self._packets = Packets(container, stream)
            self.num_frames = known.frames if known else self._packets.count
            if self.num_frames == 0 or self.pixels == 0:
                raise VideoError(path, f"{NOT_A_VIDEO} (it holds no frame)")

    @cached_property
    def _packets(self) -> Packets:
        with open_stream(self._path, self._max_pixels) as (container, stream):
            return Packets(container, stream)

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        with video_errors(self._path, "does not decode, fetch the file again", "PyAV"):
            start = self._packets.start(indices[0])
            images = [] if start is None else self._read_after_seek(indices, start)
            if len(images) < len(indices):  # the seek led elsewhere
                images = self._read(indices, None)
            return np.stack(images)

    def _read_after_seek(self, indices: list[int], start: int) -> list[np.ndarray]:
        try:
            return self._read(indices, start)
        except (av.FFmpegError, ValueError, OSError):
            return []

    def _read(self, indices: list[int], start: int | None) -> list[np.ndarray]:
        """The frames; fewer, only with a `start`, when decoding from there gave not all of them."""
        images: list[np.ndarray] = []
        last = None
        with open_stream(self._path, self._max_pixels) as (container, stream):
            if start is not None:
                container.seek(start, stream=stream, backward=True, any_frame=False)
            for number, frame in self._numbered(container, stream, start):
                last = frame
                if number > indices[len(images)]:
                    return []
                if number == indices[len(images)]:
                    images.append(rgb(frame, self._size))
                    if len(images) == len(indices):
                        return images
            refused = stream.codec_context.width == 0  # FFmpeg's mark of a size that it refuses
        if start is not None:
            return []
        if refused:
            raise VideoError(
                self._path,
                f"frames change to a size that is broken or far beyond decoding.max_pixels="
                f"{self._max_pixels}; fetch the file again, or scale it down",
            )
        if last is None:
            raise VideoError(self._path, f"{NOT_A_VIDEO} (none of its frames decodes)")
        return images + [rgb(last, self._size)] * (len(indices) - len(images))

    def _numbered(
        self,
        container: av.container.InputContainer,
        stream: av.VideoStream,
        start: int | None,
    ) -> Iterator[tuple[int, av.VideoFrame]]:
        """Frames with their numbers: by their times after a seek, else counted."""
        if start is None:
            yield from enumerate(decoded(container, stream, self._max_pixels))
            return
        places = {time: place for place, time in enumerate(self._packets.times)}
        for frame in decoded(container, stream, self._max_pixels):
            if frame.pts is None or frame.pts >= start:
                yield places.get(frame.pts, len(places)), frame  # type: ignore[arg-type]
