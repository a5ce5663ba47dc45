"""What tells that a file is not the one that was indexed: its size, and when it was written."""

from __future__ import annotations

import os

from snl_video.data.addresses import is_address, size_of


def size_and_time(path: str) -> tuple[int | None, int | None]:
    """Bytes of a file, and when it was written in ns; None for what can't be told.

    At an address the time is not asked for.
    """
    try:
        if is_address(path):
            return size_of(path), None
        status = os.stat(path)
    except Exception:  # each kind of storage has errors of its own
        return None, None
    return status.st_size, status.st_mtime_ns
