"""Look at every file once, in parallel, and go on where an interrupted scan stopped."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from snl_video.data.addresses import is_address
from snl_video.data.decoding.file_facts import inspect
from snl_video.data.decoding.guard import Guard
from snl_video.data.manifest.index import relative_path
from snl_video.data.manifest.table import SCHEMA, read_table, write_table
from snl_video.errors import AnnotationError, VideoError
from snl_video.wording import utf8

HEAD_BYTES = 1 << 16
SAVE_EVERY_S = 30.0

Row = dict[str, Any]


def scan(
    paths: Sequence[str],
    root: str | Path,
    index: str | Path,
    *,
    full: bool = False,
    workers: int = 2,
    timeout: float = 60,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pa.Table:
    """Bring an index up to date with the files, and return the rows of `paths` in their order.

    Rows of unchanged files are kept. What is done is saved twice a minute and when the scan is
    interrupted, so that the next one goes on.

    Args:
        paths: files, each once.
        root: what the paths of the index are relative to.
        index: the Parquet or CSV file.
        full: decode every frame; rows of a quick scan are then done again.
        workers: files looked at in parallel, each in a process that is stopped when it hangs.
        timeout: seconds after which it counts as hanging.
        progress: called with the numbers of files done and in all.

    Raises:
        AnnotationError: a path is an address.
    """
    if remote := [path for path in paths if is_address(path)]:
        raise AnnotationError(f"{remote[0]} is an address; an index is made of local files only")
    names = [relative_path(path, root) for path in paths]
    rows = _fresh_rows(index, dict(zip(names, paths, strict=True)), full)
    to_do = [(name, path) for name, path in zip(names, paths, strict=True) if name not in rows]
    progress(len(names) - len(to_do), len(names))
    saved = time.monotonic()
    looker = _Looker(full, timeout)
    pool = ThreadPoolExecutor(max(workers, 1))
    try:
        futures = [pool.submit(looker.row, name, path) for name, path in to_do]
        for done, future in enumerate(as_completed(futures), len(names) - len(to_do) + 1):
            row = future.result()
            rows[row["path"]] = row
            progress(done, len(names))
            if time.monotonic() - saved > SAVE_EVERY_S:
                _save(rows, names, index)
                saved = time.monotonic()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        looker.close()
        table = _save(rows, names, index)
    return table


def _fresh_rows(index: str | Path, paths: dict[str, str], full: bool) -> dict[str, Row]:
    if not Path(index).exists():
        return {}
    fresh = {}
    for row in read_table(index).to_pylist():
        path = paths.get(row["path"])
        if path is None or (full and row["decoded"] is None and row["error"] is None):
            continue
        if _size_and_time(path) == (row["bytes"], row["mtime_ns"]):
            fresh[row["path"]] = row
    return fresh


def _save(rows: dict[str, Row], names: list[str], index: str | Path) -> pa.Table:
    table = pa.Table.from_pylist([rows[name] for name in names if name in rows], SCHEMA)
    write_table(table, index)
    return table


def _size_and_time(path: str) -> tuple[int | None, int | None]:
    try:
        status = os.stat(path)
    except OSError:
        return None, None
    return status.st_size, status.st_mtime_ns


class _Looker:
    """Looks at files in the threads of a pool, each of which has a child process."""

    def __init__(self, full: bool, timeout: float) -> None:
        self._full = full
        self._timeout = timeout
        self._local = threading.local()
        self._guards: list[Guard] = []

    def row(self, name: str, path: str) -> Row:
        size, mtime_ns = _size_and_time(path)
        row: Row = {"path": name, "bytes": size, "mtime_ns": mtime_ns, "error": None}
        try:
            facts = self._inspect(path)
            row["head_hash"] = head_hash(path)
            return row | asdict(facts)
        except VideoError as error:
            return row | {"error": utf8(error.reason)}
        except OSError as error:
            return row | {"error": f"cannot be read ({error.strerror}); check permissions"}

    def _inspect(self, path: str) -> Any:
        if not hasattr(os, "fork"):
            return inspect(path, self._full)
        if not hasattr(self._local, "guard"):
            self._local.guard = Guard()
            self._guards.append(self._local.guard)
        return self._local.guard.inspect(path, self._full, self._timeout)

    def close(self) -> None:
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
    """Hash of a whole file, or of all files of a folder, 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for name in _files_of(path):
        with open(name, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _files_of(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    with os.scandir(path) as entries:
        return sorted(entry.path for entry in entries if entry.is_file())
