"""Lists with named columns: segments of long videos, several labels a video, names to key by."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from snl_video.data.address_paths import AnyPath
from snl_video.data.segments import Segment
from snl_video.errors import AnnotationError
from snl_video.wording import unknown_name

PATHS = ("path", "video", "file", "filename")
LABELS = ("label", "labels")
SECONDS, FRAMES = ("start_seconds", "end_seconds"), ("start_frame", "end_frame")
COLUMNS = (*PATHS, *LABELS, "id", *SECONDS, *FRAMES)
BETWEEN_LABELS = ";"


@dataclass(frozen=True, slots=True)
class ListRow:
    """A line of a list.

    Attributes:
        video: its path, as the list has it.
        labels: names or numbers of its classes.
        id: its name; "" where it has none of its own.
        segment: the part of the video that it is about; None for all of it.
    """

    video: str
    labels: tuple[str, ...]
    id: str = ""
    segment: Segment | None = None


@dataclass(frozen=True)
class ListTable:
    """The rows of a list, and whether a row may have several labels."""

    rows: list[ListRow]
    several: bool


def header_of(line: str) -> tuple[list[str], str] | None:
    """The columns that the first line of a list names, and its separator; None for a plain list.

    A header names a column of `PATHS` and one of `LABELS`.
    """
    for separator in (",", "\t", ";"):
        cells = [cell.strip().strip('"').lower() for cell in line.split(separator)]
        if set(cells) & set(PATHS) and set(cells) & set(LABELS):
            return cells, separator
    return None


def read_list_table(path: AnyPath, columns: list[str], separator: str) -> ListTable:
    """Read a list whose first line is a header.

    Args:
        path: the list.
        columns: that the header names: one of `PATHS`, `label` (one name or number) or `labels`
            (any number of them, `;` between), perhaps `id`, and perhaps a start and an end, both in
            seconds or both in frames counted from 0.
        separator: between cells.

    Raises:
        AnnotationError: a column that is not known or not complete, a cell that is no number, a
            segment that ends before it starts, an id twice.
    """
    for name in columns:
        if name not in COLUMNS:
            raise AnnotationError(f"{path}: {unknown_name('column', name, COLUMNS)}")
    units = [pair for pair in (SECONDS, FRAMES) if set(pair) & set(columns)]
    if len(units) > 1 or (units and not set(units[0]) <= set(columns)):
        raise AnnotationError(
            f"{path}: a segment needs both {' and '.join(SECONDS)}, or both {' and '.join(FRAMES)}"
        )
    several = "labels" in columns
    if len(columns) != len(set(columns)) or (several and "label" in columns):
        raise AnnotationError(f"{path}: a column is there twice: {', '.join(columns)}")
    rows = list(_rows(path, columns, separator, units[0] if units else None))
    names = Counter(row.id for row in rows if row.id)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise AnnotationError(f"{path}: the id {twice[0]!r} is there {names[twice[0]]} times")
    return ListTable(rows, several)


def _rows(
    path: AnyPath, columns: list[str], separator: str, unit: tuple[str, str] | None
) -> Iterator[ListRow]:
    where = next(columns.index(name) for name in PATHS if name in columns)
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
        next(reader)
        for cells in reader:
            if not any(map(str.strip, cells)):
                continue
            line = f"{path}, line {reader.line_num}"
            if len(cells) != len(columns):
                raise AnnotationError(
                    f"{line}: {len(cells)} cells for {len(columns)} columns; quote a cell that "
                    f"holds {separator!r}"
                )
            row = dict(zip(columns, map(str.strip, cells), strict=True))
            yield ListRow(
                video=row[columns[where]],
                labels=_labels(row, line),
                id=row.get("id", ""),
                segment=_segment(row, unit, line) if unit else None,
            )


def _labels(row: dict[str, str], line: str) -> tuple[str, ...]:
    if "labels" in row:
        return tuple(filter(None, map(str.strip, row["labels"].split(BETWEEN_LABELS))))
    if not row["label"]:
        raise AnnotationError(f"{line}: no label; take the line out, or name its class")
    return (row["label"],)


def _segment(row: dict[str, str], columns: tuple[str, str], line: str) -> Segment:
    try:
        start, end = (float(row[name]) for name in columns)
    except ValueError:
        start, end = math.nan, math.nan
    if not 0 <= start < end < math.inf:
        raise AnnotationError(
            f"{line}: {' and '.join(columns)} must be numbers with 0 <= start < end, got "
            f"{row[columns[0]]!r} and {row[columns[1]]!r}"
        )
    return Segment(start, end, "seconds" if columns == SECONDS else "frames")
