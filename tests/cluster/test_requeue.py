"""Slurm puts a job into its queue again; a stand-in for `scontrol` notes that it was asked to."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from tests.cluster.nodes import ROOT, SECONDS, words_of
from tests.cluster.test_job_files import program

EPOCHS = "--trainer.max_epochs=30"


def start(words, folder, **slurm):
    job = {"SLURM_JOB_ID": "12", "SLURM_JOB_NAME": "snl_video", "SLURM_NTASKS": "1"}
    process = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
    path = f"{folder}:{os.environ['PATH']}"
    environment = {**os.environ, **job, **process, **slurm, "PATH": path}
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment)


@pytest.mark.slow
def test_a_job_that_is_requeued_goes_on_where_it_was(videos, tmp_path):
    program(tmp_path, "scontrol", f'echo "$@" >> {tmp_path}/asked.txt')
    run = tmp_path / "run"
    words = [word for word in words_of("fit", videos, run, EPOCHS) if "strategy" not in word]
    first = start(words, tmp_path)
    end = time.monotonic() + SECONDS
    while not (run / "checkpoints/last.ckpt").exists() and time.monotonic() < end:
        time.sleep(0.05)
    first.send_signal(signal.SIGUSR1)
    while not (tmp_path / "asked.txt").exists() and time.monotonic() < end:
        time.sleep(0.05)
    first.kill()  # as Slurm does then
    first.wait()
    assert (tmp_path / "asked.txt").read_text() == "requeue 12\n"
    saved = torch.load(run / "hpc_ckpt_1.ckpt", weights_only=True)
    assert 0 < saved["global_step"] < 30 * 5
    assert start(words, tmp_path, SLURM_RESTART_COUNT="1").wait(SECONDS) == 0
    whole = [word.replace(str(run), str(tmp_path / "whole")) for word in words]
    assert start(whole, tmp_path).wait(SECONDS) == 0
    want, have = (
        torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
        for folder in (tmp_path / "whole", run)
    )
    assert have["global_step"] == want["global_step"]
    for name, value in want["state_dict"].items():
        assert torch.equal(have["state_dict"][name], value), name
