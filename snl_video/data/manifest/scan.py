"""Look at every file once, in parallel, and go on where an interrupted scan stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pyarrow as pa

from snl_video.data.address_paths import path_at
from snl_video.data.manifest.file_looker import Row
from snl_video.data.manifest.file_size import size_and_time
from snl_video.data.manifest.index import relative_path
from snl_video.data.manifest.look import Look, look_here
from snl_video.data.manifest.table import SCHEMA, read_table, write_table

SAVE_EVERY_S = 30.0


def scan(
    paths: Sequence[str],
    root: str | Path,
    index: str | Path,
    *,
    full: bool = False,
    workers: int = 2,
    timeout: float = 60,
    progress: Callable[[int, int], None] = lambda done, total: None,
    look: Look | None = None,
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
        look: looks at the files; by default `look_here`, with these settings.

    Raises:
        InputError: a server fails; what is done is saved.
    """
    names = [relative_path(path, root) for path in paths]
    rows = _fresh_rows(index, dict(zip(names, paths, strict=True)), full, workers)
    to_do = [(name, path) for name, path in zip(names, paths, strict=True) if name not in rows]
    progress(len(names) - len(to_do), len(names))
    saved = time.monotonic()
    look = look or partial(look_here, full=full, workers=workers, timeout=timeout)
    try:
        with closing(look(to_do)) as found:
            for done, row in enumerate(found, len(names) - len(to_do) + 1):
                rows[row["path"]] = row
                progress(done, len(names))
                if time.monotonic() - saved > SAVE_EVERY_S:
                    _save(rows, names, index)
                    saved = time.monotonic()
    finally:
        table = _save(rows, names, index)
    return table


def _fresh_rows(
    index: str | Path, paths: dict[str, str], full: bool, workers: int
) -> dict[str, Row]:
    if not path_at(index).exists():
        return {}
    old = [row for row in read_table(index).to_pylist() if row["path"] in paths]
    if full:
        old = [row for row in old if row["decoded"] is not None or row["error"] is not None]
    with ThreadPoolExecutor(max(workers, 1)) as pool:  # each one is a request at an address
        now = pool.map(size_and_time, [paths[row["path"]] for row in old])
        return {
            row["path"]: row
            for row, found in zip(old, now, strict=True)
            if found == (row["bytes"], row["mtime_ns"])
        }


def _save(rows: dict[str, Row], names: list[str], index: str | Path) -> pa.Table:
    table = pa.Table.from_pylist([rows[name] for name in names if name in rows], SCHEMA)
    write_table(table, index)
    return table
