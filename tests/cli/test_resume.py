"""A run that goes on from its last checkpoint."""

import shutil

import pytest
import pytorch_lightning as pl
import torch

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError
from snl_video.run import checkpoint_to_resume
from snl_video.training import Freezing
from snl_video.training.whole_checkpoints import WholeCheckpoints
from snl_video.whole_files import previous_of
from tests.cli.tiny_run import FINETUNE, fit


def freezing_of(trainer):
    (found,) = [callback for callback in trainer.callbacks if isinstance(callback, Freezing)]
    return found


def test_resuming_equals_never_having_stopped(videos, tmp_path):
    options = ["--trainer.max_epochs=3", "--model.schedule.warmup_epochs=1"]
    keep = ["--checkpoint.save_top_k=-1", "--checkpoint.filename={epoch}"]
    whole = fit(videos, tmp_path / "whole", *options, *keep).model
    first = tmp_path / "whole/checkpoints/epoch=0.ckpt"
    resumed = fit(videos, tmp_path / "resumed", *options, f"--ckpt_path={first}").model
    assert resumed.trainer.global_step == whole.trainer.global_step
    start = torch.load(first, weights_only=True)["state_dict"]
    assert not torch.equal(
        start["network.trunk.blocks.6.proj.weight"], whole.network.trunk.blocks[6].proj.weight
    )
    others = resumed.state_dict()
    for name, value in whole.state_dict().items():
        assert torch.equal(value, others[name]), name


def test_the_configuration_that_a_run_wrote_resumes_it(videos, tmp_path):
    keep = ["--checkpoint.save_top_k=-1", "--checkpoint.filename={epoch}"]
    whole = fit(videos, tmp_path / "whole", *FINETUNE, *keep).model
    resumed = VideoCLI(
        [
            "fit",
            f"--config={tmp_path}/whole/config.yaml",
            f"--run_dir={tmp_path}/again",
            f"--ckpt_path={tmp_path}/whole/checkpoints/epoch=1.ckpt",
        ]
    ).model
    steps = [freezing_of(model.trainer).schedule.steps for model in (resumed, whole)]
    assert steps[0] == steps[1]
    assert len(steps[0]) == 3
    assert resumed.optimizer_spec == whole.optimizer_spec
    others = resumed.state_dict()
    for name, value in whole.state_dict().items():
        assert torch.equal(value, others[name]), name


class Stop(pl.Callback):
    """Ends the run in the middle of an epoch as a kill does."""

    def on_train_batch_end(self, trainer, *given):
        if trainer.global_step == 7:
            raise SystemExit(9)


def test_the_same_command_goes_on_by_itself_after_a_stop(videos, tmp_path, monkeypatch, capsys):
    words = ["--trainer.max_epochs=3", "--resume=auto"]
    whole = fit(videos, tmp_path / "whole", *words).model
    stop = "--trainer.callbacks+=tests.cli.test_resume.Stop"
    with pytest.raises(SystemExit):
        fit(videos, tmp_path / "run", *words, stop)
    last = tmp_path / "run/checkpoints/last.ckpt"
    assert torch.load(last, weights_only=True)["epoch"] == 0
    shutil.copy(last, previous_of(last))
    last.write_bytes(last.read_bytes()[:1000])  # as another program may have left it
    resumed = fit(videos, tmp_path / "run", *words)
    assert resumed.ckpt_path == str(previous_of(last))
    assert f"resumes {previous_of(last)}, of epoch 0\n" in capsys.readouterr().out
    state = resumed.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.state_dict().items())
    with pytest.raises(InputError, match=r"already holds a run.*--resume auto"):
        fit(videos, tmp_path / "run")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")  # Slurm calls the same command again
    assert fit(videos, tmp_path / "run", words[0]).ckpt_path == str(last)
    hpc = tmp_path / "run/hpc_ckpt_1.ckpt"
    torch.save(torch.load(last, weights_only=True) | {"global_step": 99}, hpc)
    assert checkpoint_to_resume(tmp_path / "run") == str(hpc)


class Remove(pl.Callback):
    """Removes the folder of the run in its first epoch."""

    def on_train_batch_end(self, trainer, *given):
        shutil.rmtree(trainer.default_root_dir, ignore_errors=True)


def test_a_folder_that_is_removed_meanwhile_ends_the_run_with_a_sentence(videos, tmp_path):
    with pytest.raises(InputError, match=r"run, was removed.*choose another folder"):
        fit(videos, tmp_path / "run", "--trainer.callbacks+=tests.cli.test_resume.Remove")


def test_a_run_keeps_its_checkpoints_whole_and_refuses_a_torn_one(videos, tmp_path):
    trainer = fit(videos, tmp_path / "run", "--trainer.max_epochs=2").trainer
    assert isinstance(trainer.strategy.checkpoint_io, WholeCheckpoints)
    last = tmp_path / "run/checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"cut off.*one before it is .*last\.previous\.ckpt"):
        fit(videos, tmp_path / "run", f"--ckpt_path={last}")
