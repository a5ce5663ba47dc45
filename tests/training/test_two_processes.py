"""Fine-tuning on two CPU processes."""

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, DistributedSampler

from snl_video.training import Freezing, OptimizerSpec, PreciseBatchNorm
from snl_video.training.optim import ScheduleSpec
from tests.training.test_precise_bn import all_norms, inputs_of
from tests.training.tiny import Clips, TinyData, classifier, state_of, trainer

OPTIONS = {"optimizer": OptimizerSpec(lr=0.01), "schedule": ScheduleSpec("constant")}


def freezing():
    return Freezing("res5", norm=True, unfreeze={1: "res3", 2: None})


class Batches(TinyData):
    """As many videos in a step on one process as on two."""

    def __init__(self, batch_size):
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self):
        clips, run = Clips(8), self.trainer
        sampler = DistributedSampler(clips, run.world_size, run.global_rank, shuffle=False)
        return DataLoader(clips, self.batch_size, sampler=sampler)


class Keep(pl.Callback):
    """Writes the network of every process at the end."""

    def __init__(self, folder):
        self.folder = folder

    def on_train_end(self, trainer, module):
        torch.save(state_of(module), self.folder / f"{trainer.global_rank}.pt")


def fit(folder, devices, model, data, *callbacks, **options):
    folder.mkdir()
    if devices == 2:
        options |= {"devices": 2, "strategy": "ddp_spawn"}
    run = trainer(
        folder,
        precision="64-true",
        callbacks=[*callbacks, Keep(folder)],
        limit_val_batches=0,
        **options,
    )
    run.fit(model, data)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(devices)]


@pytest.mark.ddp
def test_what_is_freed_later_learns_as_on_one_process(tmp_path):
    """Two videos on each of two processes are the four of one, where statistics are fixed."""
    begin = state_of(classifier(**OPTIONS))
    options = {"max_epochs": 3, "accumulate_grad_batches": 2}
    (one,) = fit(tmp_path / "1", 1, classifier(**OPTIONS), Batches(4), freezing(), **options)
    first, second = fit(tmp_path / "2", 2, classifier(**OPTIONS), Batches(2), freezing(), **options)
    for name, value in one.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], value, rtol=1e-7, atol=1e-10, msg=name)
    stem = "trunk.blocks.0.conv.weight"
    assert (one[stem] - begin[stem]).abs().max() > 1e-6


@pytest.mark.ddp
def test_precise_statistics_are_those_of_all_processes(tmp_path):
    model = classifier(optimizer=OptimizerSpec(lr=1e-30, weight_decay=0.0))
    first, second = fit(tmp_path / "2", 2, model, Batches(2), PreciseBatchNorm(), max_steps=1)
    reference = classifier().double()
    norms = all_norms(reference)
    clips = [
        torch.stack([Clips(8)[i]["clips"] for i in pair]).flatten(0, 1)
        for pair in ((0, 2), (4, 6), (1, 3), (5, 7))
    ]
    inputs = inputs_of(reference.network, norms, reference, clips)
    names = {module: name for name, module in reference.network.named_modules()}
    for norm in norms:
        for kind, want in (("mean", inputs[norm].mean(1)), ("var", inputs[norm].var(1))):
            name = f"{names[norm]}.running_{kind}"
            assert torch.equal(first[name], second[name]), name
            torch.testing.assert_close(first[name], want, rtol=1e-6, atol=1e-9, msg=name)


class Logged(pl.Callback):
    """Writes what every process logged at the end."""

    def __init__(self, folder):
        self.folder = folder

    def on_train_end(self, trainer, module):
        torch.save(dict(trainer.callback_metrics), self.folder / f"logged{trainer.global_rank}.pt")


@pytest.mark.ddp
def test_the_loss_of_an_epoch_is_of_all_processes(tmp_path):
    options = {"optimizer": OptimizerSpec(lr=1e-30, weight_decay=0.0)}
    logged = []
    for devices in (1, 2):
        folder = tmp_path / str(devices)
        frozen = Freezing("res5", norm=True)
        fit(folder, devices, classifier(**options), Batches(4 // devices), frozen, Logged(folder))
        logged += [
            torch.load(folder / f"logged{rank}.pt", weights_only=True) for rank in range(devices)
        ]
    one, first, second = (float(values["train/loss"]) for values in logged)
    assert first == second == pytest.approx(one)
    assert logged[1]["train/loss_step"] != logged[2]["train/loss_step"]
