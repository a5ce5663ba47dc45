"""Predictions of very many videos: Parquet parts in a folder or at an address."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from snl_video.data.filled_folders import read_file, write_file
from snl_video.evaluation.predictions import Prediction, prediction_row
from snl_video.inference.list_parts import ListParts
from snl_video.wording import utf8


@dataclass(frozen=True)
class PredictionParts(ListParts):
    """The predictions of a list; see `ListParts`."""

    what = "predictions"

    def file_of(self, number: int) -> str:
        """Return the name of a part's file."""
        return name_of(number)

    def reasons(self, number: int) -> list[str]:
        """Read why each video of a part could not be read; "" for the others."""
        part = pa.BufferReader(read_file(self.url, name_of(number)))
        return pq.read_table(part, columns=["reason"])["reason"].to_pylist()


def name_of(number: int) -> str:
    """Return the name of a part's file."""
    return f"part-{number:08d}.parquet"


def write_part(url: str, number: int, predictions: Sequence[Prediction], top: int) -> None:
    """Write a part: a row a video, with path, reason, class, score, class_2, score_2 and so on.

    Args:
        url: see `ListParts`.
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
