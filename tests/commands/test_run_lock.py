"""Who may train in the folder of a run, and what is said where nobody can."""

import errno
import json
import os
import socket
import subprocess
import sys
import time

import pytest

from snl_video.commands.run_lock import FILE, SILENCE, locked_run
from snl_video.errors import InputError


def leave(run_dir, **changes):
    """A lock as a process leaves it that was killed."""
    with locked_run(run_dir):
        lock = json.loads((run_dir / FILE).read_text())
    run_dir.mkdir(exist_ok=True)
    (run_dir / FILE).write_text(json.dumps(lock | changes))


def try_to_hold(run_dir):
    with locked_run(run_dir):
        assert json.loads((run_dir / FILE).read_text())["pid"] == os.getpid()


def test_a_second_training_is_refused_by_machine_and_process(tmp_path):
    host = socket.gethostname()
    with locked_run(tmp_path):
        for _ in range(2):
            with pytest.raises(InputError, match=f"on {host} .process {os.getpid()}.; wait"):
                try_to_hold(tmp_path)
    try_to_hold(tmp_path)
    assert not tmp_path.exists()  # an empty folder is not left


def test_another_process_is_refused_and_its_death_frees_the_folder(tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from snl_video.commands.run_lock import locked_run\n"
        "with locked_run(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(InputError, match=f"process {holder.pid}"):
        try_to_hold(tmp_path)
    holder.kill()
    holder.wait()
    assert (tmp_path / FILE).exists()
    try_to_hold(tmp_path)


def test_a_process_that_has_the_number_of_the_dead_one_is_another(tmp_path):
    leave(tmp_path, began="before the machine was started again")
    try_to_hold(tmp_path)


def test_another_machine_holds_the_folder_while_it_shows_signs_of_life(tmp_path):
    leave(tmp_path, host="node7")
    with pytest.raises(InputError, match=r"on node7 .*taken over 300 s after"):
        try_to_hold(tmp_path)
    past = time.time() - SILENCE - 60
    os.utime(tmp_path / FILE, (past, past))
    try_to_hold(tmp_path)


def test_a_job_that_slurm_starts_again_takes_over_its_own_lock(tmp_path, monkeypatch):
    leave(tmp_path, host="node7", SLURM_JOB_ID="12", SLURM_RESTART_COUNT=None)
    monkeypatch.setenv("SLURM_JOB_ID", "13")
    with pytest.raises(InputError, match="node7"):
        try_to_hold(tmp_path)
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    try_to_hold(tmp_path)


def test_no_hard_links_are_needed(tmp_path, monkeypatch):
    def refuse(*paths):
        raise OSError(errno.EPERM, "no hard links")

    monkeypatch.setattr(os, "link", refuse)
    with locked_run(tmp_path), pytest.raises(InputError, match="in use"):
        try_to_hold(tmp_path)
    try_to_hold(tmp_path)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "can't be written to")]
)
def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path, number, words):
    with pytest.raises(InputError, match=rf"{tmp_path}, .*{words}.*--resume auto"):
        fail(tmp_path, OSError(number, "of the disk", str(tmp_path / "csv/metrics.csv")))
    with pytest.raises(OSError, match="elsewhere"):
        fail(tmp_path, OSError(errno.EROFS, "elsewhere", "/other"))


def test_a_file_in_the_way_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="choose another folder"):
        try_to_hold(tmp_path / "file/run")


def fail(run_dir, error):
    with locked_run(run_dir):
        (run_dir / "config.yaml").touch()
        raise error
