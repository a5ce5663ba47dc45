"""Names of videos and classes that are not UTF-8, or that a spreadsheet would compute."""

import csv
import json
import os
from dataclasses import replace

import pytest

from snl_video.data.video_list import VideoList, VideoRecord
from snl_video.evaluation.comparison import load_comparison
from snl_video.evaluation.predictions import Prediction, predictions_table, write_predictions
from snl_video.evaluation.report.write_report import write_report
from snl_video.evaluation.video_table import list_sha256, read_parquet, write_csv
from snl_video.inference.prediction_file import PredictionFile
from snl_video.wording import cell, utf8
from tests.evaluation.cases import evaluation

CAFE = os.fsdecode(b"caf\xe9.mp4")
FORMULAS = ["=1+2.mp4", "+a.mp4", "-b.mp4", "@c.mp4", "\td.mp4", "\re.mp4"]


@pytest.fixture
def odd():
    """An evaluation of 20 videos, two of which failed, with odd names."""
    case = evaluation(20, 4, failed=(0, 8))
    ids = [CAFE, *FORMULAS, *case.ids[len(FORMULAS) + 1 :]]
    reasons = tuple(f"{CAFE}: {reason}" if reason else "" for reason in case.results.reasons)
    classes = ["=cmd|' /C calc'!A0", CAFE, *case.classes[2:]]
    results = replace(case.results, reasons=reasons)
    return replace(case, results=results, ids=ids, classes=classes, absent=[CAFE])


def cells(path):
    with path.open(newline="", encoding="utf-8") as file:
        return [cell for row in csv.reader(file) for cell in row]


def test_a_report_takes_every_name(tmp_path, odd):
    folder = write_report(tmp_path / "report", odd, {"note": CAFE})
    table = read_parquet(folder / "videos.parquet")
    assert table.ids == [utf8(name) for name in odd.ids]
    for name in ("metrics.json", "report.html", "videos.csv", "confusion.csv", "per_class.csv"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "caf\\udce9" in text, name
    assert json.loads((folder / "metrics.json").read_text())["note"] == CAFE
    for name in ("videos.csv", "confusion.csv", "per_class.csv"):
        assert not [c for c in cells(folder / name) if c.startswith(("=", "+", "@", "\t", "\r"))]
        assert not [c for c in cells(folder / name) if c.startswith("-b")]
    assert "'=1+2.mp4" in cells(folder / "videos.csv")


def test_the_hash_of_a_list_is_the_same_wherever_it_is_made(tmp_path, odd):
    labels = odd.results.label.tolist()
    records = [VideoRecord("", n, name) for name, n in zip(odd.ids, labels, strict=True)]
    table = read_parquet(write_report(tmp_path / "a", odd, {}) / "videos.parquet")
    wanted = VideoList(records, list(odd.classes)).sha256()
    assert list_sha256(odd.ids, labels) == wanted
    assert list_sha256(table.ids, table.label.tolist()) == wanted


def test_reports_with_odd_names_are_compared(tmp_path, odd):
    folders = [write_report(tmp_path / name, odd, {}) for name in ("a", "b")]
    assert load_comparison(folders).to_dict()


def test_predictions_take_every_name(tmp_path):
    predictions = [Prediction(name, ((CAFE, 0.5), ("=x", 0.25))) for name in (CAFE, "=1.mp4")]
    write_predictions(tmp_path / "p.json", predictions)
    assert json.loads((tmp_path / "p.json").read_text())[0]["path"] == CAFE
    assert next(iter(predictions_table(predictions).columns[0].cells)) == utf8(CAFE)
    for suffix in (".csv", ".parquet", ".json", ".jsonl"):
        file = PredictionFile(tmp_path / f"all{suffix}", {})
        for prediction in predictions:
            file.add(prediction)
        file.finish([prediction.path for prediction in predictions])
    assert not [c for c in cells(tmp_path / "all.csv") if c.startswith("=")]


def test_numbers_are_left_as_they_are(tmp_path):
    row = {"a": -1.5, "b": "-0.250000", "c": "+1e-3", "d": -3, "e": "-", "f": "-x", "g": "=1"}
    write_csv(tmp_path / "a.csv", [row])
    assert cells(tmp_path / "a.csv")[7:] == ["-1.5", "-0.250000", "+1e-3", "-3", "'-", "'-x", "'=1"]
    assert cell("caf\udce9") == "caf\\udce9"
