import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from snl_video.training import OptimizerSpec
from snl_video.training.freezing import FreezeSchedule
from snl_video.training.optim import ScheduleSpec
from snl_video.weights import build_model
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
    model = classifier(
        backbone, freeze_until=until, optimizer=MOVES, schedule=ScheduleSpec("constant")
    )
    before = state_of(model)
    frozen = frozen_names(model.network, places, laterals)
    trainer(tmp_path, max_steps=2).fit(model, TinyData())
    pixels = {"pixel_mean", "pixel_std"}
    assert changed(before, state_of(model)) == set(before) - frozen - pixels
    for name, parameter in model.network.named_parameters():
        assert parameter.requires_grad == (name not in frozen)
        assert (parameter.grad is None) == (name in frozen), name
    assert len(frozen) > 50


def test_a_block_at_a_frozen_place_is_trained(tmp_path):
    model = classifier(freeze_until="res5", non_local=BLOCK, optimizer=MOVES)
    before = state_of(model)
    trainer(tmp_path, max_steps=2).fit(model, TinyData())
    moved = changed(before, state_of(model))
    assert {name for name in before if ".non_local." in name} <= moved
    rest = {name for name in moved if ".non_local." not in name}
    assert {name.rpartition(".")[-1] for name in rest} == {"weight", "bias"}
    assert all(".proj." in name for name in rest)


def test_the_frozen_part_builds_no_graph():
    model = classifier(freeze_until="res3.2")
    model.setup("fit")
    seen = {}
    for name in ("res3.2", "res3.3"):
        module = model.network.trunk.get_submodule(model.network.places[name].path)
        module.register_forward_hook(lambda m, i, o, name=name: seen.update({name: o.grad_fn}))
    model.train()
    model(torch.randint(256, (2, 3, 4, 32, 32), dtype=torch.uint8))
    assert seen["res3.2"] is None
    assert seen["res3.3"] is not None


def test_gradients_of_the_rest_are_those_of_a_network_in_evaluation_below():
    """Against the same network whose frozen half is run by hand on detached features."""
    model = classifier(freeze_until="res3").double()
    model.setup("fit")
    model.train()
    clips = torch.randint(256, (3, 3, 4, 32, 32), dtype=torch.uint8)
    label = torch.tensor([0, 1, 3])
    nn.functional.cross_entropy(model(clips), label).backward()
    got = {n: p.grad for n, p in model.network.named_parameters() if p.grad is not None}
    other = classifier().double()
    stages = other.network.trunk.blocks
    index = int(other.network.places["res3.3"].path.split(".")[1])
    other.train()
    with torch.no_grad():
        x = other.network.normalise(clips)
        for stage in stages[: index + 1]:
            x = stage.eval()(x)
    for stage in stages[index + 1 :]:
        x = stage(x)
    nn.functional.cross_entropy(x, label).backward()
    want = {n: p.grad for n, p in other.network.named_parameters() if p.grad is not None}
    assert set(got) == set(want)
    for name, value in got.items():
        torch.testing.assert_close(value, want[name], msg=name)


def norms_in_training(model):
    return {
        name
        for name, module in model.network.named_modules()
        if isinstance(module, _BatchNorm) and module.training
    }


def test_train_keeps_frozen_norms_in_evaluation():
    model = classifier(freeze_until="res4.4", non_local=BLOCK)
    model.setup("fit")
    model.eval().train()
    free = prefixes(model.network, ["res4.5", "res5.0", "res5.1", "res5.2"])
    training = norms_in_training(model)
    assert training == {
        name
        for name, module in model.network.named_modules()
        if isinstance(module, _BatchNorm) and (".non_local." in name or name.startswith(free))
    }
    assert any(".non_local." in name for name in training)


def test_partial_batch_norm_holds_statistics_only(tmp_path):
    model = classifier(freeze_norm=True, non_local=BLOCK, optimizer=MOVES)
    before = state_of(model)
    trainer(tmp_path, max_steps=2).fit(model, TinyData())
    after = state_of(model)
    statistics = {name for name in before if "running_" in name or "num_batches" in name}
    still = {name for name in statistics if ".non_local." not in name}
    pixels = {"pixel_mean", "pixel_std"}
    assert changed(before, after) == set(before) - still - pixels
    assert len(statistics - still) == 3 * len(BLOCK["places"])


def test_validation_in_between_does_not_wake_frozen_norms(tmp_path):
    model = classifier(freeze_until="res4", optimizer=MOVES)
    frozen = frozen_names(model.network, [p for p in model.network.places if p < "res5"])
    before = state_of(model)
    trainer(tmp_path, max_epochs=2, val_check_interval=2).fit(model, TinyData())
    assert not changed(before, state_of(model)) & frozen


UNFREEZE = {"freeze_until": "res5", "unfreeze": {1: "res4", 2: None}}
SCHEDULE = ScheduleSpec("cosine", warmup_epochs=1)


class Watch:
    """Records which parameters each epoch moved and the learning rate it began with."""

    def __init__(self, model):
        import pytorch_lightning as pl

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
        **UNFREEZE,
    }
    model = classifier(**options)
    names = {name for name, _ in model.network.named_parameters()}
    head = {name for name in names if ".proj." in name}
    res5 = {name for name in names if name.startswith(prefixes(model.network, ["res5.0"]))}
    watch = Watch(model)
    keep = every_epoch(tmp_path)
    run = trainer(
        tmp_path, max_epochs=3, enable_checkpointing=True, callbacks=[watch.callback, keep]
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
        trainer(tmp_path, max_epochs=3, callbacks=[seen.callback]).fit(
            again, TinyData(), ckpt_path=tmp_path / f"epoch={epoch}.ckpt", weights_only=True
        )
        assert not changed(state_of(model), state_of(again))
        assert seen.moved == {e: watch.moved[e] for e in range(epoch + 1, 3)}
        assert seen.rates == {e: watch.rates[e] for e in range(epoch + 1, 3)}


def test_resuming_in_the_middle_of_an_epoch_freezes_as_that_epoch(tmp_path):
    import pytorch_lightning as pl

    model = classifier(**UNFREEZE, optimizer=MOVES)
    keep = pl.callbacks.ModelCheckpoint(
        tmp_path, "{step}", save_top_k=-1, every_n_train_steps=6, save_on_train_epoch_end=False
    )
    trainer(tmp_path, max_epochs=2, callbacks=[keep], enable_checkpointing=True).fit(
        model, TinyData()
    )
    again = classifier(**UNFREEZE, optimizer=MOVES)
    trainer(tmp_path, max_epochs=2).fit(
        again, TinyData(), ckpt_path=tmp_path / "step=6.ckpt", weights_only=True
    )
    free = {name for name, p in again.network.named_parameters() if p.requires_grad}
    assert free == {name for name, p in model.network.named_parameters() if p.requires_grad}
    assert len(norms_in_training(again)) == len(norms_in_training(model)) > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"freeze_until": "res6"}, r"freeze_until: no place 'res6' in this network .*res4\.5"),
        ({"unfreeze": {2: "res44"}}, "unfreeze at epoch 2: no place 'res44'"),
        ({"freeze_until": "res3", "unfreeze": {0: None}}, "epoch 0 is before 1"),
        ({"freeze_until": "res3", "unfreeze": {1: "res4"}}, "epoch 1: 'res4' frees nothing"),
        ({"unfreeze": {1: None}}, "epoch 1: None frees nothing"),
    ],
)
def test_bad_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        classifier(**options)


def test_what_is_frozen_when():
    network = build_model("slowfast_r50_8x8", 4, width=8)
    schedule = FreezeSchedule(network, "res5", {5: "stem", 3: "slow.res4.1"})
    places = list(network.places)
    expected = [places.index("fast.res5.2")] * 3 + [places.index("slow.res4.1")] * 2 + [-1] * 2
    assert [schedule.frozen_at(epoch) for epoch in range(7)] == expected
    schedule.apply(network, 3)
    assert schedule.describe(network) == "frozen up to slow.res4.1"
