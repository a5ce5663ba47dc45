"""Copies of files at addresses on the local disk, which all processes and later runs share."""

from __future__ import annotations

import hashlib
from pathlib import Path

from snl_video.data.addresses import fetch, is_address, split_name, why_unreadable
from snl_video.data.file_parts import part_of
from snl_video.errors import VideoError
from snl_video.whole_files import whole_file


def kept_copy(path: str, folder: str | Path) -> str:
    """Path of the copy of a file at an address, or of a part of one; it is fetched the first time.

    A copy is there whole or not at all, whoever is killed. That the file changes at its address is
    not noticed.

    Args:
        path: the file; a local one is its own copy.
        folder: of the copies, which is made.

    Raises:
        VideoError: it can't be fetched.
    """
    if not is_address(path):
        return path
    part = part_of(path)
    name = part.name if part else split_name(path)[1]
    digest = hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()
    copy = Path(folder, digest[:3], f"{digest[3:32]}-{name[-100:]}")
    if not copy.exists():
        with whole_file(copy) as scratch:
            try:
                fetch(path, scratch)
            except Exception as error:  # each kind of storage has errors of its own
                raise VideoError(path, why_unreadable(error)) from error
    return str(copy)
