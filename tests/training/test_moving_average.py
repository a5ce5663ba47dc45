import pytest
import pytorch_lightning as pl
import torch

from snl_video.training import Freezing, MovingAverage, VideoClassifier
from tests.training.tiny import TinyData, changed, classifier, every_epoch, state_of, trainer

DECAY = 0.75


class Follow(pl.Callback):
    """Keeps the network after every optimiser step, and as validation sees it."""

    def __init__(self):
        self.steps, self.validated = [], []

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.global_step > len(self.steps):
            self.steps.append(state_of(module))

    def on_validation_batch_start(self, trainer, module, batch, batch_idx, dataloader_idx=0):
        if batch_idx == 0:
            self.validated.append(state_of(module))


def by_hand(steps, decay=DECAY):
    """The moving average of the states, in float64; counters are the last."""
    average = {name: value.double() for name, value in steps[0].items()}
    for state in steps[1:]:
        for name, value in state.items():
            counter = not value.is_floating_point()
            old = average[name]
            average[name] = (
                value.double() if counter else decay * old + (1 - decay) * value.double()
            )
    return average


def assert_close(state, expected):
    for name, value in state.items():
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-6, msg=name)


def fit(folder, *callbacks, epochs=2, model=None, ckpt_path=None, **options):
    model = model or classifier()
    keep = every_epoch(folder)
    run = trainer(
        folder,
        max_epochs=epochs,
        callbacks=[*callbacks, keep],
        enable_checkpointing=True,
        **options,
    )
    run.fit(model, TinyData(), ckpt_path=ckpt_path, weights_only=True if ckpt_path else None)
    return model


def test_validation_checkpoints_and_the_end_hold_the_average(tmp_path):
    follow = Follow()
    model = fit(tmp_path, MovingAverage(DECAY), follow)
    assert len(follow.steps) == 8
    assert_close(follow.validated[1], by_hand(follow.steps[:4]))
    assert_close(follow.validated[2], by_hand(follow.steps))
    assert_close(state_of(model), by_hand(follow.steps))
    saved = torch.load(tmp_path / "epoch=0.ckpt", weights_only=True)
    loaded = VideoClassifier.load_from_checkpoint(tmp_path / "epoch=0.ckpt", map_location="cpu")
    assert_close(state_of(loaded), by_hand(follow.steps[:4]))
    for name, value in follow.steps[3].items():
        if not name.startswith("pixel_"):
            assert torch.equal(saved["current_model_state"][f"network.{name}"], value)
    assert changed(follow.steps[3], follow.validated[1])


def test_the_trained_weights_are_those_without_an_average(tmp_path):
    plain, averaged = Follow(), Follow()
    fit(tmp_path / "a", plain)
    fit(tmp_path / "b", MovingAverage(DECAY), averaged)
    assert not changed(plain.steps[-1], averaged.steps[-1])


def test_resuming_equals_never_having_stopped(tmp_path):
    whole = fit(tmp_path, MovingAverage(DECAY), epochs=3)
    again = fit(tmp_path / "b", MovingAverage(DECAY), epochs=3, ckpt_path=tmp_path / "epoch=0.ckpt")
    assert not changed(state_of(whole), state_of(again))


def test_frozen_numbers_stay_bit_for_bit(tmp_path):
    model = classifier()
    with torch.no_grad():
        for name, value in model.network.named_buffers():
            if "running_" in name:
                value.add_(torch.rand(value.shape, generator=torch.Generator().manual_seed(1)))
    before = state_of(model)
    fit(tmp_path, Freezing("res5"), MovingAverage(0.999), model=model)
    moved = changed(before, state_of(model))
    assert moved
    assert all(".proj." in name for name in moved)


def test_counters_are_copied(tmp_path):
    model = fit(tmp_path, MovingAverage(0.999))
    counters = [v for n, v in state_of(model).items() if n.endswith("num_batches_tracked")]
    assert counters
    assert all(int(value) == 8 for value in counters)


def test_start_and_stride(tmp_path):
    follow = Follow()
    model = fit(tmp_path, MovingAverage(DECAY, every_n_steps=2, start_step=5), follow)
    assert not changed(follow.steps[3], follow.validated[1])
    average = by_hand([follow.steps[5], follow.steps[7]])
    assert_close(state_of(model), average)


def test_with_accumulated_gradients_it_counts_optimiser_steps(tmp_path):
    follow = Follow()
    model = fit(tmp_path, MovingAverage(DECAY), follow, accumulate_grad_batches=2)
    assert len(follow.steps) == 4
    assert_close(state_of(model), by_hand(follow.steps))


def test_before_the_first_update_validation_sees_the_network_itself(tmp_path):
    """Also what was loaded after the callback made its copy."""
    follow, model = Follow(), classifier()

    class Load(pl.Callback):
        def on_fit_start(self, trainer, module):
            with torch.no_grad():
                next(module.network.parameters()).fill_(0.125)

    fit(tmp_path, MovingAverage(DECAY), Load(), follow, model=model, epochs=1)
    stem = follow.validated[0][next(iter(dict(model.network.named_parameters())))]
    assert torch.equal(stem, torch.full_like(stem, 0.125))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": 1.0}, r"decay must lie in \[0, 1\), .*, got 1\.0, 1 and 0"),
        ({"every_n_steps": 0}, "every_n_steps must be >= 1 .*, got 0.999, 0 and 0"),
        ({"start_step": -1}, "start_step >= 0, got 0.999, 1 and -1"),
    ],
)
def test_bad_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        MovingAverage(**options)
