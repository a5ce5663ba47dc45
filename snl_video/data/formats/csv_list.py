"""Lists: one "path label" a line, the label a number or a class name, or a header's columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from snl_video.data.address_paths import AnyPath
from snl_video.data.formats.data_set_format import SUBSETS, DataSetFormat, Subset
from snl_video.data.formats.entries import (
    Entry,
    Missing,
    build_list,
    check_classes,
    label_of,
    read_lines,
    require_file,
)
from snl_video.data.formats.list_table import ListRow, ListTable, header_of, read_list_table
from snl_video.data.formats.video_files import VideoFolder
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError


class CsvLists(DataSetFormat):
    """List files that the settings name; the root is put before their relative paths.

    The root, or a path in a list, may be an address: s3://bucket/videos; see `addresses`.

    The validation and the test list stand in for each other.
    """

    lists_folders: ClassVar[bool] = False

    def read_classes(self) -> list[str]:
        """Classes of the training list, or of the first list there is; see `csv_classes`."""
        return csv_classes(self._file("train", *SUBSETS))

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`."""
        others = () if subset == "train" else ("val", "test")
        file = self._file(subset, *others)
        return read_csv(file, self.root, self.classes, self.lists.missing)

    def _file(self, *subsets: str) -> str:
        named = [getattr(self.lists, subset) for subset in subsets]
        found = next(filter(None, named), None)
        if found is None:
            raise AnnotationError(f"format csv needs lists.{subsets[0]} to read that set")
        return found


def csv_classes(file: str | AnyPath) -> list[str]:
    """Classes of a list without a class list: its sorted names, or "0", "1", ... for numbers."""
    path = require_file(file, "list")
    labels = {label for row in _table(path).rows for label in row.labels}
    if not labels:
        raise AnnotationError(f"{path} lists no video, or none with a label")
    if all(label.isdigit() for label in labels):
        return [str(label) for label in range(max(map(int, labels)) + 1)]
    return check_classes(sorted(labels), path)


def read_csv(
    file: str | AnyPath,
    prefix: str | Path = "",
    classes: Sequence[str] | None = None,
    missing: Missing = "error",
) -> VideoList:
    """Read a list whose lines are a path and a label, or that has a header; see `list_table`.

    The separator of a plain list is the first of comma, tab, semicolon and space that every line
    has. A path may hold it, a label may not. A path may lead to a folder, tar or zip of frames.

    Args:
        file: the list.
        prefix: put before relative paths, for example the folder of the videos.
        classes: names in the order of the labels; by default `csv_classes(file)`. Labels that are
            numbers index it.
        missing: see `ListSettings`.

    Raises:
        AnnotationError: the list is absent, empty or not of two columns; an unknown class; see
            `read_list_table`.
    """
    path = require_file(file, "list")
    names = list(classes) if classes is not None else csv_classes(path)
    entries = _entries(path, names, prefix)
    return build_list(
        entries, names, source=path, missing=missing, remedy=f"check the prefix {str(prefix)!r}"
    )


def _entries(path: AnyPath, names: list[str], prefix: str | Path) -> Iterator[Entry]:
    known = {name: index for index, name in enumerate(names)}
    folder = VideoFolder(prefix)
    table = _table(path)
    for row in table.rows:
        labels = tuple(_index(label, row, known, path) for label in row.labels)
        yield Entry(
            id=row.id or (f"{row.video}#{row.segment}" if row.segment else row.video),
            label=-1 if table.several else labels[0],
            path=folder.find(row.video),
            labels=tuple(sorted(set(labels))) if table.several else None,
            segment=row.segment,
        )


def _index(label: str, row: ListRow, known: dict[str, int], path: AnyPath) -> int:
    if label in known or not label.isdigit():
        return label_of(label, known, path)
    if int(label) >= len(known):
        raise AnnotationError(
            f"{path}: label {int(label)} of {row.video!r}, but there are {len(known)} classes (0 "
            f"to {len(known) - 1})"
        )
    return int(label)


def _table(path: AnyPath) -> ListTable:
    lines = read_lines(path)
    header = header_of(lines[0]) if lines else None
    if header:
        return read_list_table(path, *header)
    for separator in (",", "\t", ";", " "):
        if lines and all(separator in line for line in lines):
            break
    else:
        if not lines:
            return ListTable([], several=False)
        bad = next(line for line in lines if " " not in line)
        raise AnnotationError(f"{path}: line {bad!r} is not a path and a label")
    split = (line.rsplit(separator, 1) for line in lines)
    pairs = ((cell.strip().strip('"') for cell in cells) for cells in split)
    return ListTable([ListRow(video, (label,)) for video, label in pairs], several=False)
