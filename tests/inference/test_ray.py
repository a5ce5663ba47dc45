"""Many videos through Ray, with processes that are killed meanwhile."""

import os

import pyarrow.dataset as ds
import pytest

from snl_video.inference.recognizer import load_model
from tests.cli.conftest import run, videos  # noqa: F401
from tests.inference.ray_kills import many, run_to_the_end, start

pytest.importorskip("ray", reason="needs Ray: pip install 'snl_video[ray]'")


def words_of(model, folder, out):
    return ["predict", model, folder, "--output", out, "--top", "1"]


def rows_of(out):
    files = sorted(map(str, out.glob("part-*.parquet")))
    return ds.dataset(files).to_table().to_pylist()


def check(rows, model, folder, bad):
    """Every video once, with a reason or with the score of one process."""
    assert [row["path"] for row in rows] == sorted(map(str, folder.iterdir()))
    assert sum(bool(row["reason"]) for row in rows) == bad
    recognizer = load_model(model)
    known = {}
    for row in rows:
        if not row["reason"]:
            inode = os.stat(row["path"]).st_ino
            if inode not in known:
                known[inode] = recognizer.predict(row["path"], top=1)
            assert (row["class"], row["score"]) == known[inode].top[0]


def test_ray_predicts_what_one_process_predicts(videos, run, tmp_path):  # noqa: F811
    folder = many(tmp_path / "many", videos, 80, bad=3)
    assert start(words_of(run, folder, tmp_path / "out")).wait(300) == 1  # three can't be read
    check(rows_of(tmp_path / "out"), run, folder, bad=3)


@pytest.mark.slow
def test_every_video_once_though_processes_are_killed(videos, run, tmp_path):  # noqa: F811
    """2,000 videos, 20 of them bad; three times an actor is killed, twice the driver."""
    folder, out = many(tmp_path / "many", videos, 2000, bad=20), tmp_path / "out"
    done = lambda: len(list(out.glob("part-*")))  # noqa: E731
    assert run_to_the_end(words_of(run, folder, out), done, seed=1) == 1
    check(rows_of(out), run, folder, bad=20)
    assert len(rows_of(out)) == 2000
