"""Training that stops in the middle of an epoch goes on with the same batches."""

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint, OnExceptionCheckpoint
from torch.utils.data import Dataset

from snl_video.data import ClipSettings, CropSettings, LoaderSettings, VideoDataModule
from snl_video.data.resumable_loader import ResumableLoader
from snl_video.data.sampler import EpochSampler
from snl_video.training.callbacks.loader_place import LoaderPlace
from tests.videos import write_ucf101

pytestmark = pytest.mark.filterwarnings("ignore")


class Keys(Dataset):
    def __len__(self):
        return 13

    def __getitem__(self, key):
        return {"key": torch.tensor(key)}


class KeysModule(pl.LightningDataModule):
    def __init__(self, num_workers=0, batch_size=2):
        super().__init__()
        self.num_workers = num_workers
        self.batch_size = batch_size

    def train_dataloader(self):
        workers = self.num_workers
        return ResumableLoader(
            Keys(),
            self.batch_size,
            sampler=EpochSampler(Keys(), seed=5),
            num_workers=workers,
            persistent_workers=workers > 0,
            drop_last=True,
        )


class Recorder(pl.LightningModule):
    def __init__(self, fail_at=None):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.batches: list = []
        self.fail_at = fail_at

    def training_step(self, batch, _):
        if self.global_step == self.fail_at:
            raise RuntimeError("stopped by the test")
        self.batches.append({name: value.clone() for name, value in batch.items()})
        return self.weight * 0

    def validation_step(self, batch, _):
        return None

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


class Estimating(Recorder):
    """Has its loader made before the checkpoint is read, as every schedule does."""

    def configure_optimizers(self):
        assert self.trainer.estimated_stepping_batches == 18
        return super().configure_optimizers()


def fit(data, folder, ckpt_path=None, fail_at=None, module_class=Recorder, callbacks=(), **options):
    every_step = ModelCheckpoint(
        folder,
        filename="{step}",
        every_n_train_steps=1,
        save_top_k=-1,
        enable_version_counter=False,
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        logger=False,
        callbacks=[every_step, OnExceptionCheckpoint(folder, "stopped"), *callbacks],
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"max_epochs": 3, **options},
    )
    module = module_class(fail_at)
    try:
        trainer.fit(module, data, ckpt_path=ckpt_path)
    except RuntimeError as error:
        if "stopped by the test" not in str(error):
            raise
    return module.batches


def same(first, second):
    return len(first) == len(second) and all(
        a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
        for a, b in zip(first, second, strict=True)
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Three epochs of six batches without a stop, and the folder of a checkpoint of every step."""
    folder = tmp_path_factory.mktemp("whole")
    return fit(KeysModule(), folder), folder


def test_epochs_have_their_own_order(whole):
    batches, _ = whole
    epochs = [torch.cat([b["key"] for b in batches[i : i + 6]]) for i in (0, 6, 12)]
    assert [set(epoch[:, 0].tolist()) for epoch in epochs] == [{0}, {1}, {2}]
    assert all(len(epoch[:, 1].unique()) == 12 for epoch in epochs)
    assert epochs[0][:, 1].tolist() != epochs[1][:, 1].tolist()


@pytest.mark.parametrize("step", [2, 6, 8, 17])
def test_the_remaining_batches_follow(whole, tmp_path, step):
    batches, folder = whole
    resumed = fit(KeysModule(), tmp_path, folder / f"step={step}.ckpt")
    assert same(resumed, batches[step:])


@pytest.mark.parametrize(("num_workers", "step"), [(1, 8), (3, 4), (1, 12)])
def test_workers_may_change_on_resuming(whole, tmp_path, num_workers, step):
    batches, folder = whole
    resumed = fit(KeysModule(num_workers), tmp_path, folder / f"step={step}.ckpt")
    assert same(resumed, batches[step:])


@pytest.mark.parametrize("step", [4, 6, 9])
def test_steps_may_bound_the_run(whole, tmp_path, step):
    batches, _ = whole
    bounds = {"max_epochs": -1, "max_steps": 15}
    assert same(fit(KeysModule(), tmp_path, **bounds), batches[:15])
    resumed = fit(KeysModule(), tmp_path, tmp_path / f"step={step}.ckpt", **bounds)
    assert same(resumed, batches[step:15])


def test_a_batch_that_failed_is_done_again(tmp_path):
    data = write_ucf101(tmp_path / "ucf", per_class=5, num_frames=8)

    def make(workers):
        return VideoDataModule(
            "ucf101",
            str(data),
            clip=ClipSettings(2, 2),
            crop=CropSettings(16, short_side=16),
            loader=LoaderSettings(batch_size=2, num_workers=workers),
        )

    whole = fit(make(1), tmp_path / "whole", limit_val_batches=0)
    assert len(whole) == 12
    assert len({float(batch["clips"].double().sum()) for batch in whole}) == 12
    first = fit(make(0), tmp_path / "first", fail_at=6, limit_val_batches=0)
    resumed = fit(make(1), tmp_path / "rest", tmp_path / "first/stopped.ckpt", limit_val_batches=0)
    assert same(first + resumed, whole)


@pytest.mark.parametrize("step", [6, 8])
def test_a_loader_that_is_made_early_is_told_its_place(whole, tmp_path, step):
    batches, folder = whole
    checkpoint = folder / f"step={step}.ckpt"
    resumed = fit(KeysModule(), tmp_path, checkpoint, None, Estimating, [LoaderPlace()])
    assert same(resumed, batches[step:])


def test_a_resume_after_a_resume(whole, tmp_path):
    batches, folder = whole
    fit(KeysModule(), tmp_path, folder / "step=8.ckpt", fail_at=10)
    assert same(fit(KeysModule(), tmp_path, tmp_path / "step=10.ckpt"), batches[10:])


def test_another_batch_size_is_refused_in_the_middle_of_an_epoch(whole, tmp_path):
    _, folder = whole
    with pytest.raises(ValueError, match=r"middle of epoch 1 .*'batch_size': 2.*'batch_size': 3"):
        fit(KeysModule(batch_size=3), tmp_path, folder / "step=8.ckpt")
    after = fit(KeysModule(batch_size=3), tmp_path, folder / "step=12.ckpt")
    assert [len(batch["key"]) for batch in after] == [3] * 4


def test_processes_keep_their_shares(whole):
    shares = []
    for rank in (0, 1):
        sampler = EpochSampler(Keys(), num_replicas=2, rank=rank)
        sampler.set_epoch(4)
        everything = list(ResumableLoader(Keys(), 2, sampler=sampler))
        loader = ResumableLoader(Keys(), 2, sampler=sampler)
        loader.load_state_dict({**loader.state_dict(), "epoch": 4, "batches": 1})
        assert same(list(loader), everything[1:])
        assert same(list(loader), everything)
        shares.append(torch.cat([batch["key"] for batch in everything]))
    assert len(torch.cat(shares)[:, 1].unique()) == 13
