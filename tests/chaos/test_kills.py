"""Two hundred kills over all that is written, on two file systems: nothing torn, nothing lost.

Every job runs in a process that is killed (SIGKILL, with all that it started) after a random time,
and is called again on the same folder.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch

from snl_video import cli
from snl_video.data.manifest import read_table
from snl_video.data.synthetic.motion import MotionSettings, write_motion
from snl_video.evaluation.comparison import read_report
from snl_video.evaluation.predictions import Prediction
from snl_video.evaluation.report.write_report import write_report
from snl_video.inference.prediction_file import PredictionFile
from snl_video.training.whole_checkpoints import WholeCheckpoints
from snl_video.whole_files import previous_of
from tests.cli.tiny_run import QUIET, TINY_DATA, TINY_MODEL
from tests.evaluation.cases import evaluation

KILLS = int(os.environ.get("SNL_VIDEO_CHAOS_KILLS", "200"))
DISKS = [Path(tempfile.gettempdir()), Path("/dev/shm")]


class Training:
    """`fit --resume auto`; the weights in the end are those of a run that nobody stopped."""

    def __init__(self, videos, whole):
        self.videos, self.whole = videos, whole

    def work(self, folder):
        words = [f"--run_dir={folder}", f"--data.root={self.videos}", "--trainer.max_epochs=3"]
        assert cli.main(["fit", "--resume=auto", *words, *TINY_MODEL, *TINY_DATA, *QUIET]) == 0

    def look(self, folder):
        """Read every checkpoint; return the number of steps that are not lost."""
        files = sorted((folder / "checkpoints").glob("[!.]*.ckpt"))
        steps = [torch.load(file, weights_only=True)["global_step"] for file in files]
        return max(steps, default=0)

    def end(self, folder):
        ours, theirs = (
            torch.load(one / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
            for one in (folder, self.whole)
        )
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


class Saving:
    """Checkpoint after checkpoint of 8 MB over the same file."""

    def work(self, folder):
        for step in range(self.look(folder) + 1, self.look(folder) + 40):
            value = {"step": step, "weights": torch.full((2_000_000,), float(step))}
            WholeCheckpoints().save_checkpoint(value, folder / "last.ckpt")

    def look(self, folder):
        last, steps = folder / "last.ckpt", []
        for file in (previous_of(last), last):
            if file.exists():
                stored = torch.load(file, weights_only=True)
                assert (stored["weights"] == stored["step"]).all()
                steps.append(stored["step"])
        assert steps == sorted(steps)
        return max(steps, default=0)

    def end(self, folder):
        assert not hidden(folder)


class Reporting:
    """Reports of two tests in turn: no number of one beside the table of the other."""

    def work(self, folder):
        for seed in range(4):
            write_report(folder / "report", evaluation(seed=seed, skill=1.0 + seed), {})

    def look(self, folder):
        there = (folder / "report").exists()
        if there:
            read_report(folder / "report", "report")
        return int(there)

    def end(self, folder):
        assert not hidden(folder)


class Checking:
    """`check`; its index is whole or absent, and no scratch file stays."""

    def __init__(self, videos):
        self.videos = videos

    def work(self, folder):
        words = ["--format=ucf101", f"--root={self.videos}", f"--index={folder}/index.parquet"]
        words += ["--workers=1", "--full=true"]
        assert cli.main(["check", *words]) in (0, 1)

    def look(self, folder):
        there = (folder / "index.parquet").exists()
        return len(read_table(folder / "index.parquet")) if there else 0

    def end(self, folder):
        assert [path.name for path in folder.iterdir()] == ["index.parquet"]


class Predicting:
    """Predictions one by one: what was kept is not predicted again."""

    def work(self, folder):
        paths = [f"{number}.mp4" for number in range(300)]
        file = folder / "predictions.json"
        if file.exists():
            return
        kept = PredictionFile(file, {"model": "x"})
        for path in paths:
            if path not in kept.done:
                time.sleep(0.002)
                kept.add(Prediction(path, (("a", 0.75), ("b", 0.25))))
        kept.finish(paths)

    def look(self, folder):
        if (folder / "predictions.json").exists():
            return len(json.loads((folder / "predictions.json").read_text()))
        partial = folder / "predictions.json.partial"
        return max(partial.read_text().count("\n") - 1, 0) if partial.exists() else 0

    def end(self, folder):
        assert self.look(folder) == 300
        assert not hidden(folder)


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def run(work, *given, seconds=None):
    """Call in a process that is killed after so many seconds; return whether it ended by itself."""
    child = os.fork()
    if not child:
        try:
            os.setsid()
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            if seconds is not None:
                os.dup2(silent, 2)
            torch.set_num_threads(1)
            work(*given)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.__stderr__)
        finally:
            os._exit(1)
    until = time.monotonic() + (600 if seconds is None else seconds)
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0, status
            return True
        time.sleep(0.002)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")
    settings = MotionSettings(groups=3, clips_per_group=1, num_frames=12, height=32, width=40)
    run(write_motion, folder / "motion", settings)
    training = Training(folder / "motion", folder / "whole")
    run(training.work, folder / "whole")
    return {
        "training": training,
        "saving": Saving(),
        "reporting": Reporting(),
        "checking": Checking(folder / "motion"),
        "predicting": Predicting(),
    }


@pytest.mark.chaos
@pytest.mark.parametrize("disk", DISKS, ids=str)
@pytest.mark.parametrize("name", ["training", "saving", "reporting", "checking", "predicting"])
def test_kills(jobs, name, disk):
    if not disk.is_dir():
        pytest.skip(f"no {disk} here")
    job, draw = jobs[name], random.Random(f"{name} {disk}")
    kills, ends, wanted = 0, 0, KILLS // (2 * 5)
    while kills < wanted:
        with tempfile.TemporaryDirectory(dir=disk) as scratch:
            folder = Path(scratch) / "run"
            folder.mkdir()
            begun = time.monotonic()
            run(job.work, folder)
            whole = time.monotonic() - begun
            job.end(folder)
        with tempfile.TemporaryDirectory(dir=disk) as scratch:
            folder, kept = Path(scratch) / "run", 0
            folder.mkdir()
            while kills < wanted and not run(job.work, folder, seconds=draw.uniform(0, whole)):
                kills += 1
                now = job.look(folder)
                assert now >= kept, "lost"
                kept = now
            run(job.work, folder)
            job.end(folder)
            ends += 1
    print(f"{name} on {disk}: {kills} kills, {ends} runs brought to their end")
