"""The index beside a list: lengths known without opening a file, in a few bytes a video."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute

from snl_video.data.addresses import below, is_address
from snl_video.data.decoding import Known
from snl_video.data.manifest.file_size import size_and_time
from snl_video.data.manifest.table import read_table
from snl_video.data.video_list import VideoList
from snl_video.errors import StaleIndexError, VideoError
from snl_video.wording import utf8

NAME = "video_index.parquet"
"""What the index is called in the data set's root, where nothing else is said."""

SAME_TIME_NS = 2_000_000_000
"""Times closer than this are equal: some file systems keep even seconds."""

UNKNOWN_TIME = np.iinfo(np.int64).min
"""When a file was written that is at an address."""

COLUMNS = ("path", "bytes", "mtime_ns", "frames", "seekable", "width", "height", "error")


class VideoIndex:
    """What an index says about the records of one list: arrays, no object a video.

    Args:
        table: rows of files, with `COLUMNS`.
        videos: the list.
        root: what the paths of the index are relative to.
        source: of the table, for messages.
    """

    def __init__(
        self, table: pa.Table, videos: VideoList, root: str | Path, source: str | Path
    ) -> None:
        self.source = str(source)
        names = (relative_path(r.path, root) if r.path else None for r in videos.records)
        paths = pa.array(names, pa.string())
        places = pa.compute.index_in(paths, table["path"].combine_chunks())
        rows = table.take(pa.compute.fill_null(places, 0))
        self._there = np.asarray(places.is_valid()) if len(table) else np.zeros(len(paths), bool)
        self._bytes = _array(rows, "bytes", np.int64)
        self._mtime_ns = _array(rows, "mtime_ns", np.int64, UNKNOWN_TIME)
        self._frames = _array(rows, "frames", np.int32)
        self._seekable = _array(rows, "seekable", np.bool_)
        self._width = _array(rows, "width", np.int32)
        self._height = _array(rows, "height", np.int32)
        errors = rows["error"].to_pylist()
        self._errors = {i: text for i, text in enumerate(errors) if text and self._there[i]}

    @classmethod
    def read(cls, file: str | Path, videos: VideoList, root: str | Path) -> VideoIndex:
        """What a Parquet or CSV file says.

        Raises:
            AnnotationError: the file is not an index.
        """
        return cls(read_table(file, COLUMNS), videos, root, file)

    def __len__(self) -> int:
        """Videos of the list that are in the index."""
        return int(self._there.sum())

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        files = (self._there, self._bytes, self._mtime_ns)
        arrays = (*files, self._frames, self._seekable, self._width, self._height)
        return sum(array.nbytes for array in arrays)

    def known(self, number: int, path: str) -> Known | None:
        """What is known of a record, which must still be the file that was indexed.

        Args:
            number: of the record in the list.
            path: of the file.

        Returns:
            None when the index does not have it.

        Raises:
            StaleIndexError: the file's size or time is another one.
            VideoError: it could not be read when it was indexed.
        """
        if not self._there[number]:
            return None
        size_now, time_now = size_and_time(path)
        if size_now is None:
            return None
        size, time = int(self._bytes[number]), int(self._mtime_ns[number])
        apart = 0 if time_now is None or time == UNKNOWN_TIME else time_now - time
        if size_now != size or abs(apart) > SAME_TIME_NS:
            raise StaleIndexError(
                f"{path} changed after it was indexed in {self.source} ({size} bytes then, "
                f"{size_now} now, written {apart / 1e9:+.0f} s apart); run snl-video check again, "
                "or delete the index"
            )
        if number in self._errors:
            raise VideoError(path, self._errors[number])
        return Known(
            int(self._frames[number]),
            bool(self._seekable[number]),
            int(self._width[number]),
            int(self._height[number]),
        )


def relative_path(path: str, root: str | Path) -> str:
    """A file's path relative to the root, "/" between parts; see `wording.utf8`."""
    if is_address(path):
        return utf8(below(path, root))
    start = os.path.join(os.fspath(root), "")
    if path.startswith(start) and ".." not in path:
        return utf8(path[len(start) :].replace(os.sep, "/").lstrip("/"))
    return utf8(Path(os.path.relpath(path, root)).as_posix())


def _array(table: pa.Table, name: str, kind: type, missing: int = 0) -> np.ndarray:
    column = pa.compute.fill_null(table[name], bool(missing) if kind is np.bool_ else missing)
    return np.asarray(column).astype(kind)
