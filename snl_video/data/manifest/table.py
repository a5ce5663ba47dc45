"""The index on disk: one row a file, Parquet or CSV by its suffix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from snl_video.data.address_paths import AddressPath, AnyPath, path_at
from snl_video.data.addresses import split_name, why_unreadable
from snl_video.data.filled_folders import new_file_at, read_file
from snl_video.errors import AnnotationError

FORMULA = r"[=+@\t\r-]"
"""How a cell of a CSV begins that a spreadsheet would compute; an apostrophe stands before it."""

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
    place = _checked(path)
    with new_file_at(place) as scratch:
        if place.name.endswith(".csv"):
            pa.csv.write_csv(_with_texts(table, f"^({FORMULA})", r"'\1"), scratch)
        else:
            pa.parquet.write_table(table, scratch, compression="zstd")


def read_table(path: str | Path, columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Read some columns of an index.

    Raises:
        AnnotationError: absent, or not an index.
    """
    place = _checked(path)
    if not place.is_file():
        raise AnnotationError(f"there is no index {path}; write it with snl-video check")
    file = place if isinstance(place, Path) else _fetched(place)
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    try:
        if place.name.endswith(".csv"):
            convert = pa.csv.ConvertOptions(
                column_types=schema, include_columns=list(columns), strings_can_be_null=True
            )
            table = pa.csv.read_csv(file, convert_options=convert).cast(schema)
            return _with_texts(table, f"^'({FORMULA})", r"\1")
        return pa.parquet.read_table(file, columns=list(columns)).cast(schema)
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise AnnotationError(
            f"{path} is not an index of this version ({error}); delete it and run "
            "snl-video check again"
        ) from error


def _with_texts(table: pa.Table, pattern: str, replacement: str) -> pa.Table:
    """The table with something in the texts that users name replaced."""
    for name in {"path", "error"} & set(table.column_names):
        place = table.column_names.index(name)
        texts = pa.compute.replace_substring_regex(table[name], pattern, replacement)
        table = table.set_column(place, table.schema.field(name), texts)
    return table


def _checked(path: str | Path) -> AnyPath:
    place = path_at(path)
    if not place.name.endswith((".parquet", ".csv")):
        raise AnnotationError(f"an index ends in .parquet or .csv, got {place.name!r}")
    return place


def _fetched(place: AddressPath) -> pa.BufferReader:
    try:
        return pa.BufferReader(read_file(*split_name(place.address)))
    except Exception as error:  # each kind of storage has errors of its own
        raise AnnotationError(f"the index {place}: {why_unreadable(error)}") from error
