"""Files at addresses that fsspec knows: s3://, gs://, hf://, https://, zip:// and others.

`simplecache::s3://bucket/a.mp4` keeps a copy on the local disk; see fsspec's "URL chaining".
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import fsspec

from snl_video.data.file_parts import FilePart, part_of
from snl_video.whole_files import whole_file

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
    entries = _entries(folder)
    return None if entries is None else [_last(entry["name"]) for entry in entries]


def sizes_in(folder: str | Path) -> dict[str, int] | None:
    """Bytes of the files in a folder by their names; see `names_in`."""
    entries = _entries(folder)
    if entries is None:
        return None
    return {_last(entry["name"]): entry["size"] for entry in entries if entry["type"] == "file"}


def _entries(folder: str | Path) -> list[dict[str, Any]] | None:
    files, path = fsspec.url_to_fs(str(folder))
    if "http" in files.protocol or "https" in files.protocol:
        return None
    try:
        return files.ls(path, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


def exists(path: str | Path) -> bool:
    """Whether there is such a file.

    Raises:
        Exception: whatever the file system raises where it can't tell.
    """
    if not is_address(path):
        return os.path.isfile(path)
    files, name = fsspec.url_to_fs(str(path))
    try:
        return files.info(name)["type"] == "file"
    except FileNotFoundError:
        return False


def size_of(path: str) -> int | None:
    """Bytes of a file at an address, or of a part of one; None where the server doesn't tell.

    Raises:
        FileNotFoundError, PermissionError, Exception: whatever the file system raises.
    """
    part = part_of(path)
    return part.size if part else _size(path)


def local_copy(path: str) -> Path:
    """Fetch a file at an address, under its own name, until the program ends.

    Raises:
        FileNotFoundError, PermissionError, Exception: whatever the file system raises.
    """
    folder = Path(_copies().name, hashlib.sha256(path.encode("utf-8", "replace")).hexdigest())
    file = folder / _last(path)
    if not file.exists():
        with open_address(path) as source, whole_file(file) as scratch, scratch.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    return file


@lru_cache(maxsize=1)
def _copies() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


def why_unreadable(error: Exception) -> str:
    """What an error of a file system says of a file at an address, and what to do."""
    if isinstance(error, FileNotFoundError):
        return "no such file at this address; check it, or the list that names it"
    text = str(error).strip().splitlines()
    told = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    return f"cannot be read ({told}); check address and keys"


def open_address(path: str) -> BinaryIO:
    """Open a file at an address, or a part of one, to read and to seek.

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
    size = size_of(path)
    if size is not None and size > WHOLE:
        return _open_to_seek(path)
    content = _content(path)
    if size is not None and len(content) != size:
        raise ConnectionError(f"{len(content)} bytes of {size} arrived")
    return io.BytesIO(content)


def _open_to_seek(path: str) -> BinaryIO:
    part = part_of(path)
    files, name = fsspec.url_to_fs(part.file if part else path)
    file = files.open(name, "rb")
    return FilePart(file, part.offset, part.size) if part else file  # type: ignore[return-value]


# a reader opens its file more than once, and is done before the next is opened
@lru_cache(maxsize=1)
def _size(path: str) -> int | None:
    files, name = fsspec.url_to_fs(path)
    return files.size(name)


@lru_cache(maxsize=1)
def _content(path: str) -> bytes:
    part = part_of(path)
    if part is None:
        files, name = fsspec.url_to_fs(path)
        return files.cat_file(name)
    files, name = fsspec.url_to_fs(part.file)
    return files.cat_file(name, start=part.offset, end=part.offset + part.size)
