"""Parts of predictions, in a folder and at an address."""

import fsspec
import pyarrow.parquet as pq
import pytest

from snl_video.cli import main
from snl_video.data.filled_folders import files_in
from snl_video.errors import InputError
from snl_video.evaluation.predictions import Prediction
from snl_video.inference.prediction_parts import PredictionParts, name_of, write_part

SETTINGS = {"model": "m", "views": "2x1"}
PATHS = [f"videos/{letter}.mp4" for letter in "abcde"]


@pytest.fixture(params=["folder", "memory"])
def url(request, tmp_path):
    return str(tmp_path / "out") if request.param == "folder" else f"memory://{tmp_path.name}/out"


def prediction(path):
    if "c.mp4" in path:
        return Prediction(path, (), "the file is empty")
    return Prediction(path, (("run", 0.75), ("jump", 0.25)))


def write(parts, number):
    write_part(parts.url, number, list(map(prediction, parts.names_of(number))), 2)


def test_each_video_is_in_one_part_whatever_is_done_twice(url):
    parts = PredictionParts(url, PATHS, size=2)
    assert parts.begin(SETTINGS) == [0, 1, 2]
    for number in (2, 0, 0):
        write(parts, number)
    again = PredictionParts(url, PATHS, size=2)
    assert again.begin(SETTINGS) == [1]
    write(again, 1)
    assert again.begin(SETTINGS) == []
    assert again.failures() == {"videos/c.mp4": "the file is empty"}
    files, folder = fsspec.url_to_fs(url)
    rows = []
    for name in sorted(files_in(url) - {"_plan.json"}):
        with files.open(f"{folder}/{name}") as file:
            rows += pq.read_table(file).to_pylist()
    assert [row["path"] for row in rows] == PATHS
    assert rows[1] | {"path": ""} == {
        "path": "",
        "reason": "",
        "class": "run",
        "score": 0.75,
        "class_2": "jump",
        "score_2": 0.25,
    }
    assert (rows[2]["reason"], rows[2]["class"]) == ("the file is empty", None)


@pytest.mark.parametrize(
    ("paths", "settings", "told"),
    [
        (PATHS[:4], SETTINGS, r"videos was 5, list was '"),
        ([*PATHS[:4], "other.mp4"], SETTINGS, r"other settings \(list was '"),
        (PATHS, SETTINGS | {"views": "1x1"}, r"views was '2x1'"),
    ],
)
def test_parts_of_something_else_are_refused(url, paths, settings, told):
    PredictionParts(url, PATHS, size=2).begin(SETTINGS)
    with pytest.raises(InputError, match=told):
        PredictionParts(url, paths, size=2).begin(settings)


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(InputError, match="is not empty"):
        PredictionParts(str(tmp_path), PATHS, size=2).begin(SETTINGS)


def test_a_part_that_a_killed_process_left_half_counts_as_missing(tmp_path):
    parts = PredictionParts(str(tmp_path / "out"), PATHS, size=5)
    parts.begin(SETTINGS)
    (tmp_path / f"out/.{name_of(0)}.half").write_bytes(b"PAR1")
    assert parts.begin(SETTINGS) == [0]
    write(parts, 0)
    assert len(parts.failures()) == 1


@pytest.mark.parametrize("words", [[], ["--output", "out", "--overwrite", "true"]])
def test_the_engine_needs_a_folder_that_it_may_fill(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").touch()
    assert main(["predict", "m", "a.mp4", "--engine", "ray", *words]) == 2
    assert "needs a new or begun --output" in capsys.readouterr().err
