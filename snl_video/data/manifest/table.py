"""The index on disk: one row a file, Parquet or CSV by its suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from snl_video.errors import AnnotationError
from snl_video.whole_files import whole_file

SCHEMA = pa.schema(
    [
        ("path", pa.string()),  # relative to the data set's root, "/" between parts
        ("bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("head_hash", pa.string()),  # of the size and the first 64 KiB
        ("codec", pa.string()),
        ("frames", pa.int64()),  # promised
        ("decoded", pa.int64()),  # null until a full scan
        ("fps", pa.float64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("seconds", pa.float64()),
        ("seekable", pa.bool_()),
        ("error", pa.string()),  # null for a file that can be read
    ]
)


def write_table(table: pa.Table, path: str | Path) -> None:
    """Write an index, replacing an older one only when it is complete.

    Raises:
        AnnotationError: the suffix is neither .parquet nor .csv.
    """
    path = _checked(path)
    with whole_file(path) as scratch:
        if path.suffix == ".csv":
            pa.csv.write_csv(table, scratch)
        else:
            pa.parquet.write_table(table, scratch, compression="zstd")


def read_table(path: str | Path, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Read some columns of an index.

    Raises:
        AnnotationError: absent, or not an index.
    """
    path = _checked(path)
    if not path.is_file():
        raise AnnotationError(f"there is no index {path}; write it with snl-video check")
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    try:
        if path.suffix == ".csv":
            convert = pa.csv.ConvertOptions(
                column_types=schema, include_columns=list(columns), strings_can_be_null=True
            )
            return pa.csv.read_csv(path, convert_options=convert).cast(schema)
        return pa.parquet.read_table(path, columns=list(columns)).cast(schema)
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise AnnotationError(
            f"{path} is not an index of this version ({error}); delete it and run "
            "snl-video check again"
        ) from error


def _checked(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        raise AnnotationError(f"an index ends in .parquet or .csv, got {path.name!r}")
    return path
