"""Predictions in a file: kept one by one as they come, and one table in the end."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from snl_video.errors import InputError, UsageError
from snl_video.evaluation.predictions import Prediction, prediction_row
from snl_video.whole_files import whole_file, write_whole
from snl_video.wording import cell, utf8

SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")


class PredictionFile:
    """Collects predictions beside a file until all are there, and then writes the file whole.

    Every prediction is at once a line of `<file>.partial`. A program that is stopped and called
    again reads them, and predicts only what is missing.

    Args:
        file: .json, .jsonl, .csv or .parquet.
        settings: what the predictions depend on: the model, its views.
        overwrite: replace a file that is there, and forget what was begun.

    Attributes:
        done: what is known already, by path.

    Raises:
        UsageError: another suffix, or the file is there.
        InputError: what was begun was begun with other settings.
    """

    def __init__(self, file: Path, settings: Mapping[str, Any], overwrite: bool = False) -> None:
        if file.suffix not in SUFFIXES:
            raise UsageError(f"{file}: predictions are written as {', '.join(SUFFIXES)}")
        if file.exists() and not overwrite:
            raise UsageError(f"{file} exists; name another file, or add --overwrite true")
        self.file = file
        self.partial = file.with_name(f"{file.name}.partial")
        self.done: dict[str, Prediction] = {}
        head = json.dumps(dict(settings), sort_keys=True)
        if self.partial.exists() and not overwrite:
            self._take_up(head)
        else:
            write_whole(self.partial, head + "\n")

    def add(self, prediction: Prediction) -> None:
        """Keep one more."""
        self.done[prediction.path] = prediction
        with self.partial.open("a", encoding="utf-8") as file:
            file.write(json.dumps(prediction.to_dict()) + "\n")

    def finish(self, paths: list[str]) -> None:
        """Write the predictions of the paths in this order, and forget the lines beside it."""
        predictions = [self.done[path] for path in paths]
        with whole_file(self.file) as scratch:
            _write(scratch, self.file.suffix, predictions)
        self.partial.unlink()

    def _take_up(self, head: str) -> None:
        first, *lines = self.partial.read_text(encoding="utf-8").splitlines() or [""]
        if first != head:
            raise InputError(
                f"{self.partial} was begun with {first}, not with {head}; call the same command "
                "again, name another file, or start anew with --overwrite true"
            )
        whole = [first]
        for line in lines:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:  # the line that was being written
                break
            whole.append(line)
            top = tuple((entry["class"], entry["score"]) for entry in row["top"])
            present = tuple(row["present"]) if "present" in row else None
            found = Prediction(row["path"], top, row.get("reason", ""), present=present)
            self.done[row["path"]] = found
        write_whole(self.partial, "\n".join(whole) + "\n")


def _write(file: Path, suffix: str, predictions: list[Prediction]) -> None:
    rows = [prediction_row(prediction) for prediction in predictions]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if suffix == ".parquet":
        rows = [{n: utf8(v) if isinstance(v, str) else v for n, v in row.items()} for row in rows]
        columns = {name: [row.get(name) for row in rows] for name in names}
        pq.write_table(pa.table(columns), file)
    elif suffix == ".csv":
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, names)
            writer.writeheader()
            writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    else:
        values = [prediction.to_dict() for prediction in predictions]
        lines = map(json.dumps, values)
        text = json.dumps(values, indent=2) if suffix == ".json" else "\n".join(lines)
        file.write_text(text + "\n", encoding="utf-8")
