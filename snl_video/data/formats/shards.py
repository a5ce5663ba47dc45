"""Shards: sets of tar files that `snl-video shard` writes, here or at an address."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute

from snl_video.data.address_paths import AddressPath
from snl_video.data.addresses import is_address
from snl_video.data.file_parts import Part
from snl_video.data.formats.data_set_format import SUBSETS, DataSetFormat, Subset
from snl_video.data.formats.entries import Entry, build_list, label_of, require_file
from snl_video.data.manifest import VideoIndex
from snl_video.data.manifest.index import COLUMNS
from snl_video.data.sharding.shard_index import NAME, NEEDED, ShardIndex
from snl_video.data.video_list import VideoList
from snl_video.errors import AnnotationError
from snl_video.wording import first_few

READ = (*NEEDED, "labels", "shard", "error")
"""Columns of an index that are kept in memory."""


class Shards(DataSetFormat):
    """The sets ROOT/train, ROOT/val and ROOT/test; the last two stand in for each other.

    A set is a folder of shards, 000000.tar and so on, and `index.parquet`. Each video is read where
    it lies in its shard, so that any of them can be the next one.
    """

    lists_folders: ClassVar[bool] = False

    def read_classes(self) -> list[str]:
        """Those of the training set, or of the first set there is."""
        return self._index(self._folder(*SUBSETS)).classes

    def read(self, subset: Subset) -> VideoList:
        """See `DataSetFormat.read`.

        Raises:
            AnnotationError: the set is not there, its index is damaged, or a shard is absent or
                shorter than the index says.
        """
        folder = self._folder(*(("train",) if subset == "train" else (subset, "val", "test")))
        index = self._index(folder)
        _check_shards(folder, index)
        return build_list(
            self._entries(folder, index),
            self.classes,
            source=folder / NAME,
            missing=self.lists.missing,
            remedy="snl-video shard left them out, and the column error says why",
        )

    def index(self, videos: VideoList, file: str | None) -> VideoIndex | None:
        """What the indices of the sets say; see `DataSetFormat.index`."""
        if file:
            return super().index(videos, file)
        tables = [_files(folder.name, index) for folder, index in self._read.items()]
        root = self.folder.address
        return VideoIndex(pa.concat_tables(tables), videos, root, NAME) if tables else None

    def mirror(self) -> float:
        """That of the format that was sharded; see `DataSetFormat.mirror`."""
        folder = self._find(*SUBSETS)
        return self._index(folder).flip if folder else self.flip

    @property
    def folder(self) -> AddressPath:
        """The root as an address, since a part of a file has one."""
        root = str(self.root)
        return AddressPath(root if is_address(root) else f"file://{os.path.abspath(root)}")

    @cached_property
    def _read(self) -> dict[AddressPath, ShardIndex]:
        return {}

    def _index(self, folder: AddressPath) -> ShardIndex:
        if folder not in self._read:
            with require_file(folder / NAME, "index").open("rb") as file:
                self._read[folder] = ShardIndex.read(file, str(folder / NAME), READ)
        return self._read[folder]

    def _find(self, *subsets: str) -> AddressPath | None:
        folders = (self.folder / subset for subset in subsets)
        return next((folder for folder in folders if (folder / NAME).is_file()), None)

    def _folder(self, *subsets: str) -> AddressPath:
        found = self._find(*subsets)
        if found is None:
            raise AnnotationError(
                f"{self.root} has no {subsets[0]}/{NAME}; write shards with snl-video shard, and "
                "set data.root to the folder or address that --out named"
            )
        return found

    def _entries(self, folder: AddressPath, index: ShardIndex) -> Iterator[Entry]:
        labels = {name: number for number, name in enumerate(self.classes)}
        file = folder / NAME

        @cache
        def label(number: int) -> int:
            return label_of(index.classes[number], labels, file) if number >= 0 else number

        columns = ("id", "label", "labels", "shard", "member", "offset", "bytes")
        for row in _rows(index.table, columns):
            path = None
            if row["shard"] is not None:
                shard = folder / row["shard"]
                path = Part(shard.address, row["member"], row["offset"], row["bytes"]).address
            several = row["labels"]
            yield Entry(
                id=row["id"],
                label=label(row["label"]),
                path=path,
                labels=None if several is None else tuple(sorted(map(label, several))),
            )


def _rows(table: pa.Table, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch in table.select(list(columns)).to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _files(subset: str, index: ShardIndex) -> pa.Table:
    """The rows of an index as one of files has them, their paths below the root."""
    table = index.table.filter(index.table["shard"].is_valid())
    text = [table[name].cast(pa.string()) for name in ("shard", "member", "offset", "bytes")]
    parts = [subset, "/", text[0], "#", text[1], "@", text[2], "+", text[3], ""]
    paths = pa.compute.binary_join_element_wise(*parts)
    times = pa.nulls(len(table), pa.int64())
    table = table.append_column("path", paths).append_column("mtime_ns", times)
    return table.select(list(COLUMNS))


def _check_shards(folder: AddressPath, index: ShardIndex) -> None:
    """Refuse a set of which a shard is not there, or is too short; a web server can't tell."""
    there = folder.entries()
    least = index.least_sizes()
    if there is None:
        return
    absent = [name for name in least if name not in there]
    if absent:
        raise AnnotationError(
            f"{folder}: {len(absent)} of {len(least)} shards are absent "
            f"({first_few(absent, 3)}); copy them again"
        )
    short = [name for name, size in least.items() if (there[name] or 0) < size]
    if short:
        raise AnnotationError(
            f"{folder}: {len(short)} of {len(least)} shards are cut short ({short[0]} has "
            f"{there[short[0]]} bytes of at least {least[short[0]]}); copy them again"
        )
