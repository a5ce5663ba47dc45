"""A run that goes on from its last checkpoint."""

import pytest
import torch

from snl_video.commands.video_cli import VideoCLI
from snl_video.errors import InputError
from snl_video.training import Freezing
from snl_video.training.whole_checkpoints import WholeCheckpoints
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


def test_a_run_keeps_its_checkpoints_whole_and_refuses_a_torn_one(videos, tmp_path):
    trainer = fit(videos, tmp_path / "run", "--trainer.max_epochs=2").trainer
    assert isinstance(trainer.strategy.checkpoint_io, WholeCheckpoints)
    last = tmp_path / "run/checkpoints/last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"cut off.*one before it is .*last\.previous\.ckpt"):
        fit(videos, tmp_path / "run", f"--ckpt_path={last}")
