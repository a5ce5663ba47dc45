"""Predictions of very many videos: Parquet parts in a folder or at an address."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from snl_video.data.filled_folders import PLAN, begin, files_in, read_file, write_file
from snl_video.evaluation.predictions import Prediction, prediction_row
from snl_video.wording import utf8


@dataclass(frozen=True)
class PredictionParts:
    """A list of videos that is predicted in parts of a fixed size.

    Part n holds the videos n * size and on. It is written whole or not at all, and its name depends
    on n alone: whoever predicts it, and however often, each video is in the folder once.

    Attributes:
        url: a folder, or an address that fsspec knows, such as s3://bucket/predictions.
        paths: the videos.
        size: videos in a part.
        top: classes named of a video.
    """

    url: str
    paths: Sequence[str]
    size: int
    top: int

    def begin(self, settings: Mapping[str, Any]) -> list[int]:
        """Return the parts that are missing, in their order.

        Args:
            settings: what the predictions depend on, beside the list: the model, its views.

        Raises:
            InputError: parts of other settings or of another list are there.
        """
        plan = {
            **settings,
            "top": self.top,
            "size": self.size,
            "videos": len(self.paths),
            "list": hashlib.sha256("\n".join(self.paths).encode("utf-8", "replace")).hexdigest(),
        }
        there = begin(self.url, plan, "predictions")
        count = -(-len(self.paths) // self.size)
        return [number for number in range(count) if name_of(number) not in there]

    def paths_of(self, number: int) -> list[str]:
        """Return the videos of a part."""
        return list(self.paths[number * self.size : (number + 1) * self.size])

    def failures(self) -> int:
        """Return how many videos of all parts could not be read."""
        failed = 0
        for name in sorted(files_in(self.url) - {PLAN}):
            part = pa.BufferReader(read_file(self.url, name))
            failed += sum(map(bool, pq.read_table(part, columns=["reason"])["reason"].to_pylist()))
        return failed


def name_of(number: int) -> str:
    """Return the name of a part's file."""
    return f"part-{number:08d}.parquet"


def write_part(url: str, number: int, predictions: Sequence[Prediction], top: int) -> None:
    """Write a part: a row a video, with path, reason, class, score, class_2, score_2 and so on.

    Args:
        url: see `PredictionParts`.
        number: of the part.
        predictions: of its videos, in their order.
        top: classes named of each, so that all parts have the same columns.
    """
    rows = [prediction_row(prediction) for prediction in predictions]
    text = [pa.field("path", pa.string()), pa.field("reason", pa.string())]
    best = [
        field
        for place in range(1, top + 1)
        for suffix in ["" if place == 1 else f"_{place}"]
        for field in (
            pa.field(f"class{suffix}", pa.string()),
            pa.field(f"score{suffix}", pa.float32()),
        )
    ]
    if any(prediction.present is not None for prediction in predictions):
        best.append(pa.field("present", pa.string()))  # of a network of several labels
    rows = [{n: utf8(v) if isinstance(v, str) else v for n, v in row.items()} for row in rows]
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(text + best)), content)
    write_file(url, name_of(number), content.getvalue())
