"""PyAV: reads whatever FFmpeg reads; seeks where that is exact, else reads forward."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from itertools import pairwise

import av
import numpy as np

from snl_video.data.decoding.reader import (
    MAX_PIXELS,
    NOT_A_VIDEO,
    Known,
    SizedByFirstFrame,
    video_errors,
)
from snl_video.data.decoding.streams import ToRGB, decoded, is_data, open_stream, packets
from snl_video.errors import VideoError

EMPTY_PACKET_BYTES = 8
"""MPEG-4 packets up to this size carry no picture: a dropped frame or the tail of a packed one."""

WORTH_A_SEEK = 32
"""Frames that must be passed over before a seek costs less than to decode them."""

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

    def stretches(self, indices: list[int]) -> list[tuple[int | None, list[int]]]:
        """Split ascending frame numbers where a seek spares at least `WORTH_A_SEEK` frames.

        Returns:
            for each stretch the time of the last key frame that is not after its first frame, None
            to start at the beginning, and its frames; one stretch where frames have no times.
        """
        if indices[-1] >= len(self.times) or not self.keys:
            return [(None, indices)]
        of_keys = np.searchsorted(self.times, self.keys)
        keys = (np.searchsorted(of_keys, indices, side="right") - 1).tolist()
        cuts = [
            i
            for i in range(1, len(indices))
            if keys[i] > 0 and of_keys[keys[i]] - indices[i - 1] > WORTH_A_SEEK
        ]
        if keys[0] < 0 or (keys[0] == 0 and not cuts):
            return [(None, indices)]
        bounds = pairwise([0, *cuts, len(indices)])
        return [(self.keys[keys[a]], indices[a:b]) for a, b in bounds]


def _time(packet: av.Packet) -> int | None:
    return packet.dts if packet.pts is None else packet.pts


class Pictures:
    """Decoded frames as one array, (count, H, W, 3) uint8, each copied once.

    Args:
        count: frames that will be added.
        size: (width, height) by the header.
    """

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        self._to_rgb = ToRGB(size)
        self._count = count
        self._array = np.empty((0, 0, 0, 3), np.uint8)
        self.taken = 0

    def add(self, frame: av.VideoFrame) -> None:
        """Convert and keep a frame."""
        image = self._to_rgb(frame)
        if not self.taken:
            self._array = np.empty((self._count, *image.shape), np.uint8)
        self._array[self.taken] = image
        self.taken += 1

    def array(self) -> np.ndarray:
        """All of them."""
        return self._array


class PyAVReader(SizedByFirstFrame):
    """Reads forward from the last key frame before a frame asked for, or from the start of the file
    where a seek could land elsewhere; converts only the frames asked for.

    Packets that do not decode are passed over. `num_frames` counts packets, as decord does. Frames
    that are to be shown rotated come rotated; a change of size in the middle is scaled away.

    Raises:
        VideoError: there is no video stream, or its frames have more than `max_pixels`.
    """

    def __init__(self, path: str, known: Known | None = None, max_pixels: int = MAX_PIXELS) -> None:
        self._path = path
        self._max_pixels = max_pixels
        self._open = ExitStack()  # closed with the reader, which lives for one call
        with video_errors(path, NOT_A_VIDEO, "PyAV"):
            opened = self._open.enter_context(open_stream(path, max_pixels))
            self._container, self._stream = opened
            self.fps = float(self._stream.average_rate or 0)
            self._size = self._stream.width, self._stream.height
            self.pixels = self._stream.width * self._stream.height
            self.num_frames = known.frames if known else self._packets.count
            if self.num_frames == 0 or self.pixels == 0:
                raise VideoError(path, f"{NOT_A_VIDEO} (it holds no frame)")

    @cached_property
    def _packets(self) -> Packets:
        return Packets(self._container, self._stream)

    def read(self, indices: list[int]) -> np.ndarray:
        """Frames at strictly ascending `indices` as uint8 (T, H, W, 3)."""
        with video_errors(self._path, "does not decode, fetch the file again", "PyAV"):
            pictures = Pictures(len(indices), self._size)
            for start, part in self._packets.stretches(indices):
                if start is None or not self._after_seek(start, part, pictures):
                    pictures = Pictures(len(indices), self._size)
                    self._from_the_start(indices, pictures)
                    break
            return pictures.array()

    def _after_seek(self, start: int, indices: list[int], pictures: Pictures) -> bool:
        """Add frames by their times; False where the seek led elsewhere or not all of them came."""
        places = {time: place for place, time in enumerate(self._packets.times)}
        wanted = iter(indices)
        number = next(wanted)
        try:
            self._container.seek(start, stream=self._stream, backward=True, any_frame=False)
            for frame in decoded(self._container, self._stream, self._max_pixels):
                place = -1 if frame.pts is None else places.get(frame.pts, -1)
                if place > number:
                    return False
                if place == number:
                    pictures.add(frame)
                    if (number := next(wanted, -1)) < 0:
                        return True
        except (av.FFmpegError, ValueError, OSError):
            pass
        return False

    def _from_the_start(self, indices: list[int], pictures: Pictures) -> None:
        """Add frames counted from the start of the file, its last one for those that don't come."""
        last = None
        with open_stream(self._path, self._max_pixels) as (container, stream):
            for number, frame in enumerate(decoded(container, stream, self._max_pixels)):
                last = frame
                if number == indices[pictures.taken]:
                    pictures.add(frame)
                    if pictures.taken == len(indices):
                        return
            refused = stream.codec_context.width == 0  # FFmpeg's mark of a size that it refuses
        if refused:
            raise VideoError(
                self._path,
                f"frames change to a size that is broken or far beyond decoding.max_pixels="
                f"{self._max_pixels}; fetch the file again, or scale it down",
            )
        if last is None:
            raise VideoError(self._path, f"{NOT_A_VIDEO} (none of its frames decodes)")
        for _ in indices[pictures.taken :]:
            pictures.add(last)
