"""Write a list of videos as a set of shards, and go on where that was stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from snl_video.data.file_parts import part_of
from snl_video.data.filled_folders import (
    begin,
    files_in,
    new_file,
    read_file,
    remove_file,
    write_file,
)
from snl_video.data.formats.video_files import is_video_name
from snl_video.data.sharding.looked_at import LookedAt, looked_at
from snl_video.data.sharding.shard_file import ShardFile
from snl_video.data.sharding.shard_index import NAME, Row, ShardIndex
from snl_video.data.video_list import VideoList
from snl_video.errors import InputError
from snl_video.wording import utf8

ROWS = ".parquet"
"""Suffix of the rows of a shard, which has the same name with .tar."""

TOLD = ("codec", "frames", "fps", "width", "height", "seconds")
"""What the .json of a video tells of it, beside its id and class."""


@dataclass(frozen=True)
class ShardSize:
    """When a shard is full.

    Attributes:
        megabytes: of its file, from which on the next video begins another one.
        videos: that it holds at most.
    """

    megabytes: float = 256.0
    videos: int = 10_000

    def __post_init__(self) -> None:
        if self.megabytes <= 0 or self.videos < 1:
            raise InputError(
                f"a shard needs room for a video, got megabytes={self.megabytes:g} and "
                f"videos={self.videos}"
            )


@dataclass(frozen=True)
class ShardWriter:
    """Writes shards 000000.tar, 000001.tar, ... and their index into a folder.

    The rows of a shard are kept as 000000.parquet when it is complete. At the end all of them
    become the index, and those files are removed. What is written depends on the list, the videos
    and the settings alone.

    Attributes:
        url: the folder, here or at an address.
        videos: the list.
        size: of a shard.
        flip: see `ShardIndex`.
        full: decode every frame, to know that it can be.
        workers: files looked at in parallel.
        timeout: seconds after which a file counts as hanging.
    """

    url: str
    videos: VideoList
    size: ShardSize = ShardSize()
    flip: float = 0.5
    full: bool = False
    workers: int = 2
    timeout: float = 600.0

    def write(self, progress: Callable[[int], None] = lambda count: None) -> ShardIndex:
        """Write what is not there yet.

        A video that can't be read is in no shard; its row says why.

        Args:
            progress: called with the number of videos that were done since it was called last.

        Raises:
            InputError: the folder holds something else, can't be written to, or a server fails.
        """
        there = begin(self.url, self._plan(), "shards")
        if NAME not in there:
            self._write_missing(there, progress)
        for name in files_in(self.url):
            if name.endswith(ROWS) and name != NAME:
                remove_file(self.url, name)
        return self._read(NAME)

    def _write_missing(self, there: Collection[str], progress: Callable[[int], None]) -> None:
        parts: list[ShardIndex] = []
        while (name := f"{len(parts):06d}{ROWS}") in there:
            parts.append(self._read(name))
        done = sum(len(part.table) for part in parts)
        progress(done)
        looked = looked_at(
            self.videos, done, full=self.full, workers=self.workers, timeout=self.timeout
        )
        with closing(looked):
            while done < len(self.videos):
                name = f"{len(parts):06d}"
                rows = self._write_shard(f"{name}.tar", looked, progress)
                write_file(self.url, f"{name}{ROWS}", self._index(rows).to_bytes())
                parts.append(self._read(f"{name}{ROWS}"))
                done += len(rows)
        table = pa.concat_tables([part.table for part in parts])
        write_file(self.url, NAME, replace(parts[0], table=table).to_bytes())

    def _write_shard(
        self, shard: str, looked: Iterator[LookedAt], progress: Callable[[int], None]
    ) -> list[Row]:
        rows: list[Row] = []
        with new_file(self.url, shard) as scratch, closing(ShardFile(scratch)) as tar:
            for video in looked:
                rows.append(self._add(video, shard, tar))
                progress(1)
                if len(rows) == self.size.videos or tar.size >= self.size.megabytes * 1e6:
                    break
        return rows

    def _add(self, video: LookedAt, shard: str, tar: ShardFile) -> Row:
        record, names = video.record, self.videos.classes
        labels = None if record.labels is None else list(record.labels)
        row = {**video.found, "id": utf8(record.id), "label": record.label, "labels": labels}
        if row["error"]:
            return row
        if video.file.stat().st_size != row["bytes"]:
            raise InputError(
                f"{record.path} changed while it was read; call again when nobody writes to it"
            )
        told: Row = {"id": row["id"]}
        if labels is None:
            told |= {"label": record.label, "class": names[record.label]}
        else:
            told |= {"labels": labels, "classes": [names[label] for label in labels]}
        told |= {name: row[name] for name in TOLD}
        member, offset = tar.add(f"{video.number:09d}", _suffix(record.path), video.file, told)
        return row | {"shard": shard, "member": member, "offset": offset}

    def _index(self, rows: list[Row]) -> ShardIndex:
        return ShardIndex.of_rows(rows, self.videos.classes, self.flip)

    def _read(self, name: str) -> ShardIndex:
        file = pa.BufferReader(read_file(self.url, name))
        return ShardIndex.read(file, f"{self.url}/{name}")

    def _plan(self) -> dict[str, Any]:
        if self.videos.has_segments:
            raise InputError(
                "the list has segments of videos, and shards hold whole ones; cut them into files "
                "of their own, or train from the list"
            )
        classes = "\n".join(map(utf8, self.videos.classes))
        return {
            "videos": len(self.videos),
            "list": self.videos.sha256(),
            "classes": hashlib.sha256(classes.encode()).hexdigest(),
            "megabytes": self.size.megabytes,
            "videos_in_a_shard": self.size.videos,
            "full": self.full,
            "flip": self.flip,
        }


def _suffix(path: str) -> str:
    part = part_of(path)
    name = part.name if part else path
    return name.rpartition(".")[2].lower() if is_video_name(name.rpartition("/")[2]) else "video"
