"""The newest clip of live video; what comes while nobody asks is dropped."""

import math
import time
from collections import deque
from threading import Condition, Event, Thread
from typing import NamedTuple

import av
import torch
from torch import Tensor

from snl_video.data.decoding.live_source import is_live, open_live, silent
from snl_video.data.decoding.streams import frames_of, packets, rgb
from snl_video.errors import InputError, VideoError
from snl_video.inference.live_clock import StreamClock
from snl_video.inference.viewing import Viewing


class LiveFrame(NamedTuple):
    """A frame that a clip takes.

    Attributes:
        number: counted over all frames that came.
        seconds: since the first frame of the stream.
        due: when it came or was to be shown, by `time.monotonic`.
        crops: (num_crops, 3, S, S), uint8.
    """

    number: int
    seconds: float
    due: float
    crops: Tensor


class LiveStream:
    """Reads live video in a thread and keeps the frames of the newest clip, cropped; no others.

    Recordings, over HTTP too, are read at the speed at which they play. Where decoding lags, it
    goes on after a whole clip at a key frame that comes in time. Use it as a context.

    Args:
        source: see `open_live`.
        viewing: how a clip is seen.
        timeout: seconds without a frame after which it raises.

    Attributes:
        dropped: frames that came and that no clip spans, up to the last clip.

    Raises:
        InputError: the timeout is not positive.
    """

    def __init__(self, source: str, viewing: Viewing, timeout: float = 10.0) -> None:
        if not 0 < timeout < math.inf:
            raise InputError(f"timeout must be a positive number of seconds, got {timeout}")
        self.source, self.viewing, self.timeout = source, viewing, timeout
        self.dropped = 0
        self._last = -1
        self._coming: deque[LiveFrame] = deque(maxlen=viewing.clip.num_frames)
        self._clip: list[LiveFrame] = []
        self._changed = Condition()
        self._stop = Event()
        self._ended = False
        self._error: Exception | None = None
        self._alive = 0.0
        self._thread = Thread(target=self._read, name=f"reader of {source}", daemon=True)

    def __enter__(self) -> "LiveStream":
        self._alive = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(1)  # one that waits for a network ends after the timeout

    def newest(self, since: float, until: float = math.inf) -> list[LiveFrame]:
        """Wait for a clip that ends at `since` seconds of the stream or later.

        Returns:
            the frames of the newest clip; none if the stream ends before, or at the time `until`
            of `time.monotonic`.

        Raises:
            VideoError: the source cannot be read, falls silent, or breaks off.
        """
        with self._changed:
            while not (self._clip and self._clip[-1].seconds >= since):
                if self._error is not None:
                    raise self._error
                now = time.monotonic()
                if self._ended or now >= until:
                    return []
                if now >= self._alive + self.timeout:
                    raise silent(self.source, self.timeout)
                self._changed.wait(min(self._alive + self.timeout, until) - now)
            frames = self._clip
        self.dropped += max(frames[0].number - self._last - 1, 0)
        self._last = frames[-1].number
        return frames

    def _read(self) -> None:
        try:
            with open_live(self.source, self.timeout) as (container, stream):
                self._read_packets(container, stream)
        except Exception as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_packets(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        length = (container.duration or 0) / av.time_base
        paced = length > 0 or not is_live(self.source)
        arrival = "jpeg" in container.format.name and not paced
        clock = StreamClock(float(stream.average_rate or 25), paced=paced, arrival=arrival)
        number, skipping = 0, False
        for packet in packets(container, stream):
            whole = len(self._coming) in (0, self._coming.maxlen)
            late = clock.late(packet) and whole
            skipping = late or (skipping and not packet.is_keyframe)
            if skipping:
                self._coming.clear()
                stream.codec_context.flush_buffers()
                number += 1
                continue
            for frame in frames_of(packet):
                seconds, due = clock.show(frame.time)
                if self._stop.wait(max(due - time.monotonic(), 0) if paced else 0):
                    return
                if number % self.viewing.clip.interval == 0:
                    self._keep(frame, number, seconds, due)
                number += 1
        self._check_end(number, clock.seconds, length)

    def _keep(self, frame: av.VideoFrame, number: int, seconds: float, due: float) -> None:
        pixels = torch.from_numpy(rgb(frame, (frame.width, frame.height)))
        crops = self.viewing.transform(pixels.permute(2, 0, 1)[None])[:, :, 0]
        self._coming.append(LiveFrame(number, seconds, due, crops))
        with self._changed:
            if len(self._coming) == self._coming.maxlen:
                self._clip = list(self._coming)
            self._alive = time.monotonic()
            self._changed.notify_all()

    def _check_end(self, number: int, seconds: float, length: float) -> None:
        if is_live(self.source) and not 0 < length <= seconds + 1:
            raise VideoError(self.source, f"broke off after {max(seconds, 0):.1f} s")
        if not self._clip:
            span = self.viewing.clip.span
            raise VideoError(self.source, f"ended after {number} frames; one clip spans {span}")
