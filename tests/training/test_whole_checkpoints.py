"""Checkpoints through Lightning: killed while they are written, and on a full disk."""

import os
import shutil
import subprocess

import pytest
import torch

from snl_video.errors import InputError
from snl_video.run import load_checkpoint
from snl_video.training.callbacks.last_checkpoint import LastCheckpoint
from snl_video.training.whole_checkpoints import WholeCheckpoints
from tests.training.tiny import TinyData, classifier, trainer


def killed_while_saving(io, file):
    """Save in a process that is killed when half of the file is written; return its exit code."""
    child = os.fork()
    if not child:
        save = torch.save

        def half(value, target):
            save(value, target)
            target.truncate(100)
            target.flush()
            os._exit(9)

        torch.save = half
        try:
            io.save_checkpoint({"step": 2}, file)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_training_keeps_the_last_checkpoint_and_the_one_before(tmp_path):
    last = tmp_path / "last.ckpt"
    run = trainer(
        tmp_path,
        max_epochs=3,
        limit_val_batches=0,
        enable_checkpointing=True,
        callbacks=[LastCheckpoint(last)],
        plugins=[WholeCheckpoints()],
    )
    run.fit(classifier(), TinyData())
    epochs = {path.name: torch.load(path)["epoch"] for path in tmp_path.iterdir()}
    assert epochs == {"last.ckpt": 2, "last.previous.ckpt": 1}


def test_a_kill_in_the_middle_leaves_the_checkpoint_that_was_there(tmp_path):
    file = tmp_path / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"step": 1}, file)
    assert killed_while_saving(WholeCheckpoints(), file) == 9
    assert torch.load(file)["step"] == 1
    WholeCheckpoints().save_checkpoint({"step": 3}, file)
    assert {path.name for path in tmp_path.iterdir()} == {"last.ckpt", "last.previous.ckpt"}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("a small file system needs the right to mount one")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_leaves_the_checkpoint_that_was_there(small_disk):
    file = small_disk / "best.ckpt"
    WholeCheckpoints().save_checkpoint({"step": 1}, file)
    with pytest.raises(InputError, match=r"No space left on device.*before it is whole: .*best"):
        WholeCheckpoints().save_checkpoint({"weights": torch.zeros(10**6)}, file)
    assert torch.load(file)["step"] == 1
    assert [path.name for path in small_disk.iterdir()] == ["best.ckpt"]


def test_a_fault_of_the_program_is_no_full_disk(tmp_path, monkeypatch):
    def fault(*given):
        raise RuntimeError("a fault")

    monkeypatch.setattr(torch, "save", fault)
    with pytest.raises(RuntimeError, match="a fault"):
        WholeCheckpoints().save_checkpoint({}, tmp_path / "last.ckpt")


def test_a_torn_checkpoint_names_the_one_before(tmp_path):
    file = tmp_path / "last.ckpt"
    for step in (1, 2):
        WholeCheckpoints().save_checkpoint({"step": step}, file)
    for content in (b"", file.read_bytes()[:200]):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"cut off.*one before it is .*last\.previous\.ckpt"):
            load_checkpoint(file)
