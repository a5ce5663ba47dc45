"""The videos of a list as local files, each looked at, in the order of the list."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from snl_video.data.addresses import is_address
from snl_video.data.decoding.frame_files import holds_frames
from snl_video.data.manifest.file_looker import Looker, Row
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import InputError

ABSENT = "is in the list and not there"


@dataclass(frozen=True)
class LookedAt:
    """A video, and what was found.

    Attributes:
        number: of the record in the list.
        record: of the list.
        found: the row of `snl-video check`; with an `error` where it can't be read.
        file: it, on the local disk.
    """

    number: int
    record: VideoRecord
    found: Row
    file: Path


def looked_at(
    videos: VideoList, first: int, *, full: bool, workers: int, timeout: float
) -> Generator[LookedAt, None, None]:
    """Look at the videos of a list, several at a time. One at an address is fetched for that.

    A fetched file is there until the next video is asked for.

    Args:
        videos: the list.
        first: number of the record to begin with.
        full: decode every frame.
        workers: files looked at in parallel.
        timeout: seconds after which a file counts as hanging.

    Raises:
        InputError: a server fails, or a video is no file but frames.
    """
    looker = Looker(full, timeout)
    waiting: deque[Future[LookedAt]] = deque()
    with TemporaryDirectory() as scratch:
        pool = ThreadPoolExecutor(max(workers, 1))
        try:
            for number in range(first, len(videos)):
                waiting.append(pool.submit(_look, looker, videos, number, Path(scratch)))
                if len(waiting) > 2 * workers:
                    yield from _next(waiting, scratch)
            while waiting:
                yield from _next(waiting, scratch)
        finally:
            pool.shutdown(cancel_futures=True)
            looker.close()


def _next(waiting: deque[Future[LookedAt]], scratch: str) -> Iterator[LookedAt]:
    found = waiting.popleft().result()
    yield found
    if found.file.parent == Path(scratch):
        found.file.unlink(missing_ok=True)


def _look(looker: Looker, videos: VideoList, number: int, scratch: Path) -> LookedAt:
    record = videos.records[number]
    if not record.path:
        return LookedAt(number, record, {"error": ABSENT}, Path())
    if holds_frames(record.path):
        raise InputError(
            f"{record.path} is a folder or archive of frames, and shards hold video files; encode "
            "it as one, or train from where it is"
        )
    if is_address(record.path):
        file = scratch / f"{number}"
        return LookedAt(number, record, looker.fetched_row("", record.path, file), file)
    return LookedAt(number, record, looker.row("", record.path), Path(record.path))
