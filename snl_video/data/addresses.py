"""Files at addresses that fsspec knows: s3://, gs://, hf://, https://, zip:// and others.

`simplecache::s3://bucket/a.mp4` keeps a copy on the local disk; see fsspec's "URL chaining".
"""

from __future__ import annotations

import io
import os
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import fsspec

WHOLE = 32 << 20
"""Bytes up to which a file is fetched in one go; of a larger one, what a decoder asks for."""

TRIES = 3
"""Times that a file is asked for where the connection breaks or the server fails."""


def is_address(path: str | Path) -> bool:
    """Whether a path is an address, and no file of this machine."""
    return "://" in str(path)


def join(root: str | Path, *parts: str) -> str:
    """A path below a root, which may be an address; an absolute part or an address stands alone."""
    path = str(root)
    for part in filter(None, parts):
        if is_address(part) or not is_address(path):
            path = part if is_address(part) else os.path.join(path, part)
        else:
            path = f"{path.rstrip('/')}/{part}"
    return path


def names_in(folder: str | Path) -> list[str] | None:
    """Names of what is in a folder; none where there is no folder.

    Returns:
        None where the server can't tell, as over HTTP.
    """
    if not is_address(folder):
        try:
            return os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
    files, path = fsspec.url_to_fs(str(folder))
    if "http" in files.protocol or "https" in files.protocol:
        return None
    try:
        return [name.rstrip("/").rpartition("/")[2] for name in files.ls(path, detail=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def local_copy(path: str) -> Path:
    """Fetch a file at an address, under its own name, until the program ends.

    Raises:
        FileNotFoundError, PermissionError, Exception: whatever the file system raises.
    """
    return Path(fsspec.open_local(f"simplecache::{path}", simplecache={"same_names": True}))


def open_address(path: str) -> BinaryIO:
    """Open a file at an address, to read and to seek.

    Raises:
        FileNotFoundError, PermissionError, Exception: whatever the file system raises.
    """
    for _ in range(TRIES - 1):
        try:
            return _open(path)
        except (FileNotFoundError, PermissionError):
            raise
        except Exception:  # what a broken connection raises differs from one library to the next
            _size.cache_clear()
            _content.cache_clear()
    return _open(path)


def _open(path: str) -> BinaryIO:
    files, name = fsspec.url_to_fs(path)
    size = _size(path)
    if size is not None and size > WHOLE:
        return files.open(name, "rb")
    content = _content(path)
    if size is not None and len(content) != size:
        raise ConnectionError(f"{len(content)} bytes of {size} arrived")
    return io.BytesIO(content)


# a reader opens its file more than once, and is done before the next is opened
@lru_cache(maxsize=1)
def _size(path: str) -> int | None:
    files, name = fsspec.url_to_fs(path)
    return files.size(name)


@lru_cache(maxsize=1)
def _content(path: str) -> bytes:
    files, name = fsspec.url_to_fs(path)
    return files.cat_file(name)
