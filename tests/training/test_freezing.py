import pytest
import pytorch_lightning as pl
from torch.nn.modules.batchnorm import _BatchNorm

from snl_video.training import Freezing, OptimizerSpec, PreciseBatchNorm, ScheduleSpec
from tests.training.tiny import TinyData, changed, classifier, every_epoch, state_of, trainer

MOVES = OptimizerSpec(lr=0.1, weight_decay=0.1)
BLOCK = {"kind": "snl", "places": ["res3.1", "res4.4"]}


def prefixes(network, places):
    return tuple(f"trunk.{network.places[name].path}." for name in places)


def frozen_names(network, places, laterals=()):
    """Parameters and statistics of the stem and of `places`, without their blocks."""
    starts = ("trunk.blocks.0.", *prefixes(network, places), *laterals)
    named = [*network.named_parameters(), *network.named_buffers()]
    return {name for name, _ in named if name.startswith(starts) and ".non_local." not in name}


CASES = {
    "slow_r50": ("res3.2", [f"res{stage}.{i}" for stage in (2, 3) for i in range(3)], ()),
    "slowfast_r50_8x8": (
        "slow.res3.1",
        [f"{way}.res2.{i}" for way in ("slow", "fast") for i in range(3)]
        + [f"slow.res3.{i}" for i in range(2)],
        ("trunk.blocks.1.multipathway_fusion.",),
    ),
}


@pytest.mark.parametrize("backbone", CASES)
def test_two_steps_leave_the_frozen_part_bit_for_bit_and_move_the_rest(backbone, tmp_path):
    until, places, laterals = CASES[backbone]
    model = classifier(backbone, optimizer=MOVES, schedule=ScheduleSpec("constant"))
    before = state_of(model)
    frozen = frozen_names(model.network, places, laterals)
    run = trainer(tmp_path, max_steps=2, callbacks=[Freezing(until)])
    run.fit(model, TinyData())
    pixels = {"pixel_mean", "pixel_std"}
    assert changed(before, state_of(model)) == set(before) - frozen - pixels
    for name, parameter in model.network.named_parameters():
        assert parameter.requires_grad == (name not in frozen)
        assert (parameter.grad is None) == (name in frozen), name
        assert (parameter not in run.optimizers[0].state) == (name in frozen), name
    assert len(frozen) > 50


def test_a_block_at_a_frozen_place_is_trained(tmp_path):
    model = classifier(non_local=BLOCK, optimizer=MOVES)
    before = state_of(model)
    trainer(tmp_path, max_steps=2, callbacks=[Freezing("res5")]).fit(model, TinyData())
    moved = changed(before, state_of(model))
    assert {name for name in before if ".non_local." in name} <= moved
    rest = {name for name in moved if ".non_local." not in name}
    assert {name.rpartition(".")[-1] for name in rest} == {"weight", "bias"}
    assert all(".proj." in name for name in rest)


def norms_in_training(model):
    return {
        name
        for name, module in model.network.named_modules()
        if isinstance(module, _BatchNorm) and module.training
    }


def test_partial_batch_norm_holds_statistics_only(tmp_path):
    model = classifier(non_local=BLOCK, optimizer=MOVES)
    before = state_of(model)
    trainer(tmp_path, max_steps=2, callbacks=[Freezing(norm=True)]).fit(model, TinyData())
    after = state_of(model)
    statistics = {name for name in before if "running_" in name or "num_batches" in name}
    still = {name for name in statistics if ".non_local." not in name}
    pixels = {"pixel_mean", "pixel_std"}
    assert changed(before, after) == set(before) - still - pixels
    assert len(statistics - still) == 3 * len(BLOCK["places"])


class NormsInTraining(pl.Callback):
    """The names of the norms that update their statistics, batch by batch."""

    def __init__(self):
        self.seen = []

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.seen.append(norms_in_training(module))


def test_nothing_between_two_batches_wakes_frozen_norms(tmp_path):
    """A sanity check at first, validations within and after an epoch, precise batch norm."""
    model = classifier(optimizer=MOVES)
    frozen = frozen_names(model.network, [p for p in model.network.places if p < "res5"])
    before = state_of(model)
    watch = NormsInTraining()
    trainer(
        tmp_path,
        max_epochs=2,
        val_check_interval=2,
        num_sanity_val_steps=1,
        callbacks=[Freezing("res4"), PreciseBatchNorm(1), watch],
    ).fit(model, TinyData())
    assert not changed(before, state_of(model)) & frozen
    free = {name for name in norms_in_training(model) if name.startswith("trunk.blocks.4.")}
    assert len(free) > 5
    assert watch.seen == [free] * 8


UNFREEZE = {1: "res4", 2: None}
SCHEDULE = ScheduleSpec("cosine", warmup_epochs=1)


class Watch:
    """Records which parameters each epoch moved and the learning rate it began with."""

    def __init__(self, model):
        moved, rates = self.moved, self.rates = {}, {}

        class Callback(pl.Callback):
            def on_train_epoch_start(self, trainer, module):
                self.before = state_of(module)
                rates[trainer.current_epoch] = trainer.optimizers[0].param_groups[0]["lr"]

            def on_train_epoch_end(self, trainer, module):
                names = changed(self.before, state_of(module))
                moved[trainer.current_epoch] = {
                    name for name in names if name in dict(module.network.named_parameters())
                }

        self.callback = Callback()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_unfreezing_step_by_step_and_resuming_in_the_middle(tmp_path, optimizer):
    options = {
        "optimizer": OptimizerSpec(optimizer, lr=0.01, layer_decay=0.9),
        "schedule": SCHEDULE,
    }
    model = classifier(**options)
    names = {name for name, _ in model.network.named_parameters()}
    head = {name for name in names if ".proj." in name}
    res5 = {name for name in names if name.startswith(prefixes(model.network, ["res5.0"]))}
    watch = Watch(model)
    keep = every_epoch(tmp_path)
    run = trainer(
        tmp_path,
        max_epochs=3,
        enable_checkpointing=True,
        callbacks=[Freezing("res5", unfreeze=UNFREEZE), watch.callback, keep],
    )
    run.fit(model, TinyData())
    assert watch.moved[0] == head
    assert head | res5 <= watch.moved[1]
    assert all(".proj." in n or n.startswith("trunk.blocks.4.") for n in watch.moved[1])
    assert watch.moved[2] == names
    assert watch.rates[0] == pytest.approx(0.1 * watch.rates[1], rel=0.5)
    for epoch in (0, 1):
        again = classifier(**options)
        seen = Watch(again)
        freezing = Freezing("res5", unfreeze=UNFREEZE)
        trainer(tmp_path, max_epochs=3, callbacks=[freezing, seen.callback]).fit(
            again, TinyData(), ckpt_path=tmp_path / f"epoch={epoch}.ckpt", weights_only=True
        )
        assert not changed(state_of(model), state_of(again))
        assert seen.moved == {e: watch.moved[e] for e in range(epoch + 1, 3)}
        assert seen.rates == {e: watch.rates[e] for e in range(epoch + 1, 3)}


def test_resuming_in_the_middle_of_an_epoch_freezes_as_that_epoch(tmp_path):
    model = classifier(optimizer=MOVES)
    freezing = Freezing("res5", unfreeze=UNFREEZE)
    keep = pl.callbacks.ModelCheckpoint(
        tmp_path, "{step}", save_top_k=-1, every_n_train_steps=6, save_on_train_epoch_end=False
    )
    trainer(tmp_path, max_epochs=2, callbacks=[freezing, keep], enable_checkpointing=True).fit(
        model, TinyData()
    )
    again = classifier(optimizer=MOVES)
    trainer(tmp_path, max_epochs=2, callbacks=[Freezing("res5", unfreeze=UNFREEZE)]).fit(
        again, TinyData(), ckpt_path=tmp_path / "step=6.ckpt", weights_only=True
    )
    free = {name for name, p in again.network.named_parameters() if p.requires_grad}
    assert free == {name for name, p in model.network.named_parameters() if p.requires_grad}
    assert len(norms_in_training(again)) == len(norms_in_training(model)) > 0
