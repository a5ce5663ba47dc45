"""Many videos through Ray, with processes that are killed meanwhile."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from snl_video.inference.recognizer import load_model
from tests.cli.conftest import run, videos  # noqa: F401

pytest.importorskip("ray", reason="needs Ray: pip install 'snl_video[ray]'")
ROOT = Path(__file__).parents[2]


def many(folder, videos, count, bad):  # noqa: F811
    """Names for the same few videos, and files that are none."""
    sources = sorted((videos / "videos").rglob("*.mp4"))
    folder.mkdir()
    for number in range(count):
        os.link(sources[number % len(sources)], folder / f"{number:05d}.mp4")
    for number in random.Random(0).sample(range(count), bad):
        (folder / f"{number:05d}.mp4").unlink()
        (folder / f"{number:05d}.mp4").write_bytes(b"no video at all")
    return folder


def start(model, folder, out):
    words = ["predict", model, folder, "--engine", "ray", "--output", out, "--top", "1"]
    command = [sys.executable, "-m", "snl_video", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


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


def actors(session):
    """Processes that hold a model, among those that a driver started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
            if b"ray::MapWorker" in name and os.getsid(int(folder.name)) == session:
                yield int(folder.name)
        except (OSError, ProcessLookupError):
            continue


def test_ray_predicts_what_one_process_predicts(videos, run, tmp_path):  # noqa: F811
    folder = many(tmp_path / "many", videos, 80, bad=3)
    assert start(run, folder, tmp_path / "out").wait(300) == 1  # three can't be read
    check(rows_of(tmp_path / "out"), run, folder, bad=3)


@pytest.mark.slow
def test_every_video_once_though_processes_are_killed(videos, run, tmp_path):  # noqa: F811
    """2,000 videos, 20 of them bad; three times an actor is killed, twice the driver."""
    folder, out = many(tmp_path / "many", videos, 2000, bad=20), tmp_path / "out"
    draw = random.Random(1)
    driver, killed = start(run, folder, out), 0
    for victim in ("actor", "driver", "actor", "driver", "actor"):
        parts = len(list(out.glob("part-*")))
        while len(list(out.glob("part-*"))) < parts + 2 and driver.poll() is None:
            time.sleep(0.1)
        time.sleep(draw.random())
        assert driver.poll() is None
        if victim == "driver":
            driver.kill()
            driver.wait()
            driver = start(run, folder, out)
        else:
            os.kill(draw.choice(sorted(actors(driver.pid))), signal.SIGKILL)
        killed += 1
    assert driver.wait(600) == 1
    assert killed == 5
    check(rows_of(out), run, folder, bad=20)
    assert len(rows_of(out)) == 2000
