"""Files at addresses that fsspec knows: s3://, gs://, hf://, https://, zip:// and others.

`simplecache::s3://bucket/a.mp4` keeps a copy on the local disk; see fsspec's "URL chaining".
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from functools import lru_cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO

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
    """A path below a root, which may be an address; an absolute part or an address stands alone.

    Below zip://videos::s3://bucket/all.zip is zip://videos/a.mp4::s3://bucket/all.zip.
    """
    path = str(root)
    for part in filter(None, parts):
        if is_address(part) or not is_address(path):
            path = part if is_address(part) else os.path.join(path, part)
        elif (part := PurePosixPath(part).as_posix()) != ".":
            before, url, after = _split(path)
            folder = url if url.endswith("://") else f"{url.rstrip('/')}/"
            path = f"{before}{folder}{part}{after}"
    return path


def below(path: str, root: str | Path) -> str:
    """The part of an address that `join` put below a root; all of it where it is not below."""
    before, url, after = _split(path)
    start, folder, end = _split(str(root)) if is_address(root) else ("", "", "")
    folder = folder if folder.endswith("://") else f"{folder.rstrip('/')}/"
    inside = (before, after) == (start, end) and url.startswith(folder)
    return url[len(folder) :] if inside else path


def split_name(address: str) -> tuple[str, str]:
    """The folder that a file or folder at an address is in, and its name; as `os.path.split`."""
    before, url, after = _split(address)
    kind, _, path = url.partition("://")
    folder, _, name = path.rstrip("/").rpartition("/")
    return f"{before}{kind}://{folder}{after}", name


def _split(address: str) -> tuple[str, str, str]:
    """What stands before and after the part of a chained address that holds the path."""
    bits = address.split("::")
    first = next(number for number, bit in enumerate(bits) if "://" in bit)
    before, after = bits[:first], bits[first + 1 :]
    return "".join(f"{bit}::" for bit in before), bits[first], "".join(f"::{bit}" for bit in after)


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


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
    entries = entries_in(folder)
    return None if entries is None else list(entries)


def entries_in(folder: str | Path) -> dict[str, int | None] | None:
    """What is in a folder at an address: bytes of a file, None of a folder; see `names_in`."""
    files, path = fsspec.url_to_fs(str(folder))
    if is_http(folder):
        return None
    try:
        found = files.ls(path, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {_last(e["name"]): e["size"] or 0 if e["type"] == "file" else None for e in found}


def is_http(path: str | Path) -> bool:
    """Whether a path is on a web server, which can't tell what is in a folder."""
    return is_address(path) and _split(str(path))[1].startswith(("http://", "https://"))


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
    file = folder / split_name(path)[1]
    if not file.exists():
        with whole_file(file) as scratch:
            fetch(path, scratch)
    return file


def fetch(path: str, file: Path) -> None:
    """Copy a file at an address.

    Raises:
        FileNotFoundError, PermissionError, Exception: whatever the file system raises.
    """
    with open_address(path) as source, file.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    size, here = size_of(path), file.stat().st_size
    if size is not None and size != here:
        raise ConnectionError(f"{here} bytes of {size} arrived")


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
