"""What is wrong with a data set: missing, broken, duplicate and too short files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from snl_video.data.manifest.file_looker import whole_hash
from snl_video.data.manifest.index import relative_path
from snl_video.data.video_list import VideoList


@dataclass(frozen=True)
class Findings:
    """What a scan found. Paths are relative to the data set's root.

    Attributes:
        missing: listed and not on disk: subset and id.
        broken: reason by path.
        duplicates: groups of paths with equal content, or of one path that two subsets list.
        leaks: those of the groups that a training subset shares with another one.
        short: frames by path, of the videos shorter than a clip.
        fewer: (promised, decoded) by path, where a full scan found fewer frames than promised.
        histogram: videos of each class by subset.
    """

    missing: list[tuple[str, str]]
    broken: dict[str, str]
    duplicates: list[list[str]]
    leaks: list[list[str]]
    short: dict[str, int]
    fewer: dict[str, tuple[int, int]]
    histogram: dict[str, dict[str, int]]

    @property
    def clean(self) -> bool:
        """Nothing is missing, broken, duplicate or too short."""
        return not (self.missing or self.broken or self.duplicates or self.short)


def find(table: pa.Table, lists: Mapping[str, VideoList], root: str | Path, span: int) -> Findings:
    """Judge the rows of a scan.

    Args:
        table: from `scan.scan`.
        lists: the subsets by name; "train" is the one that others must not share content with.
        root: the data set's root.
        span: frames of the video that a clip needs.
    """
    subsets: dict[str, set[str]] = defaultdict(set)
    where: dict[str, str] = {}
    for subset, videos in lists.items():
        for record in videos.records:
            name = relative_path(record.path, root)
            where[name] = record.path
            if record.segment is None:  # other parts of one file are other videos
                subsets[name].add(subset)
    rows = table.select(["path", "head_hash", "frames", "decoded", "error"]).to_pylist()
    readable = [row for row in rows if row["error"] is None]
    groups = _equal_content(readable, where)
    groups += [[name] for name, of in sorted(subsets.items()) if len(of) > 1]
    return Findings(
        missing=[(subset, name) for subset, videos in lists.items() for name in videos.missing],
        broken={row["path"]: row["error"] for row in rows if row["error"] is not None},
        duplicates=groups,
        leaks=[group for group in groups if _crosses(group, subsets)],
        short={row["path"]: _length(row) for row in readable if _length(row) < span},
        fewer={
            row["path"]: (row["frames"], row["decoded"])
            for row in readable
            if row["decoded"] is not None and row["decoded"] < row["frames"]
        },
        histogram={subset: videos.class_counts() for subset, videos in lists.items()},
    )


def _length(row: dict) -> int:
    return row["frames"] if row["decoded"] is None else row["decoded"]


def _equal_content(rows: list[dict], where: Mapping[str, str]) -> list[list[str]]:
    """Groups of at least two paths; equal heads are made sure of by hashing the whole files."""
    heads: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        heads[row["head_hash"]].append(row["path"])
    groups: dict[str, list[str]] = defaultdict(list)
    for names in heads.values():
        for name in names if len(names) > 1 else []:
            groups[whole_hash(where[name])].append(name)
    return [sorted(names) for names in groups.values() if len(names) > 1]


def _crosses(group: list[str], subsets: Mapping[str, set[str]]) -> bool:
    found = [subset for name in group for subset in subsets[name]]
    return "train" in found and any(subset != "train" for subset in found)
