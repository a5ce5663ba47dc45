"""Enough steps from few videos: counted on real runs of a narrow network."""

from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
from torch.utils.data import DataLoader

from snl_video.data import LoaderSettings
from snl_video.training import MinimumSteps, ScheduleSpec
from tests.training.tiny import Clips, TinyData, classifier
from tests.training.tiny import trainer as quiet_trainer


class Data(TinyData):
    """`number` training videos in batches of two, an incomplete last one left out as usual."""

    loaders = SimpleNamespace(loader=LoaderSettings(batch_size=2))

    def __init__(self, number):
        super().__init__()
        self.number = number

    def video_list(self, subset):
        videos = Clips(self.number if subset == "train" else 4).videos
        return videos.records

    def train_dataloader(self):
        return DataLoader(Clips(self.number), batch_size=2, drop_last=self.number >= 2)


class Validations(pl.Callback):
    def __init__(self):
        self.epochs = []

    def on_validation_end(self, trainer, pl_module):
        self.epochs.append(trainer.current_epoch)


class Rates(pl.Callback):
    def __init__(self):
        self.seen = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.seen += sorted({group["lr"] for group in trainer.optimizers[0].param_groups})


def run(tmp_path, number, num_steps, **trainer_options):
    schedule = ScheduleSpec("cosine")
    module, seen = classifier(schedule=schedule), Validations()
    options = {"max_epochs": 2, **trainer_options}
    trainer = quiet_trainer(
        tmp_path, callbacks=[MinimumSteps(num_steps), seen], num_sanity_val_steps=0, **options
    )
    trainer.fit(module, datamodule=Data(number))
    return trainer, seen.epochs


def test_few_videos_get_more_epochs_and_as_many_validations(tmp_path):
    trainer, validated = run(tmp_path, number=5, num_steps=9)
    assert trainer.num_training_batches == 2
    # 2 steps x 2 epochs are 4; three times as many are the least that is 9 or more
    assert (trainer.max_epochs, trainer.global_step) == (6, 12)
    assert validated == [2, 5]
    (rate,) = {group["lr"] for group in trainer.optimizers[0].param_groups}
    assert rate == pytest.approx(0, abs=1e-9)  # the cosine ends where the longer run does


@pytest.mark.parametrize(
    ("number", "num_steps", "options", "steps"),
    [
        (4, 4, {}, 4),  # enough as they are
        (4, 5, {"accumulate_grad_batches": 2}, 6),  # one step an epoch: 3 x 2 epochs
        (4, 100, {"max_steps": 3}, 3),  # the user counts steps himself
        (1, 3, {}, 4),  # a list shorter than a batch is one batch: 2 x 2 epochs
    ],
)
def test_steps_are_counted_as_the_trainer_does(tmp_path, number, num_steps, options, steps):
    trainer, _ = run(tmp_path, number, num_steps, **options)
    assert trainer.global_step == steps


def test_the_schedule_knows_how_long_an_epoch_is_where_steps_decide(tmp_path):
    """Two steps an epoch, five of them: a warm-up of one epoch is two steps."""
    schedule = ScheduleSpec("constant", warmup_epochs=1, warmup_factor=0.0)
    for limits in ({"max_epochs": -1, "max_steps": 5}, {"max_epochs": 9, "max_steps": 5}):
        rates = Rates()
        trainer = quiet_trainer(
            tmp_path, callbacks=[MinimumSteps(), rates], limit_val_batches=0, **limits
        )
        trainer.fit(classifier(lr=0.1, schedule=schedule), datamodule=Data(5))
        assert rates.seen == pytest.approx([0, 0.05, 0.1, 0.1, 0.1])


def test_bad_numbers_and_a_missing_data_module_are_refused(tmp_path):
    with pytest.raises(ValueError, match="num_steps must be at least 1, got 0"):
        MinimumSteps(0)
    trainer = quiet_trainer(tmp_path, callbacks=[MinimumSteps()])
    with pytest.raises(ValueError, match="needs a datamodule"):
        trainer.fit(classifier(), DataLoader(Clips(4), batch_size=2))
