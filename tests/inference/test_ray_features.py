"""Features of many videos, and an index of them, through Ray: the same as by one process."""

import os

import numpy as np
import pytest

from snl_video.cli import main
from snl_video.commands import check, features
from snl_video.data.feature_files import FeatureFiles
from snl_video.data.manifest import read_table
from snl_video.data.video_list import VideoRecord
from snl_video.inference.feature_source import FeatureSource
from tests.cli.conftest import run, videos  # noqa: F401
from tests.inference.ray_kills import many, run_to_the_end
from tests.inference.test_feature_parts import videos_in

pytest.importorskip("ray", reason="needs Ray: pip install 'snl_video[ray]'")
RAY = ["--engine", "ray", "--workers", "2"]


def features_of(model, folder, out):
    return ["features", str(model), str(folder), "--place", "res4", "--output", str(out)]


def check_of(root, index):
    return ["check", "--root", str(root), "--full", "true", "--index", str(index)]


def data_set(folder, videos, count, bad):  # noqa: F811
    """One class of many videos."""
    many(folder / "class", videos, count, bad)
    return folder


def test_ray_computes_the_features_of_one_process(videos, run, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(features, "PART", 4)
    folder = many(tmp_path / "many", videos, 10, bad=1)
    assert main(features_of(run, folder, tmp_path / "one")) == 1
    assert main([*features_of(run, folder, tmp_path / "ray"), *RAY]) == 1
    one, ray = FeatureFiles(tmp_path / "one"), FeatureFiles(tmp_path / "ray")
    assert ray.rows == one.rows
    assert ray.key == one.key
    read = [name for name, row in one.rows.items() if not row.reason]
    assert len(read) == 9
    assert all(np.array_equal(ray[name], one[name]) for name in read)
    assert videos_in(tmp_path / "ray") == sorted(one.rows)


def test_ray_makes_the_index_of_one_process(videos, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(check, "PART", 4)
    root = data_set(tmp_path / "set", videos, 10, bad=1)
    assert main(check_of(root, tmp_path / "one.parquet")) == 0
    assert main([*check_of(root, tmp_path / "ray.parquet"), *RAY]) == 0
    one, ray = (read_table(tmp_path / f"{name}.parquet") for name in ("one", "ray"))
    assert len(one) == 10
    assert ray.equals(one)


@pytest.mark.slow
def test_features_of_every_video_once_though_processes_are_killed(videos, run, tmp_path):  # noqa: F811
    """2,000 videos, 20 of them bad; three times an actor is killed, twice the driver."""
    folder, out = many(tmp_path / "many", videos, 2000, bad=20), tmp_path / "out"
    done = lambda: len(list(out.glob("shard-*")))  # noqa: E731
    assert run_to_the_end(features_of(run, folder, out), done, seed=2) == 1
    paths = sorted(map(str, folder.iterdir()))
    assert videos_in(out) == paths
    kept = FeatureFiles(out)
    assert sum(bool(row.reason) for row in kept.rows.values()) == 20
    source, known = FeatureSource.load(str(run), "res4", clip={}, crop={}, device="cpu"), {}
    for path in paths:
        if not kept.rows[path].reason:
            inode = os.stat(path).st_ino
            if inode not in known:
                known[inode] = source.features(VideoRecord(path, -1, path)).numpy()
            assert np.array_equal(kept[path], known[inode].astype(np.float16))


@pytest.mark.slow
def test_every_file_is_checked_once_though_processes_are_killed(videos, tmp_path):  # noqa: F811
    """2,000 videos, 20 of them bad; three times an actor is killed, twice the driver."""
    root, index = data_set(tmp_path / "set", videos, 2000, bad=20), tmp_path / "index.parquet"
    done = lambda: len(read_table(index)) if index.exists() else 0  # noqa: E731
    assert run_to_the_end(check_of(root, index), done, seed=3) == 0
    assert main(check_of(root, tmp_path / "one.parquet")) == 0
    one, ray = read_table(tmp_path / "one.parquet"), read_table(index)
    assert ray.equals(one)
    assert len(ray) == len(set(ray["path"].to_pylist())) == 2000
    assert ray["error"].null_count == 1980
