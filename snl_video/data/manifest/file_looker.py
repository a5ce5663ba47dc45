"""Look at one file: what it is, and a hash of it."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from snl_video.data.addresses import fetch, is_address, open_address, why_unreadable
from snl_video.data.decoding.file_facts import inspect
from snl_video.data.decoding.guard import Guard
from snl_video.data.manifest.file_size import size_and_time
from snl_video.errors import InputError, VideoError
from snl_video.wording import utf8

HEAD_BYTES = 1 << 16

Row = dict[str, Any]


class Looker:
    """Looks at files in the threads of a pool, each of which has a child process.

    Args:
        full: decode every frame.
        timeout: seconds after which a file counts as hanging.
    """

    def __init__(self, full: bool, timeout: float) -> None:
        self._full = full
        self._timeout = timeout
        self._local = threading.local()
        self._guards: list[Guard] = []

    def row(self, name: str, path: str) -> Row:
        """The row of the index for a file that it calls `name`.

        Raises:
            InputError: see `fetched_row`.
        """
        if is_address(path):
            with TemporaryDirectory() as folder:
                return self.fetched_row(name, path, Path(folder, "video"))
        size, mtime_ns = size_and_time(path)
        row: Row = {"path": name, "bytes": size, "mtime_ns": mtime_ns, "error": None}
        try:
            facts = self._inspect(path)
            row["head_hash"] = head_hash(path)
            return row | asdict(facts)
        except VideoError as error:
            return row | {"error": utf8(error.reason)}
        except OSError as error:
            return row | {"error": f"cannot be read ({error.strerror}); check permissions"}

    def fetched_row(self, name: str, address: str, file: Path) -> Row:
        """The row for a file at an address, which is copied to a local `file` first.

        Raises:
            InputError: the server fails, which says nothing of the video.
        """
        try:
            fetch(address, file)
        except FileNotFoundError as error:
            return {"path": name, "bytes": None, "mtime_ns": None, "error": why_unreadable(error)}
        except Exception as error:  # each kind of storage has errors of its own
            raise InputError(
                f"{address}: {why_unreadable(error)}, and call the same command again"
            ) from error
        row = self.row(name, str(file)) | {"mtime_ns": None}
        if row["error"]:
            row["error"] = row["error"].replace(str(file), address)
        return row

    def _inspect(self, path: str) -> Any:
        if not hasattr(os, "fork"):
            return inspect(path, self._full)
        if not hasattr(self._local, "guard"):
            self._local.guard = Guard()
            self._guards.append(self._local.guard)
        return self._local.guard.inspect(path, self._full, self._timeout)

    def close(self) -> None:
        """End the child processes."""
        for guard in self._guards:
            guard.close()


def head_hash(path: str) -> str:
    """Hash of a file's size and first 64 KiB, 32 hexadecimal digits.

    Of a folder of frames: of all their sizes together and the first of them.
    """
    files = _files_of(path)
    size = sum(map(os.path.getsize, files))
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with open(files[0], "rb") as file:
        digest.update(file.read(HEAD_BYTES))
    return digest.hexdigest()


def whole_hash(path: str) -> str:
    """Hash of a whole file, or of all files of a folder, 32 hexadecimal digits.

    Raises:
        InputError: it can't be read at its address.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in _files_of(path):
        try:
            with open_address(name) if is_address(name) else open(name, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except Exception as error:  # each kind of storage has errors of its own
            raise InputError(f"{path}: {why_unreadable(error)}") from error
    return digest.hexdigest()


def _files_of(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    with os.scandir(path) as entries:
        return sorted(entry.path for entry in entries if entry.is_file())
