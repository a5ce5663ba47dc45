"""What the page takes: how large and how long a video, how many at a time, for how long."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from snl_video.data.decoding.file_facts import inspect
from snl_video.errors import InputError, VideoError


@dataclass(frozen=True)
class Limits:
    """What the page takes of strangers.

    Attributes:
        max_megabytes: of an upload.
        max_seconds: of a video.
        max_work: seconds that one video may take to be recognised.
        queue: videos that may wait; the next one is refused. One is recognised at a time.
        keep_minutes: after which an upload is deleted; at the end of the server all are.
    """

    max_megabytes: int = 200
    max_seconds: float = 600
    max_work: float = 300
    queue: int = 20
    keep_minutes: float = 15

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise InputError(f"{name} must be positive, got {value}")

    def check(self, path: str) -> None:
        """Refuse what is no video, is too large or too long.

        Raises:
            VideoError: it is.
        """
        if os.path.exists(path) and os.path.getsize(path) > self.max_megabytes * 2**20:
            raise VideoError(path, f"larger than {self.max_megabytes} MB; shorten it")
        seconds = inspect(path).seconds
        if seconds > self.max_seconds:
            reason = f"{seconds:.0f} s long; at most {self.max_seconds:g} s are taken, cut it"
            raise VideoError(path, reason)


class Deadline:
    """Ends the work on a video that takes too long."""

    def __init__(self, path: str, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raise VideoError when the time is over."""
        if time.monotonic() > self._end:
            raise VideoError(self.path, f"took more than {self.seconds:g} s; send a shorter one")


def told(error: InputError) -> str:
    """Return the message of an error without the folder of the file."""
    if isinstance(error, VideoError) and error.reason:
        folder = f"{Path(error.path).absolute().parent}{os.sep}"
        return f"{Path(error.path).name}: {error.reason.replace(folder, '')}"
    return str(error)
