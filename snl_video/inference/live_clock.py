"""When the frames of live video are due, and how late they are."""

import math
import time

import av

MAX_LATE = 1.0
"""Seconds that decoding may lag; then it goes on at a key frame that comes in time."""
MAX_STEP = 60.0
"""Seconds between two frames; a longer step, or one back, is a jump of the source's clock."""
DRIFT = 1e-3
"""Seconds a second by which the clock of a camera may differ from that of this machine."""


class StreamClock:
    """Time of a stream, from 0 at its first frame, and by `time.monotonic`.

    Args:
        fps: of the stream, for frames without a time.
        paced: it is a recording, so its first frame sets the clock. Of a camera the frame that was
            fastest does, since none can come too early.
        arrival: the times that the source tells are made up; frames count as of when they come.
    """

    def __init__(self, fps: float, *, paced: bool, arrival: bool) -> None:
        self.paced, self.arrival, self.step = paced, arrival, 1 / fps
        self.seconds = -self.step
        self._start = math.nan
        self._origin = math.inf
        self._checked = 0.0

    def show(self, told: float | None) -> tuple[float, float]:
        """Return the seconds of the next frame in the stream, and by `time.monotonic` when due."""
        now = time.monotonic()
        expected = self.seconds + self.step
        if self.arrival:
            told = now
        elif told is None:
            told = expected if math.isnan(self._start) else self._start + expected
        seconds = told - self._start
        if not 0 <= seconds - self.seconds <= MAX_STEP:  # the first frame too, whose start is NaN
            self._start, self._origin, seconds = told - expected, math.inf, expected
        if not self.paced or math.isinf(self._origin):
            self._origin = min(self._origin + DRIFT * (now - self._checked), now - seconds)
        self.seconds, self._checked = seconds, now
        return seconds, self._origin + seconds

    def late(self, packet: av.Packet) -> bool:
        """Whether what a packet holds is so late that it is better left out."""
        if self.arrival or packet.dts is None:
            return False
        seconds = float(packet.dts * packet.time_base) - self._start
        near = abs(seconds - self.seconds) <= MAX_STEP
        return near and time.monotonic() - (self._origin + seconds) > MAX_LATE
