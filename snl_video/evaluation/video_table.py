"""One row a video: in Parquet with all its scores, in CSV to read."""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from snl_video.errors import InputError
from snl_video.evaluation.results import VideoResults
from snl_video.wording import cell, utf8


@dataclass(frozen=True)
class VideoTable:
    """What ``videos.parquet`` holds.

    Attributes:
        classes: (K,) names.
        ids: (N,) names of the videos.
        label: (N,) int64.
        predicted: (N,) int64, -1 for a failed video.
        correct: (N,) bool, top-1.
        correct_top5: (N,) bool.
        failed: (N,) bool.
        reasons: (N,).
        clip_accuracy: (N,) float32.
        scores: (N, K) float32.
    """

    classes: list[str]
    ids: list[str]
    label: np.ndarray
    predicted: np.ndarray
    correct: np.ndarray
    correct_top5: np.ndarray
    failed: np.ndarray
    reasons: list[str]
    clip_accuracy: np.ndarray
    scores: np.ndarray

    def results(self) -> VideoResults:
        """Return the rows as the results that they were made of."""
        return VideoResults(
            index=torch.arange(len(self.ids)),
            label=torch.tensor(self.label),
            scores=torch.tensor(self.scores),
            clip_correct=torch.tensor(self.clip_accuracy),
            failed=torch.tensor(self.failed),
            reasons=tuple(self.reasons),
            expected=len(self.ids),
        )


def list_sha256(ids: Iterable[str], labels: Iterable[int | str]) -> str:
    """Hash over one line "id label" a video: equal lists have equal hashes anywhere."""
    digest = hashlib.sha256()
    for name, label in zip(ids, labels, strict=True):
        digest.update(f"{utf8(name)} {label}\n".encode())
    return digest.hexdigest()


def write_parquet(
    path: Path, results: VideoResults, classes: Sequence[str], ids: Sequence[str]
) -> None:
    """Write one row a video: who it is, what was said of it, and the (K,) float32 scores."""
    predicted = results.predicted()
    num_classes = len(classes)
    flat = pa.array(results.scores.float().numpy().ravel())
    columns = {
        "id": [ids[i] for i in results.index.tolist()],
        "label": results.label.numpy(),
        "true": [classes[i] for i in results.label.tolist()],
        "predicted": [classes[i] if i >= 0 else None for i in predicted.tolist()],
        "predicted_label": predicted.numpy(),
        "correct": results.correct(1).numpy(),
        "correct_top5": results.correct(5).numpy(),
        "failed": results.failed.numpy(),
        "reason": [utf8(reason) for reason in results.reasons],
        "clip_accuracy": results.clip_correct.float().numpy(),
        "scores": pa.FixedSizeListArray.from_arrays(flat, num_classes),
    }
    table = pa.table(columns).replace_schema_metadata({"classes": json.dumps(list(classes))})
    pq.write_table(table, path, compression="zstd")


def read_parquet(path: Path) -> VideoTable:
    """Read what `write_parquet` wrote.

    Raises:
        InputError: the file is absent or of another make.
    """
    try:
        table = pq.read_table(path)
        classes = json.loads(table.schema.metadata[b"classes"])
        if "labels" in table.column_names:
            raise InputError(
                f"{path} is of videos with several labels; only reports of one class a video can "
                "be compared"
            )
        column = {name: table[name].combine_chunks() for name in table.column_names}
        arrays = {
            name: column[name].to_numpy(zero_copy_only=False)
            for name in ("label", "correct", "correct_top5", "failed", "clip_accuracy")
        }
        flat = column["scores"].flatten().to_numpy(zero_copy_only=False)
        return VideoTable(
            classes=classes,
            ids=column["id"].to_pylist(),
            predicted=column["predicted_label"].to_numpy(zero_copy_only=False),
            reasons=column["reason"].to_pylist(),
            scores=flat.reshape(len(table), len(classes)),
            **arrays,
        )
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not the table of an evaluation ({type(error).__name__}: {error}); "
            "`test` writes one into its report folder"
        ) from error


def video_rows(
    results: VideoResults, classes: Sequence[str], ids: Sequence[str]
) -> Iterable[dict[str, Any]]:
    """One row a video for ``videos.csv``."""
    correct, predicted = results.correct().tolist(), results.predicted().tolist()
    for row, index in enumerate(results.index.tolist()):
        scores, label, best = results.scores[row], int(results.label[row]), predicted[row]
        failed = best < 0
        yield {
            "video": ids[index],
            "true": classes[label],
            "predicted": "" if failed else classes[best],
            "correct": int(correct[row]),
            "score_true": f"{float(scores[label]):.6f}",
            "score_predicted": "" if failed else f"{float(scores[best]):.6f}",
            "clip_accuracy": f"{float(results.clip_correct[row]):.4f}",
            "failed": int(failed),
            "reason": results.reasons[row],
        }


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of equal keys, with a header line; see `wording.cell`."""
    rows = [{name: cell(value) for name, value in row.items()} for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_confusion(path: Path, counts: Sequence[Sequence[int]], classes: Sequence[str]) -> None:
    """Write (K, K) counts, one row a true class and one column a predicted class."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = [cell(name) for name in classes]
        writer.writerow(["true", *names])
        writer.writerows([name, *row] for name, row in zip(names, counts, strict=True))
