"""Which part of a network is frozen when, without a trainer."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from snl_video.training.freeze_schedule import FreezeSchedule
from snl_video.weights import build_model
from tests.training.test_freezing import BLOCK, norms_in_training, prefixes
from tests.training.tiny import classifier


def freeze(model, until):
    schedule = FreezeSchedule(model.network, until)
    schedule.apply(0)
    schedule.hold_norms()


def test_the_frozen_part_builds_no_graph():
    model = classifier()
    freeze(model, "res3.2")
    seen = {}
    for name in ("res3.2", "res3.3"):
        module = model.network.trunk.get_submodule(model.network.places[name].path)
        module.register_forward_hook(lambda m, i, o, name=name: seen.update({name: o.grad_fn}))
    model(torch.randint(256, (2, 3, 4, 32, 32), dtype=torch.uint8))
    assert seen["res3.2"] is None
    assert seen["res3.3"] is not None


def test_gradients_of_the_rest_are_those_of_a_network_in_evaluation_below():
    """Against the same network whose frozen half is run by hand on detached features."""
    model = classifier().double()
    freeze(model, "res3")
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


def test_only_norms_that_are_free_are_in_training():
    model = classifier(non_local=BLOCK)
    freeze(model, "res4.4")
    free = prefixes(model.network, ["res4.5", "res5.0", "res5.1", "res5.2"])
    training = norms_in_training(model)
    assert training == {
        name
        for name, module in model.network.named_modules()
        if isinstance(module, _BatchNorm) and (".non_local." in name or name.startswith(free))
    }
    assert any(".non_local." in name for name in training)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": "res6"}, r"freeze\.until: no place 'res6' in this network .*res4\.5"),
        ({"unfreeze": {2: "res44"}}, r"freeze\.unfreeze at epoch 2: no place 'res44'"),
        ({"until": "res3", "unfreeze": {0: None}}, "epoch 0: None .*; epochs count from 1"),
        ({"until": "res3", "unfreeze": {1: "res4"}}, "epoch 1: 'res4' frees nothing"),
        ({"unfreeze": {1: None}}, "epoch 1: None frees nothing"),
    ],
)
def test_bad_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        FreezeSchedule(build_model("slow_r50", 4, width=8), **options)


def test_what_is_frozen_when():
    network = build_model("slowfast_r50_8x8", 4, width=8)
    schedule = FreezeSchedule(network, "res5", unfreeze={5: "stem", 3: "slow.res4.1"})
    places = list(network.places)
    expected = [places.index("fast.res5.2")] * 3 + [places.index("slow.res4.1")] * 2 + [-1] * 2
    assert [schedule.frozen_at(epoch) for epoch in range(7)] == expected
    assert schedule.apply(3)
    assert not schedule.apply(4)
    assert schedule.describe() == "frozen up to slow.res4.1"


def test_what_is_freed_later_is_what_a_later_epoch_frees():
    network = build_model("slow_r50", 4, width=8)
    schedule = FreezeSchedule(network, "res4", unfreeze={2: "res3.3", 4: "res2"})
    free = []
    for epoch in (0, 4):
        schedule.apply(epoch)
        free.append({name for name, p in network.named_parameters() if p.requires_grad})
    names = {id(p): name for name, p in network.named_parameters()}
    assert {names[id(p)] for p in schedule.later} == free[1] - free[0]
    assert free[1] > free[0]
    assert FreezeSchedule(network, "res4").later == []
