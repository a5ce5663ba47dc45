"""What only some lists have of their records, in arrays: several labels a video, and segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from snl_video.data.segments import Segment


class HasParts(Protocol):
    """A record."""

    @property
    def labels(self) -> tuple[int, ...] | None:
        """Its classes, where it may have several."""

    @property
    def segment(self) -> Segment | None:
        """The part of the file that it is."""


@dataclass(frozen=True)
class SeveralLabels:
    """The labels of every record, one after another.

    Attributes:
        ends: (N,) where those of a record end.
        values: the labels.
        there: (N,) bool, records that may have several labels.
    """

    ends: np.ndarray
    values: np.ndarray
    there: np.ndarray

    @classmethod
    def of(cls, records: Sequence[HasParts]) -> SeveralLabels | None:
        """Those of the records; None where none may have several."""
        there = np.array([record.labels is not None for record in records], bool)
        if not there.any():
            return None
        each = [record.labels or () for record in records]
        ends = np.cumsum([len(labels) for labels in each]).astype(np.uint32)
        return cls(ends, np.array([label for labels in each for label in labels], np.int32), there)

    def __getitem__(self, index: int) -> tuple[int, ...] | None:
        if not self.there[index]:
            return None
        number = range(len(self.ends))[index]
        start = self.ends[number - 1] if number else 0
        return tuple(self.values[start : self.ends[number]].tolist())

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.ends.nbytes + self.values.nbytes + self.there.nbytes


@dataclass(frozen=True)
class Segments:
    """The segment of every record.

    Attributes:
        bounds: (N, 2) start and end; NaN where a record is a whole file.
        in_frames: (N,) bool, the unit.
    """

    bounds: np.ndarray
    in_frames: np.ndarray

    @classmethod
    def of(cls, records: Sequence[HasParts]) -> Segments | None:
        """Those of the records; None where each is a whole file."""
        found = [record.segment for record in records]
        if not any(found):
            return None
        whole = (np.nan, np.nan)
        bounds = np.array([(s.start, s.end) if s else whole for s in found], np.float64)
        return cls(bounds, np.array([s is not None and s.unit == "frames" for s in found], bool))

    def __getitem__(self, index: int) -> Segment | None:
        start, end = self.bounds[index].tolist()
        if np.isnan(start):
            return None
        return Segment(start, end, "frames" if self.in_frames[index] else "seconds")

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.bounds.nbytes + self.in_frames.nbytes
