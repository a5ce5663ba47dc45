"""Training and evaluation of videos in an object store."""

import json

import fsspec
import pytest

from snl_video.commands.video_cli import VideoCLI
from tests.cli.tiny_run import QUIET, TINY_MODEL, read_csv
from tests.training.tiny import SMALL_CLIPS


@pytest.fixture
def bucket(videos):
    """The videos of a folder and a list of them, at addresses."""
    files, folder = fsspec.url_to_fs("memory://bucket")
    paths = sorted((videos / "videos").rglob("*.mp4"))
    lines = [f"{path.parent.name}/{path.name},{path.parent.name}" for path in paths]
    for path in paths:
        files.pipe_file(f"{folder}/{path.parent.name}/{path.name}", path.read_bytes())
    for name, some in (("train", lines[::2]), ("test", lines[1::2])):
        files.pipe_file(f"{folder}/{name}.csv", "\n".join(some).encode())
    yield "memory://bucket"
    files.rm(folder, recursive=True)


def words(run, bucket):
    lists = [f"--data.lists.{name}={bucket}/{name}.csv" for name in ("train", "test")]
    data = ["--data.format=csv", f"--data.root={bucket}", *lists, "--data.loader.batch_size=4"]
    return [f"--run_dir={run}", *data, *SMALL_CLIPS, *QUIET]


def test_a_bucket_is_trained_on_and_tested(bucket, tmp_path):
    run = tmp_path / "run"
    VideoCLI(["fit", *words(run, bucket), *TINY_MODEL, "--trainer.max_epochs=1"])
    VideoCLI(["test", *words(run, bucket)])
    metrics = json.loads((run / "report/metrics.json").read_text())
    rows = read_csv(run / "report/videos.csv")
    assert metrics["videos"] == len(rows) > 10
    assert metrics["failed"] == 0
