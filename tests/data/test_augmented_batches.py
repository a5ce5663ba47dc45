"""Augmentation in a training run: after the transfer, the same with workers and after a resume."""

from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn

from snl_video.data import (
    AugmentSpec,
    ClipSettings,
    CropSettings,
    LoaderSettings,
    VideoDataModule,
)
from snl_video.errors import InputError
from tests.videos import write_ucf101

EVERYTHING = AugmentSpec(
    flip=0.5,
    color_jitter=(0.4, 0.4, 0.4, 0.1),
    randaugment_ops=2,
    erase_probability=0.5,
    mixup_alpha=0.8,
    cutmix_alpha=1.0,
)


def test_bad_arguments_of_the_data_module_are_named(tmp_path):
    root = write_ucf101(tmp_path / "ucf", num_frames=4)
    with pytest.raises(ValueError, match=r"augment has no key 'mixup'; its keys: flip, color_j"):
        VideoDataModule("ucf101", str(root), augment={"mixup": 0.8})
    with pytest.raises(InputError, match=r"unknown augmentation 'erace', did you mean 'erase'\?"):
        VideoDataModule("ucf101", str(root), augment=AugmentSpec(others={"erace": 1.0}))


class Recorder(pl.LightningModule):
    """Keeps the batches of training; its evaluation batches must come as they were loaded."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.batches: list = []

    def training_step(self, batch, _):
        self.batches.append({name: value.clone() for name, value in batch.items()})
        return self.weight * 0

    def validation_step(self, batch, _):
        assert "target" not in batch
        loaded = self.trainer.val_dataloaders.dataset[int(batch["index"][0])]["clips"]
        assert torch.equal(batch["clips"][0], loaded)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Eight training videos."""
    return write_ucf101(tmp_path_factory.mktemp("data") / "ucf", per_class=5, num_frames=8)


def fit(root, folder, num_workers=0, ckpt_path=None, augment=EVERYTHING, **options):
    data = VideoDataModule(
        "ucf101",
        str(root),
        clip=ClipSettings(2, 2),
        crop=CropSettings(16, short_side=16),
        loader=LoaderSettings(batch_size=2, num_workers=num_workers),
        augment=augment,
    )
    every_step = pl.callbacks.ModelCheckpoint(
        folder, filename="{step}", every_n_train_steps=1, save_top_k=-1
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        logger=False,
        callbacks=[every_step],
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"max_epochs": 2, **options},
    )
    module = Recorder()
    trainer.fit(module, data, ckpt_path=ckpt_path)
    return module.batches


def same(first, second):
    return len(first) == len(second) and all(
        a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
        for a, b in zip(first, second, strict=True)
    )


@pytest.mark.filterwarnings("ignore")
def test_batches_are_the_same_with_workers_and_after_a_resume(root, tmp_path):
    whole = fit(root, tmp_path / "whole")
    assert len(whole) == 8
    assert {"clips", "label", "index", "replaced", "target"} == whole[0].keys()
    plain = fit(root, tmp_path / "plain", augment=AugmentSpec())
    assert "target" not in plain[0]
    assert not any(torch.equal(a["clips"], b["clips"]) for a, b in zip(whole, plain, strict=True))
    for num_workers in (1, 3):
        assert same(fit(root, tmp_path / f"{num_workers}", num_workers), whole)
    torch.manual_seed(99)
    resumed = fit(root, tmp_path / "rest", 1, tmp_path / "whole" / "step=6.ckpt")
    assert same(resumed, whole[6:])


def test_training_videos_that_are_evaluated_are_not_augmented(root):
    """Nor are batches of other loaders touched, whatever the trainer does."""
    crop, loader = CropSettings(16), LoaderSettings(num_workers=0)
    data = VideoDataModule("ucf101", str(root), crop=crop, loader=loader, augment=EVERYTHING)
    loaded = next(iter(data.train_dataloader()))
    seen = {}
    for function in (TrainerFn.FITTING, TrainerFn.VALIDATING):
        data.trainer = SimpleNamespace(state=SimpleNamespace(fn=function))
        batch = data.on_before_batch_transfer(dict(loaded), 0)
        seen[function] = data.on_after_batch_transfer(batch, 0)
        assert not {"epoch", "keys", "unreadable"} & seen[function].keys()
        other = {"clips": loaded["clips"], "label": loaded["label"], "index": loaded["index"]}
        hooked = data.on_after_batch_transfer(data.on_before_batch_transfer(dict(other), 0), 0)
        assert hooked.keys() == other.keys()
        assert hooked["clips"] is loaded["clips"]
    assert seen[TrainerFn.VALIDATING]["clips"] is loaded["clips"]
    assert not torch.equal(seen[TrainerFn.FITTING]["clips"], loaded["clips"])
    assert "target" in seen[TrainerFn.FITTING]
    assert "target" not in seen[TrainerFn.VALIDATING]


def test_the_settings_are_in_the_checkpoint_as_plain_values(root, tmp_path):
    fit(root, tmp_path, max_steps=1)
    checkpoint = torch.load(tmp_path / "step=1.ckpt", weights_only=True)
    augment = checkpoint["datamodule_hyper_parameters"]["augment"]
    assert AugmentSpec(**augment) == EVERYTHING
    again = VideoDataModule("ucf101", str(root), augment=augment)
    assert again.augmentation.spec == EVERYTHING
