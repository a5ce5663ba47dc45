"""A list of labelled videos, kept in a few arrays so that loader processes can share its memory."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from snl_video.data.record_parts import Segments, SeveralLabels
from snl_video.data.segments import Segment
from snl_video.wording import utf8


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """One labelled video.

    Attributes:
        path: where the file, or the folder of frames, is; "" for one that a list names and that is
            not there.
        label: index into the list's `classes`; -1 where there is no label, or where there may be
            several.
        id: the name that the list gives it, or the path relative to the videos' folder, with "/"
            between parts: the same on every machine.
        labels: all its classes, ascending, where a video may have several or none; None where it
            has the one `label`.
        segment: the part of the file that it is; None for all of it.
    """

    path: str
    label: int
    id: str
    labels: tuple[int, ...] | None = None
    segment: Segment | None = None


class RecordTable(Sequence[VideoRecord]):
    """Records as one text and two arrays; a `VideoRecord` is made when it is asked for.

    A loader process shares its parent's memory until one of them writes to it, and reading a Python
    object writes its reference count. A list of 250,000 records is thus copied into every process;
    these arrays are not, and take about a quarter of the memory in the first place. The folder that
    all paths share is kept once, and an id that is part of its path takes no further room. Labels
    and segments have arrays only where a record has some.

    Args:
        records: in order.
    """

    def __init__(self, records: Iterable[VideoRecord]) -> None:
        records = list(records)
        self._folder = _shared_folder([record.path for record in records if record.path])
        text = bytearray()
        bounds = np.zeros((len(records), 4), np.uint32)  # path start, end, id start, end
        for number, record in enumerate(records):
            path, name = _encode(record.path[len(self._folder) :]), _encode(record.id)
            start = len(text)
            text += path
            inside = path.find(name)
            name_start = start + inside if inside >= 0 else len(text)
            if inside < 0:
                text += name
            bounds[number] = start, start + len(path), name_start, name_start + len(name)
        self._text = bytes(text)
        self._bounds = bounds
        self.labels = np.array([record.label for record in records], np.int32)
        self._several = SeveralLabels.of(records)
        self._segments = Segments.of(records)

    def __len__(self) -> int:
        return len(self.labels)

    @overload
    def __getitem__(self, index: int) -> VideoRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[VideoRecord]: ...

    def __getitem__(self, index: int | slice) -> VideoRecord | list[VideoRecord]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        start, end, name_start, name_end = self._bounds[index].tolist()
        path = self._folder + _decode(self._text[start:end]) if end > start else ""
        return VideoRecord(
            path,
            int(self.labels[index]),
            _decode(self._text[name_start:name_end]),
            self._several[index] if self._several else None,
            self._segments[index] if self._segments else None,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    @property
    def several_labels(self) -> bool:
        """Whether records may have several labels, or none."""
        return self._several is not None

    @property
    def has_segments(self) -> bool:
        """Whether a record is a part of its file."""
        return self._segments is not None

    @property
    def every_label(self) -> np.ndarray:
        """int32 (L,), the labels of all records one after another."""
        return self._several.values if self._several else self.labels

    @property
    def nbytes(self) -> int:
        """Bytes of the text and the arrays."""
        more = sum(part.nbytes for part in (self._several, self._segments) if part)
        return len(self._text) + self._bounds.nbytes + self.labels.nbytes + more


@dataclass(frozen=True)
class VideoList:
    """Records in the order of their list.

    Attributes:
        records: the videos; any iterable of records is kept as a `RecordTable`.
        classes: class names; `records[i].label` indexes it.
        missing: ids that the list names, that are not on disk and not in `records`.
    """

    records: Sequence[VideoRecord]
    classes: list[str]
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.records, RecordTable):
            object.__setattr__(self, "records", RecordTable(self.records))

    def __len__(self) -> int:
        return len(self.records)

    @property
    def _table(self) -> RecordTable:
        assert isinstance(self.records, RecordTable)
        return self.records

    @property
    def labels(self) -> np.ndarray:
        """int32 (N,), the labels of the records; -1 where a record may have several."""
        return self._table.labels

    @property
    def several_labels(self) -> bool:
        """Whether a video may have several labels, or none."""
        return self._table.several_labels

    @property
    def has_segments(self) -> bool:
        """Whether a video is a part of its file."""
        return self._table.has_segments

    def present(self) -> VideoList:
        """The list without records whose file is not there; their ids are in `missing`."""
        absent = [record.id for record in self.records if not record.path]
        if not absent:
            return self
        there = [record for record in self.records if record.path]
        return VideoList(there, self.classes, [*self.missing, *absent])

    def class_counts(self) -> dict[str, int]:
        """Videos of each class, classes without any included; one of several counts in each."""
        counts = Counter(self._table.every_label.tolist())
        return {name: counts[label] for label, name in enumerate(self.classes)}

    def sha256(self) -> str:
        """Hash over one line "id label" per record: equal lists have equal hashes anywhere.

        Several labels are written "1,5,7".
        """
        digest = hashlib.sha256()
        for record in self.records:
            label = record.label if record.labels is None else ",".join(map(str, record.labels))
            digest.update(f"{utf8(record.id)} {label}\n".encode())
        return digest.hexdigest()


def _shared_folder(paths: list[str]) -> str:
    """The folder that all paths begin with, and its separator; "" where there is none."""
    first, last = min(paths, default=""), max(paths, default="")
    pairs = zip(first, last, strict=False)
    alike = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))
    return first[: first.rfind(os.sep, 0, min(alike, max(len(first) - 1, 0))) + 1]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")
