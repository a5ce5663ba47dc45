import csv
import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from snl_video.evaluation.video_table import (
    list_sha256,
    read_parquet,
    video_rows,
    write_confusion,
    write_csv,
    write_parquet,
)
from tests.evaluation.cases import evaluation, random_results


def test_parquet_gives_back_every_video(tmp_path):
    case = evaluation(30, 6, failed=(2, 7))
    results = case.results
    write_parquet(tmp_path / "videos.parquet", results, case.classes, case.ids)
    table = read_parquet(tmp_path / "videos.parquet")
    assert table.ids == case.ids
    assert table.classes == case.classes
    assert table.reasons == list(results.reasons)
    stored = pq.read_table(tmp_path / "videos.parquet")["scores"].to_pylist()
    np.testing.assert_array_equal(np.array(stored, np.float32), results.scores[:].numpy())
    for have, want in zip(table.answers, results.answers, strict=True):
        np.testing.assert_array_equal(have, want)
    np.testing.assert_array_equal(table.label, results.label.numpy())
    np.testing.assert_array_equal(table.predicted, results.predicted().numpy())
    np.testing.assert_array_equal(table.correct, results.correct().numpy())
    np.testing.assert_array_equal(table.correct_top5, results.correct(5).numpy())
    np.testing.assert_array_equal(table.clip_accuracy, results.clip_correct.numpy())
    assert table.failed.nonzero()[0].tolist() == [2, 7]
    assert not table.correct[[2, 7]].any()


def test_a_file_of_another_make_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"none\.parquet is not the table of an evaluation"):
        read_parquet(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(ValueError, match="is not the table of an evaluation"):
        read_parquet(tmp_path / "text.parquet")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="is not the table of an evaluation"):
        read_parquet(tmp_path / "other.parquet")


def test_hash_is_over_ids_and_labels_in_order():
    expected = hashlib.sha256(b"a/b.mp4 3\nc.mp4 0\n").hexdigest()
    assert list_sha256(["a/b.mp4", "c.mp4"], [3, 0]) == expected
    assert list_sha256(["c.mp4", "a/b.mp4"], [0, 3]) != expected


def test_csv_says_what_a_failed_video_is(tmp_path):
    case = evaluation(4, 2, failed=(1,))
    write_csv(tmp_path / "v.csv", video_rows(case.results, case.classes, case.ids))
    rows = list(csv.DictReader((tmp_path / "v.csv").open(newline="")))
    assert [row["failed"] for row in rows] == ["0", "1", "0", "0"]
    assert rows[1]["predicted"] == rows[1]["score_predicted"] == ""
    assert rows[1]["correct"] == "0"
    assert rows[1]["reason"] == "moov atom not found"


def test_confusion_keeps_class_names_that_are_awkward(tmp_path):
    names = ["true", 'a, "b"', "é"]
    confusion = random_results(9, 3).confusion().tolist()
    write_confusion(tmp_path / "c.csv", confusion, names)
    rows = list(csv.reader((tmp_path / "c.csv").open(newline="", encoding="utf-8")))
    assert rows[0] == ["true", *names]
    assert [row[0] for row in rows[1:]] == names
    assert [[int(x) for x in row[1:]] for row in rows[1:]] == confusion
