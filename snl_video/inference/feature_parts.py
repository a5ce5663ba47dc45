"""Features of very many videos: shards of a folder or an address, each by one of many processes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fsspec
from safetensors.numpy import save

from snl_video.data.feature_files import (
    ABOUT,
    INDEX,
    FeatureRow,
    as_float16,
    header_of,
    index_text,
    key_of,
    rows_of,
    shard_name,
)
from snl_video.data.filled_folders import write_file
from snl_video.data.segments import Segment
from snl_video.data.video_list import VideoRecord
from snl_video.errors import VideoError
from snl_video.inference.feature_source import FeatureSource
from snl_video.inference.list_parts import ListParts
from snl_video.wording import flatten, utf8

PlainVideo = tuple[str, str, Sequence[Any] | None]
"""Name and path of a video, and start, end and unit of its segment."""


@dataclass(frozen=True)
class FeatureParts(ListParts):
    """The features of a list, in the files that `FeatureFiles` reads; see `ListParts`.

    Attributes:
        origin: where the features come from, as `FeatureSource.origin`.
    """

    origin: Mapping[str, Any]
    what = "features that --engine ray began"

    def file_of(self, number: int) -> str:
        """Return the name of a part's shard."""
        first = number * self.size
        return shard_name(first, min(first + self.size, len(self.names)) - 1)

    def begin(self, settings: Mapping[str, Any]) -> list[int]:
        """Return the parts that are missing, and write what all are features of; see `ListParts`.

        Args:
            settings: as `FeatureSource.settings`.
        """
        missing = super().begin(dict(flatten(settings)))
        about = {"settings": dict(settings), "origin": dict(self.origin)}
        write_file(self.url, ABOUT, f"{json.dumps(about, indent=1)}\n".encode())
        return missing

    def reasons(self, number: int) -> list[str]:
        """Read why each video of a part has no features; "" for the others."""
        return [row.reason for row in self.rows(number)]

    def rows(self, number: int) -> list[FeatureRow]:
        """Read the videos of a part, from the head of its shard alone."""
        files, folder = fsspec.url_to_fs(self.url)
        with files.open(f"{folder}/{self.file_of(number)}") as file:
            size = int.from_bytes(file.read(8), "little")
            return list(rows_of(json.loads(file.read(size))["__metadata__"]))

    def write_index(self) -> None:
        """Write videos.csv, a line for each video, when all parts are there."""
        lines = ((self.file_of(n), row) for n in self.numbers() for row in self.rows(n))
        write_file(self.url, INDEX, index_text(lines).encode())


class PartFeatures:
    """Holds a network, and computes the features of one part after another.

    Args:
        load: loads the network.
        url: where the shards go.
    """

    def __init__(self, load: Callable[[], FeatureSource], url: str) -> None:
        self.source = load()
        self.key = key_of(self.source.settings)
        self.url = url

    def __call__(self, part: tuple[str, Sequence[PlainVideo]]) -> int:
        """Compute and write a part; a video that can't be read is a row that says why.

        Args:
            part: name of its shard, and its videos.

        Returns:
            How many videos it has.
        """
        shard, videos = part
        rows, tensors = [], {}
        for name, path, segment in videos:
            row = FeatureRow(utf8(name))
            record = VideoRecord(path, -1, name, segment=Segment(*segment) if segment else None)
            try:
                tensors[row.video] = as_float16(name, self.source.features(record).numpy())
            except VideoError as error:
                row = FeatureRow(row.video, error.reason or str(error))
            rows.append(row)
        write_file(self.url, shard, save(tensors, header_of(self.key, rows)))
        return len(rows)
