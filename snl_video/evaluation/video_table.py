"""One row a video: in Parquet with all its scores, in CSV to read."""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from snl_video.errors import InputError
from snl_video.evaluation.answers import Answers
from snl_video.evaluation.results import VideoResults
from snl_video.evaluation.stored_scores import ROWS
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
        answers: what the scores say, computed anew from them.
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
    answers: Answers

    def results(self) -> VideoResults:
        """Return the rows as the results that they were made of."""
        return VideoResults(
            index=torch.arange(len(self.ids)),
            label=torch.tensor(self.label),
            num_classes=len(self.classes),
            answers=self.answers,
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
    """Write one row a video: who it is, what was said of it, and the (K,) float32 scores.

    The scores of some thousand videos are in memory at a time.
    """
    assert results.scores is not None
    columns = {
        "id": [ids[i] for i in results.index.tolist()],
        "label": results.label.numpy(),
        "true": [classes[i] for i in results.label.tolist()],
        "predicted": [classes[i] if i >= 0 else None for i in results.predicted().tolist()],
        "predicted_label": results.predicted().numpy(),
        "correct": results.correct(1).numpy(),
        "correct_top5": results.correct(5).numpy(),
        "failed": results.failed.numpy(),
        "reason": [utf8(reason) for reason in results.reasons],
        "clip_accuracy": results.clip_correct.numpy(),
    }
    table = pa.table(columns)
    scores = pa.field("scores", pa.list_(pa.float32(), len(classes)))
    facts = {"classes": json.dumps(list(classes))}
    schema = table.schema.append(scores).with_metadata(facts)
    own = [name for name in schema.names if name != "scores"]  # scores hardly repeat
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=own) as writer:
        for start in range(0, len(table), ROWS):
            flat = pa.array(results.scores[start : start + ROWS].numpy().ravel())
            rows = pa.FixedSizeListArray.from_arrays(flat, len(classes))
            part = table.slice(start, ROWS).append_column(scores, rows)
            writer.write_table(part.cast(schema))


def read_parquet(path: Path) -> VideoTable:
    """Read what `write_parquet` wrote, the scores of some thousand videos at a time.

    Raises:
        InputError: the file is absent or of another make.
    """
    try:
        with pq.ParquetFile(path) as file:
            classes = json.loads(file.schema_arrow.metadata[b"classes"])
            names = file.schema_arrow.names
            if "labels" in names:
                raise InputError(
                    f"{path} is of videos with several labels; only reports of one class a video "
                    "can be compared"
                )
            table = file.read([name for name in names if name != "scores"])
            label = table["label"].to_numpy()
            return VideoTable(
                classes=classes,
                ids=table["id"].to_pylist(),
                label=label,
                predicted=table["predicted_label"].to_numpy(),
                correct=table["correct"].to_numpy(),
                correct_top5=table["correct_top5"].to_numpy(),
                failed=table["failed"].to_numpy(),
                reasons=table["reason"].to_pylist(),
                clip_accuracy=table["clip_accuracy"].to_numpy(),
                answers=_answers(file, torch.tensor(label), len(classes)),
            )
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not the table of an evaluation ({type(error).__name__}: {error}); "
            "`test` writes one into its report folder"
        ) from error


def _answers(file: pq.ParquetFile, label: Tensor, num_classes: int) -> Answers:
    """Read the scores of a table, one group of rows at a time."""
    answers, start = Answers.zeros(len(label)), 0
    for group in range(file.num_row_groups):  # iter_batches would hold many of them
        column = file.read_row_group(group, ["scores"])["scores"].combine_chunks()
        scores = torch.tensor(column.flatten().to_numpy()).view(-1, num_classes)
        end = start + len(scores)
        for whole, part in zip(answers, Answers.of(scores, label[start:end]), strict=True):
            whole[start:end] = part
        start = end
    return answers


def video_rows(
    results: VideoResults, classes: Sequence[str], ids: Sequence[str]
) -> Iterable[dict[str, Any]]:
    """One row a video for ``videos.csv``."""
    correct, predicted = results.correct().tolist(), results.predicted().tolist()
    for row, index in enumerate(results.index.tolist()):
        label, best = int(results.label[row]), predicted[row]
        failed = best < 0
        yield {
            "video": ids[index],
            "true": classes[label],
            "predicted": "" if failed else classes[best],
            "correct": int(correct[row]),
            "score_true": f"{float(results.answers.score_true[row]):.6f}",
            "score_predicted": "" if failed else f"{float(results.answers.confidence[row]):.6f}",
            "clip_accuracy": f"{float(results.clip_correct[row]):.4f}",
            "failed": int(failed),
            "reason": results.reasons[row],
        }


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of equal keys, with a header line; see `wording.cell`."""
    rows = iter(rows)
    first = next(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(first))
        writer.writeheader()
        for row in chain([first], rows):
            writer.writerow({name: cell(value) for name, value in row.items()})


def write_confusion(path: Path, counts: Sequence[Sequence[int]], classes: Sequence[str]) -> None:
    """Write (K, K) counts, one row a true class and one column a predicted class."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = [cell(name) for name in classes]
        writer.writerow(["true", *names])
        writer.writerows([name, *row] for name, row in zip(names, counts, strict=True))
