"""Tables of videos that may show several classes: by class, by video, and in Parquet."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from snl_video.evaluation.multi_label import MultiLabelResults
from snl_video.wording import utf8


def class_rows(results: MultiLabelResults, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row a class that some video shows."""
    counts = results.target.sum(dim=0)
    precision, f1, threshold = results.average_precision(), results.f1(), results.threshold
    return [
        {
            "class": classes[number],
            "videos": int(counts[number]),
            "average_precision": float(precision[number]),
            "threshold": float(threshold[number]),
            "f1": float(f1[number]),
        }
        for number in counts.nonzero().flatten().tolist()
    ]


def several_rows(
    results: MultiLabelResults, classes: Sequence[str], ids: Sequence[str]
) -> Iterable[dict[str, Any]]:
    """One row a video for ``videos.csv``; several classes with ``; `` between."""
    decided = results.decided()
    for row, index in enumerate(results.index.tolist()):
        yield {
            "video": ids[index],
            "true": "; ".join(_names(results.target[row], classes)),
            "predicted": "; ".join(_names(decided[row], classes)),
            "clip_accuracy": f"{float(results.clip_correct[row]):.4f}",
            "failed": int(results.failed[row]),
            "reason": results.reasons[row],
        }


def write_several(
    path: Path, results: MultiLabelResults, classes: Sequence[str], ids: Sequence[str]
) -> None:
    """Write one row a video: its labels, the classes said to be there, the (K,) float32 scores."""
    decided = results.decided()
    flat = pa.array(results.scores.float().numpy().ravel())
    columns = {
        "id": [ids[i] for i in results.index.tolist()],
        "labels": [row.nonzero().flatten().tolist() for row in results.target],
        "true": [_names(row, classes) for row in results.target],
        "predicted": [_names(row, classes) for row in decided],
        "failed": results.failed.numpy(),
        "reason": [utf8(reason) for reason in results.reasons],
        "clip_accuracy": results.clip_correct.float().numpy(),
        "scores": pa.FixedSizeListArray.from_arrays(flat, len(classes)),
    }
    facts = {
        "classes": json.dumps(list(classes)),
        "thresholds": json.dumps(results.threshold.tolist()),
    }
    pq.write_table(pa.table(columns).replace_schema_metadata(facts), path, compression="zstd")


def _names(row: Tensor, classes: Sequence[str]) -> list[str]:
    return [classes[number] for number in row.nonzero().flatten().tolist()]
