import shutil

import pytorch_lightning as pl
import torch

from snl_video.training import Freezing, MovingAverage, OptimizerSpec, PreciseBatchNorm
from snl_video.training.callbacks.last_checkpoint import LastCheckpoint
from tests.training.tiny import TinyData, changed, classifier, state_of, trainer


class Copy(pl.Callback):
    """Copies the file as the second epoch finds it, as if the run had been killed then."""

    def __init__(self, file, to):
        self.file, self.to = file, to

    def on_train_epoch_start(self, trainer, module):
        if trainer.current_epoch == 1:
            shutil.copy(self.file, self.to)


def fit(folder, *callbacks, ckpt_path=None):
    model = classifier(optimizer=OptimizerSpec("adamw", lr=1e-3))
    last = LastCheckpoint(folder / "last.ckpt")
    run = trainer(
        folder,
        max_epochs=3,
        enable_checkpointing=True,
        callbacks=[
            Freezing("res5", unfreeze={1: "res4"}),
            MovingAverage(0.5),
            PreciseBatchNorm(),
            last,
            *callbacks,
        ],
    )
    run.fit(model, TinyData(), ckpt_path=ckpt_path, weights_only=True if ckpt_path else None)
    return state_of(model)


def test_a_killed_run_goes_on_from_the_last_checkpoint(tmp_path):
    whole = tmp_path / "whole"
    state = fit(whole, Copy(whole / "last.ckpt", tmp_path / "killed.ckpt"))
    assert torch.load(tmp_path / "killed.ckpt", weights_only=True)["epoch"] == 0
    assert torch.load(whole / "last.ckpt", weights_only=True)["epoch"] == 2
    again = fit(tmp_path / "again", ckpt_path=tmp_path / "killed.ckpt")
    assert not changed(state, again)


def test_a_trial_run_writes_no_checkpoint(tmp_path):
    file = tmp_path / "last.ckpt"
    last = [LastCheckpoint(file)]
    trainer(tmp_path, fast_dev_run=True, enable_checkpointing=True, callbacks=last).fit(
        classifier(), TinyData()
    )
    assert not file.exists()
