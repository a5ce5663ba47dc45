"""Look at many files at a time, and yield their rows as they come."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from snl_video.data.manifest.file_looker import Looker, Row

NamedFile = tuple[str, str]
"""Name of a file in the index, and its path."""

Rows = Generator[Row, None, None]

Look = Callable[[Sequence[NamedFile]], Rows]
"""Looks at files, each once, and yields their rows as they come."""


def look_here(files: Sequence[NamedFile], full: bool, workers: int, timeout: float) -> Rows:
    """Look at files in threads, each with a process that is stopped when it hangs.

    Args:
        files: each once.
        full: decode every frame.
        workers: how many threads.
        timeout: seconds after which a file counts as hanging.
    """
    looker = Looker(full, timeout)
    pool = ThreadPoolExecutor(max(workers, 1))
    try:
        futures = [pool.submit(looker.row, name, path) for name, path in files]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        looker.close()


class PartLooker:
    """Looks at some files after another, in one of several processes; see `Looker`."""

    def __init__(self, full: bool, timeout: float) -> None:
        self.looker = Looker(full, timeout)

    def __call__(self, files: Sequence[NamedFile]) -> list[Row]:
        """Return the rows of files."""
        return [self.looker.row(name, path) for name, path in files]
