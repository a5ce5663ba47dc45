"""What every reader of annotations returns, and the checks they share."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from snl_video.data.address_paths import AddressPath, AnyPath, path_at
from snl_video.data.segments import Segment
from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.errors import AnnotationError

Missing = Literal["error", "skip", "wrong"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: its label or labels, an id and the path if a file was found.

    For `labels` and `segment` see `VideoRecord`.
    """

    id: str
    label: int
    path: str | None
    labels: tuple[int, ...] | None = None
    segment: Segment | None = None


def build_list(
    entries: Iterable[Entry],
    classes: Sequence[str],
    *,
    source: str | AnyPath,
    missing: Missing,
    remedy: str,
) -> VideoList:
    """Turn a list's lines into a `VideoList`, dealing with lines whose file is not there.

    Args:
        entries: the lines.
        classes: class names.
        source: the list or folder, named in messages.
        missing: "error" to refuse absent files; "skip" to leave them out, warn and count them;
            "wrong" to keep them as records without a path, which an evaluation counts as wrong.
        remedy: what to do about absent files.

    Raises:
        AnnotationError: no lines, absent files under "error", or no file at all.
    """
    entries = list(entries)
    if not entries:
        raise AnnotationError(f"{source} lists no video; check that it is the right list or folder")
    keep_absent = missing == "wrong"
    records = [
        VideoRecord(e.path or "", e.label, e.id, e.labels, e.segment)
        for e in entries
        if e.path or keep_absent
    ]
    absent = [e.id for e in entries if e.path is None]
    if absent:
        names = ", ".join(absent[:3]) + (", ..." if len(absent) > 3 else "")
        message = f"{source}: {len(absent)} of {len(entries)} listed videos are absent ({names})"
        if missing == "error" or len(absent) == len(entries):
            raise AnnotationError(
                f"{message}; {remedy}, or where some are there set lists.missing=skip to go on "
                "without the others, or lists.missing=wrong to count them as wrong"
            )
        counted = "training leaves them out, an evaluation counts them as wrong"
        warnings.warn(
            f"{message}; {counted if keep_absent else 'going on without them'}", stacklevel=3
        )
    return VideoList(records, list(classes), [] if keep_absent else absent)


def require_dir(path: str | AnyPath, what: str) -> AnyPath:
    """The folder as a path, or an error that says what was expected there."""
    path = path_at(path)
    if not path.is_dir():
        raise AnnotationError(
            f"{what} {path} {'is not a folder' if path.exists() else 'does not exist'}; set "
            "data.root to the data set's folder (data/README.md shows the layouts)"
        )
    return path


def require_file(path: str | AnyPath, what: str) -> AnyPath:
    """The file as a path, or an error that says what was expected there.

    One at an address is fetched.
    """
    path = path_at(path)
    if not (path.is_fetched() if isinstance(path, AddressPath) else path.is_file()):
        raise AnnotationError(
            f"{what} {path} does not exist; data/README.md shows where it should be"
        )
    return path


def read_lines(path: AnyPath) -> list[str]:
    """Stripped, non-empty lines; CRLF or LF, with or without a byte-order mark."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path} is not a UTF-8 text file ({error.reason})") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_json_list(path: AnyPath, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The objects of a JSON list, each of which has these keys.

    Raises:
        AnnotationError: it is something else.
    """
    found = read_json(path)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise AnnotationError(f"{path} is not a JSON list of objects; fetch the official one again")
    for number, row in enumerate(found, 1):
        if absent := [key for key in keys if key not in row]:
            raise AnnotationError(f"{path}: entry {number} has no {', '.join(absent)}: {row}")
    return found


def read_json(path: AnyPath) -> Any:
    """What a JSON file holds.

    Raises:
        AnnotationError: it is none.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise AnnotationError(f"{path} is not a JSON file ({error}); fetch it again") from error


def read_class_file(path: str | AnyPath) -> list[str]:
    """Class names, one a line; the line's place is the label.

    Raises:
        AnnotationError: absent, empty, or a name twice.
    """
    path = require_file(path, "class list")
    return check_classes(read_lines(path), path)


def check_classes(classes: list[str], source: str | AnyPath) -> list[str]:
    """The names, if there are any and none comes twice."""
    twice = [name for name, count in Counter(classes).items() if count > 1]
    if twice or not classes:
        what = f"a class twice: {', '.join(twice[:3])}" if twice else "no class"
        raise AnnotationError(f"{source} names {what}")
    return classes


def label_of(name: str, labels: dict[str, int], source: str | AnyPath) -> int:
    """Index of a class name, or an error that shows the names there are."""
    if name not in labels:
        known = ", ".join(list(labels)[:5]) + (", ..." if len(labels) > 5 else "")
        raise AnnotationError(
            f"{source}: unknown class {name!r}; the {len(labels)} known classes are {known}"
        )
    return labels[name]
