"""The index of a set of shards: a row a video, with its label, its place and what it is."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from snl_video.data.manifest.table import SCHEMA as CHECKED
from snl_video.errors import AnnotationError

NAME = "index.parquet"
"""What the index is called in the folder of the shards."""

BLOCK = 512
"""Bytes at whose multiples the members of a tar begin."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.int32()),  # -1 of a video that may have several
        ("labels", pa.list_(pa.int32())),  # null of one that has the one label
        ("shard", pa.string()),  # null of a video that was left out
        ("member", pa.string()),
        ("offset", pa.int64()),
        *(field for field in CHECKED if field.name not in ("path", "mtime_ns")),
    ]
)

NEEDED = ("id", "label", "member", "offset", "bytes", "frames", "width", "height", "seekable")
"""What the row of every video in a shard has."""

Row = dict[str, Any]


@dataclass(frozen=True)
class ShardIndex:
    """What a set of shards holds.

    Attributes:
        table: the rows, in the order of the list that was written.
        classes: names in the order of the labels.
        flip: probability of a mirror in training, where the user names none.
    """

    table: pa.Table
    classes: list[str]
    flip: float

    @classmethod
    def of_rows(cls, rows: Iterable[Row], classes: list[str], flip: float) -> ShardIndex:
        """The index with these rows."""
        return cls(pa.Table.from_pylist(list(rows), SCHEMA), classes, flip)

    @classmethod
    def read(
        cls, file: IO | pa.NativeFile, name: str, columns: Sequence[str] = SCHEMA.names
    ) -> ShardIndex:
        """Read an index.

        Args:
            file: to read.
            name: of it, for messages.
            columns: that are kept in memory, `NEEDED` and `shard` and `labels` among them.

        Raises:
            AnnotationError: it is damaged, or no index of shards.
        """
        schema = pa.schema([SCHEMA.field(column) for column in columns])
        try:
            table = pq.read_table(file, columns=list(columns), page_checksum_verification=True)
            told = json.loads((table.schema.metadata or {})[b"snl_video_shards"])
            index = cls(table.cast(schema), told["classes"], told["flip"])
            index._check()
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise AnnotationError(
                f"{name} is damaged, or no index of shards ({type(error).__name__}: {reason}); "
                "copy it again, or write the shards again with snl-video shard"
            ) from error
        return index

    def to_bytes(self) -> bytes:
        """The file that `read` reads; equal rows give equal bytes."""
        told = json.dumps({"classes": self.classes, "flip": self.flip})
        table = self.table.combine_chunks().replace_schema_metadata({"snl_video_shards": told})
        file = io.BytesIO()
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)
        return file.getvalue()

    def least_sizes(self) -> Mapping[str, int]:
        """Bytes that each shard has at least, by its name."""
        there = self.table.filter(self.table["shard"].is_valid())
        ends = pa.compute.add(there["offset"], there["bytes"])
        table = pa.table({"shard": there["shard"], "end": ends})
        last = table.group_by("shard").aggregate([("end", "max")]).sort_by("shard")
        return dict(zip(last["shard"].to_pylist(), last["end_max"].to_pylist(), strict=True))

    def left_out(self) -> list[tuple[str, str]]:
        """Id of every video that is in no shard, and why."""
        rows = self.table.filter(self.table["shard"].is_null())
        return list(zip(rows["id"].to_pylist(), rows["error"].to_pylist(), strict=True))

    def _check(self) -> None:
        there = self.table.filter(self.table["shard"].is_valid())
        offsets, sizes = np.asarray(there["offset"]), np.asarray(there["bytes"])
        if (offsets % BLOCK).any() or (offsets < BLOCK).any() or (sizes <= 0).any():
            raise ValueError("a place in a shard where no video can begin")
        if any(there[name].null_count for name in NEEDED):
            raise ValueError("a video without its place or what it is")
        labels = [self.table["label"], pa.compute.list_flatten(self.table["labels"])]
        if any((np.asarray(part) >= len(self.classes)).any() for part in labels):
            raise ValueError(f"a label above those of the {len(self.classes)} classes")
